// Int16 matrix products: the same sums from the plain loop, AVX2 and AVX-512 VNNI.

#include "int16_product.h"

#include <algorithm>
#include <cstring>

#include "processor.h"

#ifdef LAYOUTSERVE_X86
#include <immintrin.h>
#endif

namespace layoutserve {
namespace {

// What the others have to equal.
struct Int16Product {
  template <Isa>
  static void run(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride, int64_t pairs,
                  int64_t panels, int32_t* sums) {
    for (int64_t panel = 0; panel < panels; ++panel) {
      for (int64_t row = 0; row < kProductRows; ++row) {
        int32_t total[kPanel] = {};
        for (int64_t pair = 0; pair < pairs; ++pair) {
          const int32_t even = left[row * stride + 2 * pair], odd = left[row * stride + 2 * pair + 1];
          const int16_t* both = right + panel * panel_stride + pair * 2 * kPanel;
          for (int64_t i = 0; i < kPanel; ++i) total[i] += even * both[2 * i] + odd * both[2 * i + 1];
        }
        std::copy_n(total, kPanel, sums + (row * panels + panel) * kPanel);
      }
    }
  }
};

#ifdef LAYOUTSERVE_X86

// Two neighbours as one lane.
inline int32_t pair_at(const int16_t* left) {
  int32_t pair;
  std::memcpy(&pair, left, sizeof pair);
  return pair;
}

// kWidth panels side by side: with two, 24 sums stay in registers, and a step has 14 loads for 24 products.
template <int kWidth>
LAYOUTSERVE_AVX512 void vnni_panels(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride,
                                    int64_t pairs, int64_t columns, int32_t* sums) {
  __m512i total[kProductRows][kWidth];
#pragma GCC unroll 12
  for (int row = 0; row < kProductRows; ++row) {
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) total[row][i] = _mm512_setzero_si512();
  }
  for (int64_t pair = 0; pair < pairs; ++pair) {
    __m512i both[kWidth];
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) both[i] = _mm512_loadu_si512(right + i * panel_stride + pair * 2 * kPanel);
#pragma GCC unroll 12
    for (int row = 0; row < kProductRows; ++row) {
      const __m512i own = _mm512_set1_epi32(pair_at(left + row * stride + 2 * pair));
#pragma GCC unroll 2
      for (int i = 0; i < kWidth; ++i) total[row][i] = _mm512_dpwssd_epi32(total[row][i], own, both[i]);
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kProductRows; ++row) {
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) _mm512_storeu_si512(sums + row * columns + i * kPanel, total[row][i]);
  }
}

// Four rows at a time: there are 16 registers.
LAYOUTSERVE_AVX2 void avx2_panel(const int16_t* left, int64_t stride, const int16_t* right, int64_t pairs,
                                 int64_t columns, int32_t* sums) {
  constexpr int kRows = 4;
  static_assert(kProductRows % kRows == 0);
  for (int64_t first = 0; first < kProductRows; first += kRows) {
    __m256i total[kRows][2];
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) total[row][0] = total[row][1] = _mm256_setzero_si256();
    for (int64_t pair = 0; pair < pairs; ++pair) {
      const auto* both = reinterpret_cast<const __m256i*>(right + pair * 2 * kPanel);
      const __m256i low = _mm256_loadu_si256(both), high = _mm256_loadu_si256(both + 1);
#pragma GCC unroll 4
      for (int row = 0; row < kRows; ++row) {
        const __m256i own = _mm256_set1_epi32(pair_at(left + (first + row) * stride + 2 * pair));
        total[row][0] = _mm256_add_epi32(total[row][0], _mm256_madd_epi16(own, low));
        total[row][1] = _mm256_add_epi32(total[row][1], _mm256_madd_epi16(own, high));
      }
    }
#pragma GCC unroll 4
    for (int row = 0; row < kRows; ++row) {
      auto* out = reinterpret_cast<__m256i*>(sums + (first + row) * columns);
      _mm256_storeu_si256(out, total[row][0]);
      _mm256_storeu_si256(out + 1, total[row][1]);
    }
  }
}

template <>
void Int16Product::run<Isa::kAvx512>(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride,
                                     int64_t pairs, int64_t panels, int32_t* sums) {
  const int64_t columns = panels * kPanel;
  int64_t panel = 0;
  for (; panel + 2 <= panels; panel += 2) {
    vnni_panels<2>(left, stride, right + panel * panel_stride, panel_stride, pairs, columns, sums + panel * kPanel);
  }
  if (panel < panels) {
    vnni_panels<1>(left, stride, right + panel * panel_stride, panel_stride, pairs, columns, sums + panel * kPanel);
  }
}

template <>
void Int16Product::run<Isa::kAvx2>(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride,
                                   int64_t pairs, int64_t panels, int32_t* sums) {
  for (int64_t panel = 0; panel < panels; ++panel) {
    avx2_panel(left, stride, right + panel * panel_stride, pairs, panels * kPanel, sums + panel * kPanel);
  }
}

#endif

}  // namespace

void int16_product(const int16_t* left, int64_t stride, const int16_t* right, int64_t panel_stride, int64_t pairs,
                   int64_t panels, int32_t* sums) {
  dispatch<Int16Product>(left, stride, right, panel_stride, pairs, panels, sums);
}

}  // namespace layoutserve
