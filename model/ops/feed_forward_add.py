"""A feed-forward block with its residual in int8, in one pass over a few rows at a time: the definition, in numpy."""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_gelu_quantize import dequantize_gelu_quantize
from layoutserve.model.ops.integer_product import dequantize_add, integer_product, quantize_rows


def feed_forward_add(
    x: NDArray[np.float32],
    wide: NDArray[np.int8],
    wide_scale: NDArray[np.float32],
    wide_bias: NDArray[np.float32],
    narrow: NDArray[np.int8],
    narrow_scale: NDArray[np.float32],
    narrow_bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The operator ``layoutserve::FeedForwardAdd``: ``x + narrow(gelu(wide(x)))``.

    x: float32 (..., K). wide: int8 (K, N), with a scale and a bias for each column, float32 (N,). narrow: int8 (N, K),
    the same with (K,). Returns float32 (..., K). Equal to what the operators of ``integer_product.py`` and
    ``dequantize_gelu_quantize.py`` and MatMulInteger make of it one after the other.
    """
    q, scale = quantize_rows(x)
    q, scale = dequantize_gelu_quantize(integer_product(q, wide), scale, wide_scale, wide_bias)
    return dequantize_add(integer_product(q, narrow), scale, narrow_scale, narrow_bias, x)
