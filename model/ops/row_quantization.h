// The operators layoutserve::QuantizeRows and layoutserve::DequantizeRows: what ONNX Runtime asks of them.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

namespace layoutserve {

struct QuantizeRowsKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct QuantizeRows : Ort::CustomOpBase<QuantizeRows, QuantizeRowsKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new QuantizeRowsKernel;
    return nullptr;
  }
  const char* GetName() const { return "QuantizeRows"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // x float32 (..., K) -> q uint8 (..., K), scale float32 (..., 1)
  size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  size_t GetOutputTypeCount() const { return 2; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

struct DequantizeRowsKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct DequantizeRows : Ort::CustomOpBase<DequantizeRows, DequantizeRowsKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new DequantizeRowsKernel;
    return nullptr;
  }
  const char* GetName() const { return "DequantizeRows"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // sums int32 (..., N), row_scale float32 (..., 1), column_scale (N), bias (N) -> y float32 (..., N)
  size_t GetInputTypeCount() const { return 4; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

}  // namespace layoutserve
