"""Pages looked at in parts: no line is doubled, lost or cut."""

from itertools import pairwise

import numpy as np
import pytest

from layoutserve.model.ocr.detection import Places
from layoutserve.model.ocr.parts import Part, joined, parts_of
from layoutserve.model.page import Page
from layoutserve.model.page.geometry import sides


def rectangle(x0, y0, x1, y1):
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def seen_in(part, lines):
    """What a detector sees in a part of a page: every line, cut where the part ends."""
    quads = []
    for x0, y0, x1, y1 in lines:
        left, top, right, bottom = max(x0, part.left), max(y0, part.top), min(x1, part.right), min(y1, part.bottom)
        if right - left > 2 and bottom - top > 2:
            quads.append(rectangle(left - part.left, top - part.top, right - part.left, bottom - part.top))
    return Places(np.array(quads, dtype=np.float64).reshape(-1, 4, 2), np.zeros(len(quads), dtype=np.bool_))


def found(height, width, lines, rows, columns):
    """Boxes of the lines of a page as they are found in its parts."""
    parts = parts_of(height, width, rows, columns)
    page = np.full((height, width, 3), 255, dtype=np.uint8)
    quads = joined([(part, seen_in(part, lines)) for part in parts], page).quads
    return sorted(tuple(np.concatenate([quad.min(axis=0), quad.max(axis=0)]).round().astype(int)) for quad in quads)


@pytest.mark.parametrize(("height", "width"), [(5000, 800), (800, 5000), (3000, 4000), (700, 500), (1201, 1200)])
def test_parts_cover_the_page_and_overlap(height, width):
    parts = parts_of(height, width, 1200, 1200)
    covered = np.zeros((height, width), dtype=np.uint8)
    for part in parts:
        assert part.bottom - part.top <= 1200 and part.right - part.left <= 1200
        covered[part.top : part.bottom, part.left : part.right] += 1
    assert covered.min() == 1
    for one, other in pairwise(parts):
        assert other.top < one.bottom - 100 or other.top == one.top or len(parts) == 1


def test_a_page_that_fits_is_one_part():
    assert parts_of(700, 500, 1200, 1200) == [Part(0, 0, 700, 500)]


@pytest.mark.parametrize("step", [23, 26, 31, 47])
def test_lines_of_a_tall_page(step):
    lines = [(30, y, 30 + 100 * (1 + y % 7), y + 18) for y in range(10, 9950, step)]
    assert found(10_000, 800, lines, 1200, 1200) == sorted(lines)


@pytest.mark.parametrize("start", [30, 790, 990, 1010, 1100, 1190])
@pytest.mark.parametrize("length", [60, 150, 300, 900])
def test_lines_of_a_wide_page_that_lie_in_two_parts(start, length):
    lines = [(start + 7 * i, 40 * i + 10, start + 7 * i + length, 40 * i + 34) for i in range(15)]
    assert found(800, 6000, lines, 1200, 1200) == sorted(lines)


def test_a_line_of_many_parts_is_cut_where_it_would_be_too_long():
    line = (20, 100, 5980, 124)
    boxes = found(800, 6000, [line], 1200, 1200)
    assert len(boxes) > 3
    assert (boxes[0][0], boxes[-1][2]) == (20, 5980)
    for one, other in pairwise(boxes):
        assert one[2] == other[0]
        assert one[2] - one[0] <= 60 * 25


def test_lines_where_four_parts_meet():
    lines = [(900 + 3 * y, y, 1400 + 3 * y, y + 20) for y in range(900, 1400, 30)]
    lines = [(x0 % 1500, y0, x0 % 1500 + 500, y1) for x0, y0, _, y1 in lines]
    assert found(2400, 2400, lines, 1200, 1200) == sorted(lines)


def test_a_page_without_lines():
    assert found(5000, 800, [], 1200, 1200) == []


def test_a_line_that_two_looks_outline_a_little_differently_is_one():
    page = np.full((2000, 800, 3), 255, dtype=np.uint8)
    parts = (Part(0, 0, 1100, 800), Part(900, 0, 2000, 800))
    quads = ([rectangle(50, 950, 400, 974)], [rectangle(48, 48, 405, 76)])
    places = [Places(np.array(each, dtype=np.float64), np.zeros(1, dtype=np.bool_)) for each in quads]
    quads = joined(list(zip(parts, places, strict=True)), page).quads
    assert len(quads) == 1
    along, across = sides(quads)
    assert (along[0], across[0]) in ((350, 24), (357, 28))


def numbered(new_sheet, width, height, size=20):
    """A sheet of numbered lines with an amount at the right."""
    sheet = new_sheet(width, height)
    for number, y in enumerate(range(20, height - 40, 34)):
        sheet.write(30, y, f"{number:03d} item of row {number % 10}", size).write(
            width - 110, y, f"{number % 90}.50", size
        )
    return sheet


def texts(page):
    return [word.text for word in page.words]


@pytest.mark.parametrize("degrees", [0, 90])
def test_a_long_receipt_is_read_line_by_line(ocr, new_sheet, degrees):
    sheet = numbered(new_sheet, 500, 3600)
    page = ocr.recognize(Page(np.ascontiguousarray(np.rot90(sheet.page().image, degrees // 90))))
    assert page.turn == degrees
    assert texts(page) == [word for word, _ in sheet.words]


def test_the_boxes_of_a_long_receipt_are_pixels_of_the_page(ocr, new_sheet):
    sheet = numbered(new_sheet, 500, 3600)
    for word, (_, box) in zip(ocr.recognize(sheet.page()).words, sheet.words, strict=True):
        assert abs(word.box.x0 - box.x0) < 6 and abs(word.box.y0 - box.y0) < 6 and abs(word.box.x1 - box.x1) < 6


def test_a_wide_screenshot_is_read(ocr, new_sheet):
    sheet = new_sheet(3600, 400)
    for row in range(8):
        for column in range(18):
            sheet.write(30 + 197 * column, 20 + 44 * row, f"{row}{column:02d}, due", 22)
    assert sorted(texts(ocr.recognize(sheet.page()))) == sorted(word for word, _ in sheet.words)


def test_small_print_all_over_a_large_page_is_read_from_near(ocr, new_sheet):
    """From far away its lines run together, and what is found cannot be read."""
    sheet = new_sheet(3200, 2400)
    for x in range(40, 3100, 320):
        for y in range(20, 2360, 40):
            sheet.write(x, y, f"total {x + y}", 11)
    read = texts(ocr.recognize(sheet.page()))
    assert len(set(read) & {word for word, _ in sheet.words}) >= 0.9 * len({word for word, _ in sheet.words})
