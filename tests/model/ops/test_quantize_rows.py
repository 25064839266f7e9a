"""QuantizeRows: numpy definition = function body = native kernel, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from layoutserve.model.ops.integer_product import ZERO_POINT
from layoutserve.model.ops.quantize_rows import quantize_rows

finite = st.floats(-1e6, 1e6, width=32)


@pytest.fixture(scope="module")
def graph(operator, way):
    return operator("QuantizeRows", ["x"], ["q", "scale"], native=way != "body")


@given(arrays(np.float32, array_shapes(min_dims=2, max_dims=3, max_side=70), elements=finite))
def test_it_equals_its_definition(graph, x):
    q, scale = graph.run(None, {"x": x})
    expected_q, expected_scale = quantize_rows(x)
    np.testing.assert_array_equal(scale, expected_scale)
    np.testing.assert_array_equal(q, expected_q)


@given(arrays(np.float32, (3, 40), elements=finite))
def test_a_level_is_at_most_half_a_step_away(x):
    q, scale = quantize_rows(x)
    assert (np.abs((q.astype(np.float64) - ZERO_POINT) * scale - x) <= 0.5001 * scale).all()
    assert q.min() >= 1


def test_a_row_of_zeros_is_zero():
    q, scale = quantize_rows(np.zeros((1, 8), dtype=np.float32))
    assert (q == ZERO_POINT).all()
    assert scale > 0


def test_a_scalar_has_no_rows(operator):
    with pytest.raises(Exception, match="QuantizeRows needs x"):
        operator("QuantizeRows", ["x"], ["q", "scale"]).run(None, {"x": np.array(1, np.float32)})
