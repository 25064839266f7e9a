"""The real OCR on pages drawn here: words, boxes on the ink, order, turns."""

import json
import random
from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from layoutserve.model.errors import DocumentError
from layoutserve.model.ocr.ctc import Reading
from layoutserve.model.ocr.detection import Places
from layoutserve.model.ocr.reader import Ocr, OcrConfig, settled
from layoutserve.model.page import Box, Page, Word, read_document

SHARED = Path(__file__).parents[4] / "shared" / "data"

shared = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.is_dir(), reason="needs the documents of ../shared"),
]


def lines_of(page):
    return [" ".join(word.text for word in words) for _, words in groupby(page.words, key=lambda word: word.line)]


def agreement(first, second):
    """Share of words that two readings have in common (F1 of multisets)."""
    first, second = Counter(first), Counter(second)
    return 2 * (first & second).total() / max(1, first.total() + second.total())


def transcripts():
    """The upper-cased words of each SROIE training receipt."""
    rows = [json.loads(line) for line in (SHARED / "sroie" / "train.jsonl").read_text().splitlines()]
    return {row["image"]: " ".join(line["text"] for line in row["lines"]).upper().split() for row in rows}


def overlap(a, b):
    width = max(0.0, min(a.x1, b.x1) - max(a.x0, b.x0))
    height = max(0.0, min(a.y1, b.y1) - max(a.y0, b.y0))
    return width * height / (a.width * a.height + b.width * b.height - width * height)


def turned_page(page, degrees):
    """The page turned clockwise by a quarter, or slanted by a few degrees on white."""
    if degrees % 90 == 0:
        return Page(np.ascontiguousarray(np.rot90(page.image, -degrees // 90)))
    image = Image.fromarray(page.image).rotate(
        -degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC
    )
    return Page(np.asarray(image))


def shifted_page(page):
    """The page moved by half a pixel to the right and down."""
    image = Image.fromarray(page.image)
    matrix = (1, 0, -0.5, 0, 1, -0.5)
    moved = image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor="white")
    return Page(np.asarray(moved))


def turned_box(box, page, degrees):
    width, height = page.width, page.height
    corners = {
        0: [(box.x0, box.y0), (box.x1, box.y1)],
        90: [(height - box.y0, box.x0), (height - box.y1, box.x1)],
        180: [(width - box.x0, height - box.y0), (width - box.x1, height - box.y1)],
        270: [(box.y0, width - box.x0), (box.y1, width - box.x1)],
    }[degrees]
    return Box.around(corners)


def dark_share(page, word):
    """Share of pixels in a word's box that are clearly darker than the paper."""
    box = word.box
    part = page.image[int(box.y0) : int(box.y1) + 1, int(box.x0) : int(box.x1) + 1]
    return float((part < np.median(page.image[::4, ::4]) - 40).mean())


def test_a_letter_is_read_word_for_word(ocr, letter):
    page = ocr.recognize(letter.page())
    assert lines_of(page) == letter.lines
    assert page.turn == 0
    assert all(0.5 < word.score <= 1 for word in page.words)
    assert [word.line for word in page.words] == sorted(word.line for word in page.words)


def test_boxes_are_on_the_ink(ocr, letter):
    page = ocr.recognize(letter.page())
    assert len(page.words) == len(letter.words)
    for word, (text, box) in zip(page.words, letter.words, strict=True):
        assert word.text == text
        assert abs(word.box.x0 - box.x0) <= 6, text
        assert abs(word.box.x1 - box.x1) <= 6, text
        assert word.box.y0 <= box.y0 + 3, text
        assert word.box.y1 >= box.y1 - 3, text
        assert word.box.height < 2.2 * 26, text
        assert Box.around(word.polygon) == word.box


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_page_gives_the_same_words_where_they_are(ocr, letter, degrees):
    upright = ocr.recognize(letter.page())
    page = turned_page(upright, degrees)
    turned = ocr.recognize(page)
    assert turned.turn == (360 - degrees) % 360
    assert lines_of(turned) == letter.lines
    assert (turned.width, turned.height) == (page.width, page.height)
    for word, there in zip(upright.words, turned.words, strict=True):
        assert overlap(turned_box(word.box, upright, degrees), there.box) > 0.7
        # Corners begin at the top left of the word as it is read.
        begins = turned_box(Box(*word.polygon[0], *word.polygon[0]), upright, degrees)
        assert abs(begins.x0 - there.polygon[0][0]) + abs(begins.y0 - there.polygon[0][1]) < 8


@pytest.mark.parametrize("degrees", [-5, 5])
def test_a_slanted_page_gives_the_same_words_on_slanted_corners(ocr, letter, degrees):
    page = ocr.recognize(turned_page(letter.page(), degrees))
    assert agreement(" ".join(letter.lines).split(), [word.text for word in page.words]) > 0.97
    assert lines_of(page) == letter.lines
    for word in page.words:
        (x0, y0), (x1, y1), *_ = word.polygon
        assert dark_share(page, word) > 0.03
        if x1 - x0 > 60:
            assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(degrees, abs=2)


@pytest.mark.parametrize("degrees", [-5, 5])
@pytest.mark.parametrize("quarter", [90, 180, 270])
def test_a_page_may_be_turned_and_slanted(ocr, letter, quarter, degrees):
    page = ocr.recognize(turned_page(turned_page(letter.page(), quarter), degrees))
    assert page.turn == (360 - quarter) % 360
    assert lines_of(page) == letter.lines


def test_what_is_faint_is_a_line_if_it_can_be_read(ocr, letter, monkeypatch):
    """Each of the letter's lines, and a place without ink, made faint."""
    image = letter.page().image
    quads, _ = ocr._engine.detect(image)
    blank = np.array([[(5, 5), (105, 5), (105, 30), (5, 30)]], dtype=np.float64)
    assert image[5:30, 5:105].min() > 200
    places = Places(np.concatenate([blank, quads]), np.ones(1 + len(quads), dtype=np.bool_))
    monkeypatch.setattr(ocr._engine, "detect", lambda _: places)
    assert lines_of(ocr.recognize(letter.page())) == letter.lines
    # What a smudge says is likely to less than that, but where nothing is left out for it, it stays where the detector
    # was sure of it.
    monkeypatch.setattr(ocr._engine, "min_score", 0.0)
    smudged = Page(np.where(np.random.default_rng(1).random((*image.shape[:2], 1)) < 0.3, 90, image).astype(np.uint8))
    read = ocr.recognize(smudged)
    monkeypatch.setattr(ocr._engine, "detect", lambda _: places._replace(faint=~places.faint))
    assert len(ocr.recognize(smudged).words) > len(read.words)


def line_that_says(text, score, space=0.8):
    """A line whose characters are as likely as ``score``; its spaces ``space``, and all other gaps a tenth of that."""
    letters = text.replace(" ", "")
    ends = np.cumsum([len(word) for word in text.split()])
    gaps = np.array([space if place in ends else space / 10 for place in range(1, len(letters))], dtype=np.float32)
    places = np.linspace(0, 1, len(text), dtype=np.float32)
    reading = Reading(text, places, np.full(len(text), score, np.float32), gaps, 1 - score)
    return np.zeros((4, 2)), reading, np.zeros((1, 1, 3))


def test_of_several_readings_the_one_that_is_most_like_the_others_is_kept():
    def kept(*lines):
        return settled([line_that_says(*text) for text in lines])[1].text

    assert kept(("Sub-totai: 4.00", 0.9), ("Sub-total: 4.00", 0.8), ("Sub-total: 4.00", 0.7)) == "Sub-total: 4.00"
    assert kept(("Sub-total: 4.00", 0.9), ("Sub-totai: 4.00", 0.6), ("5ub-totai: 4 0", 0.5)) == "Sub-totai: 4.00"
    assert kept(("12", 0.9), ("77", 0.8)) == "12"


@pytest.mark.parametrize(("limit", "again"), [(1.0, False), (-1.0, True)])
def test_only_doubtful_lines_are_read_again_and_only_until_readings_agree(ocr, letter, monkeypatch, limit, again):
    numbers = []
    read = ocr._engine.read

    def counted(lines):
        numbers.append(len(lines))
        return read(lines)

    monkeypatch.setattr(ocr._engine, "read", counted)
    monkeypatch.setattr("layoutserve.model.ocr.reader._IN_DOUBT", limit)
    monkeypatch.setattr("layoutserve.model.ocr.reader._IN_DOUBT_PER_HEIGHT", 0.0)
    assert lines_of(ocr.recognize(letter.page())) == letter.lines
    first, second, *further = numbers
    assert second == (first if again else 0)
    assert sum(further) <= first / 5, "a clean letter reads the same with other ends"
    numbers.clear()
    ocr.recognize(turned_page(letter.page(), 5))
    assert numbers[1] == (numbers[0] if again else 0)


def test_the_spaces_of_several_readings_are_those_of_their_mean():
    def kept(*lines):
        return settled([line_that_says(*text) for text in lines])[1].text

    assert kept(("TAX INVOICE", 0.9, 0.11), ("TAXINVOICE", 0.8, 0.1)) == "TAXINVOICE"
    assert kept(("TAXINVOICE", 0.9, 0.1), ("TAX INVOICE", 0.8, 0.9)) == "TAX INVOICE"
    # Where the letters are others, gaps have other places.
    assert kept(("TAX INVOICE", 0.9, 0.9), ("TAX INVOICE", 0.9, 0.9), ("TAXINVOlCE", 0.9, 0.1)) == "TAX INVOICE"


def test_columns_are_read_one_after_the_other(ocr, sheet):
    left = [
        "The first column has several",
        "lines of running text, which",
        "people read to its very end",
        "before they look elsewhere.",
    ]
    right = [
        "The second column comes then",
        "and is as wide as the first",
        "one, with the same distance",
        "between its lines of text.",
    ]
    for number, (first, second) in enumerate(zip(left, right, strict=True)):
        sheet.write(40, 100 + 40 * number, first, 22).write(470, 100 + 40 * number, second, 22)
    assert lines_of(ocr.recognize(sheet.page())) == left + right


def test_a_table_is_read_row_by_row(ocr, sheet):
    rows = [("Paper A4", "2", "9.80"), ("Blue ink", "1", "12.50"), ("Envelopes", "10", "3.00")]
    for number, cells in enumerate(rows):
        for x, cell in zip((60, 450, 700), cells, strict=True):
            sheet.write(x, 100 + 60 * number, cell)
    assert lines_of(ocr.recognize(sheet.page())) == [" ".join(cells) for cells in rows]


def test_small_text_on_a_large_page_is_looked_at_closely(ocr, new_sheet):
    lines = ["The smallest print of a contract matters most,", "which is why it is set so small; 12 % of 3,400.00"]
    page = new_sheet(2400, 3000)
    for number in range(10):
        page.write(150, 200 + 120 * number, lines[number % 2], 20)
    assert lines_of(ocr.recognize(page.page())) == lines * 5


def test_light_text_on_dark_ground(ocr, letter):
    page = letter.page()
    assert lines_of(ocr.recognize(replace(page, image=255 - page.image))) == letter.lines


def test_a_page_without_words_is_an_empty_result(ocr):
    for grey in (0, 128, 255):
        page = ocr.recognize(Page(np.full((300, 400, 3), grey, dtype=np.uint8)))
        assert (page.words, page.turn) == ((), 0)
    for shape in ((1, 1, 3), (1, 500, 3), (500, 2, 3)):
        assert ocr.recognize(Page(np.zeros(shape, dtype=np.uint8))).words == ()


def test_a_page_that_has_words_is_not_read_again(ocr, letter):
    page = replace(letter.page(), words=(Word.from_box("given", Box(1, 2, 3, 4)),))
    assert ocr.recognize(page) is page


# The first line, words of the error, or how many words (at least 10 where nothing is said).
EXPECTED = {
    "failing-encrypted.pdf": "encrypted",
    "invalid.pdf": "damaged",
    "blank.pdf": 0,
    "empty_black.jpg": 0,
    "no_contents.pdf": 0,
    "phototest.tif": "This is a lot of 12 point text to test the",
    "phototest-rotated-R.png": "This is a lot of 12 point text to test the",
    "eurotext.tif": "The (quick) [brown] {fox} jumps!",
    "ocr_test_rotated_90.pdf": "Docling bundles PDF document conversion to",
    "img_exif_orientation.jpg": "\u6211 \u662f \u4e2d \u56fd \u4eba",
}


@pytest.mark.parametrize(
    "path", sorted((SHARED / "samples").glob("*")) or ["none"], ids=lambda path: Path(path).name, scope="module"
)
class TestSamples:
    pytestmark = shared

    def test_gives_words_or_the_right_error(self, ocr, path):
        expected = EXPECTED.get(path.name, 10)
        try:
            # Pages that take long are many and alike: the first two will do.
            document = read_document(path.read_bytes())
            pages = [ocr.recognize(page) for page, _ in zip(document, range(2), strict=False)]
        except DocumentError as error:
            assert isinstance(expected, str)
            assert expected in str(error)
            return
        count = sum(len(page.words) for page in pages)
        if isinstance(expected, str):
            assert lines_of(pages[0])[0] == expected
        else:
            assert count == 0 if expected == 0 else count >= expected


class TestReal:
    pytestmark = shared

    def test_receipts_keep_their_words_when_they_are_turned(self, ocr):
        names = (SHARED / "sroie" / "ocr-benchmark.txt").read_text().split()[10:12]
        for name in names:
            (page,) = read_document((SHARED / "sroie" / name).read_bytes())
            upright = [word.text for word in ocr.recognize(page).words]
            for degrees in (90, 180, 270):
                turned = ocr.recognize(turned_page(page, degrees))
                assert agreement(upright, [word.text for word in turned.words]) >= 0.99, (name, degrees)
                assert np.mean([dark_share(turned, word) > 0.02 for word in turned.words]) > 0.97

    @pytest.mark.parametrize("degrees", [90, 180, 270])
    def test_a_chart_with_slanted_labels_is_turned_too(self, ocr, degrees):
        """Its labels lean by 45 degrees, and much of it can be read upside down."""
        page = list(read_document((SHARED / "samples" / "multipage.pdf").read_bytes(), ocr="always"))[2]
        turned = ocr.recognize(turned_page(page, degrees))
        upright = [word.text for word in ocr.recognize(page).words]
        assert agreement(upright, [word.text for word in turned.words]) >= 0.97

    def test_documents_keep_their_words_when_they_are_slanted(self, ocr):
        """To 3 %, on pages whose words do not hang on a pixel: letters, forms, contracts, a two-column brochure."""
        names = ("DA-1p.bmp", "c02-22.pdf", "eurotext.tif", "phototest.tif", "skew.pdf", "typewriter.png")
        contracts = sorted((SHARED / "kleister-nda" / "documents").glob("*.pdf"))
        for path in (*(SHARED / "samples" / name for name in names), *random.Random(2).sample(contracts, 2)):
            page = next(iter(read_document(path.read_bytes(), pages="1", ocr="always")))
            upright = [word.text for word in ocr.recognize(page).words]
            slanted = ocr.recognize(turned_page(page, 5))
            assert agreement(upright, [word.text for word in slanted.words]) >= 0.97, path.name
            assert np.mean([dark_share(slanted, word) > 0.02 for word in slanted.words]) > 0.97, path.name

    def test_receipts_are_read_as_well_when_they_are_slanted(self, ocr):
        """Two rules, to three points: as many words right, and the same words as after half a pixel's shift.

        A quarter turn moves pixels, a slant makes new ones, and so does a shift: on faded receipts that changes which
        words are misread, without any turn.
        """
        names = (SHARED / "sroie" / "ocr-benchmark.txt").read_text().split()[9:12]
        truth = transcripts()
        same = {"shifted": [], "slanted": []}
        for name in names:
            (page,) = read_document((SHARED / "sroie" / name).read_bytes())
            slanted = ocr.recognize(turned_page(page, 5))
            upright, read, shifted = (
                [w.text.upper() for w in p.words]
                for p in (ocr.recognize(page), slanted, ocr.recognize(shifted_page(page)))
            )
            assert agreement(truth[name], read) >= agreement(truth[name], upright) - 0.03, name
            assert agreement(upright, read) >= 0.9, name
            same["slanted"].append(agreement(upright, read))
            same["shifted"].append(agreement(upright, shifted))
            assert np.mean([dark_share(slanted, word) > 0.02 for word in slanted.words]) > 0.97
        assert np.mean(same["slanted"]) >= np.mean(same["shifted"]) - 0.03, same

    def test_receipts_keep_their_words_when_they_are_slanted(self, ocr):
        """On the mean of 16 receipts, some of them faded: one may lose a word in eight. As many words are right.

        They keep 97.1 %, the worst 88.7, and 97.0 where a processor runs the function bodies.
        """
        benchmark = set((SHARED / "sroie" / "ocr-benchmark.txt").read_text().split())
        truth = transcripts()
        names = random.Random(23).sample(sorted(set(truth) - benchmark), 16)
        same, right = {}, {0: [], 5: [], -5: []}
        for name in names:
            (page,) = read_document((SHARED / "sroie" / name).read_bytes())
            texts = {}
            for degrees in right:
                read = ocr.recognize(turned_page(page, degrees) if degrees else page)
                texts[degrees] = [word.text.upper() for word in read.words]
                right[degrees].append(agreement(truth[name], texts[degrees]))
                assert np.mean([dark_share(read, word) > 0.02 for word in read.words]) > 0.97, name
            same.update({(name, degrees): agreement(texts[0], texts[degrees]) for degrees in (5, -5)})
        assert np.mean(list(same.values())) >= 0.967, same
        assert min(same.values()) >= 0.87, same
        assert min(np.mean(right[degrees]) for degrees in (5, -5)) >= np.mean(right[0]) - 0.01

    def test_receipts_are_read_as_well_as_measured(self, ocr):
        names = (SHARED / "sroie" / "ocr-benchmark.txt").read_text().split()[::10]
        texts = transcripts()
        true, read = [], []
        for number, name in enumerate(names):
            (page,) = read_document((SHARED / "sroie" / name).read_bytes())
            # A word counts on its own page only.
            true += [(number, word) for word in texts[name]]
            read += [(number, word.text.upper()) for word in ocr.recognize(page).words]
        assert agreement(true, read) > 0.89

    def test_the_text_layer_and_ocr_of_contracts_agree(self, ocr):
        files = sorted((SHARED / "kleister-nda" / "documents").glob("*.pdf"))
        written, read = [], []
        for number, path in enumerate(random.Random(1).sample(files, 3)):
            (layer,) = read_document(path.read_bytes(), pages="1")
            (page,) = read_document(path.read_bytes(), pages="1", ocr="always")
            written += [(number, word.text) for word in layer.words]
            read += [(number, word.text) for word in ocr.recognize(page).words]
        assert agreement(written, read) > 0.96


def test_an_upright_table_of_single_digits_is_not_turned(ocr, new_sheet):
    """Its digits are higher than wide, as the lines of a page that lies on its side."""
    sheet = new_sheet(700, 460)
    for x, name in zip(range(70, 600, 120), ("No", "A", "B", "C", "Sum"), strict=True):
        sheet.write(x, 40, name, 18)
        for row in range(1, 13):
            sheet.write(x, 40 + 30 * row, str((row * x // 10) % 9 + 1), 18)
    page = ocr.recognize(sheet.page())
    assert page.turn == 0
    assert [word.text for word in page.words][:5] == ["No", "A", "B", "C", "Sum"]
    assert len(page.words) == len(sheet.words)


def test_a_word_that_is_hardly_likely_is_left_out_of_a_line_that_is(models, new_sheet):
    """A sign that the recognizer does not know is read as another one."""
    page = new_sheet(700, 120).write(40, 40, "₺ 45,00 EUR paid", 28).page()

    def read(least):
        reader = Ocr(OcrConfig(models=models, min_score=least))
        words = {word.text: word.score for word in reader.recognize(page).words}
        reader.close()
        return words

    everything, likely = read(0.0), read(None)
    assert min(everything.values()) < 0.35
    assert likely == {text: score for text, score in everything.items() if score >= 0.35}
    assert list(likely) == ["45,00", "EUR", "paid"]
