// What attention does to one row at a time: rows of query, key and value to int16, and scores to weights.
#pragma once

#include <cstdint>

#include "int16_product.h"

namespace layoutserve {

// Keys are padded to a multiple of this.
constexpr int64_t kKeyStep = 2 * kPanel;
// More would not fit the sums of a query's weights.
constexpr int64_t kMostKeys = 1 << 15;

// The scales of the heads of a row: how much one int16 step is. Queries and keys are scaled by their length, so that no
// product of two can leave int32, whatever the size of a head; values by their largest.
void direction_scales(const float* row, int64_t heads, int64_t size, float* scales);
void value_scales(const float* row, int64_t heads, int64_t size, float* scales);

// The heads of a row as int16, each `padded` wide and `stride` apart.
void round_heads(const float* row, const float* scales, int64_t heads, int64_t size, int64_t padded, int64_t stride,
                 int16_t* rounded);

// kPanel keys, `stride` apart and `padded` wide, as a panel whose columns they are.
void pack_keys(const int16_t* keys, int64_t stride, int64_t padded, int16_t* panel);

// kPanel values, `stride` apart and `padded` wide, as rows of padded / kPanel panels that are `panel_stride` apart.
void pack_values(const int16_t* values, int64_t stride, int64_t padded, int64_t panel_stride, int16_t* panels);

// Up to kProductRows queries of one head, and the `tokens` keys that they are compared with, `padded` to whole panels.
struct Queries {
  int64_t count, tokens, padded;
  const float *query_scales, *key_scales, *value_scales;
  const float *bias, *bias_end;  // (count, tokens), and the end of what may be read behind
};

// Makes int16 weights (count, padded) of the products' sums, int32 (count, padded), which are written over: the sum of
// weights times int16 values, times the factor of its row, is what a query finds.
void weigh(const Queries& queries, void* sums, int16_t* weights, float* factors);

// out = sums * factor.
void scale_row(const int32_t* sums, float factor, int64_t n, float* out);

}  // namespace layoutserve
