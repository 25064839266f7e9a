"""What is read from the folders of PP-OCR models: the same as PaddleOCR reads there."""

import pytest
import yaml

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import store
from layoutserve.model.ocr.models import detection_model, recognition_model
from layoutserve.model.ocr.paddle import PaddleDetector, PaddleRecognizer, find


def test_the_detector_is_fed_what_paddleocr_feeds_it(models):
    found = detection_model(models / "detection")
    source = {"model_name": store.DETECTION.name, "model_dir": str(models / "detection")}
    steps = PaddleDetector(source, threads=1)._detector.paddlex_predictor.pre_tfs
    assert found.factor == pytest.approx(steps["Normalize"].alpha)
    assert found.offset == pytest.approx(steps["Normalize"].beta)
    assert found.reversed_channels == (steps["Read"].format == "RGB")


def test_the_recognizer_has_the_symbols_and_the_size_that_paddleocr_gives_it(models):
    found = recognition_model(models / "recognition")
    source = {"model_name": store.RECOGNITION.name, "model_dir": str(models / "recognition")}
    predictor = PaddleRecognizer(source, threads=1)._predictor
    assert [3, found.height, found.min_width] == predictor.pre_tfs["ReisizeNorm"].rec_image_shape
    symbols = ["blank", *predictor.config["PostProcess"]["character_dict"], " "]
    assert list(found.symbols) == symbols


def test_a_list_of_symbols_is_as_good_as_a_string(models, tmp_path):
    """PaddleOCR publishes lists; ours are written as one string, which PaddleOCR reads faster."""
    settings = yaml.safe_load((models / "recognition" / "inference.yml").read_text(encoding="utf-8"))
    settings["PostProcess"]["character_dict"] = list(settings["PostProcess"]["character_dict"])
    (tmp_path / "inference.yml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    assert recognition_model(tmp_path).symbols == recognition_model(models / "recognition").symbols


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PostProcess: {name: DBPostProcess}",
        "[not, a, mapping]",
        "{",
        "PreProcess: {transform_ops: [{NormalizeImage: {mean: [0], std: [0, 1], scale: 1}}]}\n"
        "PostProcess: {name: DBPostProcess}",
    ],
)
def test_settings_that_say_something_else_are_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / "inference.yml").write_text(text)
    with pytest.raises(OcrError, match=r"inference\.yml"):
        detection_model(tmp_path)


def test_a_model_of_another_kind_is_refused(models):
    with pytest.raises(OcrError, match="CTCLabelDecode"):
        detection_model(models / "recognition")


def test_paddleocr_finds_models_by_name_where_it_keeps_its_own(models, tmp_path, monkeypatch):
    """In a process of its own, from the folder where it puts what it downloads."""
    names = store.DETECTION.name, store.RECOGNITION.name
    folders = [tmp_path / "official_models" / f"{name}_onnx" for name in names]
    for folder, kind in zip(folders, ("detection", "recognition"), strict=True):
        folder.mkdir(parents=True)
        for file in ("inference.onnx", "inference.yml"):
            (folder / file).symlink_to(models / kind / file)
    monkeypatch.setenv("PADDLE_PDX_CACHE_HOME", str(tmp_path))
    assert find(*names) == tuple(folders)
