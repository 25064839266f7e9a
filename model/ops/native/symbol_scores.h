// The likeliest of many symbols and the probability of a given one, of scores that come a part at a time.
#pragma once

#include <cstdint>
#include <limits>

#include "operator.h"

namespace layoutserve {

// The most symbols that are scored at a time: a part of a row that stays in the first-level cache.
constexpr int64_t kSymbolsAtATime = 1024;

// What both operators are told beside the scores, and what they write: of a row each.
struct Symbols {
  const float *column_scale, *bias;
  int64_t count, asked;
  int64_t* best;
  float *probability, *of_symbol;

  // Reads column_scale, bias (N) and symbol (1), inputs 2 to 4, and makes the outputs: `shape` without its last axis.
  // Raises what the operator needs where the inputs do not fit.
  Symbols(const Context& context, Shape shape, int64_t count, const char* needs);
};

// What is known of one row so far: the largest score and its place, the sum of e^(score - largest), and the asked
// one's.
class SymbolRow {
 public:
  // Takes the scores of n more symbols, at most kSymbolsAtATime, from place `first` on.
  void take(const Symbols& symbols, const int32_t* sums, float row_scale, int64_t first, int64_t n);

  void write(const Symbols& symbols, int64_t row) const;

 private:
  float peak_ = -std::numeric_limits<float>::infinity(), whole_ = 0.0f, asked_ = 0.0f;
  int64_t best_ = 0;
};

}  // namespace layoutserve
