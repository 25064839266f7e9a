"""Residual and LayerNorm between two products: numpy definition = function body = native kernel, to rounding."""

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_norm_quantize import dequantize_norm_quantize

INPUTS = ("sums", "row_scale", "column_scale", "bias", "residual", "gamma", "beta")


@pytest.fixture(scope="module")
def graph(operator, way):
    return operator("DequantizeNormQuantize", INPUTS, ["y", "q", "scale"], native=way != "body", epsilon=1e-12)


@pytest.fixture
def example(sums_of):
    def made(rows, columns):
        generator = np.random.default_rng(1000 * rows + columns)
        return sums_of(rows, columns) | {
            "residual": generator.standard_normal((2, rows, columns), dtype=np.float32) * 3,
            "gamma": generator.standard_normal(columns, dtype=np.float32),
            "beta": generator.standard_normal(columns, dtype=np.float32),
        }

    return made


@pytest.mark.parametrize("rows", [1, 7, 8, 17])
@pytest.mark.parametrize("columns", [15, 31, 64, 768])
def test_it_equals_its_definition(graph, example, same_levels, rows, columns):
    inputs = example(rows, columns)
    y, q, scale = graph.run(None, inputs)
    expected_y, *expected = dequantize_norm_quantize(**inputs, epsilon=1e-12)
    np.testing.assert_allclose(y, expected_y, rtol=0, atol=2e-5)
    same_levels(q, scale, *expected)


def test_rows_do_not_see_each_other(graph, example):
    inputs = example(9, 96)
    together = graph.run(None, inputs)
    alone = graph.run(None, {n: v[1:, 4:5] if v.ndim == 3 else v for n, v in inputs.items()})
    for of_all, of_one in zip(together, alone, strict=True):
        assert np.array_equal(of_all[1:, 4:5], of_one)


def test_what_does_not_fit_is_refused(operator, example):
    graph = operator("DequantizeNormQuantize", INPUTS, ["y", "q", "scale"], epsilon=1e-12)
    with pytest.raises(Exception, match="DequantizeNormQuantize needs"):
        graph.run(None, example(3, 8) | {"residual": np.zeros((2, 2, 8), np.float32)})
