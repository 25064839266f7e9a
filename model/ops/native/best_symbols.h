// The operators layoutserve::BestSymbols and layoutserve::ScoreSymbols: what ONNX Runtime asks of them.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include "int8_product.h"

namespace layoutserve {

struct BestSymbolsKernel {
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct BestSymbols : Ort::CustomOpBase<BestSymbols, BestSymbolsKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo*, void** kernel) const {
    *kernel = new BestSymbolsKernel;
    return nullptr;
  }
  const char* GetName() const { return "BestSymbols"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // sums int32 (..., N), row_scale float32 (..., 1), column_scale (N), bias (N), symbol int64 (1)
  // -> best int64 (...), probability float32 (...), probability of symbol float32 (...)
  size_t GetInputTypeCount() const { return 5; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 0   ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32
           : index == 4 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
                        : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 3; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

struct ScoreSymbolsKernel {
  Int8Columns weight;
  OrtStatusPtr ComputeV2(OrtKernelContext* context);
};

struct ScoreSymbols : Ort::CustomOpBase<ScoreSymbols, ScoreSymbolsKernel, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const;
  const char* GetName() const { return "ScoreSymbols"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  // x float32 (..., K), weight int8 (K, N), a constant, column_scale (N), bias (N), symbol int64 (1) -> as above
  size_t GetInputTypeCount() const { return 5; }
  ONNXTensorElementDataType GetInputType(size_t index) const {
    return index == 1   ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8
           : index == 4 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64
                        : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
  size_t GetOutputTypeCount() const { return 3; }
  ONNXTensorElementDataType GetOutputType(size_t index) const {
    return index == 0 ? ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 : ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
  }
};

}  // namespace layoutserve
