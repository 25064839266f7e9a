"""Subtotal and tax that add up to a document's total: chosen together, by what its sums say.

The total stands. Where the subtotal and the tax that the model chose do not add up to it, the best two amounts of its
page that do take their place: each one that the model thinks possible, or that stands on a line which says what it is.
An exact search: the best few of each label, all pairs. Scores stay those that the model gave to the words.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.fields import bio
from layoutserve.model.decoding.fields.candidates import Candidate, Search
from layoutserve.model.decoding.fields.entities import PageEntities
from layoutserve.model.decoding.text_flow import line_numbers

Chosen = Sequence[tuple[Candidate, float]]

TOTAL, SUBTOTAL, TAX = "total", "subtotal", "tax"
# Amounts of a label that are tried, the likeliest first.
_TRIED = 12
# What a line that says so is worth beside the probability of the model, and what an amount needs of both.
_SAID = 0.2
_ENOUGH = 0.05
_OF_TAX = re.compile(
    r"\b(?:(?:sales|state|county|service)?\s?tax(?:es)?|vat|[cis]?gst|hst|pst|qst|tva|iva|mwst|ust|umsatzsteuer|btw|"
    r"b\.t\.w|moms|mva|dph|kdv|ppn|pdv|ddv|alv|sst)\b",
    re.IGNORECASE,
)
_OF_SUBTOTAL = re.compile(
    r"\b(?:sub\W?tota\w*|zwischensumme|sous\W?total|netto\w*|nett?|total\s(?:ht|excl)|base\simponible|imponibile|"
    r"taxable|subtotaal|delsumma|mellansumma|total\sliquido)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Amount:
    """An amount of a page. weight: what the model thinks of it, and what the line before it says."""

    candidate: Candidate
    value: Decimal
    weight: float


def summed(chosen: Mapping[str, Chosen], searches: Mapping[str, Search]) -> dict[str, Chosen]:
    """Give the chosen candidates of each label, with a subtotal and a tax that add up to the total if there are any."""
    result = dict(chosen)
    names = {label.lower(): label for label in searches}
    if not {TOTAL, SUBTOTAL, TAX} <= set(names):
        return result
    total, subtotal, tax = (_value(chosen[names[name]]) for name in (TOTAL, SUBTOTAL, TAX))
    if total is None or total <= 0 or (subtotal is not None and tax is not None and subtotal + tax == total):
        return result
    page = chosen[names[TOTAL]][0][0].page
    parts = _amounts(searches[names[SUBTOTAL]], page, _OF_SUBTOTAL)
    taxes = _amounts(searches[names[TAX]], page, _OF_TAX)
    pairs = [
        (part.weight * one.weight, part, one)
        for part in parts
        for one in taxes
        if part.value + one.value == total
        and part.value > one.value
        and part.candidate.entity.words != one.candidate.entity.words
    ]
    if pairs:
        _, part, one = max(pairs, key=lambda pair: pair[0])
        for name, amount in ((SUBTOTAL, part), (TAX, one)):
            if _value(chosen[names[name]]) != amount.value:
                result[names[name]] = [(amount.candidate, amount.candidate.entity.score)]
    return result


def _value(chosen: Chosen) -> Decimal | None:
    value = chosen[0][0].value if chosen else None
    return Decimal(value.value) if value else None


def _amounts(search: Search, page: int, said: re.Pattern[str]) -> list[_Amount]:
    """The likeliest amounts of a page for a label, the best first."""
    own = search.pages[page]
    probabilities = np.exp(own.log_probs[:, bio.columns(search.label, search.labels)].astype(np.float64)).sum(axis=1)
    announced = _announced(own, said)
    found: list[_Amount] = []
    for index in np.flatnonzero(probabilities + _SAID * announced >= _ENOUGH).tolist():
        if not any(map(str.isdigit, own.words[index].text)):
            continue
        weight = float(probabilities[index] + _SAID * announced[index])
        candidate = search.added(bio.piece(search.label, [index], own.log_probs, search.labels), page)
        value = candidate.value
        if value and Decimal(value.value) > 0:
            found.append(_Amount(replace(candidate, text=value.text), Decimal(value.value), weight))
    return sorted(found, key=lambda amount: -amount.weight)[:_TRIED]


def _announced(page: PageEntities, said: re.Pattern[str]) -> NDArray[np.bool_]:
    """Say for each word if what stands before it on its line, or itself, says this; bool (words,)."""
    result = np.zeros(len(page.words), dtype=bool)
    text, line, known = "", -1, False
    lines = line_numbers(page.bbox)
    for index in np.lexsort((page.bbox[:, 0], lines)).tolist():
        if lines[index] != line:
            text, line, known = "", lines[index], False
        text += f" {page.words[index].text}"
        known = known or (any(map(str.isdigit, page.words[index].text)) and said.search(text) is not None)
        result[index] = known
    return result
