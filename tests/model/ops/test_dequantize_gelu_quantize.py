"""One pass over the rows between two products: numpy definition = function body = native kernel, to rounding."""

import math

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_gelu_quantize import dequantize_gelu_quantize, dequantize_norm_quantize
from layoutserve.model.ops.integer_product import ZERO_POINT, dequantize_rows

GELU_INPUTS = ("sums", "row_scale", "column_scale", "bias")
NORM_INPUTS = (*GELU_INPUTS, "residual", "gamma", "beta")


@pytest.fixture(scope="module", params=[False, True], ids=["body", "native"])
def gelu(request, operator):
    return operator("DequantizeGeluQuantize", GELU_INPUTS, ["q", "scale"], native=request.param)


@pytest.fixture(scope="module", params=[False, True], ids=["body", "native"])
def norm(request, operator):
    return operator("DequantizeNormQuantize", NORM_INPUTS, ["y", "q", "scale"], native=request.param, epsilon=1e-12)


def example(rows, columns, inputs):
    generator = np.random.default_rng(1000 * rows + columns)
    arrays = {
        "sums": generator.integers(-(2**20), 2**20, (2, rows, columns), dtype=np.int32),
        "row_scale": generator.random((2, rows, 1), dtype=np.float32) * 1e-3,
        "column_scale": generator.random(columns, dtype=np.float32) * 1e-2,
        "bias": generator.standard_normal(columns, dtype=np.float32),
        "residual": generator.standard_normal((2, rows, columns), dtype=np.float32) * 3,
        "gamma": generator.standard_normal(columns, dtype=np.float32),
        "beta": generator.standard_normal(columns, dtype=np.float32),
    }
    return {name: arrays[name] for name in inputs}


def assert_same_levels(q, scale, expected_q, expected_scale):
    """Rounding may move a value that lies between two levels to the other one, and the scale by its last places."""
    np.testing.assert_allclose(scale, expected_scale, rtol=2e-6, atol=1e-8)
    difference = np.abs(q.astype(int) - expected_q.astype(int))
    assert difference.max() <= 1
    assert difference.mean() < 1e-3


@pytest.mark.parametrize("rows", [1, 7, 8, 17])
@pytest.mark.parametrize("columns", [1, 31, 64, 3072])
def test_gelu_equals_its_definition(gelu, rows, columns):
    inputs = example(rows, columns, GELU_INPUTS)
    q, scale = gelu.run(None, inputs)
    assert (q.shape, scale.shape) == ((2, rows, columns), (2, rows, 1))
    assert_same_levels(q, scale, *dequantize_gelu_quantize(**inputs))


@pytest.mark.parametrize("rows", [1, 7, 8, 17])
@pytest.mark.parametrize("columns", [15, 31, 64, 768])
def test_norm_equals_its_definition(norm, rows, columns):
    inputs = example(rows, columns, NORM_INPUTS)
    y, q, scale = norm.run(None, inputs)
    expected_y, *expected = dequantize_norm_quantize(**inputs, epsilon=1e-12)
    np.testing.assert_allclose(y, expected_y, rtol=0, atol=2e-5)
    assert_same_levels(q, scale, *expected)


def test_gelu_is_exact_over_its_whole_range(gelu):
    """Every row holds one value and a far larger one, whose scale is known: the level shows the value."""
    places = np.linspace(-12, 12, 2001, dtype=np.float32)
    for value in (-40.0, -10.0, -3.0, -1e-3, 0.0, 0.5, 2.0, 9.0, 40.0):
        inputs = {
            "sums": np.ones((1, len(places)), np.int32),
            "row_scale": np.ones((1, 1), np.float32),
            "column_scale": np.zeros(len(places), np.float32),
            "bias": np.append(places[1:], np.float32(value)),
        }
        q, scale = gelu.run(None, inputs)
        x = dequantize_rows(**inputs)[0].astype(float)
        exact = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
        found = (q[0].astype(float) - ZERO_POINT) * scale[0, 0]
        assert np.abs(found - exact).max() <= 0.5001 * scale[0, 0] + 1e-6


def test_rows_do_not_see_each_other(gelu, norm):
    for graph, names in ((gelu, GELU_INPUTS), (norm, NORM_INPUTS)):
        inputs = example(9, 96, names)
        together = graph.run(None, inputs)
        alone = graph.run(None, {n: v[1:, 4:5] if v.ndim == 3 else v for n, v in inputs.items()})
        for of_all, of_one in zip(together, alone, strict=True):
            assert np.array_equal(of_all[1:, 4:5], of_one)


def test_native_kernels_refuse_shapes_that_do_not_fit(operator):
    graph = operator("DequantizeGeluQuantize", GELU_INPUTS, ["q", "scale"])
    inputs = example(3, 8, GELU_INPUTS) | {"bias": np.zeros(7, np.float32)}
    with pytest.raises(Exception, match="DequantizeGeluQuantize needs"):
        graph.run(None, inputs)
    graph = operator("DequantizeNormQuantize", NORM_INPUTS, ["y", "q", "scale"], epsilon=1e-12)
    inputs = example(3, 8, NORM_INPUTS) | {"residual": np.zeros((2, 2, 8), np.float32)}
    with pytest.raises(Exception, match="DequantizeNormQuantize needs"):
        graph.run(None, inputs)
