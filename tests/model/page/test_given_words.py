import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.errors import RequestError
from layoutserve.model.page import Box, Page
from layoutserve.model.page.given_words import GivenWord, words_of_page

PAGE = Page(np.zeros((100, 200, 3), np.uint8))


def test_pixels_and_fractions():
    (one,) = words_of_page([GivenWord("a", (20, 10, 40, 30), score=0.5)], PAGE)
    (two,) = words_of_page([GivenWord("a", (0.1, 0.1, 0.2, 0.3))], PAGE, "fractions")
    assert one.box == Box(20, 10, 40, 30) and one.score == 0.5
    assert two.box == Box(pytest.approx(20), pytest.approx(10), pytest.approx(40), pytest.approx(30))
    assert one.polygon == ((20, 10), (40, 10), (40, 30), (20, 30))


def test_only_the_words_of_the_page_in_the_callers_order():
    given_words = [GivenWord("b", (0, 50, 9, 60)), GivenWord("x", (0, 0, 9, 9), page=2), GivenWord("a", (0, 0, 9, 9))]
    assert [word.text for word in words_of_page(given_words, PAGE)] == ["b", "a"]
    assert words_of_page([], PAGE) == ()


def test_lines_are_told_from_the_places():
    boxes = [(0, 0, 20, 10), (30, 1, 50, 11), (0, 20, 20, 30), (30, 20, 50, 30), (60, 50, 80, 60)]
    words = words_of_page([GivenWord("w", box) for box in boxes], PAGE)
    assert [word.line for word in words] == [0, 0, 1, 1, 2]


def test_a_line_is_cut_into_words_with_their_share_of_the_box():
    words = words_of_page([GivenWord(" to tal  9", (0, 0, 100, 10))], PAGE)
    assert [(word.text, word.box.x0, word.box.x1) for word in words] == [
        ("to", 10, 30),
        ("tal", 40, 70),
        ("9", 90, 100),
    ]
    assert {word.line for word in words} == {0}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (GivenWord("a", (30, 0, 10, 10)), "x0 <= x1"),
        (GivenWord("a", (float("nan"), 0, 10, 10)), "x0 <= x1"),
        (GivenWord("a", (float("inf"), 0, float("inf"), 10)), "x0 <= x1"),
        (GivenWord("a", (300, 0, 310, 10)), "outside of the page of 200 x 100"),
        (GivenWord("a", (0, 0, 1e308, 10)), "no page reaches further"),
        (GivenWord("  ", (0, 0, 10, 10)), "no text"),
    ],
)
def test_what_cannot_be_a_word(word, message):
    with pytest.raises(RequestError, match=message):
        words_of_page([word], PAGE)


@given(st.text(), st.floats(0, 150), st.floats(0, 49))
def test_no_text_leaves_its_box(text, x0, width):
    try:
        words = words_of_page([GivenWord(text, (x0, 0, x0 + width, 10))], PAGE)
    except RequestError:
        assert not text.split()
        return
    assert [word.text for word in words] == text.split()
    assert all(x0 <= word.box.x0 <= word.box.x1 <= x0 + width + 1e-9 for word in words)
