"""The operator ``layoutserve::DequantizeAdd``: the sums of an integer product to float rows, with a residual."""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.dequantize_rows import dequantize_rows


def dequantize_add(
    sums: NDArray[np.int32],
    row_scale: NDArray[np.float32],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    residual: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Add residual, float32 (..., N), to what DequantizeRows makes of the other inputs."""
    return dequantize_rows(sums, row_scale, column_scale, bias) + residual
