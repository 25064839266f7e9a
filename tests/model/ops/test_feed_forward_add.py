"""A feed-forward block in one operator: definition = function body = native kernel, whatever it multiplies with."""

import numpy as np
import pytest

from layoutserve.model.ops.feed_forward_add import feed_forward_add
from layoutserve.model.ops.integer_product import quantize_columns

INPUTS = ("x", "wide", "wide_scale", "wide_bias", "narrow", "narrow_scale", "narrow_bias")


def example(rows, depth, between):
    generator = np.random.default_rng(1000 * rows + depth)

    def weights(*shape):
        return quantize_columns((generator.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32))

    wide, wide_scale = weights(depth, between)
    narrow, narrow_scale = weights(between, depth)
    return {
        "x": (generator.standard_normal((2, rows, depth)) * generator.uniform(0.1, 3, (2, rows, 1))).astype(np.float32),
        "wide": wide,
        "wide_scale": wide_scale,
        "wide_bias": (generator.standard_normal(between) / 2).astype(np.float32),
        "narrow": narrow,
        "narrow_scale": narrow_scale,
        "narrow_bias": generator.standard_normal(depth).astype(np.float32),
    }


def run(operator, inputs, *, native=True):
    constants = {name: inputs[name] for name in ("wide", "narrow")}
    session = operator("FeedForwardAdd", INPUTS, ["y"], native=native, constants=constants)
    (y,) = session.run(None, {name: array for name, array in inputs.items() if name not in constants})
    return y


def assert_close(y, inputs):
    """A value between two levels may be rounded to the other one: that is the width of a level times a weight."""
    expected = feed_forward_add(**inputs)
    assert y.shape == expected.shape
    added = expected - inputs["x"]
    np.testing.assert_allclose(y, expected, rtol=0, atol=0.02 * np.abs(added).max())
    assert np.linalg.norm(y - expected) < 2e-3 * np.linalg.norm(added)


@pytest.mark.parametrize(("depth", "between"), [(96, 192), (384, 768), (37, 50), (4, 7), (120, 64)])
@pytest.mark.parametrize("rows", [1, 8, 12, 47, 100])
def test_it_equals_its_definition(operator, way, rows, depth, between):
    inputs = example(rows, depth, between)
    assert_close(run(operator, inputs, native=way != "body"), inputs)


def test_products_agree_to_the_last_bit(operator, natively):
    inputs = example(61, 96, 200)
    found = []
    for isa in ("avx512", "amx"):
        natively(isa)
        found.append(run(operator, inputs))
    assert np.array_equal(*found)


def test_rows_do_not_see_each_other(operator, isa):
    inputs = example(50, 96, 192)
    alone = run(operator, inputs | {"x": inputs["x"][1:, 49:]})
    assert np.array_equal(run(operator, inputs)[1:, 49:], alone)


def test_without_rows_there_is_nothing_to_do(operator, isa):
    inputs = example(1, 96, 192)
    assert run(operator, inputs | {"x": inputs["x"][:, :0]}).shape == (2, 0, 96)


def test_what_does_not_fit_is_refused(operator, natively):
    natively("avx512")
    inputs = example(3, 96, 192)
    with pytest.raises(Exception, match="FeedForwardAdd needs x"):
        run(operator, inputs | {"wide_bias": np.zeros(7, np.float32)})
    with pytest.raises(Exception, match="FeedForwardAdd needs weights"):
        run(operator, inputs | {"narrow": inputs["narrow"][:, :5]})
    with pytest.raises(Exception, match="constant"):
        operator("FeedForwardAdd", INPUTS, ["y"])
