// Rows to levels, to rounding.

#include "fused_rows.h"

namespace layoutserve {
namespace {

// What the rounder leaves in the lowest bits of a sum is the integer.
struct NearestLevels {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* x, float levels, int64_t n, uint8_t* q) {
    for (int64_t i = 0; i < n; ++i) {
      q[i] = static_cast<uint8_t>(__builtin_bit_cast(uint32_t, x[i] * levels + (kRounder + 128.0f)));
    }
  }
};

}  // namespace

void quantize_levels(const float* x, float width, int64_t n, uint8_t* q) {
  dispatch<NearestLevels>(x, 1.0f / width, n, q);
}

}  // namespace layoutserve
