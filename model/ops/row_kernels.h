// What is done to one row of a matrix, for the operators that quantize rows.
#pragma once

#include <cstdint>

// One binary serves every x86-64 processor: the loader picks the widest vectors it has. Compiled for skylake-avx512, GCC
// keeps to half of AVX-512's width, as was wise on that processor; for x86-64-v4 (GCC 12) it takes all of it: GELU in
// half the time.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define LAYOUTSERVE_VECTORISED __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define LAYOUTSERVE_VECTORISED __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#endif
#else
#define LAYOUTSERVE_VECTORISED
#endif

namespace layoutserve {

// Writes the n floats of x as uint8 around 128 and returns the width of a level.
float quantize_row(const float* x, int64_t n, uint8_t* q);

// y = sums * (row_scale * column_scale) + bias.
void dequantize_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias, int64_t n,
                    float* y);

}  // namespace layoutserve
