// The operator layoutserve::DepthwiseConv; model/ops/depthwise_conv.py says what it computes. Channels lie together,
// so that every step works on whole vectors, whatever the size of the kernel.

#include "operator.h"

namespace layoutserve {
namespace {

// What one pixel of y is made of: the weights and pixels of x where the kernel lies on the page.
struct Window {
  const float *x, *weight;                    // of the first weight that counts
  int64_t rows, columns;
  int64_t x_row, weight_row;                  // floats from one row to the next
};

template <int64_t kChannels>
LAYOUTSERVE_INLINED void convolve_block(const Window& window, const float* bias, int64_t channels, int64_t first,
                                        float* y) {
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

LAYOUTSERVE_INLINED void convolve(const Window& window, const float* bias, int64_t channels, float* y) {
  int64_t first = 0;
  // Sums stay in registers while the kernel's weights go by: many of them where there are as many channels.
  for (; first + 96 <= channels; first += 96) convolve_block<96>(window, bias, channels, first, y);
  for (; first + 16 <= channels; first += 16) convolve_block<16>(window, bias, channels, first, y);
  for (; first < channels; ++first) convolve_block<1>(window, bias, channels, first, y);
}

// A row of pixels of y: `window` as it would be for a pixel at the left edge of x whose kernel begins there.
struct ConvolveRow {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(Window window, const float* bias, int64_t channels, int64_t width, int64_t stride,
                                      int64_t pad, int64_t out_width, float* y) {
    const Window whole = window;
    for (int64_t column = 0; column < out_width; ++column) {
      const int64_t left = column * stride - pad, first_column = std::max<int64_t>(0, -left);
      window.columns = std::min(whole.columns, width - left) - first_column;
      window.x = whole.x + (left + first_column) * channels;
      window.weight = whole.weight + first_column * channels;
      convolve(window, bias, channels, y + column * channels);
    }
  }
};

struct DepthwiseConv {
  static constexpr char kName[] = "DepthwiseConv";
  // x (B, H, W, C), weight (KH, KW, C), bias (C) -> y (B, H', W', C)
  static constexpr Type kInputs[] = {kFloat, kFloat, kFloat}, kOutputs[] = {kFloat};

  std::vector<int64_t> strides, pads;

  explicit DepthwiseConv(const Ort::ConstKernelInfo& node)
      : strides(node.GetAttributes<int64_t>("strides")), pads(node.GetAttributes<int64_t>("pads")) {
    require(strides.size() == 2 && pads.size() == 4 && std::min(strides[0], strides[1]) > 0 &&
                *std::min_element(pads.begin(), pads.end()) >= 0,
            "needs two strides of at least 1 and four pads of at least 0.");
  }

  void compute(const Context& context) const {
    const Shape shape = context.shape(0), kernel = context.shape(1);
    require(shape.size() == 4 && kernel.size() == 3 && kernel[2] == shape[3] && context.count(2) == shape[3],
            "needs x (B, H, W, C), weight (KH, KW, C) and bias (C).");
    const int64_t height = shape[1], width = shape[2], channels = shape[3];
    const int64_t down = height + pads[0] + pads[2] - kernel[0], right = width + pads[1] + pads[3] - kernel[1];
    // A window that lies in the padding alone would have nothing to begin with.
    require(down >= 0 && right >= 0 && std::max(pads[0], pads[2]) < kernel[0] && std::max(pads[1], pads[3]) < kernel[1],
            "needs an image as large as its kernel, and pads smaller than it.");
    const int64_t out_height = down / strides[0] + 1, out_width = right / strides[1] + 1;
    const auto *x = context.input<float>(0), *weight = context.input<float>(1), *bias = context.input<float>(2);
    auto* y = context.output<float>(0, {shape[0], out_height, out_width, channels});
    // A row of pixels at a time.
    context.parallel_for(channels > 0 ? shape[0] * out_height : 0, [&](int64_t number) {
      const int64_t image = number / out_height, row = number % out_height;
      const int64_t top = row * strides[0] - pads[0], first_row = std::max<int64_t>(0, -top);
      Window window{};
      window.rows = std::min(kernel[0], height - top) - first_row, window.columns = kernel[1];
      window.x_row = width * channels, window.weight_row = kernel[1] * channels;
      window.x = x + (image * height + top + first_row) * window.x_row;
      window.weight = weight + first_row * window.weight_row;
      dispatch<ConvolveRow>(window, bias, channels, width, strides[1], pads[1], out_width,
                            y + number * out_width * channels);
    });
  }
};

const Registration<DepthwiseConv> registration;

}  // namespace
}  // namespace layoutserve
