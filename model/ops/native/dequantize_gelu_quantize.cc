// The operator layoutserve::DequantizeGeluQuantize; model/ops/dequantize_gelu_quantize.py says what it computes. A
// row is dequantized into a buffer that stays in the first-level cache, worked on there, and quantized from there.

#include <vector>

#include "fused_rows.h"
#include "integer_sums.h"

namespace layoutserve {
namespace {

// x * Phi(x), Phi being the normal distribution's: 1/2 + x * p(x^2), p a polynomial of least maximal error fitted to it
// on -5.2 <= x <= 5.2, where Phi is 0 and 1 to 1e-7. Within 2e-7 * |x| of the exact GELU, and nothing is divided.
LAYOUTSERVE_INLINED float gelu(float x) {
  constexpr float kEnd = 5.2f;
  constexpr float kCoefficients[] = {-0.00037865882f, 0.00125430396f, -0.00153818901f, 0.00183685648f, -0.0044147931f,
                                     0.00852510799f,  -0.0127162514f, 0.017969612f,    -0.0246661231f, 0.0319872163f,
                                     -0.0399364755f,  0.0500246957f,  -0.0677434504f,  0.135949999f};
  const float s = limited(x * x, 0.0f, kEnd * kEnd) * (2.0f / (kEnd * kEnd)) - 1.0f;
  // Odd and even powers apart: two short chains of operations that wait for each other instead of a long one.
  const float t = s * s;
  float odd = kCoefficients[0], even = kCoefficients[1];
  for (int i = 2; i < 14; i += 2) {
    odd = odd * t + kCoefficients[i];
    even = even * t + kCoefficients[i + 1];
  }
  return x * limited(0.5f + x * (odd * s + even), 0.0f, 1.0f);
}

struct DequantizeGeluQuantize {
  static constexpr char kName[] = "DequantizeGeluQuantize";
  // sums (..., N), row_scale (..., 1), column_scale (N), bias (N) -> q (..., N), scale (..., 1)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat}, kOutputs[] = {kUint8, kFloat};

  explicit DequantizeGeluQuantize(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    const IntegerSums in(context, "needs sums (..., N), row_scale (..., 1), column_scale (N) and bias (N).");
    const int64_t n = in.rows.columns;
    auto* q = context.output<uint8_t>(0, in.rows.shape);
    auto* scale = context.output<float>(1, in.rows.shape_of_scales());
    context.parallel_blocks(in.rows.count, kFusedRowsPerTask, [&](int64_t first, int64_t last) {
      std::vector<float> buffer(n);
      for (int64_t row = first; row < last; ++row) {
        scale[row] = level_width(dispatch<DequantizeThrough<gelu>>(in.row(row), in.row_scale[row], in.column_scale,
                                                                   in.bias, n, buffer.data()));
        quantize_levels(buffer.data(), scale[row], n, q + row * n);
      }
    });
  }
};

const Registration<DequantizeGeluQuantize> registration;

}  // namespace
}  // namespace layoutserve
