// The operators layoutserve::BestSymbols and layoutserve::ScoreSymbols for ONNX Runtime's CPU provider.
// model/ops/best_symbols.py says what they compute. A part of a row is scored and summed up while it is in the
// first-level cache, and where the product is ours, so is the product's.

#include "best_symbols.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct Task {
  // Of BestSymbols.
  const int32_t* sums;
  const float* row_scale;
  // Of ScoreSymbols.
  const float* x;
  const Int8Columns* weight;
  // Of both.
  const float *column_scale, *bias;
  int64_t* best;
  float *probability, *of_symbol;
  int64_t rows, columns, symbol;
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

// What is known of one row so far: the largest score and where it is, the sum of e^(score - largest), and the symbol's.
struct Row {
  float peak = -std::numeric_limits<float>::infinity(), whole = 0.0f, of_symbol = 0.0f;
  int64_t best = 0;

  // Takes the scores of n more symbols, at most kPart, from place `first` on.
  void take(const Task& task, const int32_t* sums, float row_scale, int64_t first, int64_t n) {
    float scores[kPart];
    const float largest = score(sums, row_scale, task.column_scale + first, task.bias + first, n, scores);
    if (largest > peak) {
      whole *= std::exp(peak - largest);
      peak = largest;
      best = first + (std::find(scores, scores + n, peak) - scores);
    }
    whole += sum_of_powers(scores, peak, n);
    if (task.symbol >= first && task.symbol < first + n) of_symbol = scores[task.symbol - first];
  }

  void write(const Task& task, int64_t row) const {
    task.best[row] = best;
    task.probability[row] = 1.0f / whole;
    task.of_symbol[row] = std::exp(of_symbol - peak) / whole;
  }
};

void best_task(void* data, size_t row) {
  const Task& task = *static_cast<const Task*>(data);
  Row found;
  for (int64_t first = 0; first < task.columns; first += kPart) {
    found.take(task, task.sums + row * task.columns + first, task.row_scale[row], first,
               std::min(kPart, task.columns - first));
  }
  found.write(task, row);
}

// So many symbols at a time: their weights, and the sums of kInt8Rows rows, stay in the second-level cache.
constexpr int64_t kPanelsAtATime = 16;
static_assert(kPanelsAtATime * kInt8Panel <= kPart);

void score_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const Int8Columns& weight = *task.weight;
  const int64_t begin = static_cast<int64_t>(number) * kInt8Rows, rows = std::min(kInt8Rows, task.rows - begin);
  const Int8Kernel kernel = int8_kernel();
  std::vector<uint8_t> q(kInt8Rows * weight.stride());
  std::vector<int32_t> sums(kInt8Rows * kPanelsAtATime * kInt8Panel);
  float scale[kInt8Rows];
  Row found[kInt8Rows];
  for (int64_t row = 0; row < rows; ++row) {
    scale[row] = quantize_row(task.x + (begin + row) * weight.depth(), weight.depth(), q.data() + row * weight.stride());
  }
  for (int64_t panel = 0; panel < weight.panels(); panel += kPanelsAtATime) {
    const int64_t some = std::min(kPanelsAtATime, weight.panels() - panel), first = panel * kInt8Panel;
    const int64_t n = std::min(some * kInt8Panel, task.columns - first);
    weight.product(kernel, q.data(), rows, panel, some, sums.data());
    for (int64_t row = 0; row < rows; ++row) {
      found[row].take(task, sums.data() + row * some * kInt8Panel, scale[row], first, n);
    }
  }
  for (int64_t row = 0; row < rows; ++row) found[row].write(task, begin + row);
}

constexpr char kOfSums[] = "needs sums (..., N), row_scale (..., 1), column_scale (N), bias (N) and symbol (1).";
constexpr char kOfRows[] = "needs x (..., K), weight (K, N), column_scale (N), bias (N) and symbol (1).";

int64_t count(const Ort::ConstValue& value) {
  return static_cast<int64_t>(value.GetTensorTypeAndShapeInfo().GetElementCount());
}

// What both operators have beside their rows (..., N). Raises where it does not fit.
void read(const Ort::KernelContext& context, std::vector<int64_t> shape, Task& task) {
  const auto column_scale = context.GetInput(2), bias = context.GetInput(3), symbol = context.GetInput(4);
  if (count(column_scale) != task.columns || count(bias) != task.columns || count(symbol) != 1) {
    throw std::invalid_argument(task.sums != nullptr ? kOfSums : kOfRows);
  }
  task.symbol = *symbol.GetTensorData<int64_t>();
  if (task.symbol < 0 || task.symbol >= task.columns) {
    throw std::invalid_argument("needs a symbol that is one of the N.");
  }
  task.column_scale = column_scale.GetTensorData<float>();
  task.bias = bias.GetTensorData<float>();
  shape.pop_back();
  task.best = context.GetOutput(0, shape).GetTensorMutableData<int64_t>();
  task.probability = context.GetOutput(1, shape).GetTensorMutableData<float>();
  task.of_symbol = context.GetOutput(2, shape).GetTensorMutableData<float>();
}

OrtStatusPtr refused(const char* operation, const std::exception& error) {
  return Ort::Status((std::string(operation) + " " + error.what()).c_str(), ORT_INVALID_ARGUMENT).release();
}

}  // namespace

OrtStatusPtr BestSymbolsKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto sums = context.GetInput(0), row_scale = context.GetInput(1);
  const std::vector<int64_t> shape = sums.GetTensorTypeAndShapeInfo().GetShape();
  Task task{};
  task.columns = shape.empty() ? 0 : shape.back();
  task.rows = task.columns > 0 ? count(sums) / task.columns : 0;
  if (task.columns == 0 || count(row_scale) != task.rows) {
    throw std::invalid_argument(kOfSums);
  }
  task.sums = sums.GetTensorData<int32_t>();
  read(context, shape, task);
  task.row_scale = row_scale.GetTensorData<float>();
  if (task.rows > 0) context.ParallelFor(best_task, static_cast<size_t>(task.rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return refused("BestSymbols", error);
}

OrtStatusPtr ScoreSymbols::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const try {
  *kernel = new ScoreSymbolsKernel{constant_columns(info, 1)};
  return nullptr;
} catch (const std::exception& error) {
  return refused("ScoreSymbols", error);
}

OrtStatusPtr ScoreSymbolsKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto x = context.GetInput(0);
  const std::vector<int64_t> shape = x.GetTensorTypeAndShapeInfo().GetShape();
  if (shape.empty() || shape.back() != weight.depth()) throw std::invalid_argument(kOfRows);
  Task task{};
  task.weight = &weight;
  task.columns = weight.columns();
  task.rows = count(x) / weight.depth();
  read(context, shape, task);
  task.x = x.GetTensorData<float>();
  const int64_t tasks = (task.rows + kInt8Rows - 1) / kInt8Rows;
  if (tasks > 0) context.ParallelFor(score_task, static_cast<size_t>(tasks), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return refused("ScoreSymbols", error);
}

}  // namespace layoutserve
