"""The operator ``layoutserve::DequantizeRows``: the sums of an integer product to float rows."""

import numpy as np
from numpy.typing import NDArray

# Abs changes nothing, scales are positive. Without it ONNX Runtime (seen in 1.31) takes the product of two scales for
# a pattern of its own (MatMulIntegerToFloatFusion), which knows one scale for the whole left matrix: wrong results.
BODY = """
<domain: "layoutserve", opset_import: ["": 20]>
DequantizeRows (sums, row_scale, column_scale, bias) => (y)
{
    levels = Cast <to = 1> (sums)
    product = Mul (row_scale, column_scale)
    scale = Abs (product)
    scaled = Mul (levels, scale)
    y = Add (scaled, bias)
}
"""


def dequantize_rows(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Scale the sums of a product and add its bias.

    sums: int32 (..., N). row_scale: float32 (..., 1). column_scale, bias: float32 (N,). Returns float32 (..., N).
    """
    return sums.astype(np.float32) * (row_scale * column_scale) + bias
