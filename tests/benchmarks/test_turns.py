"""What the benchmark of turned pages counts, and how it turns them."""

import importlib
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from layoutserve.model.page import Page

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def turns():
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("turns")
    finally:
        sys.path.remove(str(FOLDER))
        for name in ("turns", "machine", "receipts"):
            sys.modules.pop(name, None)


def test_words_are_compared_as_multisets(turns):
    assert turns.agreement(Counter("aab"), Counter("abc")) == pytest.approx(2 / 3)
    assert turns.agreement(Counter("a"), Counter("b")) == 0
    assert turns.agreement(Counter(), Counter()) == 1


def test_a_page_is_turned_clockwise_and_slanted_on_white(turns):
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    image[:, :30] = 255
    quarter = turns.turned(Page(image), 90).image
    assert quarter.shape == (60, 40, 3)
    assert quarter[:30].min() == 255 and quarter[30:].max() == 0, "what was left is on top"
    slanted = turns.turned(Page(image), 5).image
    assert slanted.shape[0] > 40 and slanted.shape[1] > 60
    assert slanted[0, 0].min() == slanted[-1, -1].min() == 255
    right = np.flatnonzero(slanted[:, slanted.shape[1] - 6, 0] < 128)
    middle = np.flatnonzero(slanted[:, slanted.shape[1] // 2 + 4, 0] < 128)
    assert right.mean() > middle.mean(), "to the right lies lower"


def test_a_row_says_how_many_words_stay_the_same(turns):
    found = [
        turns.Reading(Counter("abcd"), {0: Counter("abcd"), 5: Counter("abcd")}),
        turns.Reading(Counter("abcd"), {0: Counter("abcx"), 5: Counter("abyy")}),
    ]
    cells = [cell.strip() for cell in turns.row("dev", 5, found).split("|")[1:-1]]
    assert cells == ["dev", "2", "5", "75.00", "25.00", "50.0", "50", "0.875", "0.750"]


def test_where_nothing_is_transcribed_no_word_is_called_right(turns):
    found = [turns.Reading(None, {0: Counter("abcd"), 5: Counter("abcd")})]
    cells = [cell.strip() for cell in turns.row("forms", 5, found).split("|")[1:-1]]
    assert cells == ["forms", "1", "5", "100.00", "0.00", "100.0", "100", "", ""]
