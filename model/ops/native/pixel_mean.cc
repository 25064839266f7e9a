// The operator layoutserve::PixelMean; model/ops/pixel_mean.py says what it computes. Pixels are added up some at a
// time, so that a sum of many stays as exact as one of few.

#include "operator.h"

namespace layoutserve {
namespace {

// Channels that a thread takes: whole cache lines.
constexpr int64_t kChannels = 64;
constexpr int64_t kPixelsAtATime = 64;

// Adds `count` pixels of n channels, `stride` apart, to sums that it begins anew.
struct AddUp {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* x, int64_t count, int64_t stride, int64_t n, float* sums) {
    for (int64_t i = 0; i < n; ++i) sums[i] = 0.0f;
    for (int64_t pixel = 0; pixel < count; ++pixel) {
      for (int64_t i = 0; i < n; ++i) sums[i] += x[pixel * stride + i];
    }
  }
};

struct PixelMean {
  static constexpr char kName[] = "PixelMean";
  // x (B, H, W, C) -> y (B, 1, 1, C)
  static constexpr Type kInputs[] = {kFloat}, kOutputs[] = {kFloat};

  explicit PixelMean(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    const Shape shape = context.shape(0);
    require(shape.size() == 4 && shape[1] * shape[2] > 0, "needs x (B, H, W, C) with at least one pixel.");
    const int64_t pixels = shape[1] * shape[2], channels = shape[3], parts = (channels + kChannels - 1) / kChannels;
    const auto* images = context.input<float>(0);
    auto* y = context.output<float>(0, {shape[0], 1, 1, channels});
    context.parallel_for(shape[0] * parts, [&](int64_t number) {
      const int64_t image = number / parts, first = number % parts * kChannels;
      const int64_t n = std::min(kChannels, channels - first);
      const float* x = images + image * pixels * channels + first;
      float some[kChannels], all[kChannels] = {};
      for (int64_t pixel = 0; pixel < pixels; pixel += kPixelsAtATime) {
        dispatch<AddUp>(x + pixel * channels, std::min(kPixelsAtATime, pixels - pixel), channels, n, some);
        for (int64_t i = 0; i < n; ++i) all[i] += some[i];
      }
      for (int64_t i = 0; i < n; ++i) y[image * channels + first + i] = all[i] / static_cast<float>(pixels);
    });
  }
};

const Registration<PixelMean> registration;

}  // namespace
}  // namespace layoutserve
