"""What lies between two integer products of an int8 layer, in one pass over each row: the definitions, in numpy.

Between the integer sums of one product (``integer_product.py``) and the quantized rows of the next lie an activation,
or a residual and a LayerNorm. One by one they fetch and write every row four times over; together they leave the
integers of the next product, and the rows themselves where a later residual needs them.
"""

import math

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.integer_product import dequantize_rows, quantize_rows

_erf = np.vectorize(math.erf, otypes=[np.float64])


def dequantize_gelu_quantize(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The operator ``layoutserve::DequantizeGeluQuantize``.

    sums: int32 (..., N). row_scale: float32 (..., 1). column_scale, bias: float32 (N,). Returns what QuantizeRows
    makes of the exact GELU of the dequantized rows: uint8 (..., N), float32 (..., 1). Equal means to rounding, so
    that a level may be the next one.
    """
    x = dequantize_rows(sums, row_scale, column_scale, bias)
    return quantize_rows((x * 0.5 * (1 + _erf(x / math.sqrt(2)))).astype(np.float32))


def dequantize_norm_quantize(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    residual: NDArray[np.float32],
    gamma: NDArray[np.float32],
    beta: NDArray[np.float32],
    *,
    epsilon: float,
) -> tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.float32]]:
    """The operator ``layoutserve::DequantizeNormQuantize``.

    As above; residual: float32 (..., N) is added to the dequantized rows; gamma, beta: float32 (N,), of the LayerNorm
    over them. Returns the normalised rows, float32 (..., N), and what QuantizeRows makes of them.
    """
    x = (dequantize_rows(sums, row_scale, column_scale, bias) + residual).astype(np.float64)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    y = (centred / np.sqrt(variance + epsilon) * gamma + beta).astype(np.float32)
    return y, *quantize_rows(y)
