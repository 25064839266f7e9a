// What attention does to the elements of one row: query, key and value to int16, and what was found to floats.
#pragma once

#include <cstdint>

#include "int16_product.h"

namespace layoutserve {

// Values in 14 bits; attention_weights.cc says why.
constexpr float kValueSteps = 8191.0f;

// How much one int16 step of the values of each head of a row is.
void value_scales(const float* row, int64_t heads, int64_t size, float* scales);

// The heads of a row as int16, each `padded` wide and `stride` apart.
void round_heads(const float* row, const float* scales, int64_t heads, int64_t size, int64_t padded, int64_t stride,
                 int16_t* rounded);

// kPanel keys, `stride` apart and `padded` wide, as a panel whose columns they are.
void pack_keys(const int16_t* keys, int64_t stride, int64_t padded, int16_t* panel);

// kPanel values, `stride` apart and `padded` wide, as rows of padded / kPanel panels that are `panel_stride` apart.
void pack_values(const int16_t* values, int64_t stride, int64_t padded, int64_t panel_stride, int16_t* panels);

// out = sums * factor.
void scale_row(const int32_t* sums, float factor, int64_t n, float* out);

}  // namespace layoutserve
