// The operator layoutserve::DequantizeAdd; model/ops/dequantize_add.py says what it computes.

#include "integer_sums.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct DequantizeAdd {
  static constexpr char kName[] = "DequantizeAdd";
  // sums (..., N), row_scale (..., 1), column_scale (N), bias (N), residual (..., N) -> y (..., N)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat, kFloat}, kOutputs[] = {kFloat};

  explicit DequantizeAdd(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    constexpr char kNeeds[] = "needs sums and residual (..., N), row_scale (..., 1), column_scale (N) and bias (N).";
    const IntegerSums in(context, kNeeds);
    const int64_t n = in.rows.columns;
    require(context.count(4) == in.rows.count * n, kNeeds);
    const auto* residual = context.input<float>(4);
    auto* y = context.output<float>(0, in.rows.shape);
    context.parallel_blocks(in.rows.count, kRowsPerTask, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        dequantize_add_row(in.row(row), in.row_scale[row], in.column_scale, in.bias, residual + row * n, n,
                           y + row * n);
      }
    });
  }
};

const Registration<DequantizeAdd> registration;

}  // namespace
}  // namespace layoutserve
