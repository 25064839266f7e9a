// The operator layoutserve::PixelMean for ONNX Runtime's CPU provider. model/ops/pixel_mean.py says what it computes.
// Pixels are added up some at a time, so that a sum of many stays as exact as one of few.

#include "pixel_mean.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

// Channels of a task: what threads share, in whole cache lines.
constexpr int64_t kChannels = 64;
constexpr int64_t kPixelsAtATime = 64;

struct Task {
  const float* x;
  float* y;
  int64_t pixels, channels, parts;
};

// Adds `count` pixels of n channels, `stride` apart, to sums that it begins anew.
LAYOUTSERVE_VECTORISED void add_up(const float* __restrict x, int64_t count, int64_t stride, int64_t n,
                                   float* __restrict sums) {
  for (int64_t i = 0; i < n; ++i) sums[i] = 0.0f;
  for (int64_t pixel = 0; pixel < count; ++pixel) {
    for (int64_t i = 0; i < n; ++i) sums[i] += x[pixel * stride + i];
  }
}

void mean_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t image = static_cast<int64_t>(number) / task.parts;
  const int64_t first = static_cast<int64_t>(number) % task.parts * kChannels;
  const int64_t n = std::min(kChannels, task.channels - first);
  const float* x = task.x + image * task.pixels * task.channels + first;
  float some[kChannels], all[kChannels] = {};
  for (int64_t pixel = 0; pixel < task.pixels; pixel += kPixelsAtATime) {
    add_up(x + pixel * task.channels, std::min(kPixelsAtATime, task.pixels - pixel), task.channels, n, some);
    for (int64_t i = 0; i < n; ++i) all[i] += some[i];
  }
  for (int64_t i = 0; i < n; ++i) {
    task.y[image * task.channels + first + i] = all[i] / static_cast<float>(task.pixels);
  }
}

}  // namespace

OrtStatusPtr PixelMeanKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto x = context.GetInput(0);
  const std::vector<int64_t> shape = x.GetTensorTypeAndShapeInfo().GetShape();
  if (shape.size() != 4 || shape[1] * shape[2] < 1) {
    return Ort::Status("PixelMean needs x (B, H, W, C) with at least one pixel.", ORT_INVALID_ARGUMENT).release();
  }
  Task task{};
  task.x = x.GetTensorData<float>();
  task.pixels = shape[1] * shape[2], task.channels = shape[3];
  task.parts = (task.channels + kChannels - 1) / kChannels;
  task.y = context.GetOutput(0, {shape[0], 1, 1, shape[3]}).GetTensorMutableData<float>();
  if (shape[0] * task.parts > 0) context.ParallelFor(mean_task, static_cast<size_t>(shape[0] * task.parts), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
