// The operator layoutserve::DequantizeNormQuantize; model/ops/dequantize_norm_quantize.py says what it computes. A
// row is worked on while it lies in the first-level cache.

#include <algorithm>
#include <cmath>

#include "fused_rows.h"
#include "integer_sums.h"

namespace layoutserve {
namespace {

// y = the dequantized sums + the residual, normalised; returns the size of the largest.
struct Normalise {
  template <Isa>
  static LAYOUTSERVE_INLINED float run(const int32_t* sums, float row_scale, const float* column_scale,
                                       const float* bias, const float* residual, const float* gamma, const float* beta,
                                       float epsilon, int64_t n, float* y) {
    float sum = 0.0f, squares = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < n; ++i) {
      y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i] + residual[i];
      sum += y[i];
    }
    const float mean = sum / static_cast<float>(n);
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < n; ++i) squares += (y[i] - mean) * (y[i] - mean);
    const float factor = 1.0f / std::sqrt(squares / static_cast<float>(n) + epsilon);
    int32_t peak = 0;
    for (int64_t i = 0; i < n; ++i) {
      y[i] = (y[i] - mean) * factor * gamma[i] + beta[i];
      peak = std::max(peak, size_bits(y[i]));
    }
    return __builtin_bit_cast(float, peak);
  }
};

struct DequantizeNormQuantize {
  static constexpr char kName[] = "DequantizeNormQuantize";
  // sums (..., N), row_scale (..., 1), column_scale (N), bias (N), residual (..., N), gamma (N), beta (N)
  // -> y (..., N), q (..., N), scale (..., 1)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat, kFloat, kFloat, kFloat};
  static constexpr Type kOutputs[] = {kFloat, kUint8, kFloat};

  float epsilon;

  explicit DequantizeNormQuantize(const Ort::ConstKernelInfo& node) : epsilon(node.GetAttribute<float>("epsilon")) {}

  void compute(const Context& context) const {
    constexpr char kNeeds[] =
        "needs sums and residual (..., N), row_scale (..., 1), column_scale, bias, gamma and beta (N).";
    const IntegerSums in(context, kNeeds);
    const int64_t n = in.rows.columns;
    require(context.count(4) == in.rows.count * n && context.count(5) == n && context.count(6) == n, kNeeds);
    const auto *residual = context.input<float>(4), *gamma = context.input<float>(5), *beta = context.input<float>(6);
    auto* normalised = context.output<float>(0, in.rows.shape);
    auto* q = context.output<uint8_t>(1, in.rows.shape);
    auto* scale = context.output<float>(2, in.rows.shape_of_scales());
    context.parallel_blocks(in.rows.count, kFusedRowsPerTask, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        float* y = normalised + row * n;
        scale[row] = level_width(dispatch<Normalise>(in.row(row), in.row_scale[row], in.column_scale, in.bias,
                                                     residual + row * n, gamma, beta, epsilon, n, y));
        quantize_levels(y, scale[row], n, q + row * n);
      }
    });
  }
};

const Registration<DequantizeNormQuantize> registration;

}  // namespace
}  // namespace layoutserve
