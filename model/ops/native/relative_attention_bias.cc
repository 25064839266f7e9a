// The operator layoutserve::RelativeAttentionBias for ONNX Runtime's CPU provider.
// model/ops/relative_attention_bias.py says what it computes; this equals it bit for bit.

#include "relative_attention_bias.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "quantized_rows.h"

namespace layoutserve {
namespace {

constexpr int64_t kRowsPerTask = 8;
constexpr float kMasked = -10000.0f;

// A table (H, 2M + 1) with one value for each distance.
struct Table {
  const float* values;
  int64_t width;
};

struct Task {
  const int64_t* positions;  // (B|1, T)
  int64_t position_stride;   // T, or 0 where one row serves the batch
  const int64_t* x0;         // (B, T)
  const int64_t* y1;         // (B, T)
  const float* mask;         // (B, T): what each key adds
  Table table_1d, table_x, table_y;
  int64_t batch, heads, tokens;
  float* bias;  // (B, H, T, T)
};

// Where in a table the distance from `own` to each of n places is found. Wraps on overflow, as numpy does.
LAYOUTSERVE_VECTORISED void table_indices(const int64_t* __restrict places, int64_t own, int64_t width, int64_t n,
                              int32_t* __restrict indices) {
  const int64_t maximum = width / 2;
  for (int64_t j = 0; j < n; ++j) {
    int64_t distance = static_cast<int64_t>(static_cast<uint64_t>(places[j]) - static_cast<uint64_t>(own));
    distance = distance < -maximum ? -maximum : distance;
    distance = distance > maximum ? maximum : distance;
    indices[j] = static_cast<int32_t>(distance + maximum);
  }
}

LAYOUTSERVE_VECTORISED void sum_of_gathers(const float* __restrict table_1d, const float* __restrict table_x,
                               const float* __restrict table_y, const int32_t* __restrict index_1d,
                               const int32_t* __restrict index_x, const int32_t* __restrict index_y,
                               const float* __restrict mask, int64_t n, float* __restrict out) {
  for (int64_t j = 0; j < n; ++j) {
    out[j] = ((table_1d[index_1d[j]] + table_x[index_x[j]]) + table_y[index_y[j]]) + mask[j];
  }
}

// Rows kRowsPerTask * number .. of the B * T query rows, for every head.
void run_task(void* data, size_t number) {
  const Task& task = *static_cast<const Task*>(data);
  const int64_t tokens = task.tokens, heads = task.heads;
  std::vector<int32_t> scratch(3 * tokens);
  int32_t *index_1d = scratch.data(), *index_x = index_1d + tokens, *index_y = index_x + tokens;
  const int64_t first = static_cast<int64_t>(number) * kRowsPerTask;
  const int64_t last = std::min(first + kRowsPerTask, task.batch * tokens);
  for (int64_t row = first; row < last; ++row) {
    const int64_t b = row / tokens, i = row % tokens;
    const int64_t* positions = task.positions + b * task.position_stride;
    const int64_t* x0 = task.x0 + b * tokens;
    const int64_t* y1 = task.y1 + b * tokens;
    table_indices(positions, positions[i], task.table_1d.width, tokens, index_1d);
    table_indices(x0, x0[i], task.table_x.width, tokens, index_x);
    table_indices(y1, y1[i], task.table_y.width, tokens, index_y);
    for (int64_t h = 0; h < heads; ++h) {
      sum_of_gathers(task.table_1d.values + h * task.table_1d.width, task.table_x.values + h * task.table_x.width,
                     task.table_y.values + h * task.table_y.width, index_1d, index_x, index_y, task.mask + b * tokens, tokens,
                     task.bias + ((b * heads + h) * tokens + i) * tokens);
    }
  }
}

}  // namespace

OrtStatusPtr RelativeAttentionBiasKernel::ComputeV2(OrtKernelContext* raw) try {
  Ort::KernelContext context(raw);
  std::vector<std::vector<int64_t>> shapes;
  for (size_t input = 0; input < 6; ++input) {
    shapes.push_back(context.GetInput(input).GetTensorTypeAndShapeInfo().GetShape());
  }
  const auto &positions = shapes[0], &bbox = shapes[1], &mask = shapes[2];
  bool valid = positions.size() == 2 && bbox.size() == 3 && bbox[2] == 4 && positions[1] == bbox[1] &&
               (positions[0] == bbox[0] || positions[0] == 1) && mask.size() == 2 && mask[0] == bbox[0] &&
               mask[1] == bbox[1];
  for (size_t table = 3; table < 6; ++table) {
    valid = valid && shapes[table].size() == 2 && shapes[table][0] == shapes[3][0] && shapes[table][1] % 2 == 1;
  }
  if (!valid) {
    return Ort::Status("RelativeAttentionBias needs position_ids (B or 1, T), bbox (B, T, 4), attention_mask (B, T) "
                       "and three tables (H, 2M + 1).", ORT_INVALID_ARGUMENT).release();
  }
  Task task{};
  task.batch = bbox[0], task.tokens = bbox[1], task.heads = shapes[3][0];
  task.positions = context.GetInput(0).GetTensorData<int64_t>();
  task.position_stride = positions[0] == task.batch ? task.tokens : 0;
  const int64_t count = task.batch * task.tokens;
  const int64_t* boxes = context.GetInput(1).GetTensorData<int64_t>();
  std::vector<int64_t> edges(2 * count);
  for (int64_t token = 0; token < count; ++token) {
    edges[token] = boxes[4 * token];
    edges[count + token] = boxes[4 * token + 3];
  }
  const int64_t* attended = context.GetInput(2).GetTensorData<int64_t>();
  std::vector<float> mask_values(count);
  for (int64_t token = 0; token < count; ++token) mask_values[token] = attended[token] != 0 ? 0.0f : kMasked;
  task.mask = mask_values.data();
  task.x0 = edges.data(), task.y1 = edges.data() + count;
  Table* tables[] = {&task.table_1d, &task.table_x, &task.table_y};
  for (size_t table = 0; table < 3; ++table) {
    *tables[table] = {context.GetInput(3 + table).GetTensorData<float>(), shapes[3 + table][1]};
  }
  const std::vector<int64_t> shape{task.batch, task.heads, task.tokens, task.tokens};
  task.bias = context.GetOutput(0, shape).GetTensorMutableData<float>();
  const size_t tasks = static_cast<size_t>((count + kRowsPerTask - 1) / kRowsPerTask);
  if (tasks > 0) context.ParallelFor(run_task, tasks, 0, &task);
  return nullptr;
} catch (const std::exception& error) {
  return Ort::Status(error.what(), ORT_FAIL).release();
}

}  // namespace layoutserve
