"""Greedy CTC on columns written by hand."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layoutserve.model.ocr.ctc import decode

SYMBOLS = ["blank", *"abc\uff1a我", " "]
SPACE = len(SYMBOLS) - 1


def read(columns, spaces=(), used=1.0, scores=None):
    """``columns``: a character for each column, - for a blank; ``spaces``: {column: probability of a space}."""
    best = np.array([0 if column == "-" else SYMBOLS.index(column) for column in columns])
    seen = np.zeros(len(best), dtype=np.float32)
    for column, probability in dict(spaces).items():
        seen[column] = probability
    likely = np.linspace(0.5, 1, len(best)) if scores is None else scores
    return decode(best, np.array(likely, dtype=np.float32), seen, SYMBOLS, used)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ("", ""),
        ("---", ""),
        ("a", "a"),
        ("aab-", "ab"),
        ("a-a", "aa"),
        ("aa--aa", "aa"),
        ("-a- -b-", "a b"),
        ("cab", "cab"),
    ],
)
def test_repetitions_and_blanks_go(columns, text):
    reading = read(columns)
    assert reading.text == text
    assert len(reading.positions) == len(reading.scores) == len(text)


def test_a_character_stands_in_the_middle_of_its_columns():
    reading = read("aa--bbb-")
    assert reading.positions.tolist() == pytest.approx([1 / 8, 5.5 / 8])
    assert reading.scores.tolist() == pytest.approx(np.linspace(0.5, 1, 8)[[0, 4]].tolist())
    assert reading.score == pytest.approx(float(np.linspace(0.5, 1, 8)[[0, 4]].mean()))


def test_padding_at_the_right_does_not_count_as_line():
    assert read("aa--bb----", used=0.6).positions.tolist() == pytest.approx([1 / 6, 5 / 6], abs=1e-6)


def test_a_space_half_seen_between_two_characters_is_believed():
    assert read("a--b", {1: 0.2}).text == "a b"
    assert read("a--b", {2: 0.2}).text == "a b"
    assert read("a--b", {1: 0.05, 2: 0.05}).text == "ab"
    assert read("a-- b", {2: 0.2, 3: 0.9}).text == "a b"
    assert read("a b", {1: 0.9}).text == "a b"


def test_a_space_within_a_character_or_at_the_ends_is_not():
    assert read("aab", {1: 0.4}).text == "ab"
    assert read("-a-b-", {0: 0.4, 4: 0.4}).text == "ab"


def test_a_believed_space_stands_between_the_words():
    reading = read("aa----bb", {3: 0.3})
    assert reading.text == "a b"
    assert reading.positions.tolist() == pytest.approx([1 / 8, 4 / 8, 7 / 8])


def test_a_line_is_as_doubtful_as_the_letter_that_is_seen_worst_at_its_best():
    assert read("aa-b", scores=[0.3, 0.9, 0.5, 0.8]).doubt == pytest.approx(0.2)
    assert read("aa-b", scores=[1, 1, 0.5, 1]).doubt == 0
    assert read("---").doubt == read("").doubt == 0


@pytest.mark.parametrize(("space", "doubt"), [(0, 0), (0.01, 0.1), (0.05, 0.5), (0.1, 1), (0.2, 0.5), (0.8, 0.125)])
def test_a_space_is_doubtful_near_the_limit(space, doubt):
    assert read("a--b", {1: space}, scores=[1] * 4).doubt == pytest.approx(doubt, rel=1e-5)


def test_other_gaps_make_other_spaces():
    reading = read("aab--c", {4: 0.3})
    assert (reading.text, reading.letters) == ("ab c", "abc")
    assert reading.gaps.tolist() == pytest.approx([0, 0.3])
    other = reading.spaced(np.array([0.5, 0.05], dtype=np.float32))
    assert other.text == "a bc"
    assert other.positions.tolist() == pytest.approx([1 / 6, 1.75 / 6, 2.5 / 6, 5.5 / 6])
    assert other.scores.tolist() == pytest.approx([0.5, 1, 0.7, 1])


def test_full_width_forms_become_ascii_in_lines_that_are_not_chinese():
    assert read("a\uff1ab").text == "a:b"
    assert read("我\uff1ab").text == "我\uff1ab"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, SPACE), st.sampled_from([0.0, 0.05, 0.5])), max_size=30))
def test_positions_ascend_and_every_character_has_a_score(columns):
    best = np.array([symbol for symbol, _ in columns], dtype=np.intp)
    seen = np.array([space for _, space in columns], dtype=np.float32)
    reading = decode(best, np.full(len(best), 0.9, dtype=np.float32), seen, SYMBOLS, 1.0)
    assert len(reading.text) == len(reading.positions) == len(reading.scores)
    assert (np.diff(reading.positions) > 0).all()
    assert 0 <= reading.score <= 1
    assert 0 <= reading.doubt <= 1
    assert len(reading.gaps) == max(0, len(reading.letters) - 1)
    again = reading.spaced(reading.gaps)
    assert again.text == reading.text
    np.testing.assert_array_equal(again.positions, reading.positions)
    np.testing.assert_array_equal(again.scores, reading.scores)
