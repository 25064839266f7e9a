// The operator layoutserve::DequantizeAttendQuantize: what ONNX Runtime asks of it.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include <memory>

namespace layoutserve {

struct DequantizeAttendQuantizeKernel {
  int64_t heads;
  float scale;
  std::unique_ptr<OrtAllocator, void(ORT_API_CALL*)(OrtAllocator*)> allocator;
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct DequantizeAttendQuantize : Ort::CustomOpBase<DequantizeAttendQuantize, DequantizeAttendQuantizeKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return "DequantizeAttendQuantize"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // sums int32 (B, T, 3D), row_scale float32 (B, T, 1), column_scale (3D), bias (3D), attention_bias (B, H|1, T, T)
  // -> q uint8 (B, T, D), scale float32 (B, T, 1)
  size_t GetInputTypeCount() const { return 5; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 2; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

}  // namespace layoutserve
