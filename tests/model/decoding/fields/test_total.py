from decimal import Decimal

import numpy as np
import pytest

from layoutserve.model.decoding.fields.amounts import find_amount
from layoutserve.model.decoding.fields.total import Sums, near_keyword, total_keywords


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Total 9.00", [0]),
        ("GRAND TOTAL : 9.00", [1]),
        ("TOTAL:9.00", [0]),
        ("Sub Total 9.00", []),
        ("Subtotal 9.00", []),
        ("Total Qty 3", []),
        ("Total Item(s): 3", []),
        ("Total Tax 0.54", []),
        ("Amount Due 9.00", [0, 1]),
        ("Totally fine", []),
    ],
)
def test_what_announces_a_total(text, found, words_of):
    assert total_keywords(words_of(text)[0]) == found


def test_an_announcement_ends_with_its_line(words_of):
    assert total_keywords(words_of("6% GST", "Total 9.00", "Qty")[0]) == [2]


@pytest.mark.parametrize(
    ("box", "near"),
    [
        ((300, 100, 350, 120), True),  # right of it
        ((300, 108, 350, 128), True),  # ... on a slanted page
        ((100, 125, 150, 145), True),  # below it
        ((20, 100, 60, 120), False),  # left of it
        ((100, 60, 150, 80), False),  # above it
        ((100, 400, 150, 420), False),  # far below it
        ((300, 125, 350, 145), False),  # below and right
    ],
)
def test_what_is_near_a_keyword(box, near):
    assert near_keyword(np.array(box), np.array([[100, 100, 150, 120]])) is near
    assert near_keyword(np.array(box), np.zeros((0, 4), np.int64)) is False


@pytest.fixture
def sums(words_of):
    return lambda *lines: Sums(*words_of(*lines), find_amount)


def amounts(*texts):
    return frozenset(map(Decimal, texts))


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (["Total 9.00", "Cash 50.00", "Change 41.00"], ["9.00"]),
        # Nothing on the page is the difference, or nothing was given back.
        (["Total 9.01", "Cash 50.00", "Change 41.00"], []),
        (["Total 9.00", "Cash 50.00"], []),
        (["Tea 4.00", "Total 9.00", "Cash 9.00", "Change 0.00"], ["9.00"]),
        # Whatever the sum that was given is called.
        (["Amount 5.00", "Accepted total 10.00", "Change 5.00"], ["5.00"]),
        (["Summe 9,00", "Gegeben 50,00", "Rückgeld 41,00"], ["9.00"]),
        ([[(0, "Total"), (200, "9.00")], [(0, "Cash"), (200, "50.00")], [(0, "Change"), (200, "41.00")]], ["9.00"]),
        ([], []),
    ],
)
def test_what_was_paid_less_the_change(lines, total, sums):
    assert sums(*lines).paid_less_change() == amounts(*total)


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (["Total 9.02", "Rounding adj -0.02", "Net 9.00"], ["9.00"]),
        (["Total 9.03", "Rounding 0.02", "Net 9.05"], ["9.05"]),
        (["Total 9.02", "Rounding 0.00", "Net 9.02"], []),
        (["Total 9.02", "Discount 0.02", "Net 9.00"], []),
        (["Total 9.02", "Rounding 0.02"], []),
    ],
)
def test_the_amount_after_rounding(lines, total, sums):
    assert sums(*lines).rounded() == amounts(*total)


def test_where_amounts_stand(sums):
    page = sums("Total 9.00", "Cash RM9.00", "Tea 4.00")
    assert page.places(amounts("9.00")) == [1, 3]
