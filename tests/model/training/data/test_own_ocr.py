from dataclasses import replace

import pytest

from layoutserve.model.page import Box, Word
from layoutserve.model.training.data import own_ocr
from layoutserve.model.training.data.labelling import label


class Reader:
    """An OCR that misreads the first letter of every page, and counts what it reads."""

    read = 0

    def __init__(self, config):
        pass

    def recognize(self, page):
        type(self).read += 1
        place = Box(10, 20, 80, 40)
        return replace(page, words=(Word.from_box("4CME", place), Word.from_box("TRADING", place)))

    def close(self):
        pass


@pytest.fixture
def reader(monkeypatch):
    monkeypatch.setattr(own_ocr, "Ocr", Reader)
    Reader.read = 0
    return Reader


def test_read_words_replace_the_given_ones_and_values_are_placed_anew(reader, receipt):
    (page,) = own_ocr.read_pages([receipt()])
    assert [word.text for word in page.words] == ["4CME", "TRADING"]
    assert (page.width, page.height) == (200.0, 400.0)
    assert page.spans is None and all(question.spans is None for question in page.questions)
    (labelled,), report = label([page])
    assert [(span.label, span.words) for span in labelled.spans] == [("COMPANY", (0, 1))]
    assert {name for name, _, _ in report.missing} == {"DATE", "TOTAL"}


def test_a_page_is_read_once(reader, receipt, tmp_path):
    pages = [receipt(name="one"), receipt(name="two")]
    first = own_ocr.read_pages(pages[:1], tmp_path / "kept" / "read.jsonl")
    both = own_ocr.read_pages(pages, tmp_path / "kept" / "read.jsonl")
    assert reader.read == 2
    assert [page.path.name for page in both] == ["one.png", "two.png"]
    assert [word.text for word in both[0].words] == [word.text for word in first[0].words]
    own_ocr.read_pages(pages, tmp_path / "kept" / "read.jsonl")
    assert reader.read == 2
