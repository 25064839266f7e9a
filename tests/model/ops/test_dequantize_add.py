"""DequantizeAdd: numpy definition = native kernel, to the last bit."""

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_add import dequantize_add


@pytest.mark.parametrize("rows", [1, 16, 17])
@pytest.mark.parametrize("columns", [1, 31, 32, 33, 768])
def test_it_equals_its_definition(operator, isa, rows, columns):
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


def test_what_does_not_fit_is_refused(operator, sums_of):
    inputs = sums_of(3, 8) | {"residual": np.zeros((1, 3, 8), np.float32)}
    with pytest.raises(Exception, match="DequantizeAdd needs sums and residual"):
        operator("DequantizeAdd", list(inputs), ["y"]).run(None, inputs)
