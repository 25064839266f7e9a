// What attention does to the elements of one row, in plain loops.

#include "attention_rows.h"

#include <algorithm>
#include <cstring>

#include "int16_product.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

constexpr float kSmallest = 1e-20f;

struct ValueScales {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* row, int64_t heads, int64_t size, float* scales) {
    for (int64_t head = 0; head < heads; ++head) {
      int32_t peak = 0;
      for (int64_t i = 0; i < size; ++i) peak = std::max(peak, size_bits(row[head * size + i]));
      scales[head] = std::max(__builtin_bit_cast(float, peak), kSmallest) / kValueSteps;
    }
  }
};

// kRounder makes the last bits of a float the nearest integer.
struct RoundHeads {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* row, const float* scales, int64_t heads, int64_t size,
                                      int64_t padded, int64_t stride, int16_t* rounded) {
    for (int64_t head = 0; head < heads; ++head) {
      const float steps = 1.0f / scales[head];
      int16_t* out = rounded + head * stride;
      for (int64_t i = 0; i < size; ++i) {
        out[i] = static_cast<int16_t>(__builtin_bit_cast(int32_t, row[head * size + i] * steps + kRounder));
      }
      for (int64_t i = size; i < padded; ++i) out[i] = 0;
    }
  }
};

struct Interleave {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const int16_t* even, const int16_t* odd, int16_t* both) {
    for (int64_t i = 0; i < kPanel; ++i) {
      both[2 * i] = even[i];
      both[2 * i + 1] = odd[i];
    }
  }
};

struct Scale {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const int32_t* sums, float factor, int64_t n, float* out) {
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(sums[i]) * factor;
  }
};

}  // namespace

void value_scales(const float* row, int64_t heads, int64_t size, float* scales) {
  dispatch<ValueScales>(row, heads, size, scales);
}

void round_heads(const float* row, const float* scales, int64_t heads, int64_t size, int64_t padded, int64_t stride,
                 int16_t* rounded) {
  dispatch<RoundHeads>(row, scales, heads, size, padded, stride, rounded);
}

void pack_keys(const int16_t* keys, int64_t stride, int64_t padded, int16_t* panel) {
  for (int64_t pair = 0; pair < padded / 2; ++pair) {
    for (int64_t key = 0; key < kPanel; ++key) {
      std::memcpy(panel + (pair * kPanel + key) * 2, keys + key * stride + 2 * pair, 2 * sizeof(int16_t));
    }
  }
}

void pack_values(const int16_t* values, int64_t stride, int64_t padded, int64_t panel_stride, int16_t* panels) {
  for (int64_t first = 0; first < padded; first += kPanel) {
    int16_t* panel = panels + first / kPanel * panel_stride;
    for (int64_t key = 0; key < kPanel; key += 2) {
      dispatch<Interleave>(values + key * stride + first, values + (key + 1) * stride + first, panel + key * kPanel);
    }
  }
}

void scale_row(const int32_t* sums, float factor, int64_t n, float* out) {
  dispatch<Scale>(sums, factor, n, out);
}

}  // namespace layoutserve
