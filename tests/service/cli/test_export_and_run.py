"""The commands as a person runs them: exit codes, what goes to stdout, what to stderr."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from layoutserve.service.cli.main import main

GOLDEN = Path(__file__).parents[2] / "golden"
HF_INPUTS = ("input_ids", "bbox", "image", "attention_mask", "token_type_ids")


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, golden_sets):
    folder = tmp_path_factory.mktemp("bundles")
    for name in ("tiny-token", "tiny-qa", "tiny-base"):
        assert main(["export", "--checkpoint", str(golden_sets / name), "--output", str(folder / name)]) == 0
    return folder


def inputs_of(name, case, path, **changes):
    with np.load(GOLDEN / name / "inputs.npz") as file:
        arrays = {key: file[f"{case}.{key}"] for key in HF_INPUTS} | changes
    np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
    return path


def run(bundle, inputs, output, *more):
    return main(["run", "--bundle", str(bundle), "--inputs", str(inputs), "--output", str(output), *more])


@pytest.mark.parametrize("ops", ["native", "portable"])
@pytest.mark.parametrize("name", ["tiny-token", "tiny-qa", "tiny-base"])
def test_run_writes_what_the_reference_writes(bundles, name, ops, tmp_path, capsys):
    for case in ("short", "batch", "long"):
        inputs = inputs_of(name, case, tmp_path / "in.npz")
        assert run(bundles / name, inputs, tmp_path / "out.npz", "--ops", ops) == 0
        assert f"{ops} operators" in capsys.readouterr().err
        with np.load(tmp_path / "out.npz") as out, np.load(GOLDEN / name / "expected.npz") as expected:
            keys = {key.split(".")[1]: key for key in expected.files if key.startswith(f"{case}.")}
            assert set(out.files) == set(keys)
            for key, golden in keys.items():
                np.testing.assert_allclose(out[key], expected[golden], rtol=0, atol=1e-4)


def test_export_reports_on_stderr_and_prints_the_folder(golden_sets, tmp_path, capsys):
    code = main(
        [
            "export",
            "--checkpoint",
            str(golden_sets / "tiny-token"),
            "--output",
            str(tmp_path / "b"),
            "--graph",
            "portable",
        ]
    )
    captured = capsys.readouterr()
    assert code == 0
    assert captured.out == f"{tmp_path / 'b'}\n"
    assert "Comparing with torch: native operators" in captured.err
    assert "the checkpoint has no tokenizer" in captured.err
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["graph"] == "portable"


def refusal(arguments, capsys):
    """Run a command that must be refused; its sentence."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err.splitlines()[-1]


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path, capsys):
    sentence = refusal(["export", "--checkpoint", str(tmp_path), "--output", str(tmp_path / "b")], capsys)
    assert "no checkpoint" in sentence
    assert not (tmp_path / "b").exists()


def test_a_truncated_safetensors_file_is_refused(golden_sets, tmp_path, capsys):
    shutil.copytree(golden_sets / "tiny-token", tmp_path / "c")
    weights = tmp_path / "c" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    sentence = refusal(["export", "--checkpoint", str(tmp_path / "c"), "--output", str(tmp_path / "b")], capsys)
    assert "damaged or incomplete" in sentence


def test_a_wrong_head_is_refused(golden_sets, tmp_path, capsys):
    shutil.copytree(golden_sets / "tiny-token", tmp_path / "c")
    config = json.loads((tmp_path / "c" / "config.json").read_text())
    config["architectures"] = ["LayoutLMv2ForQuestionAnswering"]
    (tmp_path / "c" / "config.json").write_text(json.dumps(config))
    sentence = refusal(["export", "--checkpoint", str(tmp_path / "c"), "--output", str(tmp_path / "b")], capsys)
    assert "qa_outputs.weight" in sentence
    assert "classifier.weight" in sentence


def test_a_manifest_whose_hash_does_not_match_is_refused(bundles, tmp_path, capsys):
    shutil.copytree(bundles / "tiny-token", tmp_path / "b")
    with (tmp_path / "b" / "encoder.onnx").open("ab") as file:
        file.write(b"\0")
    inputs = inputs_of("tiny-token", "short", tmp_path / "in.npz")
    sentence = refusal(
        ["run", "--bundle", str(tmp_path / "b"), "--inputs", str(inputs), "--output", str(tmp_path / "o")], capsys
    )
    assert "SHA-256 differs" in sentence
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bbox": None}, "lack bbox"),
        ({"bbox": np.full((1, 17, 4), 1001)}, "0..1000"),
        ({"input_ids": np.zeros((1, 600), np.int64)}, "600 tokens"),
        ({"image": np.zeros((1, 224, 224, 3), np.uint8)}, "image must be of shape"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(bundles, changes, message, tmp_path, capsys):
    inputs = inputs_of("tiny-token", "short", tmp_path / "in.npz", **changes)
    arguments = ["run", "--bundle", str(bundles / "tiny-token"), "--inputs", str(inputs), "--output", "unused"]
    assert message in refusal(arguments, capsys)


@pytest.mark.parametrize("content", [None, b"", b"text", b"PK\x03\x04 and no more"])
def test_a_file_that_is_no_npz_is_refused(bundles, content, tmp_path, capsys):
    inputs = tmp_path / "in.npz"
    if content is not None:
        inputs.write_bytes(content)
    arguments = ["run", "--bundle", str(bundles / "tiny-token"), "--inputs", str(inputs), "--output", "unused"]
    assert "in.npz" in refusal(arguments, capsys)


def test_pickled_arrays_are_refused(bundles, tmp_path, capsys):
    inputs = tmp_path / "in.npz"
    np.savez(inputs, input_ids=np.array([{"a": 1}], dtype=object))
    arguments = ["run", "--bundle", str(bundles / "tiny-token"), "--inputs", str(inputs), "--output", "unused"]
    assert "not an .npz file of arrays" in refusal(arguments, capsys)
