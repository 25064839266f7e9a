// Attention's loops over one row. Plain loops: compilers make vectors of them for every processor.

#include "attention_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "int16_product.h"
#include "row_kernels.h"

// Vectors wider than the processor's pass between functions that are one after inlining.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace layoutserve {
namespace {

constexpr float kLargest = 32767.0f;
// Values in 14 bits and weights that add up to 2^18 at most, of which rounding may take a half for each key: the sums
// of their products stay within int32, many keys of little weight each keep some bits, and so does one key's value.
constexpr float kValueSteps = 8191.0f;
constexpr float kWeightSum = 262144.0f - static_cast<float>(kMostKeys) / 2;
// A float is rounded to int16 by adding kRounder: the last 16 bits are the integer then.

// What is shorter counts as nothing: the squares of its elements would not be floats.
constexpr float kShortest = 1e-15f;
constexpr float kSmallest = 1e-20f;
constexpr float kLowest = -3e38f;
constexpr float kLog2E = 1.44269504f;
// A score that is less than the largest by so much counts as if by no more: e^-60 rounds to nothing.
constexpr float kFurthest = 60.0f;

// Sixteen lanes whatever the processor has: sums of several loops' results stay in registers, which compilers do not
// manage where they make the vectors themselves.
typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef int16_t Shorts __attribute__((vector_size(32)));
constexpr int64_t kLanes = 16;
static_assert(kPanel % kLanes == 0);

template <typename Vector, typename Element>
LAYOUTSERVE_INLINED Vector loaded(const Element* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector, typename Element>
LAYOUTSERVE_INLINED void store(const Vector& vector, Element* to) {
  std::memcpy(to, &vector, sizeof vector);
}

LAYOUTSERVE_INLINED float sum_of(const Floats& x) {
  float part[kLanes / 2];
  for (int64_t i = 0; i < kLanes / 2; ++i) part[i] = x[i] + x[i + kLanes / 2];
  return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

LAYOUTSERVE_INLINED float largest_of(const Floats& x) {
  float part[kLanes / 2];
  for (int64_t i = 0; i < kLanes / 2; ++i) part[i] = std::max(x[i], x[i + kLanes / 2]);
  for (int64_t i = 0; i < 4; ++i) part[i] = std::max(part[i], part[i + 4]);
  return std::max(std::max(part[0], part[1]), std::max(part[2], part[3]));
}

LAYOUTSERVE_VECTORISED void lengths(const float* __restrict row, int64_t heads, int64_t size,
                                    float* __restrict scales) {
  for (int64_t head = 0; head < heads; ++head, row += size) {
    Floats squares{};
    int64_t i = 0;
    for (; i + kLanes <= size; i += kLanes) squares += loaded<Floats>(row + i) * loaded<Floats>(row + i);
    scales[head] = sum_of(squares);
    for (; i < size; ++i) scales[head] += row[i] * row[i];
  }
  for (int64_t head = 0; head < heads; ++head) scales[head] = std::max(std::sqrt(scales[head]), kShortest) / kLargest;
}

LAYOUTSERVE_VECTORISED void peaks(const float* __restrict row, int64_t heads, int64_t size, float* __restrict scales) {
  for (int64_t head = 0; head < heads; ++head) {
    int32_t peak = 0;
    for (int64_t i = 0; i < size; ++i) peak = std::max(peak, size_bits(row[head * size + i]));
    scales[head] = std::max(__builtin_bit_cast(float, peak), kSmallest) / kValueSteps;
  }
}

LAYOUTSERVE_VECTORISED void round_all(const float* __restrict row, const float* __restrict scales, int64_t heads,
                                      int64_t size, int64_t padded, int64_t stride, int16_t* __restrict rounded) {
  for (int64_t head = 0; head < heads; ++head) {
    const float steps = 1.0f / scales[head];
    int16_t* out = rounded + head * stride;
    for (int64_t i = 0; i < size; ++i) {
      out[i] = static_cast<int16_t>(__builtin_bit_cast(int32_t, row[head * size + i] * steps + kRounder));
    }
    for (int64_t i = size; i < padded; ++i) out[i] = 0;
  }
}

LAYOUTSERVE_VECTORISED void interleave(const int16_t* __restrict even, const int16_t* __restrict odd,
                                       int16_t* __restrict both) {
  for (int64_t i = 0; i < kPanel; ++i) {
    both[2 * i] = even[i];
    both[2 * i + 1] = odd[i];
  }
}

// 2^x for -126 <= x <= 0: a polynomial of least relative error (3e-6) between two whole powers.
LAYOUTSERVE_INLINED void raise_two(Floats (&x)[2]) {
  Floats shifted[2], r[2];
  for (int j = 0; j < 2; ++j) shifted[j] = x[j] + kRounder;
  for (int j = 0; j < 2; ++j) r[j] = x[j] - (shifted[j] - kRounder);
  for (int j = 0; j < 2; ++j) x[j] = 0.00957010179f * r[j] + 0.0559178603f;
  for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.240247448f;
  for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.693121815f;
  for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.999999261f;
  for (int j = 0; j < 2; ++j) x[j] = (Floats)((Ints)x[j] + ((Ints)shifted[j] << 23));
}

// Scores of some keys, over their sums. In one place, so that all keys' are rounded alike.
LAYOUTSERVE_INLINED void score_some(float* scores, float query_scale, const float* key_scales, const Floats& bias,
                                    Floats& peak) {
  const Floats sums = __builtin_convertvector(loaded<Ints>(scores), Floats);
  const Floats own = sums * (query_scale * loaded<Floats>(key_scales)) + bias;
  store(own, scores);
  peak = own > peak ? own : peak;
}

// Writes a row's scores over its sums, and returns the largest. (Queries are copied: a store could change them.)
LAYOUTSERVE_INLINED float score(const Queries of, int64_t row, float* scores) {
  const float query_scale = of.query_scales[row];
  const float* bias = of.bias + row * of.tokens;
  const Floats lowest = Floats{} + kLowest;
  Floats peak = lowest;
  if (of.padded - of.tokens >= kLanes) store(lowest, scores + of.padded - kLanes);
  int64_t i = 0;
  for (; i + kLanes <= of.tokens; i += kLanes) {
    score_some(scores + i, query_scale, of.key_scales + i, loaded<Floats>(bias + i), peak);
  }
  if (i < of.tokens) {
    // Behind this row's bias lies the next one's, but for the last.
    float rest[kLanes] = {};
    const bool last = bias + i + kLanes > of.bias_end;
    if (last) std::copy(bias + i, bias + of.tokens, rest);
    const Ints number = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const Ints present = number < static_cast<int32_t>(of.tokens - i);
    const Floats own = present ? loaded<Floats>(last ? rest : bias + i) : lowest;
    score_some(scores + i, query_scale, of.key_scales + i, own, peak);  // keys that are not there have no scale
  }
  return largest_of(peak);
}

// Of a row: the sum of its powers, and the sum and the largest of its weights before they are rounded.
struct Totals {
  float power, weight, peak;
};

// Writes the power of each score times the scale of its value. Two vectors at a time, since one after the other leaves
// a processor waiting for the polynomial.
LAYOUTSERVE_INLINED Totals exponentiate(const Queries of, int64_t row, float largest, float* scores) {
  static_assert(kKeyStep == 2 * kLanes);
  const float* bias_of_next = of.bias + (row + kProductRows) * of.tokens;
  const Floats shift = Floats{} + largest * kLog2E, least = Floats{} + (largest - kFurthest);
  Floats power[2] = {}, weight[2] = {}, peak[2] = {};
  for (int64_t i = 0; i < of.padded; i += kKeyStep) {
    // The bias of all heads is larger than the near caches; it is asked for one product ahead.
    __builtin_prefetch(bias_of_next + i);
    __builtin_prefetch(bias_of_next + i + kLanes);
    Floats own[2];
    for (int j = 0; j < 2; ++j) own[j] = loaded<Floats>(scores + i + j * kLanes);
    for (int j = 0; j < 2; ++j) own[j] = (own[j] > least ? own[j] : least) * kLog2E - shift;
    raise_two(own);
    for (int j = 0; j < 2; ++j) power[j] += own[j];
    for (int j = 0; j < 2; ++j) own[j] *= loaded<Floats>(of.value_scales + i + j * kLanes);
    for (int j = 0; j < 2; ++j) store(own[j], scores + i + j * kLanes);
    for (int j = 0; j < 2; ++j) weight[j] += own[j];
    for (int j = 0; j < 2; ++j) peak[j] = own[j] > peak[j] ? own[j] : peak[j];
  }
  peak[0] = peak[0] > peak[1] ? peak[0] : peak[1];
  return {sum_of(power[0] + power[1]), sum_of(weight[0] + weight[1]), largest_of(peak[0])};
}

LAYOUTSERVE_INLINED void round_weights(const float* x, float steps, int64_t padded, int16_t* rounded) {
  for (int64_t i = 0; i < padded; i += kLanes) {
    const Floats level = loaded<Floats>(x + i) * steps + kRounder;
    store(__builtin_convertvector((Ints)level, Shorts), rounded + i);
  }
}

// Step by step for all rows: a step has to wait for the sum of its row, the next row has not.
LAYOUTSERVE_VECTORISED void weigh_all(const Queries& of, float* scores, int16_t* weights, float* factors) {
  float largest[kProductRows];
  Totals totals[kProductRows];
  for (int64_t row = 0; row < of.count; ++row) largest[row] = score(of, row, scores + row * of.padded);
  for (int64_t row = 0; row < of.count; ++row) {
    totals[row] = exponentiate(of, row, largest[row], scores + row * of.padded);
  }
  for (int64_t row = 0; row < of.count; ++row) {
    const float steps = std::min(kLargest / totals[row].peak, kWeightSum / totals[row].weight);
    factors[row] = 1.0f / (steps * totals[row].power);
    round_weights(scores + row * of.padded, steps, of.padded, weights + row * of.padded);
  }
}

LAYOUTSERVE_VECTORISED void scaled(const int32_t* __restrict sums, float factor, int64_t n, float* __restrict out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<float>(sums[i]) * factor;
}

}  // namespace

void direction_scales(const float* row, int64_t heads, int64_t size, float* scales) {
  lengths(row, heads, size, scales);
}

void value_scales(const float* row, int64_t heads, int64_t size, float* scales) { peaks(row, heads, size, scales); }

void round_heads(const float* row, const float* scales, int64_t heads, int64_t size, int64_t padded, int64_t stride,
                 int16_t* rounded) {
  round_all(row, scales, heads, size, padded, stride, rounded);
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
      interleave(values + key * stride + first, values + (key + 1) * stride + first, panel + key * kPanel);
    }
  }
}

void weigh(const Queries& of, void* scores, int16_t* weights, float* factors) {
  weigh_all(of, static_cast<float*>(scores), weights, factors);
}

void scale_row(const int32_t* sums, float factor, int64_t n, float* out) { scaled(sums, factor, n, out); }

}  // namespace layoutserve
