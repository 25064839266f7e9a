// The operators layoutserve::QuantizeRows, layoutserve::DequantizeRows and layoutserve::DequantizeAdd: what ONNX Runtime
// asks of them.
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

// One operator for both: they differ in an input.
template <typename Operator, size_t kInputs>
struct Dequantize : Ort::CustomOpBase<Operator, DequantizeRowsKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new DequantizeRowsKernel;
    return nullptr;
  }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  size_t GetInputTypeCount() const { return kInputs; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

// sums int32 (..., N), row_scale float32 (..., 1), column_scale (N), bias (N) -> y float32 (..., N)
struct DequantizeRows : Dequantize<DequantizeRows, 4> {
  const char* GetName() const { return "DequantizeRows"; }
};

// The same and residual float32 (..., N) -> y float32 (..., N)
struct DequantizeAdd : Dequantize<DequantizeAdd, 5> {
  const char* GetName() const { return "DequantizeAdd"; }
};

}  // namespace layoutserve
