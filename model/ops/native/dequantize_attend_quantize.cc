// The operator layoutserve::DequantizeAttendQuantize for ONNX Runtime's CPU provider. model/ops/dequantize_attend_quantize.py says what
// it computes. Three passes: rows to int16, each key and value once and in the order that the products read them; the
// attention of blocks of queries, head by head; and the rows of all heads to uint8.

#include "dequantize_attend_quantize.h"

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include "attention_rows.h"
#include "attention_weights.h"
#include "int16_product.h"
#include "quantized_rows.h"

namespace layoutserve {
namespace {

// Queries that one task attends for: whole calls of the product, and few enough tasks per head.
constexpr int64_t kQueriesPerTask = 4 * kProductRows;
constexpr int64_t kRowsPerTask = 16;
constexpr int64_t kAlignment = 64;

int64_t rounded_up(int64_t n, int64_t step) { return (n + step - 1) / step * step; }

struct Task {
  const int32_t* sums;
  const float *row_scale, *column_scale, *bias, *attention_bias;
  uint8_t* q;
  float* scale;
  int64_t batch, tokens, heads, size;  // size: of a head
  int64_t bias_heads;
  float score_scale;
  Int16Kernel kernel;
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
void prepare_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t heads = task.heads, size = task.size, width = task.width, columns = heads * size;
  const int64_t blocks = task.keys / kPanel;
  const int64_t b = static_cast<int64_t>(number) / blocks, block = static_cast<int64_t>(number) % blocks;
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
    direction_scales(task.kernel, row.get(), heads, size, scales.get());
    round_heads(row.get(), scales.get(), heads, size, width, task.queries * width,
                task.query_rows + (b * heads * task.queries + first + i) * width);
    spread(task.query_scales, task.queries, task.score_scale);
    direction_scales(task.kernel, row.get() + columns, heads, size, scales.get());
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
void attend_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t tokens = task.tokens, keys = task.keys, width = task.width, columns = task.heads * task.size;
  const int64_t blocks = rounded_up(tokens, kQueriesPerTask) / kQueriesPerTask;
  const int64_t which = static_cast<int64_t>(number) / blocks, block = static_cast<int64_t>(number) % blocks;
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
    int16_product(task.kernel, task.query_rows + (which * task.queries + first) * width, width,
                  task.key_panels + which * keys * width, kPanel * width, width / 2, keys / kPanel, sums.get());
    const Queries queries{count, tokens, keys, task.query_scales + which * task.queries + first,
                          task.key_scales + which * keys, task.value_scales + which * keys, bias + first * tokens,
                          bias_end};
    weigh(task.kernel, queries, sums.get(), weights.get(), factors);
    std::fill(weights.get() + count * keys, weights.get() + kProductRows * keys, int16_t{0});
    int16_product(task.kernel, weights.get(), keys, task.value_panels + which * keys * width, keys * kPanel,
                  (tokens + 1) / 2, width / kPanel, sums.get());
    for (int64_t i = 0; i < count; ++i) {
      scale_row(sums.get() + i * width, factors[i], task.size,
                task.found + (b * tokens + first + i) * columns + head * task.size);
    }
  }
}

void quantize_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t columns = task.heads * task.size, first = static_cast<int64_t>(number) * kRowsPerTask;
  for (int64_t row = first; row < std::min(first + kRowsPerTask, task.batch * task.tokens); ++row) {
    task.scale[row] = quantize_row(task.found + row * columns, columns, task.q + row * columns);
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

// False where the inputs' shapes do not fit.
bool read(const Ort::KernelContext& context, Task& task) {
  const auto shape_of = [&](size_t input) {
    return context.GetInput(input).GetTensorTypeAndShapeInfo().GetShape();
  };
  const auto shape = shape_of(0), bias_shape = shape_of(4);
  if (shape.size() != 3 || bias_shape.size() != 4) return false;
  task.batch = shape[0], task.tokens = shape[1], task.size = shape[2] / (3 * task.heads);
  task.bias_heads = bias_shape[1];
  if (task.tokens > kMostKeys || shape[2] != 3 * task.heads * task.size || bias_shape[0] != task.batch ||
      bias_shape[2] != task.tokens || bias_shape[3] != task.tokens ||
      (task.bias_heads != 1 && task.bias_heads != task.heads)) {
    return false;
  }
  const float** inputs[] = {&task.row_scale, &task.column_scale, &task.bias, &task.attention_bias};
  const int64_t counts[] = {task.batch * task.tokens, shape[2], shape[2],
                            task.batch * task.bias_heads * task.tokens * task.tokens};
  for (size_t input = 1; input < 5; ++input) {
    const auto value = context.GetInput(input);
    if (static_cast<int64_t>(value.GetTensorTypeAndShapeInfo().GetElementCount()) != counts[input - 1]) return false;
    *inputs[input - 1] = value.GetTensorData<float>();
  }
  task.sums = context.GetInput(0).GetTensorData<int32_t>();
  return true;
}

void run(const Ort::KernelContext& context, OrtAllocator* allocator, Task& task) {
  task.width = rounded_up(task.size, kPanel);
  task.keys = rounded_up(task.tokens, kKeyStep);
  task.queries = rounded_up(task.tokens, kProductRows);
  task.kernel = int16_kernel();
  const Scratch scratch(allocator, place(task, nullptr) + kAlignment);
  const auto start = reinterpret_cast<uintptr_t>(scratch.start());
  place(task, scratch.start() + (kAlignment - start % kAlignment) % kAlignment);
  const auto tasks = [](int64_t count, int64_t each) { return static_cast<size_t>((count + each - 1) / each); };
  const size_t windows = static_cast<size_t>(task.batch);
  context.ParallelFor(prepare_task, windows * tasks(task.keys, kPanel), 0, &task);
  context.ParallelFor(attend_task, windows * static_cast<size_t>(task.heads) * tasks(task.tokens, kQueriesPerTask), 0,
                      &task);
  context.ParallelFor(quantize_task, tasks(task.batch * task.tokens, kRowsPerTask), 0, &task);
}

}  // namespace

OrtStatusPtr DequantizeAttendQuantize::CreateKernelV2(const OrtApi& api, const OrtKernelInfo* info,
                                                      void** kernel) const try {
  const Ort::ConstKernelInfo read(info);
  const auto heads = read.GetAttribute<int64_t>("num_heads");
  if (heads < 1) return Ort::Status("DequantizeAttendQuantize needs a head.", ORT_INVALID_ARGUMENT).release();
  OrtAllocator* allocator = nullptr;
  Ort::ThrowOnError(api.KernelInfoGetAllocator(info, OrtMemTypeDefault, &allocator));
  *kernel = new DequantizeAttendQuantizeKernel{
      heads, read.GetAttribute<float>("scale"), {allocator, api.ReleaseAllocator}};
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_INVALID_ARGUMENT).release();
}

OrtStatusPtr DequantizeAttendQuantizeKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  Task task{};
  task.heads = heads, task.score_scale = scale;
  if (!read(context, task)) {
    return Ort::Status("DequantizeAttendQuantize needs sums (B, T, 3D), row_scale (B, T, 1), column_scale (3D), bias "
                       "(3D) and attention_bias (B, H or 1, T, T), D a multiple of its heads and T at most 32768.",
                       ORT_INVALID_ARGUMENT).release();
  }
  const int64_t columns = task.heads * task.size;
  task.q = context.GetOutput(0, {task.batch, task.tokens, columns}).GetTensorMutableData<uint8_t>();
  task.scale = context.GetOutput(1, {task.batch, task.tokens, 1}).GetTensorMutableData<float>();
  if (task.batch > 0 && task.tokens > 0) run(context, allocator.get(), task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
