// The operator layoutserve::FeedForwardAdd; model/ops/feed_forward_add.py says what it computes. Some rows go all
// the way before the next begin, so that nothing between the two products leaves the core's own caches.

#include <algorithm>
#include <vector>

#include "fused_rows.h"
#include "int8_product.h"

namespace layoutserve {
namespace {

// x * Phi(x), Phi being the normal distribution's: 1/2 + x * p(x^2), p a polynomial of least maximal error of Phi on
// -3.8 <= x <= 3.8, beyond which Phi is 0 and 1 to 1e-4. Within 3e-4 of the exact GELU, a small part of the level that
// the result is rounded to.
LAYOUTSERVE_INLINED float gelu(float x) {
  constexpr float kEnd = 3.8f;
  constexpr float kCoefficients[] = {3.665777523e-8f,  -2.272461765e-6f, 6.068479495e-5f, -9.315475354e-4f,
                                     9.316634931e-3f, -6.571978695e-2f, 3.986767452e-1f};
  // Not negative, so compared as integers are.
  const float square = smaller(x * x, kEnd * kEnd);
  float p = kCoefficients[0];
  for (int i = 1; i < 7; ++i) p = p * square + kCoefficients[i];
  return x * limited(0.5f + x * p, 0.0f, 1.0f);
}

struct FeedForwardAdd {
  static constexpr char kName[] = "FeedForwardAdd";
  // x (..., K), wide (K, N), its column_scale (N) and bias (N), narrow (N, K), its column_scale (K) and bias (K)
  // -> y (..., K). Both weights are constants.
  static constexpr Type kInputs[] = {kFloat, kInt8, kFloat, kFloat, kInt8, kFloat, kFloat}, kOutputs[] = {kFloat};

  Int8Columns wide, narrow;

  explicit FeedForwardAdd(const Ort::ConstKernelInfo& node)
      : wide(constant_columns(node, 1)), narrow(constant_columns(node, 4)) {
    require(wide.columns() == narrow.depth() && narrow.columns() == wide.depth(), "needs weights (K, N) and (N, K).");
  }

  void compute(const Context& context) const {
    constexpr char kNeeds[] = "needs x (..., K) and, for weights (K, N) and (N, K), scales and biases (N) and (K).";
    const Rows rows = context.rows(0, kNeeds);
    const int64_t depth = wide.depth(), between = wide.columns();
    require(rows.columns == depth && context.count(2) == between && context.count(3) == between &&
                context.count(5) == depth && context.count(6) == depth,
            kNeeds);
    const auto* all = context.input<float>(0);
    const auto *wide_scale = context.input<float>(2), *wide_bias = context.input<float>(3);
    const auto *narrow_scale = context.input<float>(5), *narrow_bias = context.input<float>(6);
    auto* y = context.output<float>(0, rows.shape);
    context.parallel_blocks(rows.count, kInt8Rows, [&](int64_t first, int64_t last) {
      const int64_t count = last - first;
      std::vector<uint8_t> q(kInt8Rows * std::max(wide.stride(), narrow.stride()));
      std::vector<int32_t> sums(kInt8Rows * std::max(wide.panels(), narrow.panels()) * kInt8Panel);
      std::vector<float> buffer(between);
      float scale[kInt8Rows];
      for (int64_t row = 0; row < count; ++row) {
        const float* x = all + (first + row) * depth;
        scale[row] = level_width(largest_size(x, depth));
        quantize_levels(x, scale[row], depth, q.data() + row * wide.stride());
      }
      wide.product(q.data(), count, 0, wide.panels(), sums.data());
      for (int64_t row = 0; row < count; ++row) {
        scale[row] = level_width(dispatch<DequantizeThrough<gelu>>(sums.data() + row * wide.panels() * kInt8Panel,
                                                                   scale[row], wide_scale, wide_bias, between,
                                                                   buffer.data()));
        quantize_levels(buffer.data(), scale[row], between, q.data() + row * narrow.stride());
      }
      narrow.product(q.data(), count, 0, narrow.panels(), sums.data());
      for (int64_t row = 0; row < count; ++row) {
        const int64_t begin = (first + row) * depth;
        dequantize_add_row(sums.data() + row * narrow.panels() * kInt8Panel, scale[row], narrow_scale, narrow_bias,
                           all + begin, depth, y + begin);
      }
    });
  }
};

// Elsewhere the products of the function body, ONNX Runtime's, are faster.
const Registration<FeedForwardAdd> registration{Isa::kAvx512};

}  // namespace
}  // namespace layoutserve
