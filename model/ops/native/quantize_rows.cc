// The operators layoutserve::QuantizeRows, layoutserve::DequantizeRows and layoutserve::DequantizeAdd for ONNX Runtime's
// CPU provider.
// model/ops/integer_product.py says what they compute; these equal it bit for bit.

#include "quantize_rows.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

constexpr int64_t kRowsPerTask = 16;
constexpr float kSmallest = 1e-20f;
constexpr float kSteps = 127.0f;

struct QuantizeTask {
  const float* x;
  uint8_t* q;
  float* scale;
  int64_t rows, columns;
};

LAYOUTSERVE_VECTORISED float largest_of(const float* __restrict x, int64_t n) {
  int32_t peak = 0;
  for (int64_t i = 0; i < n; ++i) peak = std::max(peak, size_bits(x[i]));
  return __builtin_bit_cast(float, peak);
}

LAYOUTSERVE_VECTORISED void quantize(const float* __restrict x, float scale, int64_t n, uint8_t* __restrict q) {
  for (int64_t i = 0; i < n; ++i) {
    const float level = (x[i] / scale + kRounder) - kRounder;
    q[i] = static_cast<uint8_t>(static_cast<int32_t>(level + 128.0f));
  }
}

void quantize_task(void* data, size_t number) {
  const QuantizeTask& task = *static_cast<const QuantizeTask*>(data);
  const int64_t first = static_cast<int64_t>(number) * kRowsPerTask;
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    task.scale[row] = quantize_row(task.x + row * task.columns, task.columns, task.q + row * task.columns);
  }
}

struct DequantizeTask {
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias, *residual;
  float* y;
  int64_t rows, columns;
};

LAYOUTSERVE_VECTORISED void dequantize(const int32_t* __restrict sums, float row_scale, const float* __restrict column_scale,
                           const float* __restrict bias, int64_t n, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i];
  }
}

LAYOUTSERVE_VECTORISED void dequantize_add(const int32_t* __restrict sums, float row_scale,
                                           const float* __restrict column_scale, const float* __restrict bias,
                                           const float* __restrict residual, int64_t n, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i] + residual[i];
  }
}

void dequantize_task(void* data, size_t number) {
  const DequantizeTask& task = *static_cast<const DequantizeTask*>(data);
  const int64_t first = static_cast<int64_t>(number) * kRowsPerTask, n = task.columns;
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    const int32_t* sums = task.sums + row * n;
    const float scale = task.row_scale[row];
    if (task.residual == nullptr) {
      dequantize(sums, scale, task.column_scale, task.bias, n, task.y + row * n);
    } else {
      dequantize_add(sums, scale, task.column_scale, task.bias, task.residual + row * n, n, task.y + row * n);
    }
  }
}

size_t tasks_for(int64_t rows) { return static_cast<size_t>((rows + kRowsPerTask - 1) / kRowsPerTask); }

int64_t product(const std::vector<int64_t>& shape, size_t count) {
  int64_t result = 1;
  for (size_t axis = 0; axis < count; ++axis) result *= shape[axis];
  return result;
}

}  // namespace

float level_width(float largest) { return std::max(largest, kSmallest) / kSteps; }

float largest_size(const float* x, int64_t n) { return largest_of(x, n); }

float quantize_row(const float* x, int64_t n, uint8_t* q) {
  const float scale = level_width(largest_of(x, n));
  quantize(x, scale, n, q);
  return scale;
}

void dequantize_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias, int64_t n,
                    float* y) {
  dequantize(sums, row_scale, column_scale, bias, n, y);
}

void dequantize_add_row(const int32_t* sums, float row_scale, const float* column_scale, const float* bias,
                        const float* residual, int64_t n, float* y) {
  dequantize_add(sums, row_scale, column_scale, bias, residual, n, y);
}

OrtStatusPtr QuantizeRowsKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto x = context.GetInput(0);
  std::vector<int64_t> shape = x.GetTensorTypeAndShapeInfo().GetShape();
  if (shape.empty()) {
    return Ort::Status("QuantizeRows needs x (..., K).", ORT_INVALID_ARGUMENT).release();
  }
  QuantizeTask task{};
  task.x = x.GetTensorData<float>();
  task.columns = shape.back(), task.rows = product(shape, shape.size() - 1);
  task.q = context.GetOutput(0, shape).GetTensorMutableData<uint8_t>();
  shape.back() = 1;
  task.scale = context.GetOutput(1, shape).GetTensorMutableData<float>();
  if (task.rows > 0) context.ParallelFor(quantize_task, tasks_for(task.rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

OrtStatusPtr DequantizeRowsKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto sums = context.GetInput(0), row_scale = context.GetInput(1), column_scale = context.GetInput(2),
             bias = context.GetInput(3);
  const std::vector<int64_t> shape = sums.GetTensorTypeAndShapeInfo().GetShape();
  DequantizeTask task{};
  task.columns = shape.empty() ? 0 : shape.back();
  task.rows = shape.empty() ? 0 : product(shape, shape.size() - 1);
  const auto count = [](const Ort::ConstValue& value) {
    return static_cast<int64_t>(value.GetTensorTypeAndShapeInfo().GetElementCount());
  };
  const bool adds = context.GetInputCount() > 4;
  if (shape.empty() || count(row_scale) != task.rows || count(column_scale) != task.columns ||
      count(bias) != task.columns || (adds && count(context.GetInput(4)) != task.rows * task.columns)) {
    return Ort::Status("DequantizeRows needs sums (..., N), row_scale (..., 1), column_scale (N) and bias (N), "
                       "DequantizeAdd residual (..., N), too.", ORT_INVALID_ARGUMENT).release();
  }
  task.sums = sums.GetTensorData<int32_t>();
  task.row_scale = row_scale.GetTensorData<float>();
  task.column_scale = column_scale.GetTensorData<float>();
  task.bias = bias.GetTensorData<float>();
  if (adds) task.residual = context.GetInput(4).GetTensorData<float>();
  task.y = context.GetOutput(0, shape).GetTensorMutableData<float>();
  if (task.rows > 0) context.ParallelFor(dequantize_task, tasks_for(task.rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
