"""GELU between two integer products: numpy definition = function body = native kernel, to rounding."""

import math

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_gelu_quantize import dequantize_gelu_quantize
from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.integer_product import ZERO_POINT

INPUTS = ("sums", "row_scale", "column_scale", "bias")


@pytest.fixture(scope="module")
def graph(operator, way):
    return operator("DequantizeGeluQuantize", INPUTS, ["q", "scale"], native=way != "body")


@pytest.mark.parametrize("rows", [1, 7, 8, 17])
@pytest.mark.parametrize("columns", [1, 31, 64, 3072])
def test_it_equals_its_definition(graph, sums_of, same_levels, rows, columns):
    inputs = sums_of(rows, columns)
    q, scale = graph.run(None, inputs)
    assert (q.shape, scale.shape) == ((2, rows, columns), (2, rows, 1))
    same_levels(q, scale, *dequantize_gelu_quantize(**inputs))


def test_it_is_exact_over_its_whole_range(graph):
    """Every row holds one value and a far larger one, whose scale is known: the level shows the value."""
    places = np.linspace(-12, 12, 2001, dtype=np.float32)
    for value in (-40.0, -10.0, -3.0, -1e-3, 0.0, 0.5, 2.0, 9.0, 40.0):
        inputs = {
            "sums": np.ones((1, len(places)), np.int32),
            "row_scale": np.ones((1, 1), np.float32),
            "column_scale": np.zeros(len(places), np.float32),
            "bias": np.append(places[1:], np.float32(value)),
        }
        q, scale = graph.run(None, inputs)
        x = dequantize_rows(**inputs)[0].astype(float)
        exact = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x])
        found = (q[0].astype(float) - ZERO_POINT) * scale[0, 0]
        assert np.abs(found - exact).max() <= 0.5001 * scale[0, 0] + 1e-6


def test_rows_do_not_see_each_other(graph, sums_of):
    inputs = sums_of(9, 96)
    together = graph.run(None, inputs)
    alone = graph.run(None, {n: v[1:, 4:5] if v.ndim == 3 else v for n, v in inputs.items()})
    for of_all, of_one in zip(together, alone, strict=True):
        assert np.array_equal(of_all[1:, 4:5], of_one)


def test_what_does_not_fit_is_refused(operator, sums_of):
    graph = operator("DequantizeGeluQuantize", INPUTS, ["q", "scale"])
    with pytest.raises(Exception, match="DequantizeGeluQuantize needs"):
        graph.run(None, sums_of(3, 8) | {"bias": np.zeros(7, np.float32)})
