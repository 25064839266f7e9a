// A matrix product of int16 with int32 sums, the arithmetic of attention: twice as many multiplications a cycle as
// float32 where the processor adds up pairs of them in one step, and 15 bits are enough for scores and probabilities.
#pragma once

#include <cstdint>

namespace layoutserve {

// Rows of the left matrix that one call takes: as many as keep the registers busy.
constexpr int64_t kProductRows = 12;
// Columns of the right matrix that lie together: a panel holds [depth / 2][kPanel][2], pairs of rows interleaved.
constexpr int64_t kPanel = 16;

// left (kProductRows, 2 * pairs) int16 with rows `stride` apart, right `panels` panels `panel_stride` apart -> sums
// (kProductRows, panels * kPanel), which must fit int32; the same to the last bit whatever a processor has.
void int16_product(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride, int64_t pairs,
                   int64_t panels, int32_t* sums);

}  // namespace layoutserve
