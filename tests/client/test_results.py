import datetime
import io
import json
from decimal import Decimal

import pytest
from PIL import Image

from layoutserve_client import (
    AnalyzeResponse,
    ClassificationResponse,
    DocumentUnreadable,
    DocvqaResponse,
    KieResponse,
    OcrResponse,
)


@pytest.fixture
def analyzed(wire):
    return AnalyzeResponse.model_validate(
        wire.ANSWERED | {"kie": wire.KIE, "docvqa": wire.DOCVQA, "classification": wire.CLASSIFICATION}
    )


def test_values_are_typed(analyzed):
    fields = analyzed.kie.fields
    assert fields["total"].value.amount == fields["total"].amount == Decimal("9.00")
    assert fields["total"].value.currency == "MYR"
    assert fields["date"].date == datetime.date(2018, 12, 25)
    assert fields["total"].date is None
    assert fields["date"].amount is None
    (total,) = analyzed.kie.of("total")
    assert (total.box.x0, total.box.y1, total.box.width, total.box.height) == (70, 20, 30, 10)
    assert analyzed.docvqa.best.text == "9.00"
    assert analyzed.classification.best.label == "receipt"
    assert analyzed.text == "TOTAL 9.00\nTHANKS"


def test_no_answer_is_none(wire):
    none = {"question": "Who?", "answers": [], "no_answer_score": 0.9}
    assert DocvqaResponse.model_validate(wire.ANSWERED | {"answers": [none]}).best is None


def test_what_a_newer_server_adds_is_kept(wire):
    newer = json.loads(json.dumps(wire.ANSWERED | wire.KIE | {"colour": "red"}))
    newer["entities"][0]["shade"] = 3
    result = KieResponse.model_validate(newer)
    printed = json.loads(result.model_dump_json())
    assert printed["colour"] == "red"
    assert printed["entities"][0]["shade"] == 3
    assert printed["entities"][0]["box"] == [70, 10, 100, 20]
    assert printed["fields"]["total"]["value"] == {"amount": "9.00", "currency": "MYR"}


def test_results_do_not_change(analyzed):
    with pytest.raises(ValueError, match="frozen"):
        analyzed.request_id = "other"


@pytest.mark.parametrize("scale", [1, 2])
def test_draw_marks_what_was_found(analyzed, scale):
    blank = Image.new("RGB", (200 * scale, 100 * scale), "white")
    drawn = analyzed.draw(blank)
    assert drawn.size == blank.size
    assert blank.getextrema() == ((255, 255),) * 3  # the picture that was given is left as it is
    left_edge = [drawn.getpixel((70 * scale, y * scale)) for y in (14, 16, 18)]
    assert all(pixel != (255, 255, 255) for pixel in left_edge)
    assert drawn.getpixel((150 * scale, 80 * scale)) == (255, 255, 255)


def test_draw_words_where_nothing_else_was_found(wire):
    drawn = OcrResponse.model_validate(wire.ANSWERED).draw(Image.new("L", (200, 100), 255))
    assert drawn.getpixel((10, 35)) == (0x8A, 0x8A, 0x8A)


def test_draw_a_file_that_exif_turns(wire):
    buffer = io.BytesIO()
    image = Image.new("RGB", (100, 200), "white")
    image.getexif()[0x0112] = 6
    image.save(buffer, "JPEG", exif=image.getexif())
    assert OcrResponse.model_validate(wire.ANSWERED).draw(buffer.getvalue()).size == (200, 100)


def test_draw_says_what_it_cannot_draw(analyzed, wire):
    with pytest.raises(DocumentUnreadable, match="draw its page first"):
        analyzed.draw(b"%PDF-1.7")
    with pytest.raises(ValueError, match="Page 2 was not read; it was 1"):
        analyzed.draw(Image.new("RGB", (10, 10)), page=2)
    classes = ClassificationResponse.model_validate(wire.ANSWERED | wire.CLASSIFICATION)
    assert classes.draw(Image.new("RGB", (200, 100))).size == (200, 100)
