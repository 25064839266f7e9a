"""The operator ``layoutserve::FeedForwardAdd``: a feed-forward block with its residual, in int8."""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_add import dequantize_add
from layoutserve.model.ops.dequantize_gelu_quantize import dequantize_gelu_quantize
from layoutserve.model.ops.integer_product import integer_product
from layoutserve.model.ops.quantize_rows import quantize_rows

# Made of native operators, for processors on which ONNX Runtime's integer product is faster than ours.
BODY = """
<domain: "layoutserve", opset_import: ["": 11, "layoutserve": 1]>
FeedForwardAdd (x, wide, wide_scale, wide_bias, narrow, narrow_scale, narrow_bias) => (y)
{
    zero_point = Constant <value = uint8 {128}> ()
    rows, row_scale = layoutserve.QuantizeRows (x)
    wide_sums = MatMulInteger (rows, wide, zero_point)
    between, between_scale = layoutserve.DequantizeGeluQuantize (wide_sums, row_scale, wide_scale, wide_bias)
    narrow_sums = MatMulInteger (between, narrow, zero_point)
    y = layoutserve.DequantizeAdd (narrow_sums, between_scale, narrow_scale, narrow_bias, x)
}
"""


def feed_forward_add(
    x: NDArray[np.float32],
    wide: NDArray[np.int8],
    wide_scale: NDArray[np.float32],
    wide_bias: NDArray[np.float32],
    narrow: NDArray[np.int8],
    narrow_scale: NDArray[np.float32],
    narrow_bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Compute ``x + narrow(gelu(wide(x)))``.

    x: float32 (..., K). wide: int8 (K, N), with a scale and a bias for each column, float32 (N,). narrow: int8 (N, K),
    the same with (K,). Returns float32 (..., K). Equal to what QuantizeRows, MatMulInteger, DequantizeGeluQuantize,
    MatMulInteger and DequantizeAdd make of it one after the other.
    """
    q, scale = quantize_rows(x)
    q, scale = dequantize_gelu_quantize(integer_product(q, wide), scale, wide_scale, wide_bias)
    return dequantize_add(integer_product(q, narrow), scale, narrow_scale, narrow_bias, x)
