from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.entities import PageEntities, entity_of
from layoutserve.model.decoding.kie import decode_document
from layoutserve.model.decoding.rules import RULES, SUMS_HOLD
from layoutserve.model.page import Box, Word

LABELS = ("O", "B-TOTAL", "B-SUBTOTAL", "B-TAX")
HEAD = Head(
    labels=LABELS,
    fields={name: FieldSpec("amount") for name in ("TOTAL", "SUBTOTAL", "TAX")},
    rules=tuple(rule for rule in RULES if rule != "guess-missing"),
)


def page_of(lines, likely, chosen):
    """A page of lines; ``likely``: probabilities by text and label; ``chosen``: texts that are entities, by label."""
    words = []
    for row, line in enumerate(lines):
        for column, text in enumerate(line.split(" ")):
            words.append(
                Word.from_box(text, Box(150.0 * column, 30.0 * row, 150.0 * column + 80, 30.0 * row + 20), line=row)
            )
    bbox = np.array([(w.box.x0, w.box.y0, w.box.x1, w.box.y1) for w in words]).astype(np.int64)
    log_probs = np.tile(np.log([0.997, 0.001, 0.001, 0.001]), (len(words), 1)).astype(np.float32)
    places = {word.text: index for index, word in enumerate(words)}
    for (text, label), probability in likely.items():
        row = np.full(4, (1 - probability) / 3)
        row[LABELS.index(f"B-{label}")] = probability
        log_probs[places[text]] = np.log(row)
    entities = [entity_of(Piece(label, [places[text]], 0.9, False), words, 1, 0) for label, text in chosen.items()]
    return PageEntities(tuple(entities), tuple(words), bbox, log_probs)


def amounts(page, rules=None):
    return {
        field.label: (field.value.amount, round(field.score, 3))
        for field in decode_document([page], HEAD, rules).fields
    }


BILL = ["Tea 60.00", "Cake 40.00", "Subtotal 100.00", "VAT 21.00", "Total 121.00"]


def test_a_subtotal_and_a_tax_that_nobody_chose_are_found_by_their_lines():
    found = amounts(page_of(BILL, {}, {"TOTAL": "121.00"}))
    assert {label: value for label, (value, _) in found.items()} == {
        "TOTAL": "121.00",
        "SUBTOTAL": "100.00",
        "TAX": "21.00",
    }
    # As sure as the model was of the words.
    assert found["TAX"][1] == pytest.approx(0.001, abs=1e-4)
    rules = set(HEAD.rules) - {SUMS_HOLD}
    assert set(amounts(page_of(BILL, {}, {"TOTAL": "121.00"}), rules)) == {"TOTAL"}


def test_a_wrong_subtotal_gives_way_to_one_with_which_the_sums_hold():
    page = page_of(BILL, {("21.00", "TAX"): 0.9}, {"TOTAL": "121.00", "TAX": "21.00", "SUBTOTAL": "60.00"})
    found = amounts(page)
    assert (found["SUBTOTAL"][0], found["TAX"][0]) == ("100.00", "21.00")


def test_sums_that_hold_already_stay():
    lines = ["Tea 60.00", "Net 99.00", "Base 100.00", "VAT 22.00", "GST 21.00", "Total 121.00"]
    page = page_of(lines, {}, {"TOTAL": "121.00", "SUBTOTAL": "99.00", "TAX": "22.00"})
    found = amounts(page)
    assert (found["SUBTOTAL"][0], found["TAX"][0]) == ("99.00", "22.00")


def test_items_that_happen_to_add_up_are_no_subtotal_and_no_tax():
    page = page_of(["Tea 100.00", "Cake 21.00", "Total 121.00"], {}, {"TOTAL": "121.00"})
    assert set(amounts(page)) == {"TOTAL"}


def test_without_a_total_nothing_is_changed():
    page = page_of(BILL[:-1], {("100.00", "SUBTOTAL"): 0.9}, {"SUBTOTAL": "100.00"})
    assert set(amounts(page)) == {"SUBTOTAL"}


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=12), st.integers(0, 11), st.integers(0, 11))
def test_what_is_chosen_adds_up(cents, first, second):
    prices = [f"{Decimal(value) / 100:.2f}" for value in cents]
    lines = [*(f"Tax {price}" for price in prices[:6]), *(f"Net {price}" for price in prices[6:])]
    total = f"{(Decimal(cents[first % len(cents)]) + Decimal(cents[second % len(cents)])) / 100:.2f}"
    found = amounts(page_of([*lines, f"Total: {total}"], {}, {"TOTAL": total}))
    if len(found) == 3:
        assert Decimal(found["SUBTOTAL"][0]) + Decimal(found["TAX"][0]) == Decimal(found["TOTAL"][0])
