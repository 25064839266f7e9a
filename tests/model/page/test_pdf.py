"""PDF pages and the words of their text layer, on PDFs written here object by object."""

import io
import zlib
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DocumentTooLarge, InvalidDocument
from layoutserve.model.page import Limits, read_document
from layoutserve.model.page.pdf import fitting_dpi

ARTICLE = [
    "The buyer shall pay the price within thirty days of",
    "receipt, by transfer to the account named below; no",
    "later claim (see section 4.2) changes this. Questions",
    "go to claims@example.org, amounts are 1,234.50 EUR.",
]


def text(lines, x=20, y=170, size=10, step=14, mode=0):
    shown = " ".join(f"1 0 0 1 {x} {y - step * i} Tm ({line}) Tj" for i, line in enumerate(lines))
    return f"BT /F1 {size} Tf {mode} Tr {shown} ET"


def escaped(lines):
    return [line.replace("(", "\\(").replace(")", "\\)") for line in lines]


def only(data, **options):
    (page,) = read_document(data, **options)
    return page


def lines_of(page):
    return [" ".join(word.text for word in words) for _, words in groupby(page.words, key=lambda word: word.line)]


def ink_box(page, box, margin=3):
    """The box of the dark pixels in and around a box."""
    x0, y0 = max(0, int(box.x0) - margin), max(0, int(box.y0) - margin)
    part = page.image[y0 : int(box.y1) + margin, x0 : int(box.x1) + margin, 0] < 128
    ys, xs = np.nonzero(part)
    return x0 + xs.min(), y0 + ys.min(), x0 + xs.max() + 1, y0 + ys.max() + 1


def test_a_text_layer_gives_words_lines_and_boxes_on_the_ink(pdf):
    page = only(pdf(text(escaped(ARTICLE))), dpi=200)
    assert (page.width, page.height, page.dpi, page.turn) == (833, 556, 200.0, 0)
    assert lines_of(page) == ARTICLE
    assert [word.score for word in page.words] == [1.0] * len(page.words)
    for word in page.words:
        x0, _, x1, _ = ink_box(page, word.box)
        assert abs(word.box.x0 - x0) <= 2, word
        assert abs(word.box.x1 - x1) <= 2, word
    tops, bottoms = {word.box.y0 for word in page.words}, {word.box.y1 for word in page.words}
    assert len(tops) == len(bottoms) == len(ARTICLE)
    _, y0, _, _ = ink_box(page, page.words[0].box)
    assert abs(page.words[0].box.y0 - y0) <= 2


@pytest.mark.parametrize(("rotate", "size"), [(0, (300, 200)), (90, (200, 300)), (180, (300, 200)), (270, (200, 300))])
def test_a_page_shown_rotated_has_its_boxes_where_they_are_seen(pdf, rotate, size):
    page = only(pdf(text(escaped(ARTICLE)), page=f"/Rotate {rotate}"), dpi=72)
    assert (page.width, page.height) == size
    assert page.turn == (360 - rotate) % 360
    assert lines_of(page) == ARTICLE
    for word in page.words:
        x0, y0, x1, y1 = (round(side) for side in (word.box.x0, word.box.y0, word.box.x1, word.box.y1))
        assert (page.image[y0:y1, x0:x1] < 200).any(), word
    first = page.words[0].polygon
    upright = {0: first, 90: first[3:] + first[:3], 180: first[2:] + first[:2], 270: first[1:] + first[:1]}[rotate]
    # From the top left of the word as it is read, one side runs to the right once the page is turned back.
    assert upright[0][0] < upright[1][0]
    assert upright[0][1] < upright[3][1]


def test_text_turned_on_an_upright_page_keeps_its_reading_direction(pdf):
    content = "BT /F1 12 Tf 0 1 -1 0 150 20 Tm (upwards we read) Tj 0 -1 1 0 200 180 Tm (and down) Tj ET"
    page = only(pdf(content), ocr="never", dpi=72)
    by_text = {word.text: word for word in page.words}
    (x0, y0), (x1, y1), *_ = by_text["upwards"].polygon
    assert abs(x1 - x0) < 1
    assert y1 < y0
    (x0, y0), (x1, y1), *_ = by_text["down"].polygon
    assert abs(x1 - x0) < 1
    assert y1 > y0
    assert page.turn == 90


def test_columns_are_read_one_after_the_other(pdf):
    left, right = escaped(ARTICLE), escaped(reversed(ARTICLE))
    page = only(pdf(text(left, size=5) + text(right, x=160, size=5)))
    assert lines_of(page) == ARTICLE + ARTICLE[::-1]


def test_words_are_separated_by_gaps_that_have_no_space_character(pdf):
    page = only(pdf("BT /F1 10 Tf 20 100 Td (Total) Tj 200 0 Td (9.00) Tj ET"))
    assert [word.text for word in page.words] == ["Total", "9.00"]
    assert {word.line for word in page.words} == {0}


def scan(pdf, lines):
    """A picture of a page as an image object, and what draws it over the whole page."""
    page = only(pdf(text(escaped(lines))), dpi=72)
    pixels = zlib.compress(page.image[..., 0].tobytes())
    height, width = page.image.shape[:2]
    head = (
        f"<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray"
        f" /BitsPerComponent 8 /Filter /FlateDecode /Length {len(pixels)} >>\nstream\n"
    )
    return head.encode() + pixels + b"\nendstream", "q 300 0 0 200 0 0 cm /Im Do Q "


def test_a_scan_with_a_stamp_is_left_to_ocr(pdf):
    image, draw = scan(pdf, ARTICLE)
    data = pdf(draw + text(["Filed 3/4/2019"], y=190, size=6), objects=[image])
    assert only(data).words is None
    assert [word.text for word in only(data, ocr="never").words] == ["Filed", "3/4/2019"]


def test_invisible_text_over_a_scan_is_left_to_ocr(pdf):
    image, draw = scan(pdf, ARTICLE)
    data = pdf(draw + text(escaped(ARTICLE), mode=3), objects=[image])
    assert only(data).words is None
    assert lines_of(only(data, ocr="never")) == ARTICLE


def test_always_means_always(pdf):
    assert only(pdf(text(ARTICLE[:1])), ocr="always").words is None


def test_a_blank_page_has_no_words(pdf):
    page = only(pdf(""))
    assert page.words == ()
    assert (page.image == 255).all()


def test_what_was_typed_into_a_form_is_on_the_page(pdf):
    widget = (
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Jane) /F 4 /Rect [20 100 200 120]"
        " /AP << /N 12 0 R >> >>"
    )
    stream = "BT /F1 12 Tf 2 5 Td (Jane) Tj ET"
    appearance = (
        "<< /Type /XObject /Subtype /Form /BBox [0 0 180 20] /Resources << /Font << /F1 3 0 R >> >>"
        f" /Length {len(stream)} >>\nstream\n{stream}\nendstream"
    )
    data = pdf(
        text(["Name:"], y=130),
        page="/Annots [11 0 R]",
        objects=["null", widget, appearance],
        trailer="|/AcroForm << /Fields [11 0 R] /DR << /Font << /F1 3 0 R >> >> >>",
    )
    page = only(data)
    assert [word.text for word in page.words] == ["Name:", "Jane"]
    assert page.words[1].box.y0 > page.words[0].box.y1


def test_encrypted_and_damaged_files_are_invalid(pdf):
    secret = f"<< /Filter /Standard /V 1 /R 2 /P -1 /O <{'41' * 32}> /U <{'42' * 32}> >>"
    data = pdf(text(ARTICLE[:1]), trailer=f"/Encrypt {secret} /ID [<00> <00>]")
    with pytest.raises(InvalidDocument, match="encrypted"):
        read_document(data)
    for broken in (b"%PDF-1.7\n%%EOF", b"%PDF-1.7 and nothing else", pdf()):
        with pytest.raises(InvalidDocument, match="damaged"):
            read_document(broken)


def test_a_page_is_measured_before_it_is_rendered(pdf):
    limits = Limits(max_pixels=1_000_000)
    document = read_document(pdf("", box=(0, 0, 14400, 14400)), limits=limits)
    with pytest.raises(DocumentTooLarge, match=r"200 x 200 inches .* even at 36 dpi"):
        next(iter(document))


@pytest.mark.parametrize(("size", "expected"), [((300, 200), 200), ((2384, 3370), 151), ((3370, 2384), 151)])
def test_a_large_page_is_rendered_at_the_resolution_that_fits(pdf, size, expected):
    page = only(pdf(text(["Plan"]), box=(0, 0, *size)), limits=Limits(max_pixels=35_500_000))
    assert page.dpi == expected == fitting_dpi(size, 200, 35_500_000)
    assert page.width * page.height <= 35_500_000
    assert [word.text for word in page.words] == ["Plan"]


def test_pages_are_rendered_from_several_threads(pdf):
    files = [pdf(*(text([f"file {n} page {p}"]) for p in range(3))) for n in range(4)]

    def words(data):
        return [[word.text for word in page.words] for page in read_document(data, dpi=100)]

    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(words, files * 3))
    assert read == [[["file", str(n), "page", str(p)] for p in range(3)] for n in range(4)] * 3


def test_a_picture_in_a_pdf_keeps_its_colours():
    file = io.BytesIO()
    Image.new("RGB", (60, 40), (200, 30, 30)).save(file, format="PDF", resolution=72, quality=95)
    page = only(file.getvalue(), dpi=72)
    assert np.abs(page.image.astype(int) - (200, 30, 30)).max() < 8
