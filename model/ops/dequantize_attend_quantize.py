"""The operator ``layoutserve::DequantizeAttendQuantize``: attention between two integer products.

From the integer sums of the product that makes query, key and value to the quantized rows that the next product takes.
The native kernel multiplies in 16-bit integers, scaled for each token and head by itself: no scale is shared with
another window or with padding.
"""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.quantize_rows import quantize_rows

BODY = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeAttendQuantize <num_heads, scale> (sums, row_scale, column_scale, bias, attention_bias) => (q, scale_of_rows)
{
    rows = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    query_rows, key_rows, value_rows = Split <axis = -1, num_outputs = 3> (rows)
    kept = Constant <value = int64[2] {0, 0}> ()
    heads = Constant <value_int: int = @num_heads> ()
    rest = Constant <value = int64[1] {-1}> ()
    first = Constant <value = int64[1] {0}> ()
    heads_axis = Unsqueeze (heads, first)
    of_heads = Concat <axis = 0> (kept, heads_axis, rest)
    query_heads = Reshape (query_rows, of_heads)
    key_heads = Reshape (key_rows, of_heads)
    value_heads = Reshape (value_rows, of_heads)
    query = Transpose <perm = [0, 2, 1, 3]> (query_heads)
    key = Transpose <perm = [0, 2, 3, 1]> (key_heads)
    value = Transpose <perm = [0, 2, 1, 3]> (value_heads)
    factor = Constant <value_float: float = @scale> ()
    products = MatMul (query, key)
    scaled = Mul (products, factor)
    scores = Add (scaled, attention_bias)
    probabilities = Softmax <axis = -1> (scores)
    found = MatMul (probabilities, value)
    found_heads = Transpose <perm = [0, 2, 1, 3]> (found)
    joined = Concat <axis = 0> (kept, rest)
    y = Reshape (found_heads, joined)
    q, scale_of_rows = layoutserve.QuantizeRows (y)
}
"""


def attend(
    rows: NDArray[np.float32], attention_bias: NDArray[np.float32], num_heads: int, scale: float
) -> NDArray[np.float32]:
    """Attend: query, key and value side by side, float32 (B, T, 3 * D), -> what each query finds, float32 (B, T, D)."""
    batch, tokens, width = rows.shape
    parts = rows.astype(np.float64).reshape(batch, tokens, 3, num_heads, width // (3 * num_heads))
    query, key, value = parts.transpose(2, 0, 3, 1, 4)  # (B, H, T, d) each
    scores = query @ key.swapaxes(2, 3) * scale + attention_bias
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True) @ value
    return found.swapaxes(1, 2).reshape(batch, tokens, width // 3).astype(np.float32)


def dequantize_attend_quantize(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    attention_bias: NDArray[np.float32],
    *,
    num_heads: int,
    scale: float,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize the attention of the dequantized rows.

    sums: int32 (B, T, 3 * D), query, key and value side by side, each of them head by head. row_scale: float32
    (B, T, 1). column_scale, bias: float32 (3 * D,). attention_bias: float32 (B, H, T, T), or (B, 1, T, T) for all
    heads; ``scale`` is what scores are multiplied with before it is added. Returns uint8 (B, T, D) and float32
    (B, T, 1), as QuantizeRows does.

    Equal means: a level may be the next one, and a level's width is right to 1e-3 for scores of usual size.
    """
    rows = dequantize_rows(sums, row_scale, column_scale, bias)
    return quantize_rows(attend(rows, attention_bias, num_heads, scale))
