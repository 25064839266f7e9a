"""Reading order is a function of places alone: shaken by hypothesis, and tried on the layouts people have."""

import math

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layoutserve.model.page.reading_order import reading_order


def upright(x, y, width, height=10.0):
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def turned(polygons, degrees, centre=(300.0, 400.0)):
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    cx, cy = centre
    return [
        tuple((cx + (x - cx) * cosine - (y - cy) * sine, cy + (x - cx) * sine + (y - cy) * cosine) for x, y in polygon)
        for polygon in polygons
    ]


pieces = st.lists(
    st.builds(
        upright,
        st.integers(0, 600).map(float),
        st.integers(0, 800).map(float),
        st.integers(5, 300).map(float),
        st.integers(8, 30).map(float),
    ),
    max_size=40,
    unique=True,
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(pieces, st.randoms(use_true_random=False))
def test_does_not_depend_on_the_order_of_the_input(polygons, random):
    shuffled = polygons.copy()
    random.shuffle(shuffled)
    expected = [[polygons[index] for index in row] for row in reading_order(polygons)]
    assert [[shuffled[index] for index in row] for row in reading_order(shuffled)] == expected


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(pieces)
def test_every_piece_comes_once_and_no_row_is_empty(polygons):
    rows = reading_order(polygons)
    assert sorted(index for row in rows for index in row) == list(range(len(polygons)))
    assert all(rows)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(pieces, st.integers(-2000, 2000), st.integers(-2000, 2000), st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_does_not_depend_on_where_the_page_begins_nor_on_its_resolution(polygons, x, y, scale):
    # Powers of two and whole numbers keep the arithmetic exact, so that ties stay ties.
    moved = [tuple(((px + x) * scale, (py + y) * scale) for px, py in polygon) for polygon in polygons]
    assert reading_order(moved) == reading_order(polygons)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(pieces)
def test_a_row_runs_to_the_right(polygons):
    for row in reading_order(polygons):
        lefts = [polygons[index][0][0] for index in row]
        assert lefts == sorted(lefts)


def test_no_pieces_give_no_rows():
    assert reading_order([]) == []


def columns():
    """A headline over two columns of running text, and a line below both."""
    rows = [upright(50, 50, 500, 20)]
    rows += [upright(50, 100 + 15 * line, 230) for line in range(20)]
    rows += [upright(320, 100 + 15 * line, 230) for line in range(20)]
    return [*rows, upright(50, 420, 480)]


def table():
    """Descriptions, counts and amounts: three columns that belong together row by row."""
    cells = []
    for line in range(12):
        y = 100.0 + 20 * line
        cells += [upright(50, y, 100 + 11 * (line % 5)), upright(330, y, 20), upright(500 - 3 * (line % 3), y, 45)]
    return cells


def flat(rows):
    return [index for row in rows for index in row]


def test_columns_are_read_one_after_the_other():
    assert flat(reading_order(columns())) == list(range(42))


def test_a_table_is_read_row_by_row():
    rows = reading_order(table())
    assert rows == [[3 * line, 3 * line + 1, 3 * line + 2] for line in range(12)]


def test_a_slant_of_the_page_changes_nothing():
    for degrees in (-12, -5, -1, 2, 5, 12):
        assert reading_order(turned(columns(), degrees)) == reading_order(columns())
        assert reading_order(turned(table(), degrees)) == reading_order(table())


def test_three_columns_below_a_headline():
    polygons = [upright(50, 40, 700, 24)]
    for column in range(3):
        polygons += [upright(50 + 250 * column, 100 + 15 * line, 220) for line in range(15)]
    assert flat(reading_order(polygons)) == list(range(46))


def test_a_heading_under_both_columns_comes_after_them():
    polygons = [upright(50, 100 + 15 * line, 230) for line in range(10)]
    polygons += [upright(320, 100 + 15 * line, 230) for line in range(10)]
    polygons += [upright(50, 275, 90), upright(50, 295, 500)]
    assert flat(reading_order(polygons)) == list(range(22))


def test_text_turned_sideways_in_the_margin_joins_no_row():
    margin = ((5.0, 400.0), (5.0, 100.0), (20.0, 100.0), (20.0, 400.0))
    lines = [upright(50, 100 + 15 * line, 400) for line in range(20)]
    rows = reading_order([margin, *lines])
    assert [0] in rows
    assert [row for row in rows if row != [0]] == [[index] for index in range(1, 21)]


def test_a_curled_line_stays_one_row():
    xs = np.arange(0, 600, 60.0)
    upper = [upright(x, 100 + 0.00015 * (x - 300) ** 2, 50) for x in xs]
    lower = [upright(x, 120 + 0.00015 * (x - 300) ** 2, 50) for x in xs]
    assert reading_order(upper + lower) == [list(range(10)), list(range(10, 20))]


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(pieces)
def test_right_to_left_is_left_to_right_in_a_mirror(polygons):
    mirrored = [tuple((1000 - x, y) for x, y in (b, a, d, c)) for a, b, c, d in polygons]
    assert reading_order(polygons, right_to_left=True) == reading_order(mirrored)


def test_right_to_left_rows_and_columns_begin_at_the_right():
    page = [upright(20 + 300 * column, 20 * row, 200) for column in (0, 1) for row in range(5)]
    assert reading_order(page, right_to_left=True) == [[5], [6], [7], [8], [9], [0], [1], [2], [3], [4]]
    row = [upright(0, 0, 40), upright(100, 2, 40), upright(200, 1, 40)]
    assert reading_order(row, right_to_left=True) == [[2, 1, 0]]
