"""Integer matrix products with one scale per token, in numpy: the definition that bodies and native kernels equal.

A float32 matrix product ``x @ w + bias`` becomes three steps::

    q, row_scale = QuantizeRows(x)                         # ours: uint8 around 128, one scale for each row of x
    sums         = MatMulInteger(q, w_int8, 128, 0)        # ONNX's own: exact, int32
    y            = DequantizeRows(sums, row_scale, column_scale, bias)    # ours

A row's scale comes from that row alone, so a window's result never depends on what shares its batch or on padding,
which one scale for a whole tensor (ONNX's DynamicQuantizeLinear) cannot promise (onnxruntime#10111).
"""

import numpy as np
from numpy.typing import NDArray

# What integer zero stands for: the products of ONNX Runtime are fastest for uint8 activations and int8 weights.
ZERO_POINT = 128
_STEPS = np.float32(127)
# Keeps the scale of a row of zeros above zero.
_SMALLEST = np.float32(1e-20)


def quantize_rows(x: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The operator ``layoutserve::QuantizeRows``.

    x: float32 (..., K). Returns uint8 (..., K), the nearest of 255 levels (ties to even), and float32 (..., 1), the
    width of a level: ``x`` is about ``(q - 128) * scale``, to half a level.
    """
    scale = np.maximum(np.abs(x).max(axis=-1, keepdims=True), _SMALLEST) / _STEPS
    return (np.rint(x / scale) + np.float32(ZERO_POINT)).astype(np.uint8), scale


def integer_product(q: NDArray[np.uint8], weight: NDArray[np.int8]) -> NDArray[np.int32]:
    """ONNX's MatMulInteger, as it is used here: rows uint8 (..., K) around 128 by int8 (K, N), int32 (..., N)."""
    return (q.astype(np.int32) - ZERO_POINT) @ weight.astype(np.int32)


def dequantize_rows(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The operator ``layoutserve::DequantizeRows``.

    sums: int32 (..., N). row_scale: float32 (..., 1). column_scale, bias: float32 (N,). Returns float32 (..., N).
    """
    return sums.astype(np.float32) * (row_scale * column_scale) + bias


def dequantize_add(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    residual: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The operator ``layoutserve::DequantizeAdd``: what DequantizeRows returns, and residual float32 (..., N) added."""
    return dequantize_rows(sums, row_scale, column_scale, bias) + residual


def quantize_columns(w: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Weights float32 (K, N) as int8 (K, N) and one scale per column, float32 (N,); done once, at export."""
    scale = np.maximum(np.abs(w).max(axis=0), _SMALLEST) / _STEPS
    return np.rint(w / scale).astype(np.int8), scale.astype(np.float32)
