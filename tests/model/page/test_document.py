"""What a document is taken for, which of its pages are read, and what it may cost."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument, RequestError, UnsupportedDocument
from layoutserve.model.page import Box, Limits, Word, parse_pages, read_document


def saved(kind, size=(40, 30), **options):
    file = io.BytesIO()
    Image.new("RGB", size, "white").save(file, format=kind, **options)
    return file.getvalue()


def tiff(frames, **options):
    images = [Image.new("L", (20 + frame, 10), 255) for frame in range(frames)]
    file = io.BytesIO()
    images[0].save(file, format="TIFF", save_all=True, append_images=images[1:], **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PDF"])
def test_the_type_is_told_from_the_content(kind):
    (page,) = read_document(saved(kind), dpi=72)
    assert (page.width, page.height, page.number) == (40, 30, 1)
    assert (page.dpi == 72) if kind == "PDF" else (page.dpi is None)


@pytest.mark.parametrize("data", [b"PK\x03\x04 an office document", b"plain text", b"\x00" * 100, b"BM25 is a ranking"])
def test_other_types_are_refused(data):
    with pytest.raises(UnsupportedDocument, match="send JPEG"):
        read_document(data)


def test_an_empty_document_is_invalid():
    with pytest.raises(InvalidDocument, match="empty"):
        read_document(b"")


def test_a_pdf_may_begin_with_something_else():
    (page,) = read_document(b"\n\r\n" + saved("PDF"), dpi=72)
    assert (page.width, page.height) == (40, 30)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [(None, (1, 2, 3, 4, 5)), ("1-3,5", (1, 2, 3, 5)), ("4-", (4, 5)), (" 2 , 2, 1 - 2 ", (1, 2)), ("5", (5,))],
)
def test_pages_are_chosen_as_people_write_them(pages, expected):
    assert parse_pages(pages, 5) == expected


@pytest.mark.parametrize("pages", ["", "a", "1,,2", "-3", "3-2", "0", "6", "1-6", "1.5", "٣", "9" * 30])
def test_other_ways_are_refused(pages):
    with pytest.raises(RequestError, match="pages"):
        parse_pages(pages, 5)


@given(st.sets(st.integers(1, 60), min_size=1))
def test_any_set_of_pages_can_be_asked_for(numbers):
    assert parse_pages(",".join(map(str, numbers)), 60) == tuple(sorted(numbers))


def test_a_document_knows_its_pages_before_they_are_decoded():
    document = read_document(tiff(5), pages="2-3,5")
    assert (len(document), document.page_count, document.numbers) == (3, 5, (2, 3, 5))
    assert [(page.number, page.width) for page in document] == [(2, 21), (3, 22), (5, 24)]
    assert [page.number for page in document] == [2, 3, 5]


def test_too_many_bytes_pages_or_dpi_are_refused():
    data = tiff(5)
    with pytest.raises(DocumentTooLarge, match="bytes"):
        read_document(data, limits=Limits(max_bytes=len(data) - 1))
    with pytest.raises(DocumentTooLarge, match="5 pages"):
        read_document(data, limits=Limits(max_pages=4))
    assert len(read_document(data, pages="2-5", limits=Limits(max_pages=4))) == 4
    for dpi in (0, 35, 601):
        with pytest.raises(RequestError, match="dpi"):
            read_document(saved("PDF"), dpi=dpi)


def test_every_frame_is_measured_before_it_is_decoded():
    document = read_document(tiff(5), limits=Limits(max_pixels=220))
    pages = iter(document)
    assert [next(pages).width for _ in range(3)] == [20, 21, 22]
    with pytest.raises(DocumentTooLarge, match="23 x 10"):
        next(pages)


def test_without_ocr_an_image_has_no_words():
    (page,) = read_document(saved("PNG"), ocr="never")
    assert page.words == ()
    (page,) = read_document(saved("PNG"))
    assert page.words is None


def test_boxes_and_words_of_a_caller():
    assert Box.around([(3, 9), (1, 4), (2, 5)]) == Box(1, 4, 3, 9)
    word = Word.from_box("Total", Box(1, 2, 11, 7), line=3)
    assert (word.score, word.line) == (1.0, 3)
    assert word.polygon == ((1, 2), (11, 2), (11, 7), (1, 7))
    assert Box.around(word.polygon) == word.box
    assert (word.box.width, word.box.height) == (10, 5)
