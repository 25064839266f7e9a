// Int8 matrix products: the same sums from the plain loop, AVX-512 VNNI and AMX.

#include "int8_product.h"

#include <algorithm>
#include <cstring>

#ifdef LAYOUTSERVE_X86
#include <immintrin.h>
#endif

namespace layoutserve {
namespace {

// A product to be computed: `count` panels, from the first of them on.
struct Product {
  const uint8_t* left;
  const int8_t* right;
  const int32_t* zero;
  int32_t* sums;
  int64_t quads, count;

  int64_t stride() const { return 4 * quads; }
  int64_t panel_bytes() const { return quads * 4 * kInt8Panel; }
  int64_t columns() const { return count * kInt8Panel; }
};

// What the others have to equal.
struct Int8Product {
  template <Isa>
  static void run(const Product* task, int64_t rows) {
    for (int64_t row = 0; row < rows; ++row) {
      const uint8_t* left = task->left + row * task->stride();
      for (int64_t panel = 0; panel < task->count; ++panel) {
        const int8_t* right = task->right + panel * task->panel_bytes();
        int32_t* sums = task->sums + row * task->columns() + panel * kInt8Panel;
        std::copy_n(task->zero + panel * kInt8Panel, kInt8Panel, sums);
        for (int64_t k = 0; k < task->stride(); ++k) {
          for (int64_t lane = 0; lane < kInt8Panel; ++lane) {
            sums[lane] += left[k] * right[(k / 4 * kInt8Panel + lane) * 4 + k % 4];
          }
        }
      }
    }
  }
};

#ifdef LAYOUTSERVE_X86

constexpr int64_t kVnniRows = 12;
static_assert(kInt8Rows % kVnniRows == 0);

// kRows rows by kWidth panels: 12 by 2 keep 24 sums in registers, and a step has 14 loads for 24 products.
template <int kRows, int kWidth>
LAYOUTSERVE_AVX512 void vnni_panels(const Product& task, int64_t top, int64_t panel) {
  const uint8_t* left = task.left + top * task.stride();
  const int8_t* right = task.right + panel * task.panel_bytes();
  int32_t* sums = task.sums + top * task.columns() + panel * kInt8Panel;
  __m512i total[kRows][kWidth];
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) total[row][i] = _mm512_loadu_si512(task.zero + (panel + i) * kInt8Panel);
  }
  const int64_t stride = task.stride(), bytes = task.panel_bytes(), columns = task.columns();
  for (int64_t quad = 0; quad < task.quads; ++quad) {
    __m512i four[kWidth];
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) four[i] = _mm512_loadu_si512(right + i * bytes + quad * 4 * kInt8Panel);
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      int32_t own;
      std::memcpy(&own, left + row * stride + 4 * quad, sizeof own);
      const __m512i everywhere = _mm512_set1_epi32(own);
#pragma GCC unroll 2
      for (int i = 0; i < kWidth; ++i) total[row][i] = _mm512_dpbusd_epi32(total[row][i], everywhere, four[i]);
    }
  }
#pragma GCC unroll 12
  for (int row = 0; row < kRows; ++row) {
#pragma GCC unroll 2
    for (int i = 0; i < kWidth; ++i) _mm512_storeu_si512(sums + row * columns + i * kInt8Panel, total[row][i]);
  }
}

template <int kRows>
void vnni_rows(const Product& task, int64_t top) {
  int64_t panel = 0;
  for (; panel + 2 <= task.count; panel += 2) vnni_panels<kRows, 2>(task, top, panel);
  if (panel < task.count) vnni_panels<kRows, 1>(task, top, panel);
}

template <>
void Int8Product::run<Isa::kAvx512>(const Product* task, int64_t rows) {
  for (int64_t top = 0; top < rows; top += kVnniRows) {
    const int64_t left = rows - top;
    (left > 8 ? vnni_rows<12> : left > 4 ? vnni_rows<8> : vnni_rows<4>)(*task, top);
  }
}

#endif

#ifdef LAYOUTSERVE_AMX

// Rows of a tile of sums.
constexpr int64_t kTileRows = 16;
static_assert(kInt8Rows % kTileRows == 0);

// What a processor wants to know of its eight tiles.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t bytes_of_row[16] = {};
  uint8_t rows[16] = {};

  void set(int tile, int64_t tile_rows, int64_t bytes) {
    rows[tile] = static_cast<uint8_t>(tile_rows);
    bytes_of_row[tile] = static_cast<uint16_t>(bytes);
  }
};

// The largest part of the depth, in quads, that a tile holds and of which there is a whole number; few where there
// is none.
int64_t tile_quads(int64_t quads) {
  int64_t step = std::min<int64_t>(16, quads);
  while (quads % step != 0) --step;
  return step;
}

// Two tiles of rows by two panels where there are two: four loads for four products.
template <>
LAYOUTSERVE_AMX void Int8Product::run<Isa::kAmx>(const Product* product, int64_t rows) {
  const Product& task = *product;
  const int64_t step = tile_quads(task.quads), stride = task.stride(), bytes = task.panel_bytes();
  const int64_t columns = task.columns(), sums_stride = columns * static_cast<int64_t>(sizeof(int32_t));
  TileConfig config;
  for (int tile = 0; tile < 4; ++tile) config.set(tile, kTileRows, 64);
  for (int tile = 4; tile < 6; ++tile) config.set(tile, kTileRows, 4 * step);
  for (int tile = 6; tile < 8; ++tile) config.set(tile, step, 64);
  _tile_loadconfig(&config);
  for (int64_t top = 0; top < rows; top += 2 * kTileRows) {
    const bool two_rows = top + kTileRows < rows;
    for (int64_t panel = 0; panel < task.count; panel += 2) {
      const bool two_panels = panel + 1 < task.count;
      const uint8_t* left = task.left + top * stride;
      const int8_t* right = task.right + panel * bytes;
      // Every row begins with the same sums: a stride of nothing.
      const int32_t* zero = task.zero + panel * kInt8Panel;
      _tile_loadd(0, zero, 0);
      _tile_loadd(2, zero, 0);
      if (two_panels) {
        _tile_loadd(1, zero + kInt8Panel, 0);
        _tile_loadd(3, zero + kInt8Panel, 0);
      }
      for (int64_t quad = 0; quad < task.quads; quad += step) {
        _tile_loadd(4, left + 4 * quad, stride);
        _tile_loadd(6, right + quad * 64, 64);
        _tile_dpbusd(0, 4, 6);
        if (two_panels) {
          _tile_loadd(7, right + bytes + quad * 64, 64);
          _tile_dpbusd(1, 4, 7);
        }
        if (two_rows) {
          _tile_loadd(5, left + kTileRows * stride + 4 * quad, stride);
          _tile_dpbusd(2, 5, 6);
          if (two_panels) _tile_dpbusd(3, 5, 7);
        }
      }
      int32_t* sums = task.sums + top * columns + panel * kInt8Panel;
      _tile_stored(0, sums, sums_stride);
      if (two_panels) _tile_stored(1, sums + kInt8Panel, sums_stride);
      if (two_rows) {
        _tile_stored(2, sums + kTileRows * columns, sums_stride);
        if (two_panels) _tile_stored(3, sums + kTileRows * columns + kInt8Panel, sums_stride);
      }
    }
  }
  _tile_release();
}

#endif

}  // namespace

Int8Columns::Int8Columns(const int8_t* weight, int64_t depth, int64_t columns)
    : depth_(depth), columns_(columns), quads_((depth + 3) / 4) {
  const int64_t panels = (columns + kInt8Panel - 1) / kInt8Panel;
  panels_.resize(panels * quads_ * 4 * kInt8Panel);
  zero_.resize(panels * kInt8Panel);
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t column = 0; column < columns; ++column) {
      const int64_t panel = column / kInt8Panel, lane = column % kInt8Panel;
      const int8_t value = weight[k * columns + column];
      panels_[((panel * quads_ + k / 4) * kInt8Panel + lane) * 4 + k % 4] = value;
      zero_[column] -= 128 * value;
    }
  }
}

void Int8Columns::product(const uint8_t* left, int64_t rows, int64_t first, int64_t count, int32_t* sums) const {
  const int64_t bytes = quads_ * 4 * kInt8Panel;
  const Product task{left, panels_.data() + first * bytes, zero_.data() + first * kInt8Panel, sums, quads_, count};
  dispatch<Int8Product, Isa::kAmx>(&task, rows);
}

Int8Columns constant_columns(const Ort::ConstKernelInfo& node, size_t input) {
  int constant = 0;
  const Ort::ConstValue value = node.GetTensorConstantInput(input, &constant);
  const Shape shape = constant ? value.GetTensorTypeAndShapeInfo().GetShape() : Shape{};
  require(shape.size() == 2 && shape[0] > 0 && shape[1] > 0, "needs weights (K, N) that are constant.");
  return Int8Columns(value.GetTensorData<int8_t>(), shape[0], shape[1]);
}

}  // namespace layoutserve
