// The operator layoutserve::DequantizeRows; model/ops/dequantize_rows.py says what it computes.

#include "integer_sums.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct DequantizeRows {
  static constexpr char kName[] = "DequantizeRows";
  // sums (..., N), row_scale (..., 1), column_scale (N), bias (N) -> y (..., N)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat}, kOutputs[] = {kFloat};

  explicit DequantizeRows(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    const IntegerSums in(context, "needs sums (..., N), row_scale (..., 1), column_scale (N) and bias (N).");
    const int64_t n = in.rows.columns;
    auto* y = context.output<float>(0, in.rows.shape);
    context.parallel_blocks(in.rows.count, kRowsPerTask, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        dequantize_row(in.row(row), in.row_scale[row], in.column_scale, in.bias, n, y + row * n);
      }
    });
  }
};

const Registration<DequantizeRows> registration;

}  // namespace
}  // namespace layoutserve
