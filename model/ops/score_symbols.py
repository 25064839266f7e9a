"""The operator ``layoutserve::ScoreSymbols``: the product of a recognizer's head, and BestSymbols of its sums."""

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ops.best_symbols import best_symbols
from layoutserve.model.ops.integer_product import integer_product
from layoutserve.model.ops.quantize_rows import quantize_rows

# Made of native operators, for processors on which ONNX Runtime's integer product is faster than ours.
BODY = """
<domain: "layoutserve", opset_import: ["": 11, "layoutserve": 1]>
ScoreSymbols (x, weight, column_scale, bias, symbol) => (best, probability, of_symbol)
{
    zero_point = Constant <value = uint8 {128}> ()
    rows, row_scale = layoutserve.QuantizeRows (x)
    sums = MatMulInteger (rows, weight, zero_point)
    best, probability, of_symbol = layoutserve.BestSymbols (sums, row_scale, column_scale, bias, symbol)
}
"""


def score_symbols(
    x: NDArray[np.float32],
    weight: NDArray[np.int8],
    column_scale: NDArray[np.float32],
    bias: NDArray[np.float32],
    symbol: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Multiply rows x, float32 (..., K), with weight, int8 (K, N); the rest as BestSymbols takes and returns it."""
    q, row_scale = quantize_rows(x)
    return best_symbols(integer_product(q, weight), row_scale, column_scale, bias, symbol)
