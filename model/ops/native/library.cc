// The entry point ONNX Runtime calls when a session registers this library.

#include <exception>

#include "dequantize_attend_quantize.h"
#include "best_symbols.h"
#include "depthwise_conv.h"
#include "feed_forward_add.h"
#include "dequantize_gelu_quantize.h"
#include "int16_product.h"
#include "int8_product.h"
#include "pixel_mean.h"
#include "relative_attention_bias.h"
#include "quantize_rows.h"

extern "C" __attribute__((visibility("default"))) OrtStatus* ORT_API_CALL RegisterCustomOps(
    OrtSessionOptions* options, const OrtApiBase* base) {
  // The C API is backward compatible: ask for the version of the headers, which newer releases still serve.
  const OrtApi* api = base->GetApi(ORT_API_VERSION);
  if (api == nullptr) {
    // Without an API no status can be made with it; the first version is served by every release.
    return base->GetApi(1)->CreateStatus(ORT_NOT_IMPLEMENTED,
                                         "This ONNX Runtime is older than the headers the library was built with.");
  }
  Ort::InitApi(api);
  try {
    // Sessions keep pointers to these until the process ends.
    static const layoutserve::RelativeAttentionBias relative_attention_bias;
    static const layoutserve::QuantizeRows quantize_rows;
    static const layoutserve::DequantizeRows dequantize_rows;
    static const layoutserve::DequantizeAdd dequantize_add;
    static const layoutserve::DequantizeGeluQuantize dequantize_gelu_quantize;
    static const layoutserve::DequantizeNormQuantize dequantize_norm_quantize;
    static const layoutserve::DequantizeAttendQuantize dequantize_attend_quantize;
    static const layoutserve::BestSymbols best_symbols;
    static const layoutserve::ScoreSymbols score_symbols;
    static const layoutserve::FeedForwardAdd feed_forward_add;
    static const layoutserve::DepthwiseConv depthwise_conv;
    static const layoutserve::PixelMean pixel_mean;
    static Ort::CustomOpDomain domain = [] {
      Ort::CustomOpDomain made{"layoutserve"};
      made.Add(&relative_attention_bias);
      made.Add(&quantize_rows);
      made.Add(&dequantize_rows);
      made.Add(&dequantize_add);
      made.Add(&dequantize_gelu_quantize);
      made.Add(&dequantize_norm_quantize);
      // Elsewhere the function body's float32 products are faster.
      if (layoutserve::has_int16_instructions()) made.Add(&dequantize_attend_quantize);
      // Elsewhere the bodies' products are ONNX Runtime's.
      if (layoutserve::int8_kernel() != layoutserve::Int8Kernel::kNone) {
        made.Add(&score_symbols);
        made.Add(&feed_forward_add);
      }
      made.Add(&best_symbols);
      made.Add(&depthwise_conv);
      made.Add(&pixel_mean);
      return made;
    }();
    Ort::UnownedSessionOptions{options}.Add(domain);
  } catch (const std::exception& error) {
    return Ort::Status(error).release();
  }
  return nullptr;
}
