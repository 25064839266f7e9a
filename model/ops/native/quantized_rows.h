// Rows of a matrix to uint8 and back, each with a scale of its own: model/ops/integer_product.py says how, and these
// equal it bit for bit.
#pragma once

#include <cstdint>

#include "processor.h"

namespace layoutserve {

// Adding and taking away 1.5 * 2^23 rounds a float below 2^22 to the nearest integer, ties to even, without a call
// that would keep the loop from being vectorised.
constexpr float kRounder = 12582912.0f;

// Rows that a thread takes at a time.
constexpr int64_t kRowsPerTask = 16;

// |x| as bits: sizes compare as integers do, and compilers find the largest integer of a row in whole vectors.
LAYOUTSERVE_INLINED int32_t size_bits(float x) { return __builtin_bit_cast(int32_t, x) & 0x7fffffff; }

// The width of a level for a row whose largest size is given.
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

}  // namespace layoutserve
