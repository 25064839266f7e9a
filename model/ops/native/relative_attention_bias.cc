// The operator layoutserve::RelativeAttentionBias; model/ops/relative_attention_bias.py says what it computes, and this
// equals it bit for bit.

#include "operator.h"

namespace layoutserve {
namespace {

// Query rows that a thread takes at a time.
constexpr int64_t kRowsPerTask = 8;
constexpr float kMasked = -10000.0f;

// Where in a table of a width the distance from `own` to each of n places is found. Wraps on overflow, as numpy does.
struct TableIndices {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const int64_t* places, int64_t own, int64_t width, int64_t n, int32_t* indices) {
    const int64_t maximum = width / 2;
    for (int64_t j = 0; j < n; ++j) {
      int64_t distance = static_cast<int64_t>(static_cast<uint64_t>(places[j]) - static_cast<uint64_t>(own));
      distance = distance < -maximum ? -maximum : distance;
      distance = distance > maximum ? maximum : distance;
      indices[j] = static_cast<int32_t>(distance + maximum);
    }
  }
};

struct SumOfGathers {
  template <Isa>
  static LAYOUTSERVE_INLINED void run(const float* table_1d, const float* table_x, const float* table_y,
                                      const int32_t* index_1d, const int32_t* index_x, const int32_t* index_y,
                                      const float* mask, int64_t n, float* out) {
    for (int64_t j = 0; j < n; ++j) {
      out[j] = ((table_1d[index_1d[j]] + table_x[index_x[j]]) + table_y[index_y[j]]) + mask[j];
    }
  }
};

// A table (H, 2M + 1) with one value for each distance.
struct Table {
  const float* values;
  int64_t width;

  const float* of(int64_t head) const { return values + head * width; }
};

struct RelativeAttentionBias {
  static constexpr char kName[] = "RelativeAttentionBias";
  // position_ids (B|1, T), bbox (B, T, 4), attention_mask (B, T), bias_1d, bias_x, bias_y (H, 2M + 1)
  // -> bias (B, H, T, T)
  static constexpr Type kInputs[] = {kInt64, kInt64, kInt64, kFloat, kFloat, kFloat}, kOutputs[] = {kFloat};

  explicit RelativeAttentionBias(const Ort::ConstKernelInfo&) {}

  void compute(const Context& context) const {
    const Shape position_shape = context.shape(0), bbox = context.shape(1), mask_shape = context.shape(2);
    const Shape tables[] = {context.shape(3), context.shape(4), context.shape(5)};
    bool fits = position_shape.size() == 2 && bbox.size() == 3 && bbox[2] == 4 && position_shape[1] == bbox[1] &&
                (position_shape[0] == bbox[0] || position_shape[0] == 1) && mask_shape == Shape{bbox[0], bbox[1]};
    for (const Shape& table : tables) {
      fits = fits && table.size() == 2 && table[0] == tables[0][0] && table[1] % 2 == 1;
    }
    require(fits,
            "needs position_ids (B or 1, T), bbox (B, T, 4), attention_mask (B, T) and three tables (H, 2M + 1).");
    const int64_t batch = bbox[0], tokens = bbox[1], heads = tables[0][0], count = batch * tokens;
    const int64_t position_stride = position_shape[0] == batch ? tokens : 0;
    const auto *all_positions = context.input<int64_t>(0), *boxes = context.input<int64_t>(1);
    const auto* attended = context.input<int64_t>(2);
    // The left and the lower edges side by side, and what each key adds: (B, T) each.
    std::vector<int64_t> left(count), lower(count);
    std::vector<float> mask(count);
    for (int64_t token = 0; token < count; ++token) {
      left[token] = boxes[4 * token];
      lower[token] = boxes[4 * token + 3];
      mask[token] = attended[token] != 0 ? 0.0f : kMasked;
    }
    const Table table_1d{context.input<float>(3), tables[0][1]}, table_x{context.input<float>(4), tables[1][1]},
        table_y{context.input<float>(5), tables[2][1]};
    auto* bias = context.output<float>(0, {batch, heads, tokens, tokens});
    context.parallel_blocks(count, kRowsPerTask, [&](int64_t first, int64_t last) {
      std::vector<int32_t> scratch(3 * tokens);
      int32_t *index_1d = scratch.data(), *index_x = index_1d + tokens, *index_y = index_x + tokens;
      for (int64_t row = first; row < last; ++row) {
        const int64_t b = row / tokens, i = row % tokens;
        const int64_t* positions = all_positions + b * position_stride;
        dispatch<TableIndices>(positions, positions[i], table_1d.width, tokens, index_1d);
        dispatch<TableIndices>(left.data() + b * tokens, left[row], table_x.width, tokens, index_x);
        dispatch<TableIndices>(lower.data() + b * tokens, lower[row], table_y.width, tokens, index_y);
        for (int64_t h = 0; h < heads; ++h) {
          dispatch<SumOfGathers>(table_1d.of(h), table_x.of(h), table_y.of(h), index_1d, index_x, index_y,
                                 mask.data() + b * tokens, tokens, bias + ((b * heads + h) * tokens + i) * tokens);
        }
      }
    });
  }
};

const Registration<RelativeAttentionBias> registration;

}  // namespace
}  // namespace layoutserve
