"""Checkpoints load strictly, are written back unchanged, and what is wrong is said in a sentence."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from layoutserve.model.errors import CheckpointError
from layoutserve.model.network import checkpoint
from layoutserve.model.network.layoutlmv2 import Config, LayoutLMv2


def copy(source: Path, folder: Path, **config) -> Path:
    shutil.copytree(source, folder)
    if config:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


def rewrite(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def test_a_golden_checkpoint_written_back_keeps_names_shapes_values_and_config(golden, tmp_path):
    loaded = checkpoint.load(golden)
    checkpoint.save(loaded.network, loaded.labels, tmp_path)
    before, after = load_file(golden / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert torch.equal(value, after[name]), name
    assert json.loads((golden / "config.json").read_text()) == json.loads((tmp_path / "config.json").read_text())


@pytest.mark.parametrize(
    ("name", "task"),
    [("tiny-token", "kie"), ("tiny-sequence", "classification"), ("tiny-qa", "docvqa"), ("tiny-base", None)],
)
def test_the_task_is_read_from_the_architecture(tiny_token, name, task):
    loaded = checkpoint.load(tiny_token.parent / name)
    assert list(loaded.labels) == ([task] if task else [])
    assert loaded.tokenizer is None
    assert loaded.licence == "unknown"


def test_several_heads_are_written_read_and_split_into_hugging_face_checkpoints(tiny_token, tmp_path):
    config = checkpoint.load(tiny_token).config
    labels = {"kie": ("O", "B-TOTAL", "I-TOTAL"), "classification": ("receipt", "invoice"), "docvqa": ()}
    network = LayoutLMv2(config, {"kie": 3, "classification": 2, "docvqa": 2}).eval()
    checkpoint.save(network, labels, tmp_path / "all", licence="apache-2.0")
    loaded = checkpoint.load(tmp_path / "all")
    assert loaded.labels == labels
    assert loaded.licence == "apache-2.0"
    for task in labels:
        checkpoint.save(checkpoint.split(loaded, task), labels, tmp_path / task)
        alone = checkpoint.load(tmp_path / task)
        assert alone.labels == {task: labels[task]}
        assert json.loads((tmp_path / task / "config.json").read_text())["architectures"][0].startswith("LayoutLMv2For")
        for name, value in alone.network.layoutlmv2.state_dict().items():
            assert torch.equal(value, network.layoutlmv2.state_dict()[name])
    with pytest.raises(CheckpointError, match="no head for kie"):
        checkpoint.split(checkpoint.load(tmp_path / "docvqa"), "kie")


def test_pytorch_model_bin_is_read_as_weights_only(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "bin")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    expected = checkpoint.load(tiny_token).network.state_dict()
    for name, value in checkpoint.load(folder).network.state_dict().items():
        assert torch.equal(value, expected[name])


def test_a_pickle_that_would_run_code_is_refused(tiny_token, tmp_path):
    class Payload:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    folder = copy(tiny_token, tmp_path / "evil")
    (folder / "model.safetensors").unlink()
    torch.save({"classifier.weight": Payload()}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="more than weights"):
        checkpoint.load(folder)
    assert not (tmp_path / "ran").exists()


def test_the_surplus_of_public_checkpoints_is_ignored_and_nothing_else(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "surplus")

    def add(weights):
        weights["layoutlmv2.visual.backbone.bottom_up.stem.conv1.norm.num_batches_tracked"] = torch.tensor(0)
        weights["layoutlmv2.embeddings.position_ids"] = torch.arange(512)[None]
        weights["layoutlmv2.visual.pixel_mean"] = torch.zeros(3, 1, 1)
        weights["layoutlmv2.visual.pixel_std"] = torch.zeros(3, 1, 1)

    rewrite(folder, add)
    checkpoint.load(folder)
    rewrite(folder, lambda weights: weights.update({"layoutlmv2.surprise": torch.zeros(1)}))
    with pytest.raises(CheckpointError, match=r"1 unexpected: layoutlmv2\.surprise"):
        checkpoint.load(folder)


def test_missing_and_misshapen_names_are_listed(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "broken")

    def damage(weights):
        del weights["layoutlmv2.embeddings.LayerNorm.bias"]
        weights["classifier.bias"] = torch.zeros(4)

    rewrite(folder, damage)
    with pytest.raises(CheckpointError) as error:
        checkpoint.load(folder)
    assert "1 missing: layoutlmv2.embeddings.LayerNorm.bias" in str(error.value)
    assert "classifier.bias (4,) instead of (5,)" in str(error.value)


def test_layoutxlm_is_the_same_network_with_another_tokenizer(tiny_token, tmp_path):
    folder = copy(
        tiny_token, tmp_path / "xlm", model_type="layoutxlm", architectures=["LayoutXLMForTokenClassification"]
    )
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(folder / "tokenizer.json"))
    (folder / "README.md").write_text("---\nlanguage: multilingual\nlicense: cc-by-nc-sa-4.0\n---\n# Card\n")
    loaded = checkpoint.load(folder)
    assert loaded.tokenizer == folder / "tokenizer.json"
    assert loaded.licence == "cc-by-nc-sa-4.0"
    checkpoint.save(loaded.network, loaded.labels, tmp_path / "again", tokenizer=loaded.tokenizer)
    assert (tmp_path / "again" / "tokenizer.json").read_text() == (folder / "tokenizer.json").read_text()
    assert json.loads((tmp_path / "again" / "config.json").read_text())["model_type"] == "layoutxlm"


def test_question_answering_always_has_the_visual_segment_embedding(tiny_token, tmp_path):
    folder = copy(tiny_token.parent / "tiny-qa", tmp_path / "qa", has_visual_segment_embedding=False)
    assert checkpoint.load(folder).config.has_visual_segment_embedding


def test_half_precision_checkpoints_are_read_as_float32(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "half")
    rewrite(folder, lambda weights: weights.update({name: value.half() for name, value in weights.items()}))
    assert {value.dtype for value in checkpoint.load(folder).network.parameters()} == {torch.float32}


@pytest.mark.parametrize(
    ("break_it", "says"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), "'bert' model"),
        (lambda folder: (folder / "config.json").write_text("[]"), "describes"),
        (lambda folder: (folder / "model.safetensors").unlink(), "neither model.safetensors"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x10"), "damaged or incomplete"),
    ],
    ids=["no config", "no json", "bert", "a list", "no weights", "truncated header"],
)
def test_a_folder_that_is_no_checkpoint_is_refused(tiny_token, tmp_path, break_it, says):
    folder = copy(tiny_token, tmp_path / "broken")
    break_it(folder)
    with pytest.raises(CheckpointError, match=says):
        checkpoint.load(folder)


def test_a_truncated_safetensors_file_is_refused(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "cut")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match="damaged or incomplete"):
        checkpoint.load(folder)


def test_a_head_of_another_kind_is_refused(tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "head", architectures=["LayoutLMv2ForMultipleChoice"])
    with pytest.raises(CheckpointError, match="LayoutLMv2ForMultipleChoice is not supported"):
        checkpoint.load(folder)


@pytest.mark.parametrize("id2label", [{"0": "A", "2": "B"}, {"x": "A"}], ids=["gap", "words"])
def test_labels_must_be_numbered(tiny_token, tmp_path, id2label):
    folder = copy(tiny_token, tmp_path / "labels", id2label=id2label)
    with pytest.raises(CheckpointError, match="id2label"):
        checkpoint.load(folder)


def test_a_name_that_is_neither_folder_nor_hub_id_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no folder"):
        checkpoint.load(tmp_path / "absent")
    with pytest.raises(CheckpointError, match="no folder"):
        checkpoint.load("./absent")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="is a file"):
        checkpoint.load(tmp_path / "file")


def test_a_hub_id_is_fetched_as_a_folder(tiny_token, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(checkpoint, "snapshot_download", lambda name, **_: asked.append(name) or str(tiny_token))
    assert checkpoint.load("owner/name").source == "owner/name"
    assert asked == ["owner/name"]


def test_a_hub_that_cannot_be_reached_is_said(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(checkpoint, "snapshot_download", refuse)
    with pytest.raises(CheckpointError, match="no route to host"):
        checkpoint.load("owner/name")


def test_a_config_survives_a_round_trip_with_entries_of_other_tools():
    raw = {"hidden_size": 768, "some_tool": {"version": 1}, "image_feature_pool_shape": [7, 7, 256]}
    config = Config.from_dict(raw).to_dict()
    assert config["some_tool"] == {"version": 1}
    assert config["image_feature_pool_shape"] == [7, 7, 256]


@pytest.mark.parametrize("form", ["safetensors", "bin"])
def test_weights_in_parts_are_read_like_whole_ones(form, tiny_token, tmp_path):
    folder = copy(tiny_token, tmp_path / "parts")
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    whole = {"safetensors": "model.safetensors", "bin": "pytorch_model.bin"}[form]
    names, where = list(weights), {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"{whole.split('.')[0]}-{number:05d}-of-00002.{form}"
        tensors = {name: weights[name] for name in part}
        save_file(tensors, folder / file) if form == "safetensors" else torch.save(tensors, folder / file)
        where |= dict.fromkeys(part, file)
    index = folder / f"{whole}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    state = checkpoint.load(folder).network.state_dict()
    assert all(torch.equal(state[n if n.startswith("layoutlmv2.") else f"kie.{n}"], v) for n, v in weights.items())
    (folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"lacks {file}"):
        checkpoint.load(folder)
    index.write_text(json.dumps({"weight_map": {"a": "../secret"}}))
    with pytest.raises(CheckpointError, match="outside of the folder"):
        checkpoint.load(folder)
    index.write_text("[]")
    with pytest.raises(CheckpointError, match="does not say which weights"):
        checkpoint.load(folder)


@pytest.mark.parametrize("architectures", [None, []])
def test_a_config_that_names_no_architecture_is_one_without_a_head(architectures, tiny_token, tmp_path):
    loaded = checkpoint.load(copy(tiny_token, tmp_path / "none", architectures=architectures))
    assert (loaded.labels, loaded.network.heads) == ({}, {})


def test_an_adapter_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(CheckpointError, match="merge it first"):
        checkpoint.load(tmp_path)


def test_the_heads_of_pre_training_have_no_use(tiny_token, tmp_path):
    folder = copy(tiny_token.parent / "layoutlm-sequence", tmp_path / "lm", architectures=["LayoutLMForMaskedLM"])
    rewrite(folder, lambda weights: weights.update({"cls.predictions.bias": torch.zeros(60)}))
    assert checkpoint.load(folder).network.heads == {}
