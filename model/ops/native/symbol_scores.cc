// Scores of symbols to probabilities.

#include "symbol_scores.h"

#include <algorithm>
#include <cmath>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

// Dequantizes n sums and returns the largest, found among integers that are ordered as floats are.
struct Score {
  template <Isa>
  static LAYOUTSERVE_INLINED float run(const int32_t* sums, float row_scale, const float* column_scale,
                                       const float* bias, int64_t n, float* y) {
    int32_t peak = INT32_MIN;
    for (int64_t i = 0; i < n; ++i) {
      y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i];
      const int32_t bits = __builtin_bit_cast(int32_t, y[i]);
      peak = std::max(peak, bits ^ ((bits >> 31) & 0x7fffffff));
    }
    return __builtin_bit_cast(float, peak ^ ((peak >> 31) & 0x7fffffff));
  }
};

// The sum of e^(x - peak) over a row: 2^k times a polynomial on [-ln 2 / 2, ln 2 / 2], to 1e-7 of each.
struct SumOfPowers {
  template <Isa>
  static LAYOUTSERVE_INLINED float run(const float* x, float peak, int64_t n) {
    float total = 0.0f;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < n; ++i) {
      const float below = x[i] - peak;
      const float y = below > -87.0f ? below : -87.0f;
      const float k = (y * 1.44269504088896341f + kRounder) - kRounder;
      const float r = (y - k * 0.693359375f) + k * 2.12194440e-4f;
      float p = 1.0f / 720.0f;
      p = p * r + 1.0f / 120.0f;
      p = p * r + 1.0f / 24.0f;
      p = p * r + 1.0f / 6.0f;
      p = p * r + 0.5f;
      p = p * r + 1.0f;
      p = p * r + 1.0f;
      total += p * __builtin_bit_cast(float, (static_cast<int32_t>(k) + 127) << 23);
    }
    return total;
  }
};

}  // namespace

Symbols::Symbols(const Context& context, Shape shape, int64_t symbols, const char* needs)
    : column_scale(context.input<float>(2)), bias(context.input<float>(3)), count(symbols) {
  require(context.count(2) == count && context.count(3) == count && context.count(4) == 1, needs);
  asked = *context.input<int64_t>(4);
  require(asked >= 0 && asked < count, "needs a symbol that is one of the N.");
  shape.pop_back();
  best = context.output<int64_t>(0, shape);
  probability = context.output<float>(1, shape);
  of_symbol = context.output<float>(2, shape);
}

void SymbolRow::take(const Symbols& symbols, const int32_t* sums, float row_scale, int64_t first, int64_t n) {
  float scores[kSymbolsAtATime];
  const float largest =
      dispatch<Score>(sums, row_scale, symbols.column_scale + first, symbols.bias + first, n, &scores[0]);
  if (largest > peak_) {
    whole_ *= std::exp(peak_ - largest);
    peak_ = largest;
    best_ = first + (std::find(scores, scores + n, peak_) - scores);
  }
  whole_ += dispatch<SumOfPowers>(&scores[0], peak_, n);
  if (symbols.asked >= first && symbols.asked < first + n) asked_ = scores[symbols.asked - first];
}

void SymbolRow::write(const Symbols& symbols, int64_t row) const {
  symbols.best[row] = best_;
  symbols.probability[row] = 1.0f / whole_;
  symbols.of_symbol[row] = std::exp(asked_ - peak_) / whole_;
}

}  // namespace layoutserve
