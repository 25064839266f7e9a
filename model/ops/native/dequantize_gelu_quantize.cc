// The operators layoutserve::DequantizeGeluQuantize and layoutserve::DequantizeNormQuantize for ONNX Runtime's CPU
// provider. model/ops/dequantize_gelu_quantize.py says what they compute. A row is dequantized into a buffer that stays in the
// first-level cache, worked on there, and quantized from there.

#include "dequantize_gelu_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

constexpr int64_t kRowsPerTask = 8;

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

// x * Phi(x), Phi being the normal distribution's: 1/2 + x * p(x^2), p a polynomial of least maximal error fitted to it
// on -5.2 <= x <= 5.2, where Phi is 0 and 1 to 1e-7. Within 2e-7 * |x| of the exact GELU, and nothing is divided.
LAYOUTSERVE_INLINED float gelu(float x) {
  constexpr float kEnd = 5.2f;
  constexpr float kCoefficients[] = {-0.00037865882f, 0.00125430396f, -0.00153818901f, 0.00183685648f, -0.0044147931f,
                                     0.00852510799f,  -0.0127162514f, 0.017969612f,    -0.0246661231f, 0.0319872163f,
                                     -0.0399364755f,  0.0500246957f,  -0.0677434504f,  0.135949999f};
  const float s = limited(x * x, 0.0f, kEnd * kEnd) * (2.0f / (kEnd * kEnd)) - 1.0f;
  // Odd and even powers apart: two short chains of operations that wait for each other instead of a long one.
  const float t = s * s;
  float odd = kCoefficients[0], even = kCoefficients[1];
  for (int i = 2; i < 14; i += 2) {
    odd = odd * t + kCoefficients[i];
    even = even * t + kCoefficients[i + 1];
  }
  return x * limited(0.5f + x * (odd * s + even), 0.0f, 1.0f);
}

LAYOUTSERVE_VECTORISED float gelu_row(const int32_t* __restrict sums, float row_scale,
                                      const float* __restrict column_scale, const float* __restrict bias, int64_t n,
                                      float* __restrict y) {
  return dequantize_through<gelu>(sums, row_scale, column_scale, bias, n, y);
}

// What the rounder leaves in the lowest bits of a sum is the integer.
LAYOUTSERVE_VECTORISED void nearest_levels(const float* __restrict x, float levels, int64_t n, uint8_t* __restrict q) {
  for (int64_t i = 0; i < n; ++i) {
    q[i] = static_cast<uint8_t>(__builtin_bit_cast(uint32_t, x[i] * levels + (kRounder + 128.0f)));
  }
}

// y = the dequantized sums + the residual; returns the sum of y.
LAYOUTSERVE_VECTORISED float add_row(const int32_t* __restrict sums, float row_scale,
                                     const float* __restrict column_scale, const float* __restrict bias,
                                     const float* __restrict residual, int64_t n, float* __restrict y) {
  float total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) {
    y[i] = static_cast<float>(sums[i]) * (row_scale * column_scale[i]) + bias[i] + residual[i];
    total += y[i];
  }
  return total;
}

LAYOUTSERVE_VECTORISED float sum_of_squares(const float* __restrict x, float mean, int64_t n) {
  float total = 0.0f;
#pragma omp simd reduction(+ : total)
  for (int64_t i = 0; i < n; ++i) total += (x[i] - mean) * (x[i] - mean);
  return total;
}

// Returns the size of the largest.
LAYOUTSERVE_VECTORISED float normalise_row(float mean, float factor, const float* __restrict gamma,
                                           const float* __restrict beta, int64_t n, float* __restrict y) {
  int32_t peak = 0;
  for (int64_t i = 0; i < n; ++i) {
    y[i] = (y[i] - mean) * factor * gamma[i] + beta[i];
    peak = std::max(peak, size_bits(y[i]));
  }
  return __builtin_bit_cast(float, peak);
}

void gelu_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t n = task.columns, first = static_cast<int64_t>(number) * kRowsPerTask;
  std::vector<float> buffer(n);
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    const float scale = level_width(
        gelu_row(task.sums + row * n, task.row_scale[row], task.column_scale, task.bias, n, buffer.data()));
    quantize_levels(buffer.data(), scale, n, task.q + row * n);
    task.scale[row] = scale;
  }
}

void norm_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t n = task.columns, first = static_cast<int64_t>(number) * kRowsPerTask;
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.rows); ++row) {
    float* y = task.y + row * n;
    const float sum = add_row(task.sums + row * n, task.row_scale[row], task.column_scale, task.bias,
                              task.residual + row * n, n, y);
    const float mean = sum / static_cast<float>(n);
    const float variance = sum_of_squares(y, mean, n) / static_cast<float>(n);
    const float factor = 1.0f / std::sqrt(variance + task.epsilon);
    const float scale = level_width(normalise_row(mean, factor, task.gamma, task.beta, n, y));
    quantize_levels(y, scale, n, task.q + row * n);
    task.scale[row] = scale;
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

void quantize_levels(const float* x, float width, int64_t n, uint8_t* q) { nearest_levels(x, 1.0f / width, n, q); }

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
