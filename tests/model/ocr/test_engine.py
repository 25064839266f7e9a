"""How the models are run: by which engine, how closely a page is looked at, and what is too unlikely to be kept."""

from collections import Counter

import numpy as np
import pytest

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr.detection import Places
from layoutserve.model.ocr.reader import Ocr, OcrConfig

# Where a detector may see one line, three pixels high.
SMALL = Places(np.array([[(0, 0), (60, 0), (60, 3), (0, 3)]], dtype=np.float64), np.zeros(1, dtype=np.bool_))

# Where it may see one that is high enough.
HIGH = Places(np.array([[(0, 0), (60, 0), (60, 30), (0, 30)]], dtype=np.float64), np.zeros(1, dtype=np.bool_))


def words_by(config, sheet):
    """What a reader of its own finds on a sheet."""
    reader = Ocr(config)
    words = reader.recognize(sheet.page()).words
    reader.close()
    return words


def looks_at(engine, monkeypatch, image, seen=SMALL):
    """How many pixels the detector sees in each look at an image, and at which parts of it."""
    looks = []

    def detect(part, side):
        longer, shorter = max(part.shape[:2]), min(part.shape[:2])
        looks.append((part.shape[:2], side, side * max(side * shorter / longer, 32)))
        return seen

    monkeypatch.setattr(engine._detector, "detect", detect)
    engine.detect(image)
    return looks


@pytest.mark.parametrize("shape", [(1200, 850), (850, 1200), (2400, 1700), (1700, 2400), (8000, 6000)])
def test_a_close_look_sees_no_more_than_its_share_of_pixels(ocr, monkeypatch, shape):
    """However small the text is: where one larger look would be too large, parts are looked at."""
    first, *closer = looks_at(ocr._engine, monkeypatch, np.zeros((*shape, 3), dtype=np.uint8))
    assert first[:2] == (shape, 736)
    assert (len(closer) == 1) == (max(shape) == 1200)
    for _, _, pixels in closer:
        assert pixels <= 1_250_000 * 1.01


@pytest.mark.parametrize("shape", [(4000, 500), (500, 4000), (60_000, 1000), (3, 200_000)])
def test_a_long_page_is_looked_at_in_parts_that_are_not(ocr, monkeypatch, shape):
    looks = looks_at(ocr._engine, monkeypatch, np.zeros((*shape, 3), dtype=np.uint8), HIGH)
    assert {side for _, side, _ in looks} == {736}
    assert max(max(part) for part, _, _ in looks) <= max(1.5 * min(shape), 736)
    assert sum(max(part) for part, _, _ in looks) < 1.5 * max(shape)


def test_lines_that_are_less_likely_than_asked_are_left_out(models, sheet):
    """Hatching is found and read as a number or so, which nobody means."""
    sheet.write(60, 60, "Contact: mary@example.com").write(60, 160, "\u2591\u2592\u2593" * 3, 20)

    def read(least):
        return words_by(OcrConfig(models=models, min_score=least), sheet)

    *contact, hatching = read(0.0)
    assert [word.text for word in contact] == ["Contact:", "mary@example.com"]
    assert hatching.score < 0.9 < min(word.score for word in contact)
    assert read((hatching.score + 0.9) / 2) == tuple(contact)
    assert read(1.0) == ()


def test_a_least_score_that_is_no_probability_is_refused(models):
    with pytest.raises(OcrError, match="from 0 to 1, not 70"):
        Ocr(OcrConfig(models=models, min_score=70))


@pytest.mark.parametrize(("engine", "least"), [("fast", 0.7), ("exact", 0.0), ("paddleocr", 0.0)])
def test_what_paddleocr_reads_too_is_left_in(models, engine, least):
    reader = Ocr(OcrConfig(models=models, engine=engine))
    assert reader._engine.min_score == least
    reader.close()


def test_exact_reads_word_for_word_what_paddleocr_reads(models, letter):
    letter.write(60, 900, "RM 1,234.56  TOTAL  S$ 0.05  17/09/2018 21:04", 15)
    exact, theirs = (words_by(OcrConfig(models=models, engine=engine), letter) for engine in ("exact", "paddleocr"))
    assert [(word.text, word.line, word.box) for word in exact] == [(word.text, word.line, word.box) for word in theirs]
    assert len(exact) > 40
    scores = [word.score for word in exact]
    assert scores == pytest.approx([word.score for word in theirs], abs=1e-3)
    assert np.mean(scores) > 0.9


def test_fast_reads_in_int8_what_exact_reads_in_float32(ocr, models, new_sheet):
    lines = [
        "\u00c7a co\u00fbte 12,50 \u20ac chez No\u00ebl & fils; stra\u00dfe 7",
        "maria.jose-2024@example.co.uk  +49 (0)30 / 123 456",
        "Qt\u00e9 3 x 4,20 = 12,60 (TVA 20 %)",
        "RM 1,234.56  TOTAL  S$ 0.05  17/09/2018 21:04",
        "I am",
    ]
    page = new_sheet()
    for number, line in enumerate(lines):
        page.write(60, 80 + 90 * number, line, 28).write(60, 600 + 90 * number, line, 15)
    exact = Counter(word.text for word in words_by(OcrConfig(models=models, engine="exact"), page))
    fast = Counter(word.text for word in ocr.recognize(page.page()).words)
    assert 2 * (exact & fast).total() > 0.97 * (exact.total() + fast.total())
