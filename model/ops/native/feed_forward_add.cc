// The operator layoutserve::FeedForwardAdd for ONNX Runtime's CPU provider. model/ops/feed_forward_add.py says what it
// computes. Some rows go all the way before the next begin, so that nothing between the two products leaves the core's
// own caches.

#include "feed_forward_add.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct Task {
  const Int8Columns *wide, *narrow;
  const float *x, *wide_scale, *wide_bias, *narrow_scale, *narrow_bias;
  float* y;
  int64_t rows;
};

// x * Phi(x), Phi being the normal distribution's: 1/2 + x * p(x^2), p a polynomial of least maximal error of Phi on
// -3.8 <= x <= 3.8, beyond which Phi is 0 and 1 to 1e-4. Within 3e-4 of the exact GELU, a small part of the level that
// the result is rounded to.
LAYOUTSERVE_INLINED float gelu(float x) {
  constexpr float kEnd = 3.8f;
  constexpr float kCoefficients[] = {3.665777523e-8f,  -2.272461765e-6f, 6.068479495e-5f, -9.315475354e-4f,
                                     9.316634931e-3f, -6.571978695e-2f, 3.986767452e-1f};
  // Not negative, so compared as integers are.
  const float square = smaller(x * x, kEnd * kEnd);
  float p = kCoefficients[0];
  for (int i = 1; i < 7; ++i) p = p * square + kCoefficients[i];
  return x * limited(0.5f + x * p, 0.0f, 1.0f);
}

LAYOUTSERVE_VECTORISED float gelu_row(const int32_t* __restrict sums, float row_scale,
                                      const float* __restrict column_scale, const float* __restrict bias, int64_t n,
                                      float* __restrict y) {
  return dequantize_through<gelu>(sums, row_scale, column_scale, bias, n, y);
}

void feed_forward_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const Int8Columns &wide = *task.wide, &narrow = *task.narrow;
  const Int8Kernel kernel = int8_kernel();
  const int64_t first = static_cast<int64_t>(number) * kInt8Rows, rows = std::min(kInt8Rows, task.rows - first);
  const int64_t depth = wide.depth(), between = wide.columns();
  std::vector<uint8_t> q(kInt8Rows * std::max(wide.stride(), narrow.stride()));
  std::vector<int32_t> sums(kInt8Rows * std::max(wide.panels(), narrow.panels()) * kInt8Panel);
  std::vector<float> buffer(between);
  float scale[kInt8Rows];
  for (int64_t row = 0; row < rows; ++row) {
    const float* x = task.x + (first + row) * depth;
    scale[row] = level_width(largest_size(x, depth));
    quantize_levels(x, scale[row], depth, q.data() + row * wide.stride());
  }
  wide.product(kernel, q.data(), rows, 0, wide.panels(), sums.data());
  for (int64_t row = 0; row < rows; ++row) {
    const float largest = gelu_row(sums.data() + row * wide.panels() * kInt8Panel, scale[row], task.wide_scale,
                                   task.wide_bias, between, buffer.data());
    scale[row] = level_width(largest);
    quantize_levels(buffer.data(), scale[row], between, q.data() + row * narrow.stride());
  }
  narrow.product(kernel, q.data(), rows, 0, narrow.panels(), sums.data());
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t begin = (first + row) * depth;
    dequantize_add_row(sums.data() + row * narrow.panels() * kInt8Panel, scale[row], task.narrow_scale,
                       task.narrow_bias, task.x + begin, depth, task.y + begin);
  }
}

}  // namespace

OrtStatusPtr FeedForwardAdd::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const try {
  Int8Columns wide = constant_columns(info, 1), narrow = constant_columns(info, 4);
  if (wide.columns() != narrow.depth() || narrow.columns() != wide.depth()) {
    throw std::invalid_argument("needs weights (K, N) and (N, K).");
  }
  *kernel = new FeedForwardAddKernel{std::move(wide), std::move(narrow)};
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status((std::string("FeedForwardAdd ") + error.what()).c_str(), ORT_INVALID_ARGUMENT).release();
}

OrtStatusPtr FeedForwardAddKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto x = context.GetInput(0);
  const std::vector<int64_t> shape = x.GetTensorTypeAndShapeInfo().GetShape();
  const auto count = [&context](size_t input) {
    return static_cast<int64_t>(context.GetInput(input).GetTensorTypeAndShapeInfo().GetElementCount());
  };
  if (shape.empty() || shape.back() != wide.depth() || count(2) != wide.columns() || count(3) != wide.columns() ||
      count(5) != narrow.columns() || count(6) != narrow.columns()) {
    return Ort::Status("FeedForwardAdd needs x (..., K) and, for weights (K, N) and (N, K), scales and biases (N) and (K).",
                       ORT_INVALID_ARGUMENT).release();
  }
  Task task{};
  task.wide = &wide, task.narrow = &narrow;
  task.x = x.GetTensorData<float>();
  task.wide_scale = context.GetInput(2).GetTensorData<float>();
  task.wide_bias = context.GetInput(3).GetTensorData<float>();
  task.narrow_scale = context.GetInput(5).GetTensorData<float>();
  task.narrow_bias = context.GetInput(6).GetTensorData<float>();
  task.y = context.GetOutput(0, shape).GetTensorMutableData<float>();
  task.rows = count(0) / wide.depth();
  const int64_t tasks = (task.rows + kInt8Rows - 1) / kInt8Rows;
  if (tasks > 0) context.ParallelFor(feed_forward_task, static_cast<size_t>(tasks), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
