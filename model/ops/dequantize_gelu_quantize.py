"""The operator ``layoutserve::DequantizeGeluQuantize``: GELU between two integer products, in one pass over each row.

One by one, the three steps fetch and write every row three times.
"""

import math

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.quantize_rows import quantize_rows

BODY = """
<domain: "layoutserve", opset_import: ["": 20, "layoutserve": 1]>
DequantizeGeluQuantize (sums, row_scale, column_scale, bias) => (q, scale)
{
    x = layoutserve.DequantizeRows (sums, row_scale, column_scale, bias)
    y = Gelu (x)
    q, scale = layoutserve.QuantizeRows (y)
}
"""

_erf = np.vectorize(math.erf, otypes=[np.float64])


def dequantize_gelu_quantize(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize the exact GELU of the dequantized rows.

    sums: int32 (..., N). row_scale: float32 (..., 1). column_scale, bias: float32 (N,). Returns uint8 (..., N) and
    float32 (..., 1), as QuantizeRows does. Equal means to rounding: a level may be the next one.
    """
    x = dequantize_rows(sums, row_scale, column_scale, bias)
    return quantize_rows((x * 0.5 * (1 + _erf(x / math.sqrt(2)))).astype(np.float32))
