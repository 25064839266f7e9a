// The sums of an integer product, as the first inputs of the operators that come after one.
#pragma once

#include "operator.h"

namespace layoutserve {

// Inputs 0 to 3: sums int32 (..., N), row_scale float32 (..., 1), column_scale float32 (N), bias float32 (N).
struct IntegerSums {
  Rows rows;
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias;

  // Raises what the operator needs where shapes do not fit.
  IntegerSums(const Context& context, const char* needs)
      : rows(context.rows(0, needs)),
        sums(context.input<int32_t>(0)),
        row_scale(context.input<float>(1)),
        column_scale(context.input<float>(2)),
        bias(context.input<float>(3)) {
    require(context.count(1) == rows.count && context.count(2) == rows.columns && context.count(3) == rows.columns,
            needs);
  }

  const int32_t* row(int64_t number) const { return sums + number * rows.columns; }
};

}  // namespace layoutserve
