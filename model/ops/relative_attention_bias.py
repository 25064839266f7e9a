"""The operator ``layoutserve::RelativeAttentionBias``: three biases by distance, and the mask of the keys.

LayoutLMv2 adds to every attention score a bias that depends on how far the key is from the query: in the text
(1D) and on the page (2D, left edges and bottom edges). Distances are small integers and everything beyond a
maximum shares one bucket. So a bias is a table with one entry for each distance, ``2 * maximum + 1`` wide, and
the operator is three gathers and the mask of the keys::

    bias[b, h, i, j] = bias_1d[h, clip(pos[b, j] - pos[b, i], -M1, M1) + M1]
                     + bias_x [h, clip(x0 [b, j] - x0 [b, i], -M2, M2) + M2]
                     + bias_y [h, clip(y1 [b, j] - y1 [b, i], -M2, M2) + M2]
                     + (0 if attention_mask[b, j] else MASKED)

A bias that a model does not have is a table of zeros one entry wide (M = 0): the interface is always the same.
The tables are made at export, from ``bucket_table`` and the learned weights of the buckets. The mask is part of
the operator because a pass of its own over (B, H, T, T) would cost as much as the biases.
"""

import numpy as np
from numpy.typing import NDArray

# Added to a masked key's scores: its probability is exactly 0 in float32, and half precision can still hold it.
MASKED = -10000.0

# One of the three gathers, as a function that the body calls.
DISTANCE_BIAS = """
<domain: "layoutserve", opset_import: ["": 20]>
DistanceBias (places, table) => (bias)
{
    query_axis = Constant <value = int64[1] {2}> ()
    key_axis = Constant <value = int64[1] {1}> ()
    two = Constant <value = int64 {2}> ()
    query = Unsqueeze (places, query_axis)
    key = Unsqueeze (places, key_axis)
    distance = Sub (key, query)
    width = Shape <start = 1> (table)
    width_scalar = Squeeze (width)
    maximum = Div (width_scalar, two)
    minimum = Neg (maximum)
    clipped = Clip (distance, minimum, maximum)
    index = Add (clipped, maximum)
    bias = Gather <axis = 1> (table, index)
}
"""

BODY = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
RelativeAttentionBias (position_ids, bbox, attention_mask, bias_1d, bias_x, bias_y) => (bias)
{
    left_edge = Constant <value = int64 {0}> ()
    bottom_edge = Constant <value = int64 {3}> ()
    x0 = Gather <axis = 2> (bbox, left_edge)
    y1 = Gather <axis = 2> (bbox, bottom_edge)
    of_1d = layoutserve.DistanceBias (position_ids, bias_1d)
    of_x = layoutserve.DistanceBias (x0, bias_x)
    of_y = layoutserve.DistanceBias (y1, bias_y)
    of_1d_and_x = Add (of_1d, of_x)
    heads_first = Add (of_1d_and_x, of_y)
    unmasked = Transpose <perm = [1, 0, 2, 3]> (heads_first)
    zero = Constant <value = float {0}> ()
    masked = Constant <value = float {-10000}> ()
    attended = Cast <to = 9> (attention_mask)
    mask = Where (attended, zero, masked)
    head_and_query_axes = Constant <value = int64[2] {1, 2}> ()
    mask_of_keys = Unsqueeze (mask, head_and_query_axes)
    bias = Add (unmasked, mask_of_keys)
}
"""


def relative_position_bucket(distance: NDArray[np.int64], num_buckets: int, max_distance: int) -> NDArray[np.int64]:
    """Find the bucket of each distance (key minus query): int64, same shape, in ``0..num_buckets - 1``.

    Half of the buckets are for positive distances. Of each half, one half holds one distance each, the other
    grows logarithmically up to ``max_distance``; all beyond shares the last. As T5 (arXiv 1910.10683) and
    transformers' LayoutLMv2 do it, in float32 with truncation: another precision moves boundaries.
    """
    half = num_buckets // 2
    exact = half // 2
    size = np.abs(distance)
    # The order of the float32 operations is the reference's. A logarithm of 0 is never used, but would warn.
    ratio = np.log(np.maximum(size, 1).astype(np.float32) / np.float32(exact))
    steps = ratio / np.float32(np.log(max_distance / exact)) * np.float32(half - exact)
    large = np.minimum(exact + steps.astype(np.int64), half - 1)
    buckets: NDArray[np.int64] = np.where(distance > 0, half, 0) + np.where(size < exact, size, large)
    return buckets


def bucket_table(num_buckets: int, max_distance: int) -> NDArray[np.int64]:
    """Tabulate the buckets of the distances ``-max_distance..max_distance``: int64 (2 * max_distance + 1,).

    Exact for any distance once it is clipped to that range: at ``max_distance`` the last bucket is reached.
    """
    distances = np.arange(-max_distance, max_distance + 1, dtype=np.int64)
    return relative_position_bucket(distances, num_buckets, max_distance)


def relative_attention_bias(
    position_ids: NDArray[np.int64],
    bbox: NDArray[np.int64],
    attention_mask: NDArray[np.int64],
    bias_1d: NDArray[np.float32],
    bias_x: NDArray[np.float32],
    bias_y: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Add up the three biases and the mask of the keys.

    position_ids: int64 (B, T), or (1, T) for all. bbox: int64 (B, T, 4), x0, y0, x1, y1. attention_mask: int64
    (B, T), 0 for keys that nobody attends to. bias_1d, bias_x, bias_y: float32 (H, 2M + 1), each with its own M.
    Returns float32 (B, H, T, T), query before key; added in the order 1D, x, y, mask.
    """

    def gather(table: NDArray[np.float32], places: NDArray[np.int64]) -> NDArray[np.float32]:
        maximum = table.shape[1] // 2
        distance = places[:, None, :] - places[:, :, None]  # (B, T, T)
        return table[:, np.clip(distance, -maximum, maximum) + maximum].swapaxes(0, 1)  # (B, H, T, T)

    mask = np.where(attention_mask == 0, np.float32(MASKED), np.float32(0))[:, None, None, :]  # (B, 1, 1, T)
    relative = gather(bias_1d, position_ids) + gather(bias_x, bbox[..., 0]) + gather(bias_y, bbox[..., 3])
    scores: NDArray[np.float32] = relative + mask
    return scores
