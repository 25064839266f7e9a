"""The default models come out of a wheel that is not trusted."""

import zipfile

import pytest
import yaml

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import store
from layoutserve.model.ocr.paddle import names_for
from layoutserve.model.ocr.reader import Ocr, OcrConfig


def wheel(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        for model in store.MODELS:
            archive.writestr(model.member, content)
    return path


def test_a_wheel_with_other_models_is_refused(tmp_path):
    with pytest.raises(OcrError, match="SHA-256"):
        store.unpack(wheel(tmp_path / "rapidocr-3.10.0.whl", b"not the model"), tmp_path / "models")
    assert not store.is_complete(tmp_path / "models")
    assert list(tmp_path.rglob("*.onnx")) == []


def test_what_is_no_wheel_is_refused(tmp_path):
    (tmp_path / "text.whl").write_text("text")
    zipfile.ZipFile(tmp_path / "empty.whl", "w").close()
    for name in ("text.whl", "empty.whl", "missing.whl"):
        with pytest.raises(OcrError, match="could not be unpacked"):
            store.unpack(tmp_path / name, tmp_path / "models")


def test_the_default_models_are_whole(models):
    assert store.is_intact(models)


def test_a_changed_model_is_noticed(models, tmp_path):
    for model in store.MODELS:
        (tmp_path / model.folder).mkdir()
        for file in (models / model.folder).iterdir():
            (tmp_path / model.folder / file.name).write_bytes(file.read_bytes())
    assert store.is_intact(tmp_path)
    with (tmp_path / "detection" / "inference.onnx").open("ab") as file:
        file.write(b"\0")
    assert store.is_complete(tmp_path)
    assert not store.is_intact(tmp_path)


def test_the_symbols_survive_the_configuration_file(models):
    import onnxruntime

    session = onnxruntime.InferenceSession(models / "recognition" / "inference.onnx")
    symbols = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    written = yaml.safe_load((models / "recognition" / "inference.yml").read_text(encoding="utf-8"))
    assert list(written["PostProcess"]["character_dict"]) == symbols
    # The blank before them and the space behind them are PaddleOCR's.
    assert session.get_outputs()[0].shape[-1] == len(symbols) + 2


def test_missing_models_are_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(OcrError, match="layoutserve ocr-models"):
        Ocr(OcrConfig(models=tmp_path))


def test_names_come_in_pairs_and_languages_must_exist():
    with pytest.raises(OcrError, match="both"):
        Ocr(OcrConfig(recognition_model="PP-OCRv5_mobile_rec"))
    with pytest.raises(OcrError, match="language"):
        Ocr(OcrConfig(language="klingon"))


@pytest.mark.parametrize(
    ("language", "recognizer"),
    [("ar", "arabic_PP-OCRv5_mobile_rec"), ("ru", "eslav_PP-OCRv5_mobile_rec"), ("th", "th_PP-OCRv5_mobile_rec")],
)
def test_a_language_gives_the_names_that_paddleocr_has_for_it(language, recognizer):
    detector, found = names_for(language)
    assert found == recognizer
    assert detector.endswith("_det")


def test_models_that_do_not_load_are_an_error(models, tmp_path):
    for model in store.MODELS:
        (tmp_path / model.folder).mkdir()
        for file in (models / model.folder).iterdir():
            (tmp_path / model.folder / file.name).write_bytes(file.read_bytes()[:1000])
    with pytest.raises(OcrError, match="could not be loaded"):
        Ocr(OcrConfig(models=tmp_path))
