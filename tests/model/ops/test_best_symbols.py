"""BestSymbols: the native kernel against the definition in numpy."""

import numpy as np
import pytest

from layoutserve.model.ops.best_symbols import best_symbols

INPUTS = ("sums", "row_scale", "column_scale", "bias", "symbol")


@pytest.fixture(scope="module")
def native(operator, isa):
    return operator("BestSymbols", INPUTS, ["best", "probability", "of_symbol"])


def example(symbols, columns=5, spread=2**14):
    generator = np.random.default_rng(symbols)
    return {
        "sums": generator.integers(-spread, spread, (2, columns, symbols), dtype=np.int32),
        "row_scale": generator.random((2, columns, 1), dtype=np.float32) * 1e-1,
        "column_scale": generator.random(symbols, dtype=np.float32) * 1e-2,
        "bias": generator.standard_normal(symbols, dtype=np.float32),
        "symbol": np.array([symbols // 2]),
    }


@pytest.mark.parametrize("symbols", [1, 2, 15, 16, 33, 18710])
@pytest.mark.parametrize("spread", [1, 2**8, 2**14, 2**20])
def test_it_equals_its_definition(native, symbols, spread):
    inputs = example(symbols, spread=spread)
    found, expected = native.run(None, inputs), best_symbols(**inputs)
    assert [array.shape for array in found] == [(2, 5)] * 3
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=2e-5)
    np.testing.assert_allclose(found[2], expected[2], rtol=2e-4, atol=1e-30)


def test_scores_below_zero_and_the_first_of_equals(native):
    inputs = example(40, spread=1) | {"bias": np.full(40, -7, np.float32), "column_scale": np.zeros(40, np.float32)}
    best, probability, of_symbol = native.run(None, inputs)
    assert (best == 0).all()
    np.testing.assert_allclose([probability, of_symbol], 1 / 40, rtol=1e-6)
    inputs["bias"][33] = -6.5
    best, probability, _ = native.run(None, inputs)
    assert (best == 33).all()
    np.testing.assert_allclose(probability, np.exp(0.5) / (np.exp(0.5) + 39), rtol=1e-6)


def test_columns_do_not_see_each_other(native):
    inputs = example(100)
    together = native.run(None, inputs)
    alone = native.run(None, inputs | {name: inputs[name][1:, 3:4] for name in ("sums", "row_scale")})
    for of_all, of_one in zip(together, alone, strict=True):
        assert np.array_equal(of_all[1:, 3:4], of_one)


def test_what_does_not_fit_is_refused(native):
    inputs = example(8)
    with pytest.raises(Exception, match="BestSymbols needs sums"):
        native.run(None, inputs | {"bias": np.zeros(7, np.float32)})
    for symbol in (-1, 8):
        with pytest.raises(Exception, match="one of the N"):
            native.run(None, inputs | {"symbol": np.array([symbol])})
