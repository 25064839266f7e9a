// Scores to weights: the part of attention that adds up a row and looks for its largest.
#pragma once

#include <cstdint>

#include "int16_product.h"

namespace layoutserve {

// Keys are padded to a multiple of this.
constexpr int64_t kKeyStep = 2 * kPanel;
// More would not fit the sums of a query's weights.
constexpr int64_t kMostKeys = 1 << 15;

// How much one int16 step of the queries or keys of each head of a row is. They are scaled by their length, so that no
// product of two can leave int32, whatever the size of a head.
void direction_scales(const float* row, int64_t heads, int64_t size, float* scales);

// Up to kProductRows queries of one head, and the `tokens` keys that they are compared with, `padded` to kKeyStep.
struct Queries {
  int64_t count, tokens, padded;
  const float *query_scales, *key_scales, *value_scales;
  const float *bias, *bias_end;  // (count, tokens), and the end of what may be read behind
};

// Makes int16 weights (count, padded) of the products' sums, int32 (count, padded), which are written over: the sum of
// weights times int16 values, times the factor of its row, is what a query finds.
void weigh(const Queries& queries, void* sums, int16_t* weights, float* factors);

}  // namespace layoutserve
