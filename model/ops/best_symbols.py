"""The operator ``layoutserve::BestSymbols``: what the scores of a recognizer's head say of every column.

A head scores thousands of symbols for every column of a line. Greedy decoding asks for the likeliest and its
probability, and ours for the probability of a space: no more than that is written down.
"""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_rows import dequantize_rows


def best_symbols(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    symbol: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Find the likeliest of N symbols, and the probability of a given one.

    sums: int32 (..., N), of an integer product. row_scale: float32 (..., 1). column_scale,
    bias: float32 (N,). symbol: int64 (1,), one of the N. Of the softmax of the dequantized rows it returns, each of
    shape (...), the place of the largest (the first of several), the largest, and the one of ``symbol``.
    """
    scores = dequantize_rows(sums, row_scale, column_scale, bias).astype(np.float64)
    best = scores.argmax(axis=-1)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    whole = powers.sum(axis=-1)
    return best, (1 / whole).astype(np.float32), (powers[..., symbol[0]] / whole).astype(np.float32)
