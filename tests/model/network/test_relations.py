"""The relation head: every pair at once, in torch and as a graph, equals the head written out pair by pair."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from layoutserve.model.errors import ArrayError
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

SHARED = Path(__file__).parents[4] / "shared" / "golden-family" / "layoutlmv2-relations"
ENTITIES = {"entity_start": np.array([[3, 9, -1, 5]]), "entity_label": np.array([[1, 2, -1, 0]])}


@pytest.fixture(scope="module")
def network(golden_sets):
    torch.manual_seed(0)
    config = Config.from_dict(json.loads((golden_sets / "tiny-token" / "config.json").read_text()))
    made = LayoutLMv2(config, {"relations": 2})
    with torch.no_grad():
        for value in made.relations.parameters():
            value.normal_(0.0, 0.15)
    return made.eval()


@pytest.fixture(scope="module")
def session(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("relations")
    checkpoint.save(network, {}, folder / "checkpoint")
    return Session(export.export(checkpoint.load(folder / "checkpoint"), folder / "made"), threads=1)


def inputs(network):
    arrays = export.examples(network.config)["one_row"]
    return arrays | ENTITIES


def pair_by_pair(network, arrays):
    """unilm's head as it is published, for one window: {(question, answer): logits}."""
    weights = {n.removeprefix("relations.extractor."): v for n, v in network.state_dict().items() if "extractor" in n}
    tensors = {name: torch.from_numpy(arrays[name]) for name in export.examples(network.config)["one_row"]}
    hidden, _ = network.states(
        *(tensors[n] for n in ("input_ids", "bbox", "image", "attention_mask", "token_type_ids"))
    )
    found = {}

    def reduced(part, entity):
        kind = weights["entity_emb.weight"][arrays["entity_label"][0, entity]]
        value = torch.cat([hidden[0, arrays["entity_start"][0, entity]], kind])
        for layer in (0, 3):
            value = functional.linear(value, weights[f"{part}.{layer}.weight"], weights[f"{part}.{layer}.bias"]).relu()
        return value

    there = [n for n in range(4) if arrays["entity_start"][0, n] >= 0]
    for i in there:
        for j in there:
            u, v = reduced("ffnn_head", i), reduced("ffnn_tail", j)
            both = functional.bilinear(u[None], v[None], weights["rel_classifier.bilinear.weight"])[0]
            linear = [weights[f"rel_classifier.linear.{name}"] for name in ("weight", "bias")]
            found[i, j] = (both + functional.linear(torch.cat([u, v]), *linear)).numpy()
    return found


@torch.no_grad()
def test_all_pairs_at_once_are_the_pairs_one_by_one(network, session):
    arrays = inputs(network)
    expected = pair_by_pair(network, arrays)
    in_torch = network(**{name: torch.from_numpy(value) for name, value in arrays.items()})["relation_logits"].numpy()
    for found in (in_torch, session.infer(arrays)["relation_logits"]):
        assert found.shape == (1, 4, 4, 2)
        for (i, j), logits in expected.items():
            np.testing.assert_allclose(found[0, i, j], logits, rtol=0, atol=1e-5)
        assert not found[0, 2].any() and not found[0, :, 2].any()


def test_the_encoder_is_run_once(network, session, monkeypatch):
    calls = []
    encoder = session.encoder
    monkeypatch.setattr(session, "encoder", lambda arrays: calls.append(1) or encoder(arrays))
    assert set(session.infer(inputs(network))) == {"relation_logits"}
    assert calls == [1]


def test_entities_that_cannot_be_are_refused(network, session):
    arrays = inputs(network)
    with pytest.raises(ArrayError, match="lack entity_start, entity_label"):
        session.infer({name: value for name, value in arrays.items() if name not in ENTITIES})
    for name, wrong in (("entity_start", 99), ("entity_start", -2), ("entity_label", 3), ("entity_label", -1)):
        with pytest.raises(ArrayError, match=name):
            session.infer(arrays | {name: np.full((1, 4), wrong)})
    with pytest.raises(ArrayError, match="entity_label must be of shape"):
        session.infer(arrays | {"entity_label": np.ones((1, 3), np.int64)})


def test_the_head_can_be_trained_and_is_written_as_unilm_does(network, session, tmp_path):
    trained = LayoutLMv2(network.config, {"relations": 2}).train()
    tensors = {name: torch.from_numpy(value) for name, value in inputs(network).items()}
    trained(**tensors)["relation_logits"].square().mean().backward()
    assert all(value.grad is not None for value in trained.relations.parameters())
    checkpoint.save(network, {}, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["LayoutLMv2ForRelationExtraction"]
    assert checkpoint.load(tmp_path).network.heads == {"relations": 2}


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/golden-family")
@torch.no_grad()
def test_the_shared_golden_set_is_equalled(tmp_path):
    loaded = checkpoint.load(SHARED)
    made = Session(export.export(loaded, tmp_path / "made"), threads=1)
    given, expected = np.load(SHARED / "inputs.npz"), np.load(SHARED / "expected.npz")
    for case in ("short", "batch", "long"):
        arrays = {name.split(".")[1]: given[name] for name in given.files if name.startswith(f"{case}.")}
        rows = tuple(expected[f"{case}.pairs"].T)
        tensors = {name: torch.from_numpy(value) for name, value in arrays.items()}
        for found in (loaded.network(**tensors)["relation_logits"].numpy(), made.infer(arrays)["relation_logits"]):
            np.testing.assert_allclose(found[rows], expected[f"{case}.pair_logits"], rtol=0, atol=1e-5)
