// The operator layoutserve::QuantizeRows; model/ops/quantize_rows.py says what it computes.

#include "operator.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct QuantizeRows {
  static constexpr char kName[] = "QuantizeRows";
  // x (..., K) -> q (..., K), scale (..., 1)
  static constexpr Type kInputs[] = {kFloat}, kOutputs[] = {kUint8, kFloat};

  explicit QuantizeRows(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    const Rows rows = context.rows(0, "needs x (..., K).");
    const auto* x = context.input<float>(0);
    auto* q = context.output<uint8_t>(0, rows.shape);
    auto* scale = context.output<float>(1, rows.shape_of_scales());
    context.parallel_blocks(rows.count, kRowsPerTask, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        scale[row] = quantize_row(x + row * rows.columns, rows.columns, q + row * rows.columns);
      }
    });
  }
};

const Registration<QuantizeRows> registration;

}  // namespace
}  // namespace layoutserve
