// The operator layoutserve::DequantizeAttendQuantize; model/ops/dequantize_attend_quantize.py says what it computes.
// Three passes: rows to int16, each key and value once and in the order that the products read them; the attention
// of blocks of queries, head by head; and the rows of all heads to uint8.

#include <algorithm>
#include <memory>
#include <new>
#include <type_traits>

#include "attention_rows.h"
#include "attention_weights.h"
#include "int16_product.h"
#include "operator.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

// Queries that one task attends for: whole calls of the product, and few enough tasks per head.
constexpr int64_t kQueriesPerTask = 4 * kProductRows;
constexpr int64_t kAlignment = 64;

int64_t rounded_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

struct Task {
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias, *attention_bias;
  int64_t batch, tokens, heads, size;  // size: of a head
  int64_t bias_heads;
  float score_scale;
  int64_t width, keys, queries;  // size, tokens and tokens rounded up to what the products take
  // Scratch, head by head. queries: (B, H, queries, width). keys: (B, H, keys / kPanel) panels. values: (B, H,
  // width / kPanel) panels. Scales: (B, H, queries or keys). found: float (B, T, H * size).
  int16_t *query_rows, *key_panels, *value_panels;
  float *query_scales, *key_scales, *value_scales, *found;
};

// Memory for one task, which begins where a cache line does: vectors that lie across two take twice as long.
template <typename Element>
class Lines {
 public:
  explicit Lines(int64_t count)
      : start_(static_cast<Element*>(operator new(static_cast<size_t>(count) * sizeof(Element), kLine))) {}
  ~Lines() { operator delete(start_, kLine); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  Element* get() const { return start_; }

 private:
  static constexpr std::align_val_t kLine{kAlignment};
  Element* start_;
};

// Rows block * kPanel .. of one window: dequantized, and as int16 where the products read them.
void prepare(const Task& task, int64_t number) {
  const int64_t heads = task.heads, size = task.size, width = task.width, columns = heads * size;
  const int64_t blocks = task.keys / kPanel;
  const int64_t b = number / blocks, block = number % blocks;
  const int64_t first = block * kPanel, count = std::clamp(task.tokens - first, int64_t{0}, kPanel);
  const Lines<float> row(3 * columns), scales(heads);
  const Lines<int16_t> keys(kPanel * heads * width), values(kPanel * heads * width);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t token = b * task.tokens + first + i;
    dequantize_row(task.sums + token * 3 * columns, task.row_scale[token], task.column_scale, task.bias, 3 * columns,
                   row.get());
    const auto spread = [&](float* all, int64_t stride, float factor) {
      all += b * heads * stride + first + i;
      for (int64_t head = 0; head < heads; ++head) all[head * stride] = scales.get()[head] * factor;
    };
    direction_scales(row.get(), heads, size, scales.get());
    round_heads(row.get(), scales.get(), heads, size, width, task.queries * width,
                task.query_rows + (b * heads * task.queries + first + i) * width);
    spread(task.query_scales, task.queries, task.score_scale);
    direction_scales(row.get() + columns, heads, size, scales.get());
    round_heads(row.get() + columns, scales.get(), heads, size, width, width, keys.get() + i * heads * width);
    spread(task.key_scales, task.keys, 1.0f);
    value_scales(row.get() + 2 * columns, heads, size, scales.get());
    round_heads(row.get() + 2 * columns, scales.get(), heads, size, width, width, values.get() + i * heads * width);
    spread(task.value_scales, task.keys, 1.0f);
  }
  // Keys beyond the last are zeros.
  std::fill(keys.get() + count * heads * width, keys.get() + kPanel * heads * width, int16_t{0});
  std::fill(values.get() + count * heads * width, values.get() + kPanel * heads * width, int16_t{0});
  for (int64_t head = 0; head < heads; ++head) {
    const int64_t own = (b * heads + head) * task.keys * width;
    pack_keys(keys.get() + head * width, heads * width, width, task.key_panels + own + first * width);
    pack_values(values.get() + head * width, heads * width, width, task.keys * kPanel,
                task.value_panels + own + first * kPanel);
    for (int64_t i = count; i < kPanel; ++i) {
      task.key_scales[(b * heads + head) * task.keys + first + i] = 0.0f;
      task.value_scales[(b * heads + head) * task.keys + first + i] = 0.0f;
    }
  }
}

// kQueriesPerTask queries of one head.
void attend(const Task& task, int64_t number) {
  const int64_t tokens = task.tokens, keys = task.keys, width = task.width, columns = task.heads * task.size;
  const int64_t blocks = rounded_up(tokens, kQueriesPerTask) / kQueriesPerTask;
  const int64_t which = number / blocks, block = number % blocks;
  const int64_t b = which / task.heads, head = which % task.heads;
  const float* bias =
      task.attention_bias + (b * task.bias_heads + (task.bias_heads == 1 ? 0 : head)) * tokens * tokens;
  const float* bias_end = task.attention_bias + task.batch * task.bias_heads * tokens * tokens;
  const Lines<int32_t> sums(kProductRows * std::max(keys, width));
  const Lines<int16_t> weights(kProductRows * keys);
  float factors[kProductRows];
  const int64_t last = std::min((block + 1) * kQueriesPerTask, tokens);
  for (int64_t first = block * kQueriesPerTask; first < last; first += kProductRows) {
    const int64_t count = std::min(kProductRows, last - first);
    int16_product(task.query_rows + (which * task.queries + first) * width, width,
                  task.key_panels + which * keys * width, kPanel * width, width / 2, keys / kPanel, sums.get());
    const Queries queries{count, tokens, keys, task.query_scales + which * task.queries + first,
                          task.key_scales + which * keys, task.value_scales + which * keys, bias + first * tokens,
                          bias_end};
    weigh(queries, sums.get(), weights.get(), factors);
    std::fill(weights.get() + count * keys, weights.get() + kProductRows * keys, int16_t{0});
    int16_product(weights.get(), keys, task.value_panels + which * keys * width, keys * kPanel,
                  (tokens + 1) / 2, width / kPanel, sums.get());
    for (int64_t i = 0; i < count; ++i) {
      scale_row(sums.get() + i * width, factors[i], task.size,
                task.found + (b * tokens + first + i) * columns + head * task.size);
    }
  }
}

// Memory of ONNX Runtime's, which keeps it for the next layer.
class Scratch {
 public:
  Scratch(OrtAllocator* allocator, size_t bytes) : allocator_(allocator), start_(allocator->Alloc(allocator, bytes)) {
    if (start_ == nullptr) throw std::bad_alloc();
  }
  ~Scratch() { allocator_->Free(allocator_, start_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  char* start() const { return static_cast<char*>(start_); }

 private:
  OrtAllocator* allocator_;
  void* start_;
};

// Gives every part of the scratch its place behind `start`, and returns the bytes of all.
size_t place(Task& task, char* start) {
  size_t end = 0;
  const auto take = [&](auto*& part, int64_t count) {
    part = reinterpret_cast<std::remove_reference_t<decltype(part)>>(start + end);
    end += static_cast<size_t>(rounded_up(count * static_cast<int64_t>(sizeof *part), kAlignment));
  };
  const int64_t all = task.batch * task.heads;
  take(task.query_rows, all * task.queries * task.width);
  take(task.key_panels, all * task.keys * task.width);
  take(task.value_panels, all * task.keys * task.width);
  take(task.query_scales, all * task.queries);
  take(task.key_scales, all * task.keys);
  take(task.value_scales, all * task.keys);
  take(task.found, task.batch * task.tokens * task.heads * task.size);
  return end;
}

struct DequantizeAttendQuantize {
  static constexpr char kName[] = "DequantizeAttendQuantize";
  // sums (B, T, 3D), row_scale (B, T, 1), column_scale (3D), bias (3D), attention_bias (B, H|1, T, T)
  // -> q (B, T, D), scale (B, T, 1)
  static constexpr Type kInputs[] = {kInt32, kFloat, kFloat, kFloat, kFloat}, kOutputs[] = {kUint8, kFloat};

  int64_t heads;
  float scale;
  std::unique_ptr<OrtAllocator, void(ORT_API_CALL*)(OrtAllocator*)> allocator;

  explicit DequantizeAttendQuantize(const Ort::ConstKernelInfo& node)
      : heads(node.GetAttribute<int64_t>("num_heads")),
        scale(node.GetAttribute<float>("scale")),
        allocator(nullptr, Ort::GetApi().ReleaseAllocator) {
    require(heads > 0, "needs a head.");
    OrtAllocator* made = nullptr;
    Ort::ThrowOnError(Ort::GetApi().KernelInfoGetAllocator(node, OrtMemTypeDefault, &made));
    allocator.reset(made);
  }

  void compute(const Context& context) const {
    Task task = read(context);
    const int64_t columns = heads * task.size, rows = task.batch * task.tokens;
    auto* q = context.output<uint8_t>(0, {task.batch, task.tokens, columns});
    auto* row_scale = context.output<float>(1, {task.batch, task.tokens, 1});
    if (rows == 0) return;
    const Scratch scratch(allocator.get(), place(task, nullptr) + kAlignment);
    const auto start = reinterpret_cast<uintptr_t>(scratch.start());
    place(task, scratch.start() + (kAlignment - start % kAlignment) % kAlignment);
    context.parallel_for(task.batch * (task.keys / kPanel), [&](int64_t number) { prepare(task, number); });
    const int64_t blocks = rounded_up(task.tokens, kQueriesPerTask) / kQueriesPerTask;
    context.parallel_for(task.batch * heads * blocks, [&](int64_t number) { attend(task, number); });
    context.parallel_blocks(rows, kRowsPerTask, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row) {
        row_scale[row] = quantize_row(task.found + row * columns, columns, q + row * columns);
      }
    });
  }

  Task read(const Context& context) const {
    constexpr char kNeeds[] =
        "needs sums (B, T, 3D), row_scale (B, T, 1), column_scale (3D), bias (3D) and attention_bias (B, H or 1, T, "
        "T), D a multiple of its heads and T at most 32768.";
    const Shape shape = context.shape(0), bias = context.shape(4);
    require(shape.size() == 3 && bias.size() == 4, kNeeds);
    Task task{};
    task.batch = shape[0], task.tokens = shape[1], task.heads = heads, task.size = shape[2] / (3 * heads);
    task.bias_heads = bias[1], task.score_scale = scale;
    require(task.tokens <= kMostKeys && shape[2] == 3 * heads * task.size && context.count(1) == shape[0] * shape[1] &&
                context.count(2) == shape[2] && context.count(3) == shape[2] && bias[0] == task.batch &&
                bias[2] == task.tokens && bias[3] == task.tokens && (bias[1] == 1 || bias[1] == heads),
            kNeeds);
    task.sums = context.input<int32_t>(0);
    task.row_scale = context.input<float>(1), task.column_scale = context.input<float>(2);
    task.bias = context.input<float>(3), task.attention_bias = context.input<float>(4);
    task.width = rounded_up(task.size, kPanel);
    task.keys = rounded_up(task.tokens, kKeyStep);
    task.queries = rounded_up(task.tokens, kProductRows);
    return task;
  }
};

// Elsewhere the float32 products of the function body are faster.
const Registration<DequantizeAttendQuantize> registration{Isa::kAvx2};

}  // namespace
}  // namespace layoutserve
