// What operators between two integer products do to a row; these equal their definitions to rounding.
#pragma once

#include <algorithm>
#include <cstdint>

#include "quantized_rows.h"

namespace layoutserve {

// Rows that a thread takes at a time.
constexpr int64_t kFusedRowsPerTask = 8;

// The smaller of two that are not negative, and x limited to low..high, both not negative. Floats compare like their
// bits then, which compilers do in one step where they split a comparison of floats into what each outcome means for
// all that follows.
LAYOUTSERVE_INLINED float smaller(float x, float high) {
  return __builtin_bit_cast(float, std::min(__builtin_bit_cast(int32_t, x), __builtin_bit_cast(int32_t, high)));
}
LAYOUTSERVE_INLINED float limited(float x, float low, float high) {
  return smaller(__builtin_bit_cast(float, std::max(__builtin_bit_cast(int32_t, x), __builtin_bit_cast(int32_t, low))),
                 high);
}

// A kernel: dequantizes a row of n sums, puts each through a function, and returns the size of the largest result.
template <float (*kFunction)(float)>
struct DequantizeThrough {
  template <Isa>
  static LAYOUTSERVE_INLINED float run(const int32_t* sums, float row_scale, const float* column_scale,
                                       const float* bias, int64_t n, float* y) {
    int32_t peak = 0;
    for (int64_t i = 0; i < n; ++i) {
      y[i] = kFunction(static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i]);
      peak = std::max(peak, size_bits(y[i]));
    }
    return __builtin_bit_cast(float, peak);
  }
};

// Writes the n floats of x as uint8 around 128, in levels of a width. Times the inverse: a division costs as much as
// all the rest, and quantize_row divides.
void quantize_levels(const float* x, float width, int64_t n, uint8_t* q);

}  // namespace layoutserve
