// A matrix product of uint8 rows with int8 columns, exact in int32. Worth its while on processors that have
// instructions for it: tiles (AMX), or four multiplications a lane and step (AVX-512 VNNI). All others are better
// served by ONNX Runtime's MatMulInteger.
#pragma once

#include <cstdint>
#include <vector>

#include "operator.h"

namespace layoutserve {

// Columns of the right matrix that lie together.
constexpr int64_t kInt8Panel = 16;
// Left matrices and sums lie in memory for a multiple of this number of rows, of which the last may be anything.
constexpr int64_t kInt8Rows = 48;

// The right matrix, laid out once: panels of [depth / 4][kInt8Panel][4], filled up with zeros.
class Int8Columns {
 public:
  // weight (depth, columns), row by row. The left matrix's integer zero is 128.
  Int8Columns(const int8_t* weight, int64_t depth, int64_t columns);

  int64_t depth() const { return depth_; }
  int64_t columns() const { return columns_; }
  // Bytes from one row of a left matrix to the next: the depth, filled up.
  int64_t stride() const { return 4 * quads_; }
  int64_t panels() const { return static_cast<int64_t>(zero_.size()) / kInt8Panel; }

  // left (rows, stride()) uint8; what is filled up may have any value. Writes the sums of (left - 128) * weight for
  // `count` panels from `first` on, into rows of count * kInt8Panel, as many as left lies in memory for.
  void product(const uint8_t* left, int64_t rows, int64_t first, int64_t count, int32_t* sums) const;

 private:
  int64_t depth_, columns_, quads_;
  std::vector<int8_t> panels_;
  // What the sums begin with: the weights of a column times -128.
  std::vector<int32_t> zero_;
};

// An operator's input that is a constant int8 (depth, columns). Raises where it is not.
Int8Columns constant_columns(const Ort::ConstKernelInfo& node, size_t input);

}  // namespace layoutserve
