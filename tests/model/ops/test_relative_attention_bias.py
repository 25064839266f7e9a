"""numpy definition = torch = function body = native kernel, for every distance and for random boxes."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from onnx import TensorProto, helper

from layoutserve.model.network.layoutlmv2 import Config
from layoutserve.model.network.transformer import BiasedLayers
from layoutserve.model.ops import DOMAIN, LIBRARY, VERSION
from layoutserve.model.ops.function_bodies import FUNCTION_BODIES, OPSET
from layoutserve.model.ops.relative_attention_bias import (
    MASKED,
    bucket_table,
    relative_attention_bias,
    relative_position_bucket,
)

GOLDEN = Path(__file__).parents[2] / "golden"
# (rel_pos_bins, max_rel_pos, rel_2d_pos_bins, max_rel_2d_pos) of every golden set, and two that are odd.
SETTINGS = sorted(
    {
        tuple(config[name] for name in ("rel_pos_bins", "max_rel_pos", "rel_2d_pos_bins", "max_rel_2d_pos"))
        for config in (json.loads(path.read_text()) for path in GOLDEN.glob("*/config.json"))
        if "rel_pos_bins" in config
    }
    | {(12, 50, 20, 333)}
)
HEADS = 3


def one_node_model():
    shapes = {"position_ids": ["P", "T"], "bbox": ["B", "T", 4], "attention_mask": ["B", "T"]}
    shapes |= {name: ["H", f"{name}_width"] for name in ("bias_1d", "bias_x", "bias_y")}
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT if name.startswith("bias") else TensorProto.INT64, shape)
        for name, shape in shapes.items()
    ]
    output = helper.make_tensor_value_info("bias", TensorProto.FLOAT, ["B", "H", "T", "T"])
    node = helper.make_node("RelativeAttentionBias", list(shapes), ["bias"], domain=DOMAIN)
    model = helper.make_model(
        helper.make_graph([node], "probe", inputs, [output]),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, VERSION)],
        functions=[onnx.parser.parse_function(text) for text in FUNCTION_BODIES],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def operator(way):
    options = ort.SessionOptions()
    if way != "body":
        options.register_custom_ops_library(str(LIBRARY))
    session = ort.InferenceSession(one_node_model(), options)

    def run(position_ids, bbox, attention_mask, bias_1d, bias_x, bias_y):
        arrays = locals()
        return session.run(None, {name: arrays[name] for name in (i.name for i in session.get_inputs())})[0]

    return run


def config_of(setting, **kwargs):
    names = ("rel_pos_bins", "max_rel_pos", "rel_2d_pos_bins", "max_rel_2d_pos")
    values = dict(zip(names, setting, strict=True))
    return Config(num_hidden_layers=0, num_attention_heads=HEADS, hidden_size=12, **values, **kwargs)


def torch_and_tables(setting):
    """A torch encoder with random tables, and the same tables by distance, as the export writes them."""
    torch.manual_seed(0)
    encoder = BiasedLayers(config_of(setting))
    tables = [
        (layer.weight[:, buckets]).detach().numpy()
        for layer, buckets in (
            (encoder.rel_pos_bias, encoder.buckets_1d),
            (encoder.rel_pos_x_bias, encoder.buckets_2d),
            (encoder.rel_pos_y_bias, encoder.buckets_2d),
        )
    ]
    return encoder, tables


def every_distance():
    """Positions 0..511 and edges 0..1000: their differences are all of -511..511 and -1000..1000."""
    tokens = 1001
    places = np.arange(tokens)
    bbox = np.stack([places, np.zeros_like(places), np.full_like(places, 1000), places[::-1]], axis=-1)
    return (places % 512)[None], bbox[None], np.ones((1, tokens), np.int64)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_distance_has_the_reference_bucket(setting):
    for bins, most, furthest in ((setting[0], setting[1], 511), (setting[2], setting[3], 1000)):
        distances = np.arange(-furthest, furthest + 1)
        table = bucket_table(bins, most)
        from_table = table[np.clip(distances, -most, most) + most]
        assert np.array_equal(from_table, relative_position_bucket(distances, bins, most))
        assert np.array_equal(from_table, reference_bucket(torch.from_numpy(distances), bins, most).numpy())


def reference_bucket(distance, bins, most):
    """The published formula in torch float32, written out apart from ours."""
    half = bins // 2
    exact = half // 2
    size = distance.abs()
    growth = torch.log(size.float() / exact) / np.log(most / exact) * (half - exact)
    large = (exact + growth.nan_to_num(neginf=0).to(torch.int64)).clamp(max=half - 1)
    return (distance > 0).long() * half + torch.where(size < exact, size, large)


@pytest.mark.parametrize("setting", SETTINGS)
def test_all_four_agree_for_every_distance(setting, operator):
    encoder, tables = torch_and_tables(setting)
    inputs = every_distance()
    expected = relative_attention_bias(*inputs, *tables)
    with torch.no_grad():
        from_torch = encoder.relative_bias(*(torch.from_numpy(array) for array in inputs[:2])).numpy()
    assert np.array_equal(operator(*inputs, *tables), expected)
    np.testing.assert_allclose(from_torch, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(("batch", "tokens"), [(1, 1), (1, 66), (3, 89), (2, 130)])
def test_all_four_agree_for_random_boxes(setting, batch, tokens, operator):
    generator = np.random.default_rng(tokens)
    encoder, tables = torch_and_tables(setting)
    inputs = (
        generator.integers(0, 512, (batch, tokens)),
        generator.integers(0, 1001, (batch, tokens, 4)),
        generator.integers(0, 2, (batch, tokens)),
    )
    expected = relative_attention_bias(*inputs, *tables)
    with torch.no_grad():
        from_torch = encoder.relative_bias(*(torch.from_numpy(array) for array in inputs[:2])).numpy()
    assert np.array_equal(operator(*inputs, *tables), expected)
    mask = np.where(inputs[2] == 0, MASKED, 0)[:, None, None, :]
    np.testing.assert_allclose(from_torch, expected - mask, rtol=0, atol=1e-3)  # 10000 in float32: steps of 1e-3
    attended = np.broadcast_to(mask == 0, expected.shape)
    np.testing.assert_allclose(from_torch[attended], expected[attended], rtol=0, atol=1e-7)


def test_one_row_of_positions_serves_the_batch(operator):
    _, tables = torch_and_tables(SETTINGS[0])
    bbox = np.random.default_rng(1).integers(0, 1001, (4, 20, 4))
    mask = np.ones((4, 20), np.int64)
    one, each = np.arange(20)[None], np.tile(np.arange(20), (4, 1))
    assert np.array_equal(operator(one, bbox, mask, *tables), operator(each, bbox, mask, *tables))


def test_absent_biases_are_tables_one_entry_wide(operator):
    nothing = np.zeros((1, 1), np.float32)
    mask = np.array([[1, 0, 1]])
    result = operator(np.arange(3)[None], np.zeros((1, 3, 4), np.int64), mask, nothing, nothing, nothing)
    assert np.array_equal(result, np.broadcast_to(np.float32([0, MASKED, 0]), (1, 1, 3, 3)))


def test_native_kernel_refuses_shapes_that_do_not_fit():
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.register_custom_ops_library(str(LIBRARY))
    session = ort.InferenceSession(one_node_model(), options)
    table = np.zeros((2, 5), np.float32)
    arrays = {
        "position_ids": np.zeros((3, 4), np.int64),  # neither 1 nor 2 rows
        "bbox": np.zeros((2, 4, 4), np.int64),
        "attention_mask": np.ones((2, 4), np.int64),
        "bias_1d": table,
        "bias_x": table,
        "bias_y": table,
    }
    with pytest.raises(Exception, match="RelativeAttentionBias needs position_ids"):
        session.run(None, arrays)
    arrays |= {"position_ids": np.zeros((1, 4), np.int64), "bias_y": np.zeros((2, 4), np.float32)}
    with pytest.raises(Exception, match="three tables"):
        session.run(None, arrays)


def test_masked_keys_get_no_probability():
    scores = np.float32([5.0, 5.0 + MASKED])
    powers = np.exp(scores - scores.max())
    assert powers[1] == 0.0
