from types import SimpleNamespace

import numpy as np
import pytest

from layoutserve.model.bundle import FieldSpec
from layoutserve.model.decoding import rules
from layoutserve.model.decoding.fields import choose
from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.candidates import Evidence, Search
from layoutserve.model.decoding.fields.conventions import DEFAULT
from layoutserve.model.decoding.fields.entities import PageEntities, entity_of

LABELS = ("O", "B-TOTAL", "I-TOTAL", "B-COMPANY", "I-COMPANY")


@pytest.fixture
def search_of(words_of):
    """``search_of(label, spec, page, ...)``: a page is its lines, and what the model said as words and a score."""

    def build(label, spec, *pages):
        made = []
        for number, (lines, said) in enumerate(pages, 1):
            words, bbox = words_of(*lines)
            nothing = np.tile(np.log([0.96, 0.01, 0.01, 0.01, 0.01]), (len(words), 1)).astype(np.float32)
            entities = (entity_of(Piece(label, list(places), score, False), words, number, 0) for places, score in said)
            made.append(PageEntities(tuple(entities), tuple(words), bbox, nothing, number))
        return Search(label, spec, made, LABELS, DEFAULT)

    return build


def chosen(search, *active):
    return [(one.text, score) for one, score in choose.fields(choose.entities(search, active), search, active)]


def test_every_rule_of_key_information_has_a_step():
    steps = {rule.name for rule in (*choose.ENTITY_RULES, *choose.FIELD_RULES)}
    # What becomes of the other entities of a label, and of a sum, is known only once its fields are chosen.
    assert steps == {*rules.RULES} - {rules.SINGLE_VALUED, rules.SUMS_HOLD}


def test_a_rule_concerns_its_labels_in_any_case():
    rule = choose.Rule("x", frozenset({"total"}), SimpleNamespace())
    assert rule.concerns("Total") and not rule.concerns("subtotal")
    assert choose.Rule("x", frozenset(), SimpleNamespace()).concerns("anything")


def test_what_the_sums_of_a_page_settle_outweighs_what_stands_beside_a_keyword(search_of):
    page = (["Total 9.50", "Rounded 9.00", "Cash 10.00", "Change 1.00"], [((1,), 0.9), ((3,), 0.3)])
    search = search_of("TOTAL", FieldSpec("amount"), page)
    assert chosen(search, rules.TOTAL_NEAR_KEYWORD)[0][0] == "9.50"
    assert chosen(search, rules.TOTAL_NEAR_KEYWORD, rules.PAID_LESS_CHANGE) == [("9.00", pytest.approx(0.3))]


def test_change_and_rounding_settle_pages_of_their_own(search_of):
    paid = (["Bill 9.00", "Cash 10.00", "Change 1.00"], [((1,), 0.4)])
    rounded = (["Total 7.02", "Rounding -0.02", "Net 7.00"], [((5,), 0.8)])
    search = search_of("TOTAL", FieldSpec("amount"), paid, rounded)
    active = (rules.PAID_LESS_CHANGE, rules.ROUNDED_TOTAL)
    found = choose.entities(search, active)
    for rule in choose.FIELD_RULES[:2]:
        found = rule.apply(found, search)
    assert [(one.page, one.text) for one in found if Evidence.SETTLED in one.evidence] == [(0, "9.00"), (1, "7.00")]
    assert chosen(search, *active) == [("7.00", pytest.approx(0.8))]


def test_a_label_of_many_values_keeps_the_candidates_with_the_most_evidence(search_of):
    lines = ["Total 9.00", "x", "x", "Tea 4.00", "x", "x", "Total 5.00"]
    page = (lines, [((1,), 0.9), ((5,), 0.9), ((9,), 0.6)])
    search = search_of("TOTAL", FieldSpec("amount", single=False), page)
    assert [text for text, _ in chosen(search, rules.TOTAL_NEAR_KEYWORD)] == ["9.00", "5.00"]


def test_a_guess_has_to_be_readable(search_of):
    page = (["Due soon"], [])
    search = search_of("TOTAL", FieldSpec("amount"), page)
    search.pages[0].log_probs[1] = np.log([0.6, 0.3, 0.05, 0.03, 0.02])
    assert chosen(search, rules.GUESS_MISSING) == [("soon", pytest.approx(0.35))]
    assert chosen(search, rules.GUESS_MISSING, rules.VALUES_PARSE) == []


def test_a_company_is_the_better_for_its_legal_form_than_for_its_place(search_of):
    lines = ["Big Burger", *["x"] * 9, "ACME Foods Ltd"]
    search = search_of("COMPANY", FieldSpec(), (lines, [((0, 1), 0.9), ((11, 12, 13), 0.5)]))
    assert chosen(search, rules.COMPANY_IN_FIRST_LINES)[0][0] == "Big Burger"
    assert chosen(search, rules.COMPANY_IN_FIRST_LINES, rules.COMPANY_WITH_LEGAL_FORM)[0][0] == "ACME Foods Ltd"
