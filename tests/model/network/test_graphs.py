"""The exported graphs against the reference's own numbers: fused and portable, natively and on function bodies."""

import numpy as np
import onnx
import onnx.reference
import pytest
import torch

from layoutserve.model.bundle import Bundle, Manifest
from layoutserve.model.errors import CheckpointError
from layoutserve.model.inference.session import Session
from layoutserve.model.network.checkpoint import load
from layoutserve.model.network.encoder_graph import encoder_graph
from layoutserve.model.network.export import examples
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2
from layoutserve.model.network.visual_graph import visual_graph

CASES = ("short", "batch", "long")
HF_NAMES = {
    "kie": {"logits": "kie_logits"},
    "classification": {"logits": "classification_logits"},
    "docvqa": {"start_logits": "docvqa_start_logits", "end_logits": "docvqa_end_logits"},
}
ENCODER_INPUTS = ("input_ids", "bbox", "attention_mask", "token_type_ids")
# What network and graphs may differ by from the reference, whose values are about 1.
GOLDEN_BOUND = 1e-5


def save(network, folder, *, fused):
    visual = visual_graph(network)
    if visual is not None:
        visual.save(folder / "visual.onnx")
    encoder_graph(network, fused=fused).save(folder / "encoder.onnx")
    manifest = Manifest(
        name="test",
        version="1",
        licence="",
        source="",
        precision="fp32",
        graph="",
        heads={},
        config=network.config.to_dict(),
        files={},
        family=network.config.model_type,
    )
    return Bundle(folder, manifest)


def tiny(heads=None, **changes):
    """A network of random weights as small as they come; ``backbone`` changes detectron2's settings."""
    backbone = {
        "MODEL.RESNETS.DEPTH": 18,
        "MODEL.RESNETS.NUM_GROUPS": 1,
        "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
        "MODEL.RESNETS.STEM_OUT_CHANNELS": 8,
        "MODEL.RESNETS.RES2_OUT_CHANNELS": 16,
        "MODEL.FPN.OUT_CHANNELS": 32,
        **changes.pop("backbone", {}),
    }
    settings = {
        "vocab_size": 50,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "coordinate_size": 4,
        "shape_size": 4,
        "image_feature_pool_shape": (7, 7, 32),
        "detectron2_config_args": backbone,
    }
    torch.manual_seed(0)
    network = LayoutLMv2(Config(**(settings | changes)), heads if heads is not None else {"kie": 3}).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, value in network.state_dict().items():  # norms that do something
            if name.endswith("running_var"):
                value.uniform_(0.5, 2.0, generator=generator)
            elif value.is_floating_point() and ("norm" in name.lower() or name.endswith("bias")):
                value.add_(0.1 * torch.randn(value.shape, generator=generator))
    return network


def run(session, inputs):
    arrays = {"token_type_ids": np.zeros_like(inputs["input_ids"]), **inputs}
    if "image" in arrays:
        arrays["visual_embeddings"] = session.visual(arrays.pop("image"))
    return session.encoder(arrays)


def of_case(arrays, case):
    return {name.split(".", 1)[1]: arrays[name] for name in arrays.files if name.startswith(f"{case}.")}


def assert_equal_to_torch(network, folder, *, fused=True, atol=2e-5):
    session = Session(save(network, folder, fused=fused), threads=1)
    for inputs in examples(network.config).values():
        with torch.no_grad():
            expected = network(**{name: torch.from_numpy(value) for name, value in inputs.items()})
        outputs = run(session, inputs)
        assert set(outputs) == set(expected)
        for name, value in expected.items():
            np.testing.assert_allclose(outputs[name], value.numpy(), rtol=0, atol=atol)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "portable"])
def test_golden(golden, fused, tmp_path):
    network = load(golden).network
    names = HF_NAMES.get(next(iter(network.heads), ""), {})
    bundle = save(network, tmp_path, fused=fused)
    inputs, expected = np.load(golden / "inputs.npz"), np.load(golden / "expected.npz")
    for native in (True, False):
        session = Session(bundle, native_ops=native, threads=1)
        assert session.operators == ("native" if native else "portable")
        compared = 0
        for case in CASES:
            outputs = run(session, of_case(inputs, case))
            for name, value in of_case(expected, case).items():
                found = outputs[names.get(name, name)]
                # LayoutLMv3's reference looks for answers in the picture, too.
                value = value[:, : found.shape[1]] if "docvqa" in network.heads else value
                np.testing.assert_allclose(found, value, rtol=0, atol=GOLDEN_BOUND)
                compared += 1
        assert compared == len(expected.files)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "portable"])
def test_a_row_alone_equals_the_row_in_a_padded_batch(golden, fused, tmp_path):
    session = Session(save(load(golden).network, tmp_path, fused=fused), threads=1)
    batch = of_case(np.load(golden / "inputs.npz"), "batch")
    together = run(session, batch)
    for row, mask in enumerate(batch["attention_mask"]):
        length = int(mask.sum())
        assert (mask[:length] == 1).all()
        alone = run(
            session,
            {n: v[row : row + 1] if n == "image" else v[row : row + 1, :length] for n, v in batch.items()},
        )
        for name, value in alone.items():
            expected = together[name][row]
            if name == "last_hidden_state":  # text, then visual
                expected = np.concatenate([expected[:length], expected[len(mask) :]])
            elif expected.ndim and len(expected) == len(mask):
                expected = expected[:length]
            np.testing.assert_allclose(value[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "backbone",
    [
        {"MODEL.RESNETS.DEPTH": 34, "MODEL.RESNETS.NORM": "BN"},
        {"MODEL.RESNETS.DEPTH": 50, "MODEL.RESNETS.STRIDE_IN_1X1": True},
        {"MODEL.RESNETS.DEPTH": 50, "MODEL.RESNETS.NUM_GROUPS": 2, "MODEL.RESNETS.STRIDE_IN_1X1": False},
        {"MODEL.FPN.NORM": "BN"},
        {"MODEL.FPN.NORM": "GN"},
        {"MODEL.FPN.NORM": "SyncBN", "MODEL.FPN.FUSE_TYPE": "avg"},
        {"MODEL.FPN.FUSE_TYPE": "avg", "MODEL.PIXEL_MEAN": [1.0, 2.0, 3.0]},
    ],
    ids=str,
)
def test_backbones(backbone, tmp_path):
    assert_equal_to_torch(tiny(backbone=backbone), tmp_path)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "portable"])
@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_act": "gelu_new"},
        {"fast_qkv": False},
        {"has_relative_attention_bias": False},
        {"has_spatial_attention_bias": False},
        {"has_relative_attention_bias": False, "has_spatial_attention_bias": False},
        {"has_visual_segment_embedding": True},
        {"layer_norm_eps": 1e-5, "pad_token_id": 7},
    ],
    ids=str,
)
def test_variants(changes, fused, tmp_path):
    assert_equal_to_torch(tiny(**changes), tmp_path, fused=fused)


@pytest.mark.parametrize(
    "heads", [{}, {"docvqa": 2}, {"kie": 5, "classification": 4, "docvqa": 2}], ids=lambda heads: "+".join(heads)
)
def test_heads(heads, tmp_path):
    assert_equal_to_torch(tiny(heads), tmp_path)


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "portable"])
def test_the_last_layer_leaves_out_the_visual_tokens_where_no_head_looks_at_them(fused):
    def products_of_text_alone(heads):
        g = encoder_graph(tiny(heads), fused=fused)
        readers = {use.node for node in g.nodes if node.op_type == "Slice" for use in node.outputs[0].uses()}
        return {node.inputs[1].name for node in readers if node.op_type == "MatMul"}

    assert products_of_text_alone({"kie": 5}) == {"encoder.layer.1.attention.output.dense.weight"}
    assert products_of_text_alone({"kie": 5, "classification": 4}) == {"kie.weight"}


def test_portable_has_standard_operators_and_our_functions_only(tmp_path):
    save(tiny(), tmp_path, fused=False)
    for name in ("visual.onnx", "encoder.onnx"):
        model = onnx.load(tmp_path / name)
        ours = {function.name for function in model.functions}
        assert {node.domain for node in model.graph.node} <= {"", "layoutserve"}
        assert {node.op_type for node in model.graph.node if node.domain == "layoutserve"} <= ours
        assert all(node.domain in ("", "layoutserve") for function in model.functions for node in function.node)


def test_large_weights_lie_beside_the_graph(tmp_path, monkeypatch):
    monkeypatch.setattr("layoutserve.model.network.graph_builder._LARGEST_FILE_BYTES", 1000)
    network = tiny()
    assert_equal_to_torch(network, tmp_path)
    assert (tmp_path / "encoder.onnx.data").stat().st_size > (tmp_path / "encoder.onnx").stat().st_size / 2


def test_another_visual_grid_is_refused():
    with pytest.raises(CheckpointError, match="7 x 7"):
        visual_graph(tiny(image_feature_pool_shape=(8, 8, 32)))


def test_portable_runs_elsewhere_too(tmp_path):
    """ONNX's own reference evaluator, which knows nothing of ONNX Runtime, computes the same."""
    network = tiny({"kie": 3})
    save(network, tmp_path, fused=False)
    inputs = examples(network.config)["padded_batch"]
    with torch.no_grad():
        tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
        visual = network.layoutlmv2.visual_embeddings(tensors["image"]).numpy()
        expected = network(**tensors)["kie_logits"].numpy()
    evaluator = onnx.reference.ReferenceEvaluator(str(tmp_path / "encoder.onnx"))
    arrays = {name: inputs[name] for name in ENCODER_INPUTS} | {"visual_embeddings": visual}
    (logits,) = evaluator.run(["kie_logits"], arrays)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-5)
