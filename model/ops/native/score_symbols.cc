// The operator layoutserve::ScoreSymbols; model/ops/score_symbols.py says what it computes. Some symbols at a time
// are scored for some rows, so that what is between the product and the probabilities stays in the core's own
// caches.

#include "int8_product.h"
#include "quantized_rows.h"
#include "symbol_scores.h"

namespace layoutserve {
namespace {

// Symbols at a time, in panels: their weights, and the sums of kInt8Rows rows, stay in the second-level cache.
constexpr int64_t kPanelsAtATime = 16;
static_assert(kPanelsAtATime * kInt8Panel <= kSymbolsAtATime);

struct ScoreSymbols {
  static constexpr char kName[] = "ScoreSymbols";
  // x (..., K), weight (K, N), a constant, column_scale (N), bias (N), symbol (1)
  // -> best (...), probability (...), of_symbol (...)
  static constexpr Type kInputs[] = {kFloat, kInt8, kFloat, kFloat, kInt64}, kOutputs[] = {kInt64, kFloat, kFloat};

  Int8Columns weight;

  explicit ScoreSymbols(const Ort::ConstKernelInfo& node) : weight(constant_columns(node, 1)) {}

  void compute(const Context& context) const {
    constexpr char kNeeds[] = "needs x (..., K), weight (K, N), column_scale (N), bias (N) and symbol (1).";
    const Rows rows = context.rows(0, kNeeds);
    require(rows.columns == weight.depth(), kNeeds);
    const Symbols symbols(context, rows.shape, weight.columns(), kNeeds);
    const auto* x = context.input<float>(0);
    context.parallel_blocks(rows.count, kInt8Rows, [&](int64_t begin, int64_t end) {
      const int64_t count = end - begin, depth = weight.depth();
      std::vector<uint8_t> q(kInt8Rows * weight.stride());
      std::vector<int32_t> sums(kInt8Rows * kPanelsAtATime * kInt8Panel);
      float scale[kInt8Rows];
      SymbolRow found[kInt8Rows];
      for (int64_t row = 0; row < count; ++row) {
        scale[row] = quantize_row(x + (begin + row) * depth, depth, q.data() + row * weight.stride());
      }
      for (int64_t panel = 0; panel < weight.panels(); panel += kPanelsAtATime) {
        const int64_t some = std::min(kPanelsAtATime, weight.panels() - panel), first = panel * kInt8Panel;
        const int64_t n = std::min(some * kInt8Panel, symbols.count - first);
        weight.product(q.data(), count, panel, some, sums.data());
        for (int64_t row = 0; row < count; ++row) {
          found[row].take(symbols, sums.data() + row * some * kInt8Panel, scale[row], first, n);
        }
      }
      for (int64_t row = 0; row < count; ++row) found[row].write(symbols, begin + row);
    });
  }
};

// Elsewhere the product of the function body, ONNX Runtime's, is faster.
const Registration<ScoreSymbols> registration{Isa::kAvx512};

}  // namespace
}  // namespace layoutserve
