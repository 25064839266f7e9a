"""The operator ``layoutserve::DequantizeNormQuantize``: residual and LayerNorm between two integer products.

One pass over each row leaves the integers of the next product, and the row itself, which a later residual needs.
"""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.quantize_rows import quantize_rows

BODY = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeNormQuantize <epsilon> (sums, row_scale, column_scale, bias, residual, gamma, beta) => (y, q, scale)
{
    x = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    total = Add (x, residual)
    y = LayerNormalization <axis = -1, epsilon: float = @epsilon> (total, gamma, beta)
    q, scale = layoutserve.QuantizeRows (y)
}
"""


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
    """Add the residual to the dequantized rows, normalise them, and quantize the result.

    sums: int32 (..., N). row_scale: float32 (..., 1). column_scale, bias: float32 (N,). residual: float32 (..., N).
    gamma, beta: float32 (N,), of the LayerNorm. Returns the normalised rows, float32 (..., N), and what QuantizeRows
    makes of them: uint8 (..., N), float32 (..., 1). Equal means to rounding: a level may be the next one.
    """
    x = (dequantize_rows(sums, row_scale, column_scale, bias) + residual).astype(np.float64)
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    y = (centred / np.sqrt(variance + epsilon) * gamma + beta).astype(np.float32)
    return y, *quantize_rows(y)
