import json
import shutil
from pathlib import Path

import pytest

from layoutserve.model.inference import session
from layoutserve.model.network import checkpoint, export
from layoutserve.model.ocr import int8
from layoutserve.service.cli.main import main


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, golden_sets):
    folder = tmp_path_factory.mktemp("bundles") / "tiny"
    export.export(checkpoint.load(golden_sets / "tiny-token"), folder)
    return folder


@pytest.fixture(autouse=True)
def ocr_models(tmp_path, monkeypatch):
    """Model files of one's own, so that nothing depends on what this machine has fetched."""
    for name in ("detection", "recognition"):
        (tmp_path / "ocr" / name).mkdir(parents=True)
        (tmp_path / "ocr" / name / "inference.onnx").touch()
    monkeypatch.setenv("LAYOUTSERVE_OCR_MODELS", str(tmp_path / "ocr"))
    return tmp_path / "ocr"


def findings(capsys, *arguments):
    code = main(["doctor", "--json", *map(str, arguments)])
    return code, {finding["subject"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_it_says_what_is_there_and_that_it_works(tiny, capsys):
    code, found = findings(capsys, "--bundle", tiny)
    assert code == 0
    assert found["operators"]["state"] == "ok"
    assert "equal to their definition" in found["operators"]["detail"]
    assert found["bundle tiny"]["state"] == "note"  # it has no tokenizer
    assert "kie; fp32, native operators; licence unknown" in found["bundle tiny"]["detail"]
    assert "CPUExecutionProvider" in found["providers"]["detail"]
    assert "onnxruntime 1." in found["packages"]["detail"]
    assert found["OCR models"]["state"] == "note"  # it is empty files that are there
    assert "inference.int8.onnx is not there" in found["OCR models"]["detail"]


def test_the_models_that_come_along_run_in_int8(tiny, monkeypatch, capsys):
    monkeypatch.delenv("LAYOUTSERVE_OCR_MODELS")
    _, found = findings(capsys, "--bundle", tiny)
    assert found["OCR models"]["state"] == "ok"
    assert found["OCR models"]["detail"].endswith("in int8")
    monkeypatch.setattr(int8, "LIBRARY", Path("/none.so"))
    _, found = findings(capsys, "--bundle", tiny)
    assert found["OCR models"]["state"] == "note"
    assert "make ops" in found["OCR models"]["detail"]


def test_the_table_has_every_finding(tiny, capsys):
    assert main(["doctor", "--bundle", str(tiny)]) == 0
    output = capsys.readouterr().out
    for subject in ("layoutserve", "packages", "operators", "bundle tiny", "OCR models"):
        assert subject in output


def test_a_broken_bundle_is_found_and_the_rest_is_still_looked_at(tiny, tmp_path, capsys):
    shutil.copytree(tiny, tmp_path / "broken")
    with (tmp_path / "broken" / "encoder.onnx").open("ab") as file:
        file.write(b"\0")
    code, found = findings(capsys, "--bundle", tmp_path / "broken", "--bundle", tiny)
    assert code == 1
    assert found["bundle broken"]["state"] == "broken"
    assert "SHA-256 differs" in found["bundle broken"]["detail"]
    assert found["bundle tiny"]["state"] == "note"
    code, found = findings(capsys, "--bundle", tmp_path)  # no bundle, but a folder that holds one
    assert (code, found["bundle broken"]["state"]) == (1, "broken")


def test_missing_ocr_models_are_found(tiny, ocr_models, capsys):
    (ocr_models / "recognition" / "inference.onnx").unlink()
    code, found = findings(capsys, "--bundle", tiny)
    assert code == 1
    assert "no recognition model" in found["OCR models"]["detail"]


def test_an_absent_library_is_a_note(tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(session, "LIBRARY", tmp_path / "none.so")
    code, found = findings(capsys, "--bundle", tiny)
    assert code == 0
    assert found["operators"]["state"] == "note"
    assert "portable operators" in found["bundle tiny"]["detail"]


def test_operators_that_differ_from_their_definition_are_broken(tiny, monkeypatch, capsys):
    monkeypatch.setattr(session, "relative_attention_bias", lambda *arrays: 1.0)
    code, found = findings(capsys, "--bundle", tiny)
    assert code == 1
    assert found["operators"]["state"] == "broken"
