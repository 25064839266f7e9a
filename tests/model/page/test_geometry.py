"""Turns and boxes: what must hold for every place on every page."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from layoutserve.model.page.geometry import (
    Box,
    clipped,
    from_first_to_last,
    middle,
    read_turned,
    reading_corners,
    reading_direction,
    sides,
    slices,
    thousandths,
    turned,
    turned_back,
    turned_boxes,
    turned_image,
    word_boxes,
)

TURNS = (0, 90, 180, 270)
WIDTH, HEIGHT = 300.0, 200.0
turns = st.sampled_from(TURNS)
coordinates = st.integers(-400, 400).map(float)


@st.composite
def boxes(draw, width=WIDTH, height=HEIGHT):
    x0, x1 = sorted(draw(st.tuples(st.integers(0, int(width)), st.integers(0, int(width)))))
    y0, y1 = sorted(draw(st.tuples(st.integers(0, int(height)), st.integers(0, int(height)))))
    return Box(float(x0), float(y0), float(x1), float(y1))


def as_row(box):
    return np.array([[box.x0, box.y0, box.x1, box.y1]])


@given(boxes(), turns)
def test_a_box_that_is_turned_with_its_page_and_back_is_where_it_was(box, turn):
    (row,), width, height = turned_boxes(as_row(box), WIDTH, HEIGHT, turn)
    there = Box(*row.tolist())
    assert Box.around(turned_back(there.corners, WIDTH, HEIGHT, turn)) == box
    (back,), *size = turned_boxes(as_row(there), width, height, -turn % 360)
    assert Box(*back.tolist()) == box and size == [WIDTH, HEIGHT]


@given(boxes(), turns)
def test_pixels_and_boxes_turn_alike(box, turn):
    image = np.zeros((int(HEIGHT), int(WIDTH), 3), dtype=np.uint8)
    image[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = 255
    upright = turned_image(image, turn)
    (row,), width, height = turned_boxes(as_row(box), WIDTH, HEIGHT, turn)
    x0, y0, x1, y1 = row.astype(int).tolist()
    assert upright.shape == (height, width, 3) and upright.flags.c_contiguous
    assert upright[y0:y1, x0:x1].all() and np.count_nonzero(upright) == 3 * int(box.width * box.height)


@given(st.tuples(*[st.tuples(coordinates, coordinates)] * 4), turns, turns)
def test_turns_around_the_origin_add_up(polygon, first, second):
    assert turned(turned(polygon, first), second) == turned(polygon, (first + second) % 360)
    assert turned(turned(polygon, first), 360 - first) == polygon


@given(boxes(), turns)
def test_corners_begin_where_reading_begins(box, turn):
    assume(box.width > box.height > 0 or box.height > box.width > 0)
    corners = reading_corners(box, turn)
    assert sorted(corners) == sorted(box.corners)
    (row,), *_ = turned_boxes(as_row(box), WIDTH, HEIGHT, turn)
    upright = Box(*row.tolist())
    # On the page turned upright, the first corner is the top left one.
    assert turned_back(upright.corners, WIDTH, HEIGHT, turn) == corners


@given(turns)
def test_the_direction_of_reading_is_the_turn_of_the_text(turn):
    assert reading_direction(turned(Box(0, 0, 90, 10).corners, turn)) == turn


@given(st.lists(boxes(), min_size=1, max_size=5))
def test_a_union_is_the_smallest_box_around_all(parts):
    whole = Box.union(parts)
    assert whole == Box.around(point for part in parts for point in part.corners)
    assert all(whole.overlap(part) == part.overlap(part) for part in parts)


@given(boxes(), boxes())
def test_an_overlap_is_the_same_either_way_and_no_larger_than_either(one, other):
    assert one.overlap(other) == other.overlap(one) <= min(one.width * one.height, other.width * other.height)


@given(st.tuples(*[st.tuples(coordinates, coordinates)] * 4))
def test_clipped_corners_lie_on_the_page_and_those_on_it_stay(polygon):
    moved = clipped(polygon, WIDTH, HEIGHT)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in moved)
    assert clipped(moved, WIDTH, HEIGHT) == moved
    for before, after in zip(polygon, moved, strict=True):
        assert (before == after) == (0 <= before[0] <= WIDTH and 0 <= before[1] <= HEIGHT)


@given(st.lists(boxes(600, 500), max_size=5), turns)
def test_thousandths_are_ordered_whole_and_on_the_page(found, turn):
    rows = np.array([as_row(box)[0] for box in found]).reshape(-1, 4)
    bbox, beyond = thousandths(*turned_boxes(rows, WIDTH, HEIGHT, turn))
    assert bbox.dtype == np.int64 and ((bbox >= 0) & (bbox <= 1000)).all() and (bbox[:, :2] <= bbox[:, 2:]).all()
    assert beyond == sum(box.x1 > WIDTH * 1.001 or box.y1 > HEIGHT * 1.001 for box in found)


@given(boxes(), turns)
def test_sides_follow_the_reading_direction(box, turn):
    quad = np.array([turned(box.corners, turn)])
    (along,), (across,) = sides(quad)
    assert (along, across) == (box.width, box.height)
    (along,), (across,) = sides(read_turned(quad, 1))
    assert (along, across) == (box.height, box.width)


@pytest.mark.parametrize("turn", TURNS)
def test_slices_lie_beside_each_other_along_the_line(turn):
    quad = np.array(turned(Box(0, 0, 100, 10).corners, turn), dtype=float)
    first, second = slices(quad, [(0.0, 0.4), (0.4, 1.0)], 0.1, 0.9)
    assert first == turned(Box(0, 1, 40, 9).corners, turn)
    assert from_first_to_last([first, second]) == turned(Box(0, 1, 100, 9).corners, turn)
    assert middle(first) == middle(turned(Box(0, 0, 40, 10).corners, turn))


@given(st.text(alphabet="ab \t", max_size=12), boxes())
def test_words_share_a_box_by_their_characters(text, box):
    parts = word_boxes(text, box)
    assert [part for part, _ in parts] == text.split()
    edges = [edge for _, place in parts for edge in (place.x0, place.x1)]
    assert edges == sorted(edges) and all(box.x0 <= edge <= box.x1 + 1e-9 for edge in edges)
    if text and not text[-1].isspace():
        assert parts[-1][1].x1 == box.x1
