"""DequantizeRows: numpy definition = function body = native kernel, to the last bit."""

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_rows import dequantize_rows


@pytest.fixture(scope="module")
def graph(operator, way):
    return operator("DequantizeRows", ["sums", "row_scale", "column_scale", "bias"], ["y"], native=way != "body")


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 100])
@pytest.mark.parametrize("columns", [1, 31, 32, 33, 768])
def test_it_equals_its_definition(graph, rows, columns):
    generator = np.random.default_rng(rows * 1000 + columns)
    sums = generator.integers(-(2**24), 2**24, (2, rows, columns), dtype=np.int32)
    row_scale = generator.random((2, rows, 1), dtype=np.float32)
    column_scale, bias = generator.random((2, columns), dtype=np.float32)
    inputs = {"sums": sums, "row_scale": row_scale, "column_scale": column_scale, "bias": bias}
    np.testing.assert_array_equal(graph.run(None, inputs)[0], dequantize_rows(**inputs))


@pytest.mark.parametrize("name", ["row_scale", "column_scale", "bias"])
def test_what_does_not_fit_is_refused(operator, sums_of, name):
    inputs = sums_of(3, 8)
    graph = operator("DequantizeRows", list(inputs), ["y"])
    with pytest.raises(Exception, match="DequantizeRows needs sums"):
        graph.run(None, inputs | {name: inputs[name][..., :1, :] if name == "row_scale" else inputs[name][:7]})
