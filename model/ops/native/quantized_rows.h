// What is done to one row of a matrix, for the operators that quantize rows.
#pragma once

#include <algorithm>
#include <cstdint>

// One binary serves every x86-64 processor: the loader picks the widest vectors it has. Compiled for skylake-avx512, GCC
// keeps to half of AVX-512's width, as was wise on that processor; for x86-64-v4 (GCC 12) it takes all of it: GELU in
// half the time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define LAYOUTSERVE_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LAYOUTSERVE_VECTORISED __attribute__((target_clones("arch=skylake-avx512", "arch=x86-64-v3", "default")))
#endif
#else
#define LAYOUTSERVE_VECTORISED
#endif

// A part of such a function: alone it would be compiled for the least of these processors.
#define LAYOUTSERVE_INLINED inline __attribute__((always_inline))

namespace layoutserve {

// Adding and taking away 1.5 * 2^23 rounds a float below 2^22 to the nearest integer, ties to even, without a call
// that would keep the loop from being vectorised.
constexpr float kRounder = 12582912.0f;

// |x| as bits: sizes compare as integers do, and compilers find the largest integer of a row in whole vectors.
inline int32_t size_bits(float x) { return __builtin_bit_cast(int32_t, x) & 0x7fffffff; }

// The smaller of two that are not negative, and x limited to low..high, both not negative. Floats compare like their bits
// then, which compilers do in one step where they split a comparison of floats into what each outcome means for all that
// follows.
LAYOUTSERVE_INLINED float smaller(float x, float high) {
  return __builtin_bit_cast(float, std::min(__builtin_bit_cast(int32_t, x), __builtin_bit_cast(int32_t, high)));
}
LAYOUTSERVE_INLINED float limited(float x, float low, float high) {
  return smaller(__builtin_bit_cast(float, std::max(__builtin_bit_cast(int32_t, x), __builtin_bit_cast(int32_t, low))),
                 high);
}

// Dequantizes a row of n sums, puts each through a function, and returns the size of the largest result. The body of
// LAYOUTSERVE_VECTORISED functions, which templates cannot be.
template <float (*kFunction)(float)>
LAYOUTSERVE_INLINED float dequantize_through(const int32_t* __restrict sums, float row_scale,
                                             const float* __restrict column_scale, const float* __restrict bias,
                                             int64_t n, float* __restrict y) {
  int32_t peak = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = kFunction(static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i]);
    peak = std::max(peak, size_bits(y[i]));
  }
  return __builtin_bit_cast(float, peak);
}

// The width of a level where so large a value has to fit.
float level_width(float largest);

// The size of the largest of the n floats of x.
float largest_size(const float* x, int64_t n);

// Writes the n floats of x as uint8 around 128 and returns the width of a level.
float quantize_row(const float* x, int64_t n, uint8_t* q);

// y = sums * (row_scale * column_scale) + bias.
void dequantize_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias, int64_t n,
                    float* y);

// The same, and the residual added.
void dequantize_add_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias,
                        const float* residual, int64_t n, float* y);

// Writes the n floats of x as uint8 around 128, in levels of a width. Times the inverse: a division costs as much as all
// the rest, and quantize_row divides.
void quantize_levels(const float* x, float width, int64_t n, uint8_t* q);

}  // namespace layoutserve
