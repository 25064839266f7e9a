"""The likeliest symbols with their product: definition = function body = native kernel, whatever it multiplies with."""

import numpy as np
import pytest

from layoutserve.model.ops.integer_product import quantize_columns
from layoutserve.model.ops.score_symbols import score_symbols

INPUTS = ("x", "weight", "column_scale", "bias", "symbol")


def product(symbols, columns, depth=120):
    generator = np.random.default_rng(symbols)
    weight, scale = quantize_columns(generator.standard_normal((depth, symbols)).astype(np.float32))
    return {
        "x": generator.standard_normal((2, columns, depth)).astype(np.float32),
        "weight": weight,
        "column_scale": scale,
        "bias": generator.standard_normal(symbols, dtype=np.float32),
        "symbol": np.array([symbols // 2]),
    }


def scored(operator, inputs, *, native=True):
    session = operator(
        "ScoreSymbols",
        INPUTS,
        ["best", "probability", "of_symbol"],
        native=native,
        constants={"weight": inputs["weight"]},
    )
    return session.run(None, {name: array for name, array in inputs.items() if name != "weight"})


@pytest.mark.parametrize(("symbols", "columns", "depth"), [(18710, 40, 120), (1, 3, 8), (300, 61, 37), (1025, 48, 96)])
def test_it_equals_its_definition(operator, way, symbols, columns, depth):
    inputs = product(symbols, columns, depth)
    found = scored(operator, inputs, native=way != "body")
    expected = score_symbols(**inputs)
    assert [array.shape for array in found] == [(2, columns)] * 3
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=2e-5)
    np.testing.assert_allclose(found[2], expected[2], rtol=2e-4, atol=1e-30)


def test_columns_do_not_see_each_other(operator, isa):
    inputs = product(500, 50)
    alone = scored(operator, inputs | {"x": inputs["x"][1:, 49:]})
    for of_all, of_one in zip(scored(operator, inputs), alone, strict=True):
        assert np.array_equal(of_all[1:, 49:], of_one)


def test_what_does_not_fit_is_refused(operator, natively):
    natively("avx512")
    inputs = product(40, 3)
    with pytest.raises(Exception, match="ScoreSymbols needs x"):
        scored(operator, inputs | {"bias": np.zeros(7, np.float32)})
    with pytest.raises(Exception, match="ScoreSymbols needs x"):
        scored(operator, inputs | {"x": inputs["x"][..., :7]})
    with pytest.raises(Exception, match="one of the N"):
        scored(operator, inputs | {"symbol": np.array([40])})
