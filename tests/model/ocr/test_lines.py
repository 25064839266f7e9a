"""Lines cut from a page and cut into words, on pixels drawn by hand."""

import numpy as np
import pytest

from layoutserve.model.ocr.ctc import Reading
from layoutserve.model.ocr.lines import around_ink, cut, grown, pieces, slant
from layoutserve.model.page.geometry import read_turned, sides

QUAD = np.array([[100.0, 50.0], [300.0, 50.0], [300.0, 70.0], [100.0, 70.0]])


def bars(*extents, width=200, height=20):
    """A white line with black bars between the given columns, inside rows 5 to 15."""
    line = np.full((height, width, 3), 255, dtype=np.uint8)
    for start, end in extents:
        line[5:15, start:end] = 0
    return line


def reading(text, *columns, width=200):
    positions = np.array(columns, dtype=np.float32) / width
    gaps = np.zeros(max(0, len(text) - 1), dtype=np.float32)
    return Reading(text, positions, np.full(len(text), 0.9, dtype=np.float32), gaps, doubt=0.1)


@pytest.mark.parametrize("degrees", [-5, 0, 5])
@pytest.mark.parametrize("quarters", [0, 1])
def test_the_slant_of_a_page_is_that_of_its_longer_lines(degrees, quarters):
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    short = QUAD[:1] + np.array([[0.0, 0.0], [10.0, 3.0], [7.0, 13.0], [-3.0, 10.0]])
    quads = np.stack([read_turned(quad, quarters) for quad in (QUAD @ turn, (QUAD + 40) @ turn, short)])
    assert np.degrees(slant(quads)) == pytest.approx(degrees, abs=1e-6)


def test_words_end_where_the_ink_ends():
    line = bars((20, 30), (34, 44), (70, 80), (150, 160))
    found = pieces(reading("ab c d", 25, 39, 55, 75, 110, 155), line, QUAD)
    assert [piece.text for piece in found] == ["ab", "c", "d"]
    boxes = [(piece.polygon[0], piece.polygon[2]) for piece in found]
    for (low, high), (x0, x1) in zip(boxes, [(120, 144), (170, 180), (250, 260)], strict=True):
        assert low == pytest.approx((x0, 55), abs=1)
        assert high == pytest.approx((x1, 65), abs=1)
    assert found[0].score == pytest.approx(0.9)


def test_words_that_touch_are_parted_between_their_characters():
    line = bars((20, 180))
    first, second = pieces(reading("a b", 40, 100, 160), line, QUAD)
    assert 140 < first.polygon[1][0] <= second.polygon[0][0] < 260
    assert first.polygon[0][0] == pytest.approx(120, abs=1)
    assert second.polygon[1][0] == pytest.approx(280, abs=1)


def test_light_text_on_dark_ground_is_ink_too():
    line = 255 - bars((20, 30), (150, 160))
    first, second = pieces(reading("a b", 25, 90, 155), line, QUAD)
    assert first.polygon[1][0] == pytest.approx(130, abs=1)
    assert second.polygon[0][0] == pytest.approx(250, abs=1)


def test_a_blank_reading_has_no_words():
    assert pieces(reading(""), bars(), QUAD) == []
    assert pieces(reading(" ", 3), bars(), QUAD) == []


def test_tips_of_the_neighbouring_line_do_not_make_words_higher():
    line = bars((20, 30), (40, 50), (60, 70))
    line[:1, 22:26] = 0
    (piece,) = pieces(reading("abc", 25, 45, 65), line, QUAD)
    assert piece.polygon[0][1] == pytest.approx(55, abs=1)


def test_rules_and_neighbours_are_not_the_word():
    line = bars((20, 30), (40, 50), (100, 110))
    line[18:, :] = 0
    line[:2, 10:150] = 0
    first, second = pieces(reading("ab c", 25, 45, 75, 105), line, QUAD)
    assert [first.polygon[0], first.polygon[2]] == [pytest.approx((120, 55), abs=1), pytest.approx((150, 65), abs=1)]
    assert [second.polygon[0], second.polygon[2]] == [pytest.approx((200, 55), abs=1), pytest.approx((210, 65), abs=1)]


def test_a_dash_keeps_the_height_of_its_line():
    line = bars()
    line[9:11, 80:120] = 0
    (piece,) = pieces(reading("-", 100), line, QUAD)
    assert piece.polygon[2][1] - piece.polygon[0][1] > 14


def test_a_dot_over_an_i_belongs_to_the_word():
    line = bars((20, 24), (30, 34))
    line[3:4, 20:24] = 0
    (piece,) = pieces(reading("ii", 22, 32), line, QUAD)
    assert piece.polygon[0][1] == pytest.approx(53, abs=0.5)


def test_corners_follow_a_slanted_line():
    slanted = np.array([[100.0, 50.0], [300.0, 90.0], [296.0, 110.0], [96.0, 70.0]])
    first, second = pieces(reading("a b", 25, 90, 155), bars((0, 50), (100, 200)), slanted)
    (x0, y0), (x1, y1), *_ = first.polygon
    assert (y1 - y0) / (x1 - x0) == pytest.approx(0.2, abs=0.01)
    assert second.polygon[1][0] > 290


@pytest.mark.parametrize("quarters", range(4))
def test_a_line_is_cut_in_its_reading_direction(quarters):
    line = bars((0, 20), (60, 70))
    page = np.full((300, 300, 3), 200, dtype=np.uint8)
    placed = np.rot90(line, -quarters)
    height, width = placed.shape[:2]
    page[40 : 40 + height, 60 : 60 + width] = placed
    corners = np.array([[60, 40], [60 + width, 40], [60 + width, 40 + height], [60, 40 + height]], dtype=np.float64)
    found = cut(page, read_turned(corners, quarters))
    assert found.shape == line.shape
    assert np.abs(found.astype(int) - line).mean() < 10


def test_sides_of_quadrilaterals():
    along, across = sides(np.stack([QUAD, read_turned(QUAD, 1)]))
    assert along.tolist() == [200, 20]
    assert across.tolist() == [20, 200]


def test_a_line_may_hang_over_the_edge_of_the_page():
    page = np.full((40, 50, 3), 255, dtype=np.uint8)
    over = np.array([[-10.0, -5.0], [60.0, -5.0], [60.0, 45.0], [-10.0, 45.0]])
    assert cut(page, over).shape == (50, 70, 3)


def test_a_line_grows_across_its_reading_direction():
    assert grown(QUAD).tolist() == [[100, 48], [300, 48], [300, 72], [100, 72]]
    assert grown(read_turned(QUAD, 1)).tolist() == [[320, 50], [320, 70], [80, 70], [80, 50]]


@pytest.mark.parametrize("ground", [255, 0])
def test_the_ends_of_a_line_are_where_its_ink_is_wherever_they_were(ground):
    page = np.full((120, 400, 3), ground, dtype=np.uint8)
    page[55:65, 120:131] = page[55:65, 250:261] = 255 - ground
    places = []
    for left, right in ((0.0, 0.0), (-7.3, 4.1), (9.6, -11.2)):
        quad = QUAD + np.array([[left, 0], [right, 0], [right, 0], [left, 0]])
        places.append(around_ink(quad, cut(page, quad)))
    for place in places:
        # A line as high as 20 pixels has 6 of them beside its ink, which begins within its first column.
        np.testing.assert_allclose(place[:, 0], [114.5, 266.5, 266.5, 114.5], atol=0.7)
        assert place[:, 1].tolist() == QUAD[:, 1].tolist()


@pytest.mark.parametrize("grey", [0, 127, 254, 255])
@pytest.mark.parametrize("shape", [(1, 1), (20, 200)])
def test_a_line_of_one_grey_has_no_ink(grey, shape):
    assert np.array_equal(around_ink(QUAD, np.full((*shape, 3), grey, dtype=np.uint8)), QUAD)


def test_without_ink_a_line_keeps_its_ends():
    for line in (bars(), bars((50, 51), height=40)):
        assert np.array_equal(around_ink(QUAD, line), QUAD)
