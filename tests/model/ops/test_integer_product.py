"""Integer products with a scale per row: what they approximate, and rows that never see each other."""

import numpy as np

from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.integer_product import integer_product, quantize_columns
from layoutserve.model.ops.quantize_rows import quantize_rows


def test_weights_are_within_half_a_level():
    w = np.random.default_rng(0).standard_normal((64, 48), dtype=np.float32) * np.linspace(0, 9, 48, dtype=np.float32)
    levels, scale = quantize_columns(w)
    assert (levels.dtype, scale.shape) == (np.int8, (48,))
    assert (np.abs(levels * scale - w) <= 0.5001 * scale).all()


def test_the_three_steps_are_a_matrix_product_and_rows_do_not_see_each_other():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((5, 64), dtype=np.float32) * np.float32([[0.01], [1], [100], [1], [3]])
    w = generator.standard_normal((64, 48), dtype=np.float32)
    weights, column_scale = quantize_columns(w)

    def product(rows):
        q, row_scale = quantize_rows(rows)
        return dequantize_rows(integer_product(q, weights), row_scale, column_scale, np.zeros(48, dtype=np.float32))

    together = product(x)
    relative = np.linalg.norm(together - x @ w, axis=1) / np.linalg.norm(x @ w, axis=1)
    assert relative.max() < 0.02
    for row in range(5):
        np.testing.assert_array_equal(product(x[row : row + 1])[0], together[row])
