import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from layoutserve.model import bundle
from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.errors import BundleError, CheckpointError
from layoutserve.model.inference.session import Session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2

GOLDEN = Path(__file__).parents[2] / "golden"


@pytest.fixture(scope="module")
def token(golden_sets):
    return checkpoint.load(golden_sets / "tiny-token")


@pytest.mark.parametrize("graph", ["fused", "portable"])
def test_a_bundle_says_what_it_is_and_has_proved_it(token, graph, tmp_path):
    steps = []
    made = export.export(token, tmp_path / "new" / "receipts", graph=graph, report=steps.append)
    loaded = bundle.load(tmp_path / "new" / "receipts")
    assert loaded == made
    manifest = loaded.manifest
    assert (manifest.name, manifest.version, manifest.precision, manifest.graph) == ("receipts", "1", "fp32", graph)
    assert manifest.heads == {"kie": Head(labels=tuple(f"LABEL_{n}" for n in range(5)))}
    assert manifest.config["hidden_size"] == 48
    assert manifest.parity["bound"] == export.PARITY_BOUND
    assert {"one_row", "padded_batch", "full_length"} <= set(manifest.parity)
    assert all(0 < value < 1e-5 for case, value in manifest.parity.items() if case != "bound")
    assert set(manifest.files) == {"visual.onnx", "encoder.onnx", "selftest.npz"}
    assert loaded.tokenizer is None
    assert Session(loaded, threads=1).selftest() <= export.PARITY_BOUND
    assert steps[0] == "Building the visual graph"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["receipts"]  # nothing is left behind


def test_heads_source_and_tokenizer_can_be_given(token, tmp_path):
    tokenizer = tmp_path / "tokenizer.json"
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tokenizer))
    heads = {"kie": Head(labels=token.labels["kie"], temperature=1.7, fields={"TOTAL": FieldSpec("amount")})}
    made = export.export(
        token, tmp_path / "b", tokenizer=tokenizer, heads=heads, name="n", version="3", source="somewhere"
    )
    assert made.manifest.heads == heads
    assert (made.manifest.name, made.manifest.version, made.manifest.source) == ("n", "3", "somewhere")
    assert made.tokenizer is not None
    assert made.tokenizer.read_bytes() == tokenizer.read_bytes()
    with pytest.raises(CheckpointError, match="no tokenizer"):
        export.export(token, tmp_path / "c", tokenizer=tmp_path / "nowhere.json")


def test_the_checkpoints_own_tokenizer_and_licence_travel(tiny_token, tmp_path):
    shutil.copytree(tiny_token, tmp_path / "checkpoint")
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / "checkpoint" / "tokenizer.json"))
    (tmp_path / "checkpoint" / "README.md").write_text("---\nlicense: cc-by-nc-sa-4.0\n---\n")
    made = export.export(checkpoint.load(tmp_path / "checkpoint"), tmp_path / "bundle")
    assert made.tokenizer is not None
    assert made.manifest.licence == "cc-by-nc-sa-4.0"
    # ... and nothing of where it lies on this machine.
    assert made.manifest.source == "checkpoint"


def test_a_bundle_is_replaced_and_anything_else_is_not(token, tmp_path):
    output = tmp_path / "bundle"
    output.mkdir()
    export.export(token, output)
    first = json.loads((output / "manifest.json").read_text())
    export.export(token, output, version="2")
    assert (first["version"], bundle.load(output).manifest.version) == ("1", "2")
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter.txt").write_text("years of work")
    for target in (other, other / "chapter.txt"):
        with pytest.raises(BundleError, match="something else"):
            export.export(token, target)
    assert (other / "chapter.txt").read_text() == "years of work"


def test_graphs_that_compute_something_else_are_not_exported(token, tmp_path, monkeypatch):
    honest = LayoutLMv2.forward

    def drifted(self, *args, **kwargs):
        return {name: value + 2e-4 for name, value in honest(self, *args, **kwargs).items()}

    monkeypatch.setattr(LayoutLMv2, "forward", drifted)
    with pytest.raises(CheckpointError, match=r"differ from the network by 0\.0002"):
        export.export(token, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_not_numbers_are_not_exported(tiny_token, tmp_path):
    broken = checkpoint.load(tiny_token)
    with torch.no_grad():
        broken.network.kie.classifier.bias[0] = float("nan")
    with pytest.raises(CheckpointError, match="differ from the network by nan"):
        export.export(broken, tmp_path / "bundle")


def test_several_heads_share_one_encoder(tmp_path):
    config = Config.from_dict(json.loads((GOLDEN / "tiny-token" / "config.json").read_text()))
    heads = {"kie": ("O", "B-A", "I-A"), "classification": ("letter", "form"), "docvqa": ()}
    network = LayoutLMv2(config, {"kie": 3, "classification": 2, "docvqa": 2}).eval()
    checkpoint.save(network, heads, tmp_path / "checkpoint", licence="apache-2.0")
    made = export.export(checkpoint.load(tmp_path / "checkpoint"), tmp_path / "bundle")
    assert made.manifest.tasks == ("kie", "classification", "docvqa")
    assert made.manifest.heads["classification"].labels == ("letter", "form")
    with np.load(GOLDEN / "tiny-token" / "inputs.npz") as file:
        inputs = {key.split(".")[1]: file[key] for key in file.files if key.startswith("batch.")}
    outputs = Session(made, threads=1).infer(inputs)
    assert {name: value.shape for name, value in outputs.items()} == {
        "kie_logits": (3, 40, 3),
        "classification_logits": (3, 2),
        "docvqa_start_logits": (3, 40),
        "docvqa_end_logits": (3, 40),
    }


def test_examples_are_always_the_same_and_fit_the_network():
    config = Config(max_position_embeddings=64, vocab_size=100)
    first, second = export.examples(config), export.examples(config)
    for case, arrays in first.items():
        for name, array in arrays.items():
            assert np.array_equal(array, second[case][name])
        bbox = arrays["bbox"]
        assert (bbox[..., :2] <= bbox[..., 2:]).all()
        assert bbox.max() <= 1000
    assert first["full_length"]["input_ids"].shape == (1, 64)
    assert first["padded_batch"]["attention_mask"].sum(axis=1).tolist() == [40, 27, 14]
