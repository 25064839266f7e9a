// Attention's weights, in vectors as wide as the processor's. Compilers that make vectors of plain loops keep sums and
// largest values in memory and add them up one by one, which for a row of a few hundred keys takes as long as the loop.

#include "attention_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "attention_rows.h"
#include "quantized_rows.h"

// Vectors wider than those of every processor pass between functions that are one after inlining.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace layoutserve {
namespace {

constexpr float kLargest = 32767.0f;
// With values in 14 bits weights may add up to 2^18, of which rounding may take a half for each key: the sums of their
// products stay within int32, many keys of little weight each keep some bits, and so does one key's value.
constexpr float kWeightSum = 262144.0f - static_cast<float>(kMostKeys) / 2;
static_assert(kValueSteps * 262144.0f < 2147483648.0f);
// What is shorter counts as nothing: the squares of its elements would not be floats.
constexpr float kShortest = 1e-15f;
constexpr float kLowest = -3e38f;
constexpr float kLog2E = 1.44269504f;
// A score further below the largest than this counts as if it were this far below: e^-60 is rounded to nothing.
constexpr float kFurthest = 60.0f;

template <int kLanes>
struct Vectors;

#define LAYOUTSERVE_VECTORS(lanes)                                   \
  template <>                                                        \
  struct Vectors<lanes> {                                            \
    typedef float Floats __attribute__((vector_size(4 * (lanes))));  \
    typedef int32_t Ints __attribute__((vector_size(4 * (lanes))));  \
    typedef int16_t Shorts __attribute__((vector_size(2 * (lanes)))); \
  }
LAYOUTSERVE_VECTORS(4);
LAYOUTSERVE_VECTORS(8);
LAYOUTSERVE_VECTORS(16);

// All of this file with kLanes numbers at a time.
template <int kLanes>
struct Lanes {
  using Floats = typename Vectors<kLanes>::Floats;
  using Ints = typename Vectors<kLanes>::Ints;
  using Shorts = typename Vectors<kLanes>::Shorts;
  static_assert(kKeyStep % (2 * kLanes) == 0);

  template <typename Vector, typename Element>
  static LAYOUTSERVE_INLINED Vector loaded(const Element* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
  }

  template <typename Vector, typename Element>
  static LAYOUTSERVE_INLINED void store(const Vector& vector, Element* to) {
    std::memcpy(to, &vector, sizeof vector);
  }

  static LAYOUTSERVE_INLINED float sum_of(const Floats& x) {
    float part[kLanes];
    for (int i = 0; i < kLanes; ++i) part[i] = x[i];
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) part[i] += part[i + half];
    }
    return part[0];
  }

  static LAYOUTSERVE_INLINED float largest_of(const Floats& x) {
    float part[kLanes];
    for (int i = 0; i < kLanes; ++i) part[i] = x[i];
    for (int half = kLanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) part[i] = std::max(part[i], part[i + half]);
    }
    return part[0];
  }

  static LAYOUTSERVE_INLINED void lengths(const float* row, int64_t heads, int64_t size, float* scales) {
    for (int64_t head = 0; head < heads; ++head, row += size) {
      Floats squares{};
      int64_t i = 0;
      for (; i + kLanes <= size; i += kLanes) squares += loaded<Floats>(row + i) * loaded<Floats>(row + i);
      scales[head] = sum_of(squares);
      for (; i < size; ++i) scales[head] += row[i] * row[i];
    }
    for (int64_t head = 0; head < heads; ++head) scales[head] = std::max(std::sqrt(scales[head]), kShortest) / kLargest;
  }

  // Scores of some keys, over their sums. In one place, so that all keys' are rounded alike.
  static LAYOUTSERVE_INLINED void score_some(float* scores, float query_scale, const float* key_scales,
                                             const Floats& bias, Floats& peak) {
    const Floats sums = __builtin_convertvector(loaded<Ints>(scores), Floats);
    const Floats own = sums * (query_scale * loaded<Floats>(key_scales)) + bias;
    store(own, scores);
    peak = own > peak ? own : peak;
  }

  // Writes a row's scores over its sums, and returns the largest. (Queries are copied: a store could change them.)
  static LAYOUTSERVE_INLINED float score(const Queries of, int64_t row, float* scores) {
    const float query_scale = of.query_scales[row];
    const float* bias = of.bias + row * of.tokens;
    const Floats lowest = Floats{} + kLowest;
    Floats peak = lowest;
    int64_t i = 0;
    for (; i + kLanes <= of.tokens; i += kLanes) {
      score_some(scores + i, query_scale, of.key_scales + i, loaded<Floats>(bias + i), peak);
    }
    if (i < of.tokens) {
      // Behind this row's bias lies the next one's, but for the last.
      float rest[kLanes] = {};
      const bool last = bias + i + kLanes > of.bias_end;
      if (last) std::copy(bias + i, bias + of.tokens, rest);
      Ints number;
      for (int lane = 0; lane < kLanes; ++lane) number[lane] = lane;
      const Ints present = number < static_cast<int32_t>(of.tokens - i);
      const Floats own = present ? loaded<Floats>(last ? rest : bias + i) : lowest;
      score_some(scores + i, query_scale, of.key_scales + i, own, peak);  // keys that are not there have no scale
      i += kLanes;
    }
    for (; i < of.padded; i += kLanes) store(lowest, scores + i);
    return largest_of(peak);
  }

  // 2^x for -126 <= x <= 0: a polynomial of least relative error (3e-6) between two whole powers.
  static LAYOUTSERVE_INLINED void raise_two(Floats (&x)[2]) {
    Floats shifted[2], r[2];
    for (int j = 0; j < 2; ++j) shifted[j] = x[j] + kRounder;
    for (int j = 0; j < 2; ++j) r[j] = x[j] - (shifted[j] - kRounder);
    for (int j = 0; j < 2; ++j) x[j] = 0.00957010179f * r[j] + 0.0559178603f;
    for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.240247448f;
    for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.693121815f;
    for (int j = 0; j < 2; ++j) x[j] = x[j] * r[j] + 0.999999261f;
    for (int j = 0; j < 2; ++j) x[j] = (Floats)((Ints)x[j] + ((Ints)shifted[j] << 23));
  }

  // Of a row: the sum of its powers, and the sum and the largest of its weights before they are rounded.
  struct Totals {
    float power, weight, peak;
  };

  // Writes the power of each score times the scale of its value. Two vectors at a time, since one after the other
  // leaves a processor waiting for the polynomial.
  static LAYOUTSERVE_INLINED Totals exponentiate(const Queries of, int64_t row, float largest, float* scores) {
    const float* bias_of_next = of.bias + (row + kProductRows) * of.tokens;
    const Floats shift = Floats{} + largest * kLog2E, least = Floats{} + (largest - kFurthest);
    Floats power[2] = {}, weight[2] = {}, peak[2] = {};
    for (int64_t i = 0; i < of.padded; i += 2 * kLanes) {
      // The bias of all heads is larger than the near caches; it is asked for one product ahead.
      for (int j = 0; j < 2; ++j) __builtin_prefetch(bias_of_next + i + j * kLanes);
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

  // kRounder makes the last bits of a float the nearest integer.
  static LAYOUTSERVE_INLINED void round_weights(const float* x, float steps, int64_t padded, int16_t* rounded) {
    for (int64_t i = 0; i < padded; i += kLanes) {
      const Floats level = loaded<Floats>(x + i) * steps + kRounder;
      store(__builtin_convertvector((Ints)level, Shorts), rounded + i);
    }
  }

  // Step by step for all rows: a step has to wait for the sum of its row, the next row has not.
  static LAYOUTSERVE_INLINED void weigh(const Queries& of, float* scores, int16_t* weights, float* factors) {
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
};

constexpr int lanes(Isa isa) { return isa == Isa::kAvx512 ? 16 : isa == Isa::kAvx2 ? 8 : 4; }

struct Lengths {
  template <Isa kIsa>
  static LAYOUTSERVE_INLINED void run(const float* row, int64_t heads, int64_t size, float* scales) {
    Lanes<lanes(kIsa)>::lengths(row, heads, size, scales);
  }
};

struct Weigh {
  template <Isa kIsa>
  static LAYOUTSERVE_INLINED void run(const Queries* queries, float* scores, int16_t* weights, float* factors) {
    Lanes<lanes(kIsa)>::weigh(*queries, scores, weights, factors);
  }
};

}  // namespace

void direction_scales(const float* row, int64_t heads, int64_t size, float* scales) {
  dispatch<Lengths>(row, heads, size, scales);
}

void weigh(const Queries& queries, void* sums, int16_t* weights, float* factors) {
  dispatch<Weigh>(&queries, static_cast<float*>(sums), weights, factors);
}

}  // namespace layoutserve
