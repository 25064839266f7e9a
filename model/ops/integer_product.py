"""Integer matrix products with one scale per row: what the operators around a product share.

A float32 matrix product ``x @ w + bias`` becomes three steps::

    q, row_scale = QuantizeRows(x)                         # ours: uint8 around 128, one scale for each row of x
    sums         = MatMulInteger(q, w_int8, 128, 0)        # ONNX's own: exact, int32
    y            = DequantizeRows(sums, row_scale, column_scale, bias)    # ours

A row's scale comes from that row alone, so a window's result never depends on padding or on what shares its batch.
One scale for a whole tensor (ONNX's DynamicQuantizeLinear) cannot promise that (onnxruntime#10111).
"""

import numpy as np
from numpy.typing import NDArray

# What integer zero stands for: the products of ONNX Runtime are fastest for uint8 activations and int8 weights.
ZERO_POINT = 128
# Levels on either side of zero.
STEPS = np.float32(127)
# Keeps the scale of zeros above zero.
SMALLEST = np.float32(1e-20)


def quantize_columns(w: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Quantize weights float32 (K, N) to int8 (K, N) and one scale per column, float32 (N,); done once, at export."""
    scale = np.maximum(np.abs(w).max(axis=0), SMALLEST) / STEPS
    return np.rint(w / scale).astype(np.int8), scale.astype(np.float32)


def integer_product(q: NDArray[np.uint8], weight: NDArray[np.int8]) -> NDArray[np.int32]:
    """ONNX's MatMulInteger, as it is used here: rows uint8 (..., K) around 128 by int8 (K, N), int32 (..., N)."""
    return (q.astype(np.int32) - ZERO_POINT) @ weight.astype(np.int32)
