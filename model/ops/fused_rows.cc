// The operators layoutserve::DequantizeGeluQuantize and layoutserve::DequantizeNormQuantize for ONNX Runtime's CPU
// provider. model/ops/fused_rows.py says what they compute. A row is dequantized into a buffer that stays in the
// first-level cache, worked on there, and quantized from there.

#include "fused_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "row_kernels.h"

#define INLINED inline __attribute__((always_inline))

namespace layoutserve {
namespace {

constexpr int64_t kRowsPerTask = 8;
constexpr int64_t kLanes = 32;

struct Task {
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias;
  const float *residual, *gamma, *beta;
  float* y;
  uint8_t* q;
  float* scale;
  float epsilon;
  int64_t rows, columns;
};

// e^x for -87 <= x <= 0, to a few units in the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2].
INLINED float exponential(float x) {
  constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding and taking it away rounds to an integer
  const float n = (x * 1.44269504088896341f + kRounder) - kRounder;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return p * __builtin_bit_cast(float, (static_cast<int32_t>(n) + 127) << 23);
}

// x * (1 + erf(x / sqrt(2))) / 2, with erf after Abramowitz and Stegun 7.1.26: within 1.5e-7.
INLINED float gelu(float x) {
  const float size = std::fabs(x) * 0.70710678118654752f;
  const float t = 1.0f / (1.0f + 0.3275911f * size);
  const float series =
      ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - 0.284496736f) * t + 0.254829592f) * t;
  const float exponent = -size * size;
  const float tail = series * exponential(exponent < -87.0f ? -87.0f : exponent);  // 1 - erf(size)
  return x * (0.5f + 0.5f * std::copysign(1.0f - tail, x));
}

LAYOUTSERVE_VECTORISED void gelu_row(const int32_t* __restrict sums, float row_scale,
                                     const float* __restrict column_scale, const float* __restrict bias, int64_t n,
                                     float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = gelu(static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i]);
}

// Many running sums, because a single one is a chain that compilers may not reorder.
LAYOUTSERVE_VECTORISED float sum_of(const float* __restrict x, int64_t n) {
  float sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += x[i + lane];
  }
  float total = 0.0f;
  for (int64_t lane = 0; lane < kLanes; ++lane) total += sums[lane];
  for (; i < n; ++i) total += x[i];
  return total;
}

LAYOUTSERVE_VECTORISED float sum_of_squares(const float* __restrict x, float mean, int64_t n) {
  float sums[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) sums[lane] += (x[i + lane] - mean) * (x[i + lane] - mean);
  }
  float total = 0.0f;
  for (int64_t lane = 0; lane < kLanes; ++lane) total += sums[lane];
  for (; i < n; ++i) total += (x[i] - mean) * (x[i] - mean);
  return total;
}

LAYOUTSERVE_VECTORISED void add_row(const float* __restrict x, int64_t n, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

LAYOUTSERVE_VECTORISED void normalise_row(float mean, float factor, const float* __restrict gamma,
                                          const float* __restrict beta, int64_t n, float* __restrict y) {
  for (int64_t i = 0; i < n; ++i) y[i] = (y[i] - mean) * factor * gamma[i] + beta[i];
}

void gelu_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t n = task.columns, first = static_cast<int64_t>(number) * kRowsPerTask;
  std::vector<float> buffer(n);
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    gelu_row(task.sums + row * n, task.row_scale[row], task.column_scale, task.bias, n, buffer.data());
    task.scale[row] = quantize_row(buffer.data(), n, task.q + row * n);
  }
}

void norm_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t n = task.columns, first = static_cast<int64_t>(number) * kRowsPerTask;
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    float* y = task.y + row * n;
    dequantize_row(task.sums + row * n, task.row_scale[row], task.column_scale, task.bias, n, y);
    add_row(task.residual + row * n, n, y);
    const float mean = sum_of(y, n) / static_cast<float>(n);
    const float variance = sum_of_squares(y, mean, n) / static_cast<float>(n);
    normalise_row(mean, 1.0f / std::sqrt(variance + task.epsilon), task.gamma, task.beta, n, y);
    task.scale[row] = quantize_row(y, n, task.q + row * n);
  }
}

// The inputs that both operators have; false where their shapes do not fit.
bool read(const Ort::KernelContext& context, Task& task, std::vector<int64_t>& shape) {
  shape = context.GetInput(0).GetTensorTypeAndShapeInfo().GetShape();
  if (shape.empty()) return false;
  task.columns = shape.back(), task.rows = 1;
  for (size_t axis = 0; axis + 1 < shape.size(); ++axis) task.rows *= shape[axis];
  task.sums = context.GetInput(0).GetTensorData<int32_t>();
  const float** inputs[] = {&task.row_scale, &task.column_scale, &task.bias, &task.residual, &task.gamma, &task.beta};
  const int64_t counts[] = {task.rows, task.columns, task.columns, task.rows * task.columns, task.columns, task.columns};
  for (size_t input = 1; input < context.GetInputCount(); ++input) {
    const auto value = context.GetInput(input);
    if (static_cast<int64_t>(value.GetTensorTypeAndShapeInfo().GetElementCount()) != counts[input - 1]) return false;
    *inputs[input - 1] = value.GetTensorData<float>();
  }
  return true;
}

size_t tasks_for(int64_t rows) { return static_cast<size_t>((rows + kRowsPerTask - 1) / kRowsPerTask); }

}  // namespace

OrtStatusPtr DequantizeGeluQuantizeKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  Task task{};
  std::vector<int64_t> shape;
  if (!read(context, task, shape)) {
    return Ort::Status("DequantizeGeluQuantize needs sums (..., N), row_scale (..., 1), column_scale (N) and bias (N).",
                       ORT_INVALID_ARGUMENT).release();
  }
  task.q = context.GetOutput(0, shape).GetTensorMutableData<uint8_t>();
  shape.back() = 1;
  task.scale = context.GetOutput(1, shape).GetTensorMutableData<float>();
  if (task.rows > 0) context.ParallelFor(gelu_task, tasks_for(task.rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

OrtStatusPtr DequantizeNormQuantize::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const try {
  *kernel = new DequantizeNormQuantizeKernel{Ort::ConstKernelInfo(info).GetAttribute<float>("epsilon")};
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_INVALID_ARGUMENT).release();
}

OrtStatusPtr DequantizeNormQuantizeKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  Task task{};
  std::vector<int64_t> shape;
  if (!read(context, task, shape)) {
    return Ort::Status("DequantizeNormQuantize needs sums (..., N), row_scale (..., 1), column_scale (N), bias (N), "
                       "residual (..., N), gamma (N) and beta (N).", ORT_INVALID_ARGUMENT).release();
  }
  task.epsilon = epsilon;
  task.y = context.GetOutput(0, shape).GetTensorMutableData<float>();
  task.q = context.GetOutput(1, shape).GetTensorMutableData<uint8_t>();
  shape.back() = 1;
  task.scale = context.GetOutput(2, shape).GetTensorMutableData<float>();
  if (task.rows > 0) context.ParallelFor(norm_task, tasks_for(task.rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
