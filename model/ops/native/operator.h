// The one way in which an operator is made known to ONNX Runtime: a struct with its name, the types of its inputs and
// outputs, what it keeps of its node, and what it computes.
//
//   struct Negate {
//     static constexpr char kName[] = "Negate";
//     static constexpr Type kInputs[] = {kFloat}, kOutputs[] = {kFloat};
//     explicit Negate(const Ort::ConstKernelInfo&) {}
//     void compute(const Context& context) const { ... }
//   };
//   const Registration<Negate> registration;
//
// Both may throw: std::invalid_argument with what the operator "needs ...", which the caller reads behind its name.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "processor.h"

namespace layoutserve {

using Type = ONNXTensorElementDataType;
constexpr Type kFloat = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, kInt8 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8,
               kUint8 = ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, kInt32 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32,
               kInt64 = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
using Shape = std::vector<int64_t>;

inline void require(bool fits, const char* needs) {
  if (!fits) throw std::invalid_argument(needs);
}

// A tensor (..., columns) as rows.
struct Rows {
  Shape shape;
  int64_t count, columns;

  Shape shape_of_scales() const {
    Shape scales = shape;
    scales.back() = 1;
    return scales;
  }
};

// One call of an operator: its inputs, outputs and threads.
class Context {
 public:
  explicit Context(OrtKernelContext* context) : context_(context) {}

  Shape shape(size_t input) const { return context_.GetInput(input).GetTensorTypeAndShapeInfo().GetShape(); }

  // Elements of an input.
  int64_t count(size_t input) const {
    return static_cast<int64_t>(context_.GetInput(input).GetTensorTypeAndShapeInfo().GetElementCount());
  }

  Rows rows(size_t input, const char* needs) const {
    Rows rows{shape(input), 1, 0};
    require(!rows.shape.empty(), needs);
    rows.columns = rows.shape.back();
    for (size_t axis = 0; axis + 1 < rows.shape.size(); ++axis) rows.count *= rows.shape[axis];
    return rows;
  }

  template <typename Element>
  const Element* input(size_t index) const {
    return context_.GetInput(index).GetTensorData<Element>();
  }

  template <typename Element>
  Element* output(size_t index, const Shape& shape) const {
    return context_.GetOutput(index, shape).template GetTensorMutableData<Element>();
  }

  // Calls task(0) .. task(count - 1) from several threads.
  template <typename Task>
  void parallel_for(int64_t count, const Task& task) const {
    const auto call = [](void* data, size_t number) {
      (*static_cast<const Task*>(data))(static_cast<int64_t>(number));
    };
    if (count > 0) context_.ParallelFor(call, static_cast<size_t>(count), 0, const_cast<Task*>(&task));
  }

  // The same for blocks of `step` places: task(first, last), the last one excluded.
  template <typename Task>
  void parallel_blocks(int64_t count, int64_t step, const Task& task) const {
    parallel_for((count + step - 1) / step,
                 [&](int64_t block) { task(block * step, std::min((block + 1) * step, count)); });
  }

 private:
  Ort::KernelContext context_;
};

inline OrtStatusPtr refusal(const char* name, const char* message, OrtErrorCode code) {
  return Ort::Status((std::string(name) + " " + message).c_str(), code).release();
}

template <typename Kernel>
struct Running {
  Kernel kernel;

  OrtStatusPtr ComputeV2(OrtKernelContext* context) try {
    kernel.compute(Context(context));
    return nullptr;
  } catch (const std::invalid_argument& error) {
    return refusal(Kernel::kName, error.what(), ORT_INVALID_ARGUMENT);
  } catch (const std::exception& error) {
    return refusal(Kernel::kName, error.what(), ORT_FAIL);
  }
};

template <typename Kernel>
struct Operator : Ort::CustomOpBase<Operator<Kernel>, Running<Kernel>, true> {
  OrtStatusPtr CreateKernelV2(const OrtApi&, const OrtKernelInfo* info, void** kernel) const try {
    *kernel = new Running<Kernel>{Kernel(Ort::ConstKernelInfo(info))};
    return nullptr;
  } catch (const std::exception& error) {
    return refusal(Kernel::kName, error.what(), ORT_INVALID_ARGUMENT);
  }
  const char* GetName() const { return Kernel::kName; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  size_t GetInputTypeCount() const { return std::size(Kernel::kInputs); }
  Type GetInputType(size_t index) const { return Kernel::kInputs[index]; }
  size_t GetOutputTypeCount() const { return std::size(Kernel::kOutputs); }
  Type GetOutputType(size_t index) const { return Kernel::kOutputs[index]; }
};

// An operator that the library offers, and the least that a processor must have for it to be faster than its body.
struct Offer {
  const OrtCustomOp* made;
  Isa least;
};

// All of them; sessions keep pointers to them until the process ends.
std::vector<Offer>& offers();

// As a constant beside an operator, puts it among those.
template <typename Kernel>
struct Registration {
  explicit Registration(Isa least = Isa::kBaseline) {
    static const Operator<Kernel> made;
    offers().push_back({&made, least});
  }
};

}  // namespace layoutserve
