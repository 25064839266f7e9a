// The operator layoutserve::RelativeAttentionBias: what ONNX Runtime asks of a custom operator.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

namespace layoutserve {

struct RelativeAttentionBiasKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct RelativeAttentionBias : Ort::CustomOpBase<RelativeAttentionBias, RelativeAttentionBiasKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new RelativeAttentionBiasKernel;
    return nullptr;
  }
  const char* GetName() const { return "RelativeAttentionBias"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // int64: position_ids (B|1, T), bbox (B, T, 4), attention_mask (B, T); float32: bias_1d, bias_x, bias_y (H, 2M + 1)
  size_t GetInputTypeCount() const { return 6; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index < 3 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  // bias float32 (B, H, T, T)
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace layoutserve
