// The operator layoutserve::BestSymbols; model/ops/best_symbols.py says what it computes.

#include "integer_sums.h"
#include "symbol_scores.h"

namespace layoutserve {
namespace {

struct BestSymbols {
  static constexpr char kName[] = "BestSymbols";
  // sums (..., N), row_scale (..., 1), column_scale (N), bias (N), symbol (1)
  // -> best (...), probability (...), of_symbol (...)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat, kInt64}, kOutputs[] = {kInt64, kFloat, kFloat};

  explicit BestSymbols(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    constexpr char kNeeds[] = "needs sums (..., N), row_scale (..., 1), column_scale (N), bias (N) and symbol (1).";
    const IntegerSums in(context, kNeeds);
    const int64_t n = in.rows.columns;
    const Symbols symbols(context, in.rows.shape, n, kNeeds);
    context.parallel_for(in.rows.count, [&](int64_t row) {
      SymbolRow found;
      for (int64_t first = 0; first < n; first += kSymbolsAtATime) {
        found.take(symbols, in.row(row) + first, in.row_scale[row], first, std::min(kSymbolsAtATime, n - first));
      }
      found.write(symbols, row);
    });
  }
};

const Registration<BestSymbols> registration;

}  // namespace
}  // namespace layoutserve
