"""``layoutserve ocr`` on a PDF with a text layer, which needs no models, and on mistakes."""

import io
import json
import zipfile

import pytest
from PIL import Image

from layoutserve.service.cli.main import main

BLANK = io.BytesIO()
Image.new("RGB", (60, 40), "white").save(BLANK, format="PDF", resolution=72)


@pytest.fixture
def blank(tmp_path):
    path = tmp_path / "blank.pdf"
    path.write_bytes(BLANK.getvalue())
    return path


def test_a_document_as_json_and_drawn(blank, capsys):
    drawing = blank.with_name("drawn.svg")
    assert main(["ocr", str(blank), "--json", "--dpi", "72", "--draw", str(drawing)]) == 0
    printed = capsys.readouterr()
    assert "page 1: no words were found" in printed.err
    (page,) = json.loads(printed.out)["pages"]
    assert page == {
        "number": 1,
        "width": 60,
        "height": 40,
        "dpi": 72.0,
        "turn": 0,
        "words": [],
        "selection_marks": [],
        "form_fields": [],
    }
    assert drawing.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.pdf"], "cannot be read"),
        (["{blank}", "--pages", "2"], "the document has 1"),
        (["{blank}", "--draw", "out.jpg"], ".png or .svg"),
        (["{blank}", "--dpi", "5"], "dpi must be"),
    ],
)
def test_mistakes_are_one_sentence(blank, capsys, arguments, reason):
    assert main(["ocr", *(argument.format(blank=blank) for argument in arguments)]) == 2
    assert reason in capsys.readouterr().err


def test_a_wheel_with_other_models_is_refused(tmp_path, capsys):
    wheel = tmp_path / "rapidocr-3.10.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("rapidocr/models/PP-OCRv6_det_small.onnx", b"something else")
    assert main(["ocr-models", "--folder", str(tmp_path / "models"), "--wheel", str(wheel)]) == 2
    assert "SHA-256" in capsys.readouterr().err
