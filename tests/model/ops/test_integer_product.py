"""Integer products per row: numpy definition = function body = native kernel, and rows that never see each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from layoutserve.model.ops.integer_product import (
    ZERO_POINT,
    dequantize_add,
    dequantize_rows,
    quantize_columns,
    quantize_rows,
)

finite = st.floats(-1e6, 1e6, width=32)


@pytest.fixture(scope="module", params=[False, True], ids=["body", "native"])
def quantize(request, operator):
    return operator("QuantizeRows", ["x"], ["q", "scale"], native=request.param)


@pytest.fixture(scope="module", params=[False, True], ids=["body", "native"])
def dequantize(request, operator):
    inputs = ["sums", "row_scale", "column_scale", "bias"]
    return operator("DequantizeRows", inputs, ["y"], native=request.param)


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=3, max_side=70), elements=finite))
def test_quantize_rows_equals_its_definition(quantize, x):
    q, scale = quantize.run(None, {"x": x})
    expected_q, expected_scale = quantize_rows(x)
    np.testing.assert_array_equal(scale, expected_scale)
    np.testing.assert_array_equal(q, expected_q)


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 100])
@pytest.mark.parametrize("columns", [1, 31, 32, 33, 768])
def test_dequantize_rows_equals_its_definition(dequantize, rows, columns):
    generator = np.random.default_rng(rows * 1000 + columns)
    sums = generator.integers(-(2**24), 2**24, (2, rows, columns), dtype=np.int32)
    row_scale = generator.random((2, rows, 1), dtype=np.float32)
    column_scale, bias = generator.random((2, columns), dtype=np.float32)
    inputs = {"sums": sums, "row_scale": row_scale, "column_scale": column_scale, "bias": bias}
    np.testing.assert_array_equal(dequantize.run(None, inputs)[0], dequantize_rows(**inputs))


@pytest.mark.parametrize("rows", [1, 16, 17])
@pytest.mark.parametrize("columns", [1, 31, 32, 33, 768])
def test_dequantize_add_equals_its_definition(operator, rows, columns):
    generator = np.random.default_rng(rows * 1000 + columns)
    inputs = {
        "sums": generator.integers(-(2**24), 2**24, (2, rows, columns), dtype=np.int32),
        "row_scale": generator.random((2, rows, 1), dtype=np.float32),
        "column_scale": generator.random(columns, dtype=np.float32),
        "bias": generator.random(columns, dtype=np.float32),
        "residual": generator.standard_normal((2, rows, columns), dtype=np.float32) * 1e6,
    }
    graph = operator("DequantizeAdd", list(inputs), ["y"])
    np.testing.assert_array_equal(graph.run(None, inputs)[0], dequantize_add(**inputs))
    with pytest.raises(Exception, match="DequantizeAdd residual"):
        graph.run(None, inputs | {"residual": inputs["residual"][:1]})


@given(arrays(np.float32, (3, 40), elements=finite))
def test_a_level_is_at_most_half_a_step_away(x):
    q, scale = quantize_rows(x)
    assert (np.abs((q.astype(np.float64) - ZERO_POINT) * scale - x) <= 0.5001 * scale).all()
    assert q.min() >= 1


def test_a_row_of_zeros_is_zero():
    q, scale = quantize_rows(np.zeros((1, 8), dtype=np.float32))
    assert (q == ZERO_POINT).all()
    assert scale > 0


def test_the_three_steps_are_a_matrix_product_and_rows_do_not_see_each_other():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((5, 64), dtype=np.float32) * np.float32([[0.01], [1], [100], [1], [3]])
    w = generator.standard_normal((64, 48), dtype=np.float32)
    weights, column_scale = quantize_columns(w)

    def product(rows):
        q, row_scale = quantize_rows(rows)
        sums = (q.astype(np.int32) - ZERO_POINT) @ weights.astype(np.int32)
        return dequantize_rows(sums, row_scale, column_scale, np.zeros(48, dtype=np.float32))

    together = product(x)
    relative = np.linalg.norm(together - x @ w, axis=1) / np.linalg.norm(x @ w, axis=1)
    assert relative.max() < 0.02
    for row in range(5):
        np.testing.assert_array_equal(product(x[row : row + 1])[0], together[row])
