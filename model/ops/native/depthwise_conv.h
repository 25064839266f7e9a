// The operator layoutserve::DepthwiseConv: what ONNX Runtime asks of it.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include <vector>

namespace layoutserve {

struct DepthwiseConvKernel {
  std::vector<int64_t> strides, pads;
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct DepthwiseConv : Ort::CustomOpBase<DepthwiseConv, DepthwiseConvKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return "DepthwiseConv"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // x float32 (B, H, W, C), weight (KH, KW, C), bias (C) -> y float32 (B, H', W', C)
  size_t GetInputTypeCount() const { return 3; }
  ONNXTensorElementDataType GetInputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace layoutserve
