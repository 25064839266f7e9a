// The operator layoutserve::BestSymbols for ONNX Runtime's CPU provider. model/ops/best_symbols.py says what it computes.
// A part of a row is scored and summed up while it is in the first-level cache.

#include "best_symbols.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "row_kernels.h"

namespace layoutserve {
namespace {

struct Task {
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias;
  int64_t* best;
  float *probability, *of_symbol;
  int64_t columns, symbol;
};

constexpr int64_t kPart = 1024;

// Dequantizes n sums and returns the largest, found among integers that are ordered as floats are.
LAYOUTSERVE_VECTORISED float score(const int32_t* __restrict sums, float row_scale, const float* __restrict column_scale,
                                   const float* __restrict bias, int64_t n, float* __restrict y) {
  int32_t peak = INT32_MIN;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i];
    const int32_t bits = __builtin_bit_cast(int32_t, y[i]);
    peak = std::max(peak, bits ^ ((bits >> 31) & 0x7fffffff));
  }
  return __builtin_bit_cast(float, peak ^ ((peak >> 31) & 0x7fffffff));
}

// The sum of e^(x - peak) over a row: 2^k times a polynomial on [-ln 2 / 2, ln 2 / 2], to 1e-7 of each.
LAYOUTSERVE_VECTORISED float sum_of_powers(const float* __restrict x, float peak, int64_t n) {
  float total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) {
    const float below = x[i] - peak;
    const float y = below > -87.0f ? below : -87.0f;
    const float k = (y * 1.44269504088896341f + kRounder) - kRounder;
    const float r = (y - k * 0.693359375f) + k * 2.12194440e-4f;
    float p = 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    total += p * __builtin_bit_cast(float, (static_cast<int32_t>(k) + 127) << 23);
  }
  return total;
}

void best_task(void* data, size_t row) {
  const Task& task = *static_cast<const Task*>(data);
  const int32_t* sums = task.sums + row * task.columns;
  const float row_scale = task.row_scale[row];
  float scores[kPart];
  // The largest so far, and the sum of e^(score - largest).
  float peak = -std::numeric_limits<float>::infinity(), whole = 0.0f;
  for (int64_t first = 0; first < task.columns; first += kPart) {
    const int64_t n = std::min(kPart, task.columns - first);
    const float largest = score(sums + first, row_scale, task.column_scale + first, task.bias + first, n, scores);
    if (largest > peak) {
      whole *= std::exp(peak - largest);
      peak = largest;
      task.best[row] = first + (std::find(scores, scores + n, peak) - scores);
    }
    whole += sum_of_powers(scores, peak, n);
  }
  float of_symbol;
  score(sums + task.symbol, row_scale, task.column_scale + task.symbol, task.bias + task.symbol, 1, &of_symbol);
  task.probability[row] = 1.0f / whole;
  task.of_symbol[row] = std::exp(of_symbol - peak) / whole;
}

}  // namespace

OrtStatusPtr BestSymbolsKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto sums = context.GetInput(0), row_scale = context.GetInput(1), column_scale = context.GetInput(2),
             bias = context.GetInput(3), symbol = context.GetInput(4);
  std::vector<int64_t> shape = sums.GetTensorTypeAndShapeInfo().GetShape();
  const auto count = [](const Ort::ConstValue& value) {
    return static_cast<int64_t>(value.GetTensorTypeAndShapeInfo().GetElementCount());
  };
  Task task{};
  task.columns = shape.empty() ? 0 : shape.back();
  const int64_t rows = task.columns > 0 ? count(sums) / task.columns : 0;
  if (task.columns == 0 || count(row_scale) != rows || count(column_scale) != task.columns ||
      count(bias) != task.columns || count(symbol) != 1) {
    return Ort::Status("BestSymbols needs sums (..., N), row_scale (..., 1), column_scale (N), bias (N) and symbol (1).",
                       ORT_INVALID_ARGUMENT).release();
  }
  task.symbol = *symbol.GetTensorData<int64_t>();
  if (task.symbol < 0 || task.symbol >= task.columns) {
    return Ort::Status("BestSymbols needs a symbol that is one of the N.", ORT_INVALID_ARGUMENT).release();
  }
  task.sums = sums.GetTensorData<int32_t>();
  task.row_scale = row_scale.GetTensorData<float>();
  task.column_scale = column_scale.GetTensorData<float>();
  task.bias = bias.GetTensorData<float>();
  shape.pop_back();
  task.best = context.GetOutput(0, shape).GetTensorMutableData<int64_t>();
  task.probability = context.GetOutput(1, shape).GetTensorMutableData<float>();
  task.of_symbol = context.GetOutput(2, shape).GetTensorMutableData<float>();
  if (rows > 0) context.ParallelFor(best_task, static_cast<size_t>(rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
