"""The operator ``layoutserve::QuantizeRows``: float rows to integers, each with a scale of its own."""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.integer_product import SMALLEST, STEPS, ZERO_POINT

BODY = """
<domain: "layoutserve", opset_import: ["": 20]>
QuantizeRows (x) => (q, scale)
{
    last = Constant <value = int64[1] {-1}> ()
    smallest = Constant <value = float {1e-20}> ()
    steps = Constant <value = float {127}> ()
    zero_point = Constant <value = float {128}> ()
    size = Abs (x)
    peak = ReduceMax <keepdims = 1> (size, last)
    positive = Max (peak, smallest)
    scale = Div (positive, steps)
    level = Div (x, scale)
    nearest = Round (level)
    shifted = Add (nearest, zero_point)
    q = Cast <to = 2> (shifted)
}
"""


def quantize_rows(x: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Quantize each row of x, float32 (..., K), by itself.

    Returns uint8 (..., K), the nearest of 255 levels (ties to even), and float32 (..., 1), the width of a level:
    ``x`` is about ``(q - 128) * scale``, to half a level.
    """
    scale = np.maximum(np.abs(x).max(axis=-1, keepdims=True), SMALLEST) / STEPS
    return (np.rint(x / scale) + np.float32(ZERO_POINT)).astype(np.uint8), scale
