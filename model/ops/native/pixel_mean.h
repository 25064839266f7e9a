// The operator layoutserve::PixelMean: what ONNX Runtime asks of it.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

namespace layoutserve {

struct PixelMeanKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct PixelMean : Ort::CustomOpBase<PixelMean, PixelMeanKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new PixelMeanKernel;
    return nullptr;
  }
  const char* GetName() const { return "PixelMean"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // x float32 (B, H, W, C) -> y float32 (B, 1, 1, C)
  size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace layoutserve
