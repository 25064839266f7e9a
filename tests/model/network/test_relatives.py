"""LayoutLM, LayoutLMv3 and LiLT where they differ from LayoutLMv2; the golden sets are compared with all the others."""

from pathlib import Path

import numpy as np
import pytest
import torch

from layoutserve.model import bundle as bundles
from layoutserve.model.bundle import inputs_of
from layoutserve.model.encoding.tensors import Encoding
from layoutserve.model.errors import ArrayError, CheckpointError, SessionError
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export, layoutlm, layoutlmv3, lilt
from layoutserve.model.network.families import FAMILIES
from layoutserve.model.network.visual_graph import visual_graph

GOLDEN = Path(__file__).parents[2] / "golden"
SHARED = Path(__file__).parents[4] / "shared" / "golden-family"
SMALL = {
    "vocab_size": 50,
    "hidden_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 96,
    "max_position_embeddings": 40,
}
PLACES = {"coordinate_size": 16, "shape_size": 16}
HEADS = {"kie": 12, "classification": 3, "docvqa": 2}


def small(family, heads=HEADS, **changes):
    """A network of random weights, wide enough for its products to be quantized."""
    torch.manual_seed(0)
    config = SMALL | (PLACES if family == "layoutlmv3" else {}) | {"model_type": family} | changes
    network = FAMILIES[family].network(FAMILIES[family].config.from_dict(config), heads).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "norm" not in name.lower():
                value.normal_(0.0, 0.5 if "rel_pos" in name else 0.1)
    return network


def as_checkpoint(network):
    labels = {task: tuple(f"L{n}" for n in range(size)) for task, size in network.heads.items()}
    return checkpoint.Checkpoint(network, labels, None, "mit", "test")


def windows(network, lengths, channels):
    generator = np.random.default_rng(1)
    image = generator.integers(0, 256, (3, 224, 224), np.uint8) if channels else None
    return [
        Encoding(
            input_ids=generator.integers(3, network.config.vocab_size, length),
            bbox=np.sort(generator.integers(0, 1001, (length, 2, 2)), axis=1).reshape(length, 4),
            token_type_ids=np.zeros(length, np.int64),
            word_index=np.arange(length, dtype=np.int32),
            image=image,
        )
        for length in lengths
    ]


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/golden-family")
@pytest.mark.parametrize("folder", [path for path in sorted(SHARED.glob("*")) if "relations" not in path.name], ids=str)
def test_the_shared_golden_sets_are_equalled_in_torch(folder):
    network = checkpoint.load(folder).network
    inputs, expected = np.load(folder / "inputs.npz"), np.load(folder / "expected.npz")
    compared = 0
    for case in ("short", "batch", "long"):
        arrays = {n.split(".")[1]: torch.from_numpy(inputs[n]) for n in inputs.files if n.startswith(f"{case}.")}
        with torch.no_grad():
            outputs = network(**arrays)
        task = next(iter(network.heads), "")
        outputs = {name.removeprefix(f"{task}_"): value for name, value in outputs.items()}
        for name in (n for n in expected.files if n.startswith(f"{case}.")):
            found, value = outputs[name.split(".")[1]].numpy(), expected[name]
            value = value[:, : found.shape[1]] if "docvqa" in network.heads else value
            np.testing.assert_allclose(found, value, rtol=0, atol=1e-5)
            compared += 1
    assert compared == len(expected.files)


@pytest.mark.parametrize("family", ["layoutlm", "layoutlmv3", "lilt"])
@pytest.mark.parametrize("precision", ["fp32", "int8", "fp16"])
def test_every_precision_is_exported_and_a_window_never_depends_on_its_neighbours(family, precision, tmp_path):
    network = small(family)
    images = [np.random.default_rng(n).integers(0, 256, (3, 224, 224), np.uint8) for n in range(2)]
    bundle = export.export(as_checkpoint(network), tmp_path / "made", precision=precision, calibration=images)
    assert bundle.manifest.family == family
    assert bundles.load(bundle.path).manifest == bundle.manifest
    for native in (True, False):
        session = Session(bundle, native_ops=native, threads=1, providers=["CPUExecutionProvider"])
        several = windows(network, (9, 30, 17), bundle.manifest.inputs.channels)
        for window, together in zip(several, session.run(several), strict=True):
            (alone,) = session.run([window])
            for name in ("kie", "classification", "docvqa_start", "docvqa_end"):
                np.testing.assert_allclose(getattr(alone, name), getattr(together, name), rtol=0, atol=2e-3)


@pytest.mark.parametrize("family", ["layoutlm", "lilt"])
def test_a_network_without_a_picture_has_no_visual_graph(family, tmp_path):
    network = small(family, {"kie": 3})
    assert visual_graph(network) is None
    bundle = export.export(as_checkpoint(network), tmp_path / "made", precision="int8")
    assert sorted(bundle.manifest.files) == ["encoder.onnx", "selftest.npz"]
    assert bundles.load(bundle.path).visual_graph is None
    session = Session(bundle, threads=1)
    assert session.selftest() < 1e-4
    arrays = {"input_ids": np.ones((1, 5), np.int64), "bbox": np.zeros((1, 5, 4), np.int64)}
    assert session.infer(arrays)["logits"].shape == (1, 5, 3)
    with pytest.raises(ArrayError, match="image, which the model does not know"):
        session.infer({**arrays, "image": np.zeros((1, 3, 224, 224), np.uint8)})
    with pytest.raises(SessionError, match="looks at no picture"):
        session.visual(np.zeros((1, 3, 224, 224), np.uint8))


def test_a_network_with_a_picture_needs_one(tmp_path):
    network = small("layoutlmv3", {"kie": 3})
    with pytest.raises(CheckpointError, match="calibrate"):
        export.export(as_checkpoint(network), tmp_path / "int8", precision="int8")
    session = Session(export.export(as_checkpoint(network), tmp_path / "made"), threads=1)
    with pytest.raises(ArrayError, match="1 windows have no image"):
        session.run(windows(network, (4,), None))
    with pytest.raises(ArrayError, match="lack image"):
        session.infer({"input_ids": np.ones((1, 5), np.int64), "bbox": np.zeros((1, 5, 4), np.int64)})


def test_the_first_positions_of_roberta_s_table_are_never_a_text_s():
    assert inputs_of(small("layoutlm").config.to_dict()).max_tokens == 40
    assert inputs_of(small("layoutlmv3").config.to_dict()).max_tokens == 38
    assert inputs_of(small("lilt").config.to_dict()).max_tokens == 39
    assert inputs_of(small("lilt", pad_token_id=1).config.to_dict()).max_tokens == 38


def test_layoutlmv3_looks_at_rgb_patches_or_at_nothing(tmp_path):
    inputs = inputs_of(small("layoutlmv3").config.to_dict())
    assert (inputs.channels, inputs.visual_tokens) == ("RGB", 197)
    assert inputs_of(small("layoutlmv3", patch_size=32).config.to_dict()).visual_tokens == 50
    blind = small("layoutlmv3", {}, visual_embed=False)
    assert inputs_of(blind.config.to_dict()).visual_tokens == 0
    assert "visual.onnx" not in export.export(as_checkpoint(blind), tmp_path / "blind").manifest.files
    with pytest.raises(CheckpointError, match="224 pixels"):
        visual_graph(small("layoutlmv3", input_size=256))


def test_layoutlmv3_has_biases_on_the_page_only_beside_those_of_the_text():
    alone = small("layoutlmv3", {"kie": 3}, has_relative_attention_bias=False)
    assert alone.layoutlmv3.encoder.tables() == (None, None, None)
    assert "layoutlmv3.encoder.rel_pos_x_bias.weight" in alone.state_dict()


@pytest.mark.parametrize(
    ("config", "wrong", "says"),
    [
        (layoutlm.Config, {"num_attention_heads": 7}, "multiple"),
        (layoutlmv3.Config, {"coordinate_size": 9}, "coordinate_size"),
        (layoutlmv3.Config, {"text_embed": False}, "without text"),
        (layoutlmv3.Config, {"patch_size": 15}, "patch_size"),
        (lilt.Config, {"channel_shrink_ratio": 7}, "channel_shrink_ratio"),
    ],
)
def test_a_config_of_another_network_is_refused(config, wrong, says):
    with pytest.raises(CheckpointError, match=says):
        config.from_dict(wrong)


@pytest.mark.parametrize("family", ["layoutlm", "layoutlmv3", "lilt"])
def test_gradients_reach_every_parameter_and_checkpointing_changes_none(family):
    dead = ("pooler",) if family == "layoutlmv3" else ()
    gradients = []
    for checkpointing in (False, True):
        network = small(family, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0).train()
        network.get_submodule(f"{family}.encoder").gradient_checkpointing = checkpointing
        inputs = {n: torch.from_numpy(v) for n, v in export.examples(network.config)["padded_batch"].items()}
        sum(value.square().mean() for value in network(**inputs).values()).backward()
        gradients.append({n: p.grad for n, p in network.named_parameters() if not any(part in n for part in dead)})
    # Nobody reads what the last layer makes of LiLT's layout.
    unread = [name for name, gradient in gradients[0].items() if gradient is None or not gradient.any()]
    assert all(family == "lilt" and ".layer.1." in name and "layout_" in name for name in unread)
    for name, gradient in gradients[0].items():
        if name not in unread:
            torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-4)
