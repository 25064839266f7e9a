"""Attention between integer products: numpy definition = function body = native kernel, to a level."""

import numpy as np
import pytest

from layoutserve.model.ops.dequantize_attend_quantize import attend, dequantize_attend_quantize
from layoutserve.model.ops.dequantize_rows import dequantize_rows
from layoutserve.model.ops.integer_product import ZERO_POINT
from layoutserve.model.ops.relative_attention_bias import MASKED

INPUTS = ("sums", "row_scale", "column_scale", "bias", "attention_bias")


@pytest.fixture(scope="module")
def session_of(operator, way):
    """``session_of(heads, size)``: the operator by its function body, or natively on one instruction set."""
    return lambda heads, size: operator(
        "DequantizeAttendQuantize", INPUTS, ["q", "scale"], native=way != "body", num_heads=heads, scale=size**-0.5
    )


def example(tokens, heads, size, *, batch=1, bias_heads=None, spread=1.0):
    """Rows of about unit variance, and a bias of ``spread``."""
    generator = np.random.default_rng(1000 * tokens + heads * size)
    columns = 3 * heads * size
    return {
        "sums": generator.integers(-(2**20), 2**20, (batch, tokens, columns), dtype=np.int32),
        "row_scale": generator.random((batch, tokens, 1), dtype=np.float32) * 1e-3 + np.float32(1e-4),
        "column_scale": generator.random(columns, dtype=np.float32) * np.float32(3e-3),
        "bias": generator.standard_normal(columns, dtype=np.float32),
        "attention_bias": generator.standard_normal((batch, bias_heads or heads, tokens, tokens), dtype=np.float32)
        * np.float32(spread),
    }


def found(inputs, heads, size):
    """The definition before it is quantized."""
    rows = dequantize_rows(*(inputs[name] for name in INPUTS[:4]))
    return attend(rows, inputs["attention_bias"], heads, size**-0.5)


def assert_close(result, inputs, heads, size, tolerance=1e-3):
    """Within ``tolerance`` of the largest of a row, besides the half level that a level stands for."""
    q, scale = result
    expected_q, expected_scale = dequantize_attend_quantize(**inputs, num_heads=heads, scale=size**-0.5)
    assert (q.shape, scale.shape) == (expected_q.shape, expected_scale.shape)
    np.testing.assert_allclose(scale, expected_scale, rtol=tolerance, atol=1e-30)
    exact = found(inputs, heads, size)
    levels = (exact - (q.astype(np.float64) - ZERO_POINT) * scale) / scale
    assert np.abs(levels).max() <= 0.5 + 127 * tolerance
    difference = np.abs(q.astype(int) - expected_q.astype(int))
    assert difference.max() <= 1
    assert difference.mean() < 127 * tolerance / 4


@pytest.mark.parametrize("tokens", [1, 2, 7, 16, 17, 50, 177])
@pytest.mark.parametrize(("heads", "size"), [(1, 8), (3, 32), (2, 48), (12, 64), (2, 5)])
def test_equals_its_definition(session_of, tokens, heads, size):
    inputs = example(tokens, heads, size)
    assert_close(session_of(heads, size).run(None, inputs), inputs, heads, size)


@pytest.mark.parametrize(("tokens", "heads", "batch"), [(309, 12, 1), (561, 2, 2)])
def test_equals_its_definition_at_the_lengths_of_windows(session_of, tokens, heads, batch):
    inputs = example(tokens, heads, 64, batch=batch)
    assert_close(session_of(heads, 64).run(None, inputs), inputs, heads, 64)


def test_heads_may_share_a_bias(session_of):
    inputs = example(50, 4, 24, batch=2, bias_heads=1)
    assert_close(session_of(4, 24).run(None, inputs), inputs, 4, 24)


@pytest.mark.parametrize("spread", [30.0, 1000.0])
def test_large_biases_choose_their_keys(session_of, spread):
    inputs = example(50, 4, 24, spread=spread)
    assert_close(session_of(4, 24).run(None, inputs), inputs, 4, 24)


@pytest.mark.parametrize("factor", [1e-12, 1e-4, 1e4])
def test_rows_may_be_of_any_size(session_of, factor):
    """Queries the larger the smaller the keys, so that scores stay as they were."""
    heads, size, columns = 3, 32, 96
    inputs = example(40, heads, size)
    of_parts = np.repeat(np.float32([factor, 1 / factor, factor]), columns)
    inputs |= {name: inputs[name] * of_parts for name in ("column_scale", "bias")}
    assert_close(session_of(heads, size).run(None, inputs), inputs, heads, size)


def test_tokens_may_differ_in_size(session_of):
    """One row a thousand times the others: it counts where it is attended to, and costs the others nothing."""
    inputs = example(64, 2, 32)
    inputs["row_scale"][:, 5] *= 1000
    inputs["attention_bias"][:, :, :32, 5] = MASKED
    assert_close(session_of(2, 32).run(None, inputs), inputs, 2, 32, tolerance=2e-3)


def test_equal_scores_give_the_mean_of_the_values(session_of):
    """Many keys of little weight each are where weights of 16 bits could lose most."""
    inputs = example(561, 2, 64)
    inputs["column_scale"][:256] = 0
    inputs["bias"][:256] = 0
    inputs["attention_bias"][:] = 0
    assert_close(session_of(2, 64).run(None, inputs), inputs, 2, 64)


def test_rows_of_zeros_are_the_bias(session_of):
    inputs = example(20, 2, 16)
    inputs["sums"][:] = 0
    assert_close(session_of(2, 16).run(None, inputs), inputs, 2, 16)
    inputs["bias"][:] = 0
    q, scale = session_of(2, 16).run(None, inputs)
    assert np.all(q == ZERO_POINT)
    assert np.all(scale > 0)


def test_masked_keys_count_for_nothing(session_of):
    inputs = example(40, 3, 32)
    inputs["attention_bias"][..., 23:] += MASKED
    graph = session_of(3, 32)
    expected = graph.run(None, inputs)
    inputs["sums"][:, 23:, 96:] *= 7  # keys and values, not queries
    for before, after in zip(expected, graph.run(None, inputs), strict=True):
        assert np.array_equal(before[:, :23], after[:, :23])


def padded_and_alone(heads, size, tokens):
    """A batch whose second window is padded and has neighbours of another size, and that window alone."""
    padded = example(90, heads, size, batch=3)
    padded["attention_bias"][1, :, :, tokens:] += MASKED
    padded["row_scale"][0] *= 100
    padded["row_scale"][1, tokens:] *= 100
    alone = {name: values for name, values in padded.items() if values.ndim == 1}
    alone |= {name: padded[name][1:2, :tokens] for name in ("sums", "row_scale")}
    alone["attention_bias"] = padded["attention_bias"][1:2, :, :tokens, :tokens]
    return padded, alone


def test_windows_alone_padded_or_batched_are_the_same(session_of):
    graph = session_of(3, 32)
    (q, scale), (q_alone, scale_alone) = (graph.run(None, inputs) for inputs in padded_and_alone(3, 32, 41))
    np.testing.assert_allclose(scale[1, :41], scale_alone[0], rtol=1e-6)
    assert np.abs(q[1, :41].astype(int) - q_alone[0]).max() <= 1
    assert np.mean(q[1, :41] != q_alone[0]) < 1e-3


@pytest.mark.parametrize("tokens", [1, 7, 15, 16, 33, 41, 64, 89])
def test_natively_they_are_the_same_to_the_last_bit(operator, isa, tokens):
    """A level that moved would move what all later layers find."""
    graph = operator("DequantizeAttendQuantize", INPUTS, ["q", "scale"], num_heads=3, scale=0.2)
    batched, by_itself = (graph.run(None, inputs) for inputs in padded_and_alone(3, 32, tokens))
    for of_batch, of_one in zip(batched, by_itself, strict=True):
        assert np.array_equal(of_batch[1, :tokens], of_one[0])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("sums", (2, 9, 95)),
        ("sums", (9, 96)),
        ("row_scale", (2, 8, 1)),
        ("column_scale", (32,)),
        ("bias", (97,)),
        ("attention_bias", (2, 2, 9, 9)),
        ("attention_bias", (1, 4, 9, 9)),
        ("attention_bias", (2, 4, 9, 8)),
    ],
)
def test_native_kernel_refuses_shapes_that_do_not_fit(operator, natively, name, shape):
    natively("avx2")
    graph = operator("DequantizeAttendQuantize", INPUTS, ["q", "scale"], num_heads=4, scale=1.0)
    inputs = example(9, 4, 8, batch=2)
    inputs[name] = np.zeros(shape, inputs[name].dtype)
    with pytest.raises(Exception, match="DequantizeAttendQuantize needs sums"):
        graph.run(None, inputs)


def test_native_kernel_refuses_to_have_no_heads(operator, natively):
    natively("avx2")
    with pytest.raises(Exception, match="needs a head"):
        operator("DequantizeAttendQuantize", INPUTS, ["q", "scale"], num_heads=0, scale=1.0)


def test_no_windows_are_no_rows(operator):
    graph = operator("DequantizeAttendQuantize", INPUTS, ["q", "scale"], num_heads=4, scale=1.0)
    inputs = example(9, 4, 8)
    inputs |= {name: inputs[name][:0] for name in ("sums", "row_scale", "attention_bias")}
    q, scale = graph.run(None, inputs)
    assert (q.shape, scale.shape) == ((0, 9, 32), (0, 9, 1))
