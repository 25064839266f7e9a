import dataclasses
import json
import shutil

import pytest

from layoutserve.model import bundle
from layoutserve.model.bundle import FieldSpec, Head, Manifest
from layoutserve.model.errors import BundleError

HEADS = {
    "kie": Head(
        labels=("O", "B-TOTAL", "I-TOTAL"),
        temperature=1.5,
        fields={"TOTAL": FieldSpec(type="amount", single=True)},
        rules=("total_is_largest",),
    ),
    "docvqa": Head(),
}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    for name in ("visual.onnx", "encoder.onnx", "tokenizer.json", "selftest.npz"):
        (folder / name).write_bytes(name.encode() * 100)
    manifest = Manifest(
        name="receipts",
        version="2",
        licence="Apache-2.0",
        source="owner/name",
        precision="fp32",
        graph="fused",
        heads=HEADS,
        config={"hidden_size": 24, "max_position_embeddings": 256},
        files={},
        parity={"one_row": 1e-7},
        metrics={"sroie": {"f1": 0.9}},
    )
    bundle.write(folder, manifest)
    return folder


def edit(folder, **changes):
    path = folder / "manifest.json"
    document = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in document.items() if value is not None}))


def test_what_is_written_is_read_back(folder):
    loaded = bundle.load(folder)
    assert loaded.manifest.heads == HEADS
    assert loaded.manifest.tasks == ("kie", "docvqa")
    assert loaded.manifest.max_tokens == 256
    assert loaded.manifest.metrics == {"sroie": {"f1": 0.9}}
    assert set(loaded.manifest.files) == {"visual.onnx", "encoder.onnx", "tokenizer.json", "selftest.npz"}
    assert loaded.tokenizer == folder / "tokenizer.json"
    assert (loaded.visual_graph.name, loaded.encoder_graph.name) == ("visual.onnx", "encoder.onnx")


def test_written_again_with_a_file_gone(folder):
    manifest = bundle.load(folder).manifest
    (folder / "tokenizer.json").unlink()
    again = bundle.write(folder, dataclasses.replace(manifest, metrics={}))
    assert again.tokenizer is None
    assert bundle.load(folder).tokenizer is None
    assert bundle.load(folder).manifest.metrics == {}


@pytest.mark.parametrize("name", ["visual.onnx", "encoder.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[7] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleError, match=rf"{name} .* SHA-256 differs"):
        bundle.load(folder)
    bundle.load(folder, verify=False)


def test_a_missing_file_is_refused(folder):
    (folder / "encoder.onnx").unlink()
    with pytest.raises(BundleError, match=r"encoder\.onnx is missing"):
        bundle.load(folder, verify=False)


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(BundleError, match="is no bundle"):
        bundle.load(tmp_path)
    with pytest.raises(BundleError, match="is no bundle"):
        bundle.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "schema version is 99"),
        ({"schema_version": None}, "damaged"),
        ({"heads": {"translation": {}}}, "translation"),
        ({"heads": 7}, "damaged"),
        ({"heads": {"kie": {"labels": ["O"], "colour": "red"}}}, "damaged"),
        ({"surprise": 1}, "damaged"),
        ({"licence": None}, "damaged"),
        ({"files": {}}, "does not list visual.onnx"),
        ({"files": {"visual.onnx": "0", "encoder.onnx": "0", "../../secret": "0"}}, "SHA-256|outside"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(folder, changes, message):
    edit(folder, **changes)
    with pytest.raises(BundleError, match=message):
        bundle.load(folder)


def test_a_file_outside_of_the_bundle_is_refused(folder):
    shutil.copy(folder / "visual.onnx", folder.parent / "secret")
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit(folder, files={**files, "../secret": files["visual.onnx"]})
    with pytest.raises(BundleError, match="outside of the bundle"):
        bundle.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"manifest"'])
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match="damaged"):
        bundle.load(folder)
