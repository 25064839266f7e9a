"""Attention between two integer products, in numpy: the definition that body and native kernel equal.

From the integer sums of the product that makes query, key and value to the quantized rows that the next product takes.
The native kernel multiplies in 16-bit integers, scaled for each token and head by itself: no scale is shared with
another window or with padding.
"""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.integer_product import dequantize_rows, quantize_rows


def attend(
    rows: NDArray[np.float32], attention_bias: NDArray[np.float32], num_heads: int, scale: float
) -> NDArray[np.float32]:
    """Query, key and value side by side, float32 (B, T, 3 * D), -> what every query finds, float32 (B, T, D)."""
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
    """The operator ``layoutserve::DequantizeAttendQuantize``.

    sums: int32 (B, T, 3 * D), query, key and value side by side, each of them head by head. row_scale: float32
    (B, T, 1). column_scale, bias: float32 (3 * D,). attention_bias: float32 (B, H, T, T), or (B, 1, T, T) for all
    heads; ``scale`` is what scores are multiplied with before it is added. Returns what QuantizeRows makes of the
    attention of every row: uint8 (B, T, D), float32 (B, T, 1).

    Equal means: a level may be the next one, and a level's width is right to 1e-3 for scores of usual size.
    """
    rows = dequantize_rows(sums, row_scale, column_scale, bias)
    return quantize_rows(attend(rows, attention_bias, num_heads, scale))
