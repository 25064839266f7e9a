// The operator layoutserve::FeedForwardAdd: what ONNX Runtime asks of it.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include "int8_product.h"

namespace layoutserve {

struct FeedForwardAddKernel {
  Int8Columns wide, narrow;
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct FeedForwardAdd : Ort::CustomOpBase<FeedForwardAdd, FeedForwardAddKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return "FeedForwardAdd"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // x float32 (..., K), wide int8 (K, N), its column_scale (N) and bias (N), narrow int8 (N, K), its column_scale (K)
  // and bias (K) -> y float32 (..., K). Both weights are constants.
  size_t GetInputTypeCount() const { return 7; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 1 || index == 4 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace layoutserve
