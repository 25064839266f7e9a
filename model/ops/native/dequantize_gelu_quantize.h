// The operators layoutserve::DequantizeGeluQuantize and layoutserve::DequantizeNormQuantize: what ONNX Runtime asks
// of them.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

namespace layoutserve {

struct DequantizeGeluQuantizeKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct DequantizeGeluQuantize : Ort::CustomOpBase<DequantizeGeluQuantize, DequantizeGeluQuantizeKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new DequantizeGeluQuantizeKernel;
    return nullptr;
  }
  const char* GetName() const { return "DequantizeGeluQuantize"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // sums int32 (..., N), row_scale float32 (..., 1), column_scale (N), bias (N) -> q uint8 (..., N), scale (..., 1)
  size_t GetInputTypeCount() const { return 4; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 2; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

struct DequantizeNormQuantizeKernel {
  float epsilon;
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct DequantizeNormQuantize : Ort::CustomOpBase<DequantizeNormQuantize, DequantizeNormQuantizeKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return "DequantizeNormQuantize"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // As above, and residual float32 (..., N), gamma (N), beta (N) -> y float32 (..., N), q uint8 (..., N), scale (..., 1)
  size_t GetInputTypeCount() const { return 7; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 3; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 1 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

}  // namespace layoutserve
