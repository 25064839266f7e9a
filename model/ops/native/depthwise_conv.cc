// The operator layoutserve::DepthwiseConv for ONNX Runtime's CPU provider. model/ops/depthwise_conv.py says what it
// computes. Channels lie together, so that every step works on whole vectors, whatever the size of the kernel.

#include "depthwise_conv.h"

#include <algorithm>
#include <cstdint>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

struct Task {
  const float *x, *weight, *bias;
  float* y;
  int64_t height, width, channels;            // of x
  int64_t kernel_height, kernel_width;
  int64_t out_height, out_width;
  int64_t stride_down, stride_right, pad_top, pad_left;
};

// What one pixel of y is made of: the weights and pixels of x where the kernel lies on the page.
struct Window {
  const float *x, *weight;                    // of the first weight that counts
  int64_t rows, columns;
  int64_t x_row, weight_row;                  // floats from one row to the next
};

template <int64_t kChannels>
LAYOUTSERVE_INLINED void convolve_block(const Window& window, const float* __restrict bias, int64_t channels, int64_t first,
                            float* __restrict y) {
  float sums[kChannels];
  for (int64_t c = 0; c < kChannels; ++c) sums[c] = bias[first + c];
  for (int64_t row = 0; row < window.rows; ++row) {
    const float* x = window.x + row * window.x_row + first;
    const float* w = window.weight + row * window.weight_row + first;
    for (int64_t column = 0; column < window.columns; ++column, x += channels, w += channels) {
      for (int64_t c = 0; c < kChannels; ++c) sums[c] += x[c] * w[c];
    }
  }
  for (int64_t c = 0; c < kChannels; ++c) y[first + c] = sums[c];
}

LAYOUTSERVE_VECTORISED void convolve(const Window& window, const float* __restrict bias, int64_t channels,
                                     float* __restrict y) {
  int64_t first = 0;
  // Sums stay in registers while the kernel's weights go by: many of them where there are as many channels.
  for (; first + 96 <= channels; first += 96) convolve_block<96>(window, bias, channels, first, y);
  for (; first + 16 <= channels; first += 16) convolve_block<16>(window, bias, channels, first, y);
  for (; first < channels; ++first) convolve_block<1>(window, bias, channels, first, y);
}

// One row of pixels.
void row_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t image = static_cast<int64_t>(number) / task.out_height;
  const int64_t row = static_cast<int64_t>(number) % task.out_height;
  const int64_t top = row * task.stride_down - task.pad_top;
  const int64_t first_row = std::max<int64_t>(0, -top);
  Window window{};
  window.rows = std::min(task.kernel_height, task.height - top) - first_row;
  window.x_row = task.width * task.channels, window.weight_row = task.kernel_width * task.channels;
  const float* x = task.x + (image * task.height + top + first_row) * window.x_row;
  const float* weight = task.weight + first_row * window.weight_row;
  float* y = task.y + number * task.out_width * task.channels;
  for (int64_t column = 0; column < task.out_width; ++column, y += task.channels) {
    const int64_t left = column * task.stride_right - task.pad_left;
    const int64_t first_column = std::max<int64_t>(0, -left);
    window.columns = std::min(task.kernel_width, task.width - left) - first_column;
    window.x = x + (left + first_column) * task.channels;
    window.weight = weight + first_column * task.channels;
    convolve(window, task.bias, task.channels, y);
  }
}

}  // namespace

OrtStatusPtr DepthwiseConv::CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const try {
  const Ort::ConstKernelInfo given(info);
  DepthwiseConvKernel made{given.GetAttributes<int64_t>("strides"), given.GetAttributes<int64_t>("pads")};
  const auto negative = [](int64_t value) { return value < 0; };
  if (made.strides.size() != 2 || made.pads.size() != 4 || std::min(made.strides[0], made.strides[1]) < 1 ||
      std::any_of(made.pads.begin(), made.pads.end(), negative)) {
    return Ort::Status("DepthwiseConv needs two strides of at least 1 and four pads of at least 0.",
                       ORT_INVALID_ARGUMENT).release();
  }
  *kernel = new DepthwiseConvKernel(made);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_INVALID_ARGUMENT).release();
}

OrtStatusPtr DepthwiseConvKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  const auto x = context.GetInput(0), weight = context.GetInput(1), bias = context.GetInput(2);
  std::vector<int64_t> shape = x.GetTensorTypeAndShapeInfo().GetShape();
  const std::vector<int64_t> kernel = weight.GetTensorTypeAndShapeInfo().GetShape();
  if (shape.size() != 4 || kernel.size() != 3 || kernel[2] != shape[3] ||
      static_cast<int64_t>(bias.GetTensorTypeAndShapeInfo().GetElementCount()) != shape[3]) {
    return Ort::Status("DepthwiseConv needs x (B, H, W, C), weight (KH, KW, C) and bias (C).", ORT_INVALID_ARGUMENT)
        .release();
  }
  Task task{};
  task.x = x.GetTensorData<float>(), task.weight = weight.GetTensorData<float>(), task.bias = bias.GetTensorData<float>();
  task.height = shape[1], task.width = shape[2], task.channels = shape[3];
  task.kernel_height = kernel[0], task.kernel_width = kernel[1];
  task.stride_down = strides[0], task.stride_right = strides[1];
  task.pad_top = pads[0], task.pad_left = pads[1];
  const int64_t down = task.height + pads[0] + pads[2] - task.kernel_height;
  const int64_t right = task.width + pads[1] + pads[3] - task.kernel_width;
  // A window that lies in the padding alone would have nothing to begin with.
  if (down < 0 || right < 0 || std::max(pads[0], pads[2]) >= task.kernel_height ||
      std::max(pads[1], pads[3]) >= task.kernel_width) {
    return Ort::Status("DepthwiseConv needs an image as large as its kernel, and pads smaller than it.",
                       ORT_INVALID_ARGUMENT).release();
  }
  task.out_height = shape[1] = down / task.stride_down + 1;
  task.out_width = shape[2] = right / task.stride_right + 1;
  task.y = context.GetOutput(0, shape).GetTensorMutableData<float>();
  const int64_t rows = shape[0] * task.out_height;
  if (rows > 0 && task.channels > 0) context.ParallelFor(row_task, static_cast<size_t>(rows), 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
