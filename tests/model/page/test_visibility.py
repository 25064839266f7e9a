"""Text counts where a person sees it, once, and what the text layer leaves out is for OCR."""

import zlib
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from layoutserve.model.page import read_document

PLAIN = "BT /F1 10 Tf 20 170 Td (The price is 12.50) Tj ET "
HIDDEN = "BT /F1 10 Tf 20 100 Td (Total 9999.00 SECRET) Tj ET "


def only(data, **options):
    (page,) = read_document(data, **options)
    return page


def words(page):
    """Words of a page, or those that are known of it before OCR has read the rest."""
    return [word.text for word in (page.words if page.words is not None else page.known.words)]


def lines(page):
    found = page.words if page.words is not None else page.known.words
    return [" ".join(word.text for word in row) for _, row in groupby(found, key=lambda word: word.line)]


def picture(pixels, **entries):
    """An image object of grey or RGB pixels."""
    data = zlib.compress(np.ascontiguousarray(pixels).tobytes())
    space = "/DeviceGray" if pixels.ndim == 2 else "/DeviceRGB"
    more = " ".join(f"/{key} {value}" for key, value in entries.items())
    head = (
        f"<< /Type /XObject /Subtype /Image /Width {pixels.shape[1]} /Height {pixels.shape[0]} /ColorSpace {space}"
        f" /BitsPerComponent 8 /Filter /FlateDecode {more} /Length {len(data)} >>\nstream\n"
    )
    return head.encode() + data + b"\nendstream"


def written(text, width=700, height=120, ground=255, ink=0, size=60):
    image = Image.new("L", (width, height), ground)
    ImageDraw.Draw(image).text((20, 20), text, fill=ink, font=ImageFont.load_default(size))
    return np.asarray(image)


NOTHING = {
    "white on white": "1 g " + HIDDEN,
    "nearly white on white": "0.98 g " + HIDDEN,
    "the colour of a coloured ground": "0.2 0.4 0.6 rg 0 80 300 60 re f " + HIDDEN,
    "under an opaque rectangle": HIDDEN + "0.9 g 0 80 300 60 re f",
    "under a picture": HIDDEN + "q 300 0 0 60 0 80 cm /Im Do Q",
    "clipped away": "q 0 0 300 40 re W n " + HIDDEN + "Q",
    "invisible by its mode": "BT 3 Tr ET " + HIDDEN,
    "fully transparent": "/Clear gs " + HIDDEN,
    "in a layer that is off": "/OC /Off BDC " + HIDDEN + "EMC",
    "tiny": HIDDEN.replace("/F1 10", "/F1 0.5"),
    "tiny by its matrix": "q 0.08 0 0 0.08 20 100 cm " + HIDDEN.replace("20 100", "0 0") + "Q",
    "left of the page": HIDDEN.replace("20 100", "-400 100"),
    "outside of the crop box": HIDDEN.replace("20 100", "20 5"),
    "a clip of its own": "q BT 7 Tr ET " + HIDDEN + "Q",
    "in a form that is clipped": "q 0 0 300 40 re W n /Fm Do Q",
    "under a shading": HIDDEN + "q 0 80 300 60 re W n /Sh sh Q",
}
RESOURCES = (
    "/ExtGState << /Clear << /ca 0 /CA 0 >> >> /Properties << /Off 11 0 R >>"
    " /Shading << /Sh << /ShadingType 2 /ColorSpace /DeviceGray /Coords [0 0 300 0]"
    " /Function << /FunctionType 2 /Domain [0 1] /C0 [0.8] /C1 [0.9] /N 1 >> /Extend [true true] >> >>"
)
CATALOG = "|/OCProperties << /OCGs [11 0 R] /D << /OFF [11 0 R] /Order [] >> >>"


def hiding(pdf, content):
    grey = picture(np.full((20, 100), 200, dtype=np.uint8))
    form = (
        "<< /Type /XObject /Subtype /Form /BBox [0 0 300 200] /Resources << /Font << /F1 3 0 R >> >>"
        f" /Length {len(HIDDEN)} >>\nstream\n{HIDDEN}\nendstream"
    )
    return pdf(
        PLAIN + content,
        page="/CropBox [0 20 300 200]",
        objects=[grey, "<< /Type /OCG /Name (Off) >>", form],
        trailer=CATALOG,
        resources=RESOURCES.replace("/Properties", "/XObject << /Im 10 0 R /Fm 12 0 R >> /Properties"),
    )


@pytest.mark.parametrize("content", NOTHING.values(), ids=NOTHING)
def test_text_that_nobody_sees_is_not_on_the_page(pdf, content):
    data = hiding(pdf, content)
    assert words(only(data)) == ["The", "price", "is", "12.50"]
    assert words(only(data, ocr="never")) == ["The", "price", "is", "12.50"]


SEEN = {
    "on a coloured band": "0.2 0.4 0.6 rg 0 80 300 60 re f 1 g " + HIDDEN,
    "light grey": "0.85 g " + HIDDEN,
    "a faint watermark's grey": "0.94 g " + HIDDEN,
    "yellow": "1 1 0 rg " + HIDDEN,
    "beside a rectangle": HIDDEN + "0.9 g 0 20 300 60 re f",
    "under a transparent rectangle": HIDDEN + "/Half gs 0.9 g 0 80 300 60 re f",
    "over a picture": "q 300 0 0 60 0 80 cm /Im Do Q " + HIDDEN,
    "outlined": "BT 1 Tr ET " + HIDDEN,
    "in a layer that is on": "/OC /On BDC " + HIDDEN + "EMC",
    "in a form": "/Fm Do",
    "underlined": HIDDEN + "20 98 120 0.6 re f",
    "struck through": HIDDEN + "20 103 120 0.5 re f",
}


@pytest.mark.parametrize("content", SEEN.values(), ids=SEEN)
def test_text_that_is_seen_is_on_the_page_and_costs_no_ocr(pdf, content):
    data = hiding(pdf, content).replace(b"/Clear << /ca 0 /CA 0 >>", b"/Half << /ca 0.5 >>    ")
    page = only(data)
    assert page.words is not None
    assert lines(page) == ["The price is 12.50", "Total 9999.00 SECRET"]


def test_of_a_line_that_is_covered_in_part_the_rest_is_read(pdf):
    content = PLAIN + "BT /F1 10 Tf 20 100 Td (Account 4711 of Mrs Gray) Tj ET 0 g 59 96 24 12 re f"
    assert lines(only(pdf(content))) == ["The price is 12.50", "Account of Mrs Gray"]


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (0.3, 0), (0.4, 0.3), (0.9, -0.9), (0.05, 0.05)])
def test_text_drawn_twice_is_there_once(pdf, dx, dy):
    line = "BT /F1 10 Tf {} {} Td (Willing tiller: 11.00) Tj ET "
    assert lines(only(pdf(line.format(20, 100) + line.format(20 + dx, 100 + dy)))) == ["Willing tiller: 11.00"]
    page = only(pdf(line.format(20, 100) * 20))
    assert lines(page) == ["Willing tiller: 11.00"]
    assert page.words is not None


def unmapped(content, code="e123"):
    """A font in which # stands for a code that is no character, and the page that uses it."""
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <00> <ff>"
        f" endcodespacerange 1 beginbfchar <23> <{code}> endbfchar endcmap end end"
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 11 0 R >>"
    stream = f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"
    options = {"objects": [font, stream], "resources": "/Font << /F1 3 0 R /F2 10 0 R >>"}
    return (f"BT /F1 10 Tf 20 170 Td ({PROSE}) Tj ET " + content, options)


def test_a_bullet_without_a_character_leaves_its_line_as_it_is(pdf):
    content, options = unmapped("BT /F2 10 Tf 20 100 Td (#) Tj /F1 10 Tf (First item) Tj ET")
    page = only(pdf(content, box=(0, 0, 500, 200), **options))
    assert lines(page) == [PROSE, "First item"]
    assert page.words is not None


@pytest.mark.parametrize(("code", "selected"), [("f072", False), ("2610", False), ("f0fe", True), ("2612", True)])
def test_a_written_checkbox_is_a_mark_and_no_word(pdf, code, selected):
    content, options = unmapped("BT /F2 10 Tf 20 100 Td (#) Tj /F1 10 Tf ( I agree) Tj ET", code)
    page = only(pdf(content, box=(0, 0, 500, 200), **options))
    assert lines(page) == [PROSE, "I agree"]
    (mark,) = page.selection_marks
    assert (mark.selected, mark.name) == (selected, "")
    assert mark.box.x1 < page.words[-2].box.x0


def test_a_word_with_a_letter_without_a_character_is_left_to_ocr(pdf):
    content, options = unmapped("BT /F2 10 Tf 20 100 Td (Tot#l due) Tj ET")
    page = only(pdf(content, box=(0, 0, 500, 200), **options))
    assert page.words is None
    assert lines(page) == [PROSE]
    assert (page.unread[page.height // 3 :] < 128).any()


def test_a_layer_of_which_nothing_is_mapped_is_left_to_ocr(pdf):
    content, options = unmapped("BT /F2 10 Tf 20 100 Td (##### #### ######) Tj ET")
    page = only(pdf(content, box=(0, 0, 500, 200), **options))
    assert page.words is None
    assert page.known is None


def test_the_same_words_in_two_places_are_two(pdf):
    line = "BT /F1 10 Tf {} {} Td (Total 5.00) Tj ET "
    assert lines(only(pdf(line.format(20, 100) + line.format(20, 88)))) == ["Total 5.00"] * 2


def test_a_blank_page_with_hidden_text_has_no_words(pdf):
    assert only(pdf("1 g " + HIDDEN)).words == ()
    assert only(pdf("1 g " + HIDDEN), ocr="never").words == ()


def test_a_picture_with_writing_is_left_to_ocr_without_the_text_around_it(pdf):
    data = pdf(PLAIN + "q 140 0 0 24 20 60 cm /Im Do Q", objects=[picture(written("Total due 588.00"))])
    page = only(data)
    assert page.words is None
    assert words(page) == ["The", "price", "is", "12.50"]
    assert not page.known.doubtful
    ink = page.unread.min(axis=(1, 2)) < 128
    assert not ink[: page.height // 2].any()
    assert ink[page.height // 2 :].any()


@pytest.mark.parametrize(
    "content",
    [
        "0.1 0.3 0.5 rg 0 150 300 40 re f 1 g " + PLAIN,
        PLAIN + "q 30 0 0 30 250 160 cm /Im Do Q",
        PLAIN + "0.5 w 10 10 280 180 re S 10 90 m 290 90 l S 150 10 m 150 190 l S",
        PLAIN + " ".join(f"{x} 60 1 1 re f" for x in range(20, 280, 3)),
        PLAIN + " ".join(f"{x} 40 12 12 re S" for x in range(20, 280, 30)),
    ],
    ids=["a band", "a logo", "a table", "dots", "boxes"],
)
def test_what_is_not_writing_costs_no_ocr(pdf, content):
    y, x = np.mgrid[:60, :60]
    disc = np.where((x - 30) ** 2 + (y - 30) ** 2 < 800, 60, 255).astype(np.uint8)
    page = only(pdf(content, objects=[picture(disc)]))
    assert lines(page) == ["The price is 12.50"]
    assert page.words is not None


def test_letters_drawn_as_shapes_are_left_to_ocr(pdf):
    bars = " ".join(f"{x} 40 2 10 re f {x} 48 6 2 re f" for x in range(20, 100, 9))
    assert only(pdf(PLAIN + bars)).known is not None


def shifted(text, by=1):
    """A font whose map to characters is shifted, and the content that draws the text with it."""
    codes = sorted(set(text) - {" "})
    rows = "".join(f"<{ord(code):02x}> <{ord(code) + by:04x}>\n" for code in codes) + "<20> <0020>\n"
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(codes) + 1} beginbfchar\n{rows}endbfchar endcmap end end"
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /ToUnicode 11 0 R >>"
    stream = f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"
    content = f"BT /F2 10 Tf 20 170 Td 14 TL ({text}) Tj ET"
    return {"objects": [font, stream], "resources": "/Font << /F1 3 0 R /F2 10 0 R >>"}, content


PROSE = "Please pay the invoice within thirty days of its receipt to the account below"


@pytest.mark.parametrize("text", [PROSE, PROSE.upper(), "Invoice 1117 of 2024: 11 pieces at 3.51, due 14.11.2024"])
@pytest.mark.parametrize("by", [1, 2, -1])
def test_letters_that_are_not_those_of_the_ink_are_doubted(pdf, text, by):
    options, content = shifted(text, by)
    page = only(pdf(content, box=(0, 0, 500, 200), **options))
    assert page.words is None
    assert page.known.doubtful
    assert page.unread is None


@pytest.mark.parametrize("text", [PROSE, PROSE.upper(), PROSE.title(), "Invoice 1117 of 2024: 11 pieces at 3.51"])
def test_letters_of_the_ink_are_believed(pdf, text):
    options, content = shifted(text, 0)
    assert words(only(pdf(content, box=(0, 0, 500, 200), **options))) == text.split()


def hebrew(pdf, shown):
    """A page on which the letters a to f stand for Hebrew ones, as a font may have it."""
    rows = "".join(f"<{0x61 + place:02x}> <{0x5D0 + place:04x}>\n" for place in range(6)) + "<20> <0020>\n"
    digits = "".join(f"<{code:02x}> <{code:04x}>\n" for code in range(0x30, 0x3A))
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <00> <ff>"
        f" endcodespacerange 17 beginbfchar\n{rows}{digits}endbfchar endcmap end end"
    )
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding /ToUnicode 11 0 R >>"
    stream = f"<< /Length {len(cmap)} >>\nstream\n{cmap}\nendstream"
    return only(pdf(shown, objects=[font, stream], resources="/Font << /F1 3 0 R /F2 10 0 R >>"))


ALEPH_TO_DALET, HE_VAV = "\u05d0\u05d1\u05d2\u05d3", "\u05d4\u05d5"


def test_a_right_to_left_line_stored_as_it_is_seen_is_read_in_its_order(pdf):
    # Seen from left to right: 2024, the second word's letters backwards, the first word's backwards.
    page = hebrew(pdf, "BT /F2 12 Tf 100 100 Td (2024 fe dcba) Tj ET")
    assert lines(page) == [f"{ALEPH_TO_DALET} {HE_VAV} 2024"]


def test_a_right_to_left_line_stored_as_it_is_spoken_is_read_in_its_order(pdf):
    # Each letter is put left of the one before it, 7.2 points apart in Courier of 12.
    places = [(letter, 200 - 7.2 * place) for place, letter in enumerate("abcd ef")]
    shown = " ".join(f"1 0 0 1 {x:.1f} 100 Tm ({letter}) Tj" for letter, x in places)
    page = hebrew(pdf, f"BT /F2 12 Tf {shown} 1 0 0 1 114.4 100 Tm (2024) Tj ET")
    assert lines(page) == [f"{ALEPH_TO_DALET} {HE_VAV} 2024"]


def test_numbers_of_neighbouring_cells_are_two_words(pdf):
    near = "BT /F1 10 Tf 20 100 Td (12.50) Tj ET BT /F1 10 Tf 46.3 100 Td (300.00) Tj ET "
    assert words(only(pdf(near))) == ["12.50", "300.00"]
    ruled = "BT /F1 10 Tf 20 100 Td (12.50) Tj ET BT /F1 10 Tf 46 100 Td (300.00) Tj ET 45.3 92 0.4 16 re f"
    assert words(only(pdf(ruled))) == ["12.50", "300.00"]
    one = "BT /F1 10 Tf 20 100 Td (12.) Tj ET BT /F1 10 Tf 33.9 100 Td (50) Tj ET"
    assert words(only(pdf(one))) == ["12.50"]


def test_raised_cents_are_not_part_of_the_number(pdf):
    content = "BT /F1 14 Tf 20 100 Td (12) Tj /F1 8 Tf 5 Ts (99) Tj ET BT /F1 14 Tf 20 60 Td (1299) Tj ET"
    assert words(only(pdf(content))) == ["12", "99", "1299"]


colours = st.tuples(*[st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])] * 3)


@given(colours, colours)
def test_a_word_counts_if_and_only_if_its_colour_differs_from_the_ground(pdf, ground, ink):
    content = "{} {} {} rg 0 0 300 200 re f {} {} {} rg ".format(*ground, *ink) + HIDDEN
    assert bool(only(pdf(content)).words) == (ground != ink)


@given(st.integers(0, 270), st.integers(20, 180), st.integers(0, 200))
def test_a_word_counts_if_and_only_if_no_rectangle_covers_it(pdf, x, y, width):
    content = f"BT /F1 20 Tf 100 100 Td (HHH) Tj ET 0.9 g {x} {y} {width} 300 re f"
    covered = x <= 101 and x + width >= 144 and y <= 99
    clear = x >= 145 or x + width <= 99 or y >= 116
    page = only(pdf(content))
    if covered:
        # Something is on the page, so that OCR has to look.
        assert page.words is None
        assert page.known is None
    elif clear:
        assert words(page) == ["HHH"]
