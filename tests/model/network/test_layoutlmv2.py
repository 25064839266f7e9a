"""The network equals the reference's golden outputs; padding, batches, gradients and variants behave."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import checkpoint
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

GOLDEN = Path(__file__).parents[2] / "golden"
# The sets that those of this repository were made from, with what detectron2 itself gave.
WHOLE = Path(__file__).parents[4] / "shared" / "golden"


def tiny_config(**changes):
    config = Config.from_dict(json.loads((GOLDEN / "tiny-token" / "config.json").read_text()))
    return replace(config, **changes)


def random_inputs(rows=2, length=11, vocabulary=1000):
    generator = torch.Generator().manual_seed(0)
    corners = torch.randint(0, 1001, (rows, length, 2, 2), generator=generator).sort(dim=2).values
    return {
        "input_ids": torch.randint(1, vocabulary, (rows, length), generator=generator),
        "bbox": corners.flatten(2),
        "image": torch.randint(0, 256, (rows, 3, 224, 224), generator=generator, dtype=torch.uint8),
    }


def hugging_face_name(output):
    return output.removeprefix("kie_").removeprefix("classification_").removeprefix("docvqa_")


def assert_equal_to_the_reference(folder, case):
    network = checkpoint.load(folder).network
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "expected.npz") as expected:
        arrays = {k.split(".")[1]: torch.from_numpy(inputs[k]) for k in inputs if k.startswith(f"{case}.")}
        names = {k.split(".")[1]: expected[k] for k in expected if k.startswith(f"{case}.")}
    with torch.no_grad():
        outputs = {hugging_face_name(name): value for name, value in network(**arrays).items()}
    assert outputs.keys() == names.keys()
    for name, value in names.items():
        found = outputs[name].numpy()
        # LayoutLMv3's reference looks for answers in the picture, too.
        value = value[:, : found.shape[1]] if "docvqa" in network.heads else value
        np.testing.assert_allclose(found, value, atol=1e-5, rtol=0)


@pytest.mark.parametrize("case", ["short", "batch", "long"])
def test_equals_the_reference(golden, case):
    assert_equal_to_the_reference(golden, case)


@pytest.mark.shared
@pytest.mark.skipif(not WHOLE.is_dir(), reason="the whole golden sets are not beside the repository")
@pytest.mark.parametrize("name", ["base", "nobias-token", "qa", "sequence", "token", "variant-token"])
@pytest.mark.parametrize("case", ["short", "batch", "long"])
def test_equals_the_reference_on_the_whole_sets(name, case):
    assert_equal_to_the_reference(WHOLE / f"tiny-{name}", case)


def test_a_row_alone_equals_the_row_padded_in_a_batch(tiny_token):
    network = checkpoint.load(tiny_token).network
    inputs = random_inputs(rows=3, length=40)
    mask = torch.ones(3, 40, dtype=torch.long)
    mask[1, 17:] = 0
    with torch.no_grad():
        batch = network(**inputs, attention_mask=mask)["kie_logits"][1, :17]
        alone = network(**{k: (v[1:2] if k == "image" else v[1:2, :17]) for k, v in inputs.items()})["kie_logits"]
    torch.testing.assert_close(alone[0], batch, atol=1e-5, rtol=0)


def test_what_stands_in_the_padding_changes_nothing(tiny_token):
    network = checkpoint.load(tiny_token).network
    inputs = random_inputs(rows=1, length=30)
    mask = torch.ones(1, 30, dtype=torch.long)
    mask[:, 20:] = 0
    other = {**inputs, "input_ids": inputs["input_ids"].clone(), "bbox": inputs["bbox"].clone()}
    other["input_ids"][:, 20:] = 7
    other["bbox"][:, 20:] = 0
    with torch.no_grad():
        first = network(**inputs, attention_mask=mask)["kie_logits"][:, :20]
        second = network(**other, attention_mask=mask)["kie_logits"][:, :20]
    torch.testing.assert_close(first, second, atol=1e-6, rtol=0)


def test_gradients_reach_every_trained_parameter():
    network = LayoutLMv2(tiny_config(), {"kie": 5, "classification": 3, "docvqa": 2}).train()
    outputs = network(**random_inputs())
    sum(value.square().mean() for value in outputs.values()).backward()
    # Dead in the reference too: the pyramid's other outputs and, with a head, the pooler.
    dead = ("fpn_output3", "fpn_output4", "fpn_output5", "pooler")
    without = [
        name
        for name, parameter in network.named_parameters()
        if not any(part in name for part in dead) and (parameter.grad is None or not parameter.grad.any())
    ]
    assert without == []
    for table in ("rel_pos_bias", "rel_pos_x_bias", "rel_pos_y_bias"):
        assert network.layoutlmv2.encoder.get_submodule(table).weight.grad.abs().sum() > 0


def test_gradient_checkpointing_changes_no_gradient():
    torch.manual_seed(0)
    network = LayoutLMv2(tiny_config(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0), {"kie": 5}).train()
    gradients = []
    for checkpointing in (False, True):
        network.zero_grad()
        network.layoutlmv2.encoder.gradient_checkpointing = checkpointing
        network(**random_inputs())["kie_logits"].square().mean().backward()
        gradients.append({n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-4)


def test_dropout_is_active_in_training_only():
    network = LayoutLMv2(tiny_config(), {"kie": 5})
    inputs = random_inputs()
    with torch.no_grad():
        network.train()
        assert not torch.equal(network(**inputs)["kie_logits"], network(**inputs)["kie_logits"])
        network.eval()
        assert torch.equal(network(**inputs)["kie_logits"], network(**inputs)["kie_logits"])


@pytest.mark.parametrize(
    "changes",
    [
        {"has_relative_attention_bias": False},
        {"has_spatial_attention_bias": False},
        {"fast_qkv": False},
        {"has_visual_segment_embedding": True},
        {"hidden_act": "gelu_new"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_each_variant_runs_and_differs_from_the_plain_network(changes):
    torch.manual_seed(0)
    plain = LayoutLMv2(tiny_config(initializer_range=0.5), {"kie": 5}).eval()
    variant = LayoutLMv2(tiny_config(initializer_range=0.5, **changes), {"kie": 5}).eval()
    variant.load_state_dict(
        {name: value for name, value in plain.state_dict().items() if name in variant.state_dict()}, strict=False
    )
    inputs = random_inputs()
    with torch.no_grad():
        assert not torch.allclose(plain(**inputs)["kie_logits"], variant(**inputs)["kie_logits"], atol=1e-5)


@pytest.mark.parametrize("depth", [18, 34, 50, 101])
@pytest.mark.parametrize("norm", ["FrozenBN", "BN", "SyncBN", "GN", ""])
def test_every_backbone_that_the_config_can_describe(depth, norm):
    arguments = {
        **tiny_config().detectron2_config_args,
        "MODEL.RESNETS.DEPTH": depth,
        "MODEL.RESNETS.NORM": norm,
        "MODEL.RESNETS.STEM_OUT_CHANNELS": 32,
        "MODEL.RESNETS.NUM_GROUPS": 1 if depth < 50 else 4,
        "MODEL.RESNETS.WIDTH_PER_GROUP": 8,
        "MODEL.RESNETS.STRIDE_IN_1X1": depth == 50,
    }
    network = LayoutLMv2(tiny_config(detectron2_config_args=arguments, num_hidden_layers=1), {"kie": 5}).eval()
    with torch.no_grad():
        assert network(**random_inputs(rows=1))["kie_logits"].isfinite().all()


def test_computing_the_dead_levels_changes_no_number(tiny_token):
    network = checkpoint.load(tiny_token).network
    image = random_inputs(rows=1)["image"]
    with torch.no_grad():
        plain = network.layoutlmv2.visual_embeddings(image)
        assert torch.equal(plain, network.layoutlmv2.visual_embeddings(image, all_levels=True))


@pytest.mark.parametrize(("size", "parameters"), [("base", 200_000_000), ("large", 426_000_000)])
def test_base_and_large_from_the_config_alone(size, parameters):
    large = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
    shape = {"coordinate_size": 171, "shape_size": 170}
    config = Config() if size == "base" else Config.from_dict({**large, **shape})
    with torch.device("meta"):
        network = LayoutLMv2(config, {"kie": 7})
    assert sum(p.numel() for p in network.parameters()) == pytest.approx(parameters, rel=0.02)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"hidden_act": "relu6"}, "hidden_act"),
        ({"coordinate_size": 9}, "coordinate_size"),
        ({"num_attention_heads": 5}, "multiple"),
    ],
)
def test_a_config_of_another_network_is_refused(wrong, says):
    with pytest.raises(CheckpointError, match=says):
        Config.from_dict({**tiny_config().to_dict(), **wrong})


def test_an_unknown_backbone_is_refused():
    for key, value in (
        ("MODEL.BACKBONE.NAME", "build_vit"),
        ("MODEL.RESNETS.DEPTH", 20),
        ("MODEL.RESNETS.NORM", "XN"),
        ("MODEL.FPN.FUSE_TYPE", "max"),
        ("MODEL.FPN.OUT_CHANNELS", 99),
    ):
        config = tiny_config(detectron2_config_args={**tiny_config().detectron2_config_args, key: value})
        with pytest.raises(CheckpointError):
            LayoutLMv2(config, {"kie": 5})
