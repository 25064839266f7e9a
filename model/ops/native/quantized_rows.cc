// Rows to uint8 and back.

#include "quantized_rows.h"

#include <algorithm>

namespace layoutserve {
namespace {

constexpr float kSmallest = 1e-20f;
constexpr float kSteps = 127.0f;

struct LargestSize {
  template <Isa>
  static LAYOUTSERVE_INLINED float run(const float* x, int64_t n) {
    int32_t peak = 0;
    for (int64_t i = 0; i < n; ++i) peak = std::max(peak, size_bits(x[i]));
    return __builtin_bit_cast(float, peak);
  }
};

struct Quantize {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* x, float scale, int64_t n, uint8_t* q) {
    for (int64_t i = 0; i < n; ++i) {
      const float level = (x[i] / scale + kRounder) - kRounder;
      q[i] = static_cast<uint8_t>(static_cast<int32_t>(level + 128.0f));
    }
  }
};

struct Dequantize {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const int32_t* sums, float row_scale, const float* column_scale,
                                      const float* bias, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i];
  }
};

struct DequantizeAdd {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const int32_t* sums, float row_scale, const float* column_scale,
                                      const float* bias, const float* residual, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) {
      y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i] + residual[i];
    }
  }
};

}  // namespace

float level_width(float largest) { return std::max(largest, kSmallest) / kSteps; }

float largest_size(const float* x, int64_t n) { return dispatch<LargestSize>(x, n); }

float quantize_row(const float* x, int64_t n, uint8_t* q) {
  const float scale = level_width(largest_size(x, n));
  dispatch<Quantize>(x, scale, n, q);
  return scale;
}

void dequantize_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias, int64_t n,
                    float* y) {
  dispatch<Dequantize>(sums, row_scale, column_scale, bias, n, y);
}

void dequantize_add_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias,
                        const float* residual, int64_t n, float* y) {
  dispatch<DequantizeAdd>(sums, row_scale, column_scale, bias, residual, n, y);
}

}  // namespace layoutserve
