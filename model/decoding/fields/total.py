"""The place of a total on a page: beside a word such as "Total", and at what was paid less the change."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.fields import bio
from layoutserve.model.decoding.fields.candidates import Candidate, Evidence, Search
from layoutserve.model.decoding.fields.values import Value
from layoutserve.model.decoding.text_flow import line_numbers
from layoutserve.model.page import Word

LABELS = frozenset({"total", "grand_total", "total_amount"})

_KEYWORD = re.compile(
    r"^(grand)?(total|totale|totaal|gesamt|gesamtbetrag|gesamtsumme|summe|montant|importe|jumlah|amount|amt|due|"
    r"payable|nett?|suma|summa|razem|yhteensä|celkem|toplam|összesen|betala|betale|zahlen|zahlbetrag|payer|pagar|pagare)"
    r"([\W\d].*)?$"
)
_NOT_BEFORE = re.compile(r"^(sub|tax|gst|vat|item|items|qty|disc|discount|zwischen|sous)\W*$")
_NOT_AFTER = re.compile(
    r"^\W*(qty|quantity|item|items|tax|gst|vat|disc|discount|saving|savings|excl|excluding|hours|no)\W*"
)
_CHANGE = re.compile(r"\b(change|baki|rückgeld|wechselgeld|rendu|monnaie|resto|cambio|vuelto|troco|wisselgeld)\b", re.I)
_ROUNDING = re.compile(r"\b(rounding|round|rundung|arrondi|redondeo|afronding|pembundaran)\b", re.I)
_COIN = Decimal("0.01")
_PAID = re.compile(
    r"\b(cash|tender(ed)?|paid|payments?|received|tunai|bar|gegeben|bezahlt|esp[eè]ces|re[cç]u|efectivo|contanti|"
    r"dinheiro|contant)\b",
    re.I,
)


def settled_by_change(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Find out which candidates, and which other words, say what was paid less the change."""
    return _settled(found, search, Sums.paid_less_change)


def settled_by_rounding(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Find out which candidates, and which other words, say the amount after rounding, on pages not settled yet."""
    return _settled(found, search, Sums.rounded)


def beside_keyword(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Find out which candidates stand right of or below a word that announces a total."""
    boxes = {
        number: search.pages[number].bbox[total_keywords(search.pages[number].words)]
        for number in {one.page for one in found}
    }
    result = []
    for one in found:
        own = search.pages[one.page].bbox[list(one.entity.words)]
        around = np.concatenate((own[:, :2].min(axis=0), own[:, 2:].max(axis=0)))
        near = near_keyword(around, boxes[one.page])
        result.append(replace(one, evidence=one.evidence | Evidence.NEAR_KEYWORD) if near else one)
    return result


def _settled(
    found: Sequence[Candidate], search: Search, settle: Callable[["Sums"], frozenset[Decimal]]
) -> list[Candidate]:
    if not search.spec.single or search.spec.type != "amount":
        return list(found)
    result: list[Candidate] = []
    for number, page in enumerate(search.pages):
        own = [one for one in found if one.page == number]
        amounts: frozenset[Decimal] = frozenset()
        if not any(Evidence.SETTLED in one.evidence for one in own):
            sums = Sums(page.words, page.bbox, search.read)
            amounts = settle(sums)
        if amounts:
            taken = {index for one in own for index in one.entity.words}
            own += [
                search.added(bio.piece(search.label, [index], page.log_probs, search.labels), number)
                for index in sums.places(amounts)
                if index not in taken
            ]
        result += [
            replace(one, evidence=one.evidence | Evidence.SETTLED)
            if one.value and Decimal(one.value.value) in amounts
            else one
            for one in own
        ]
    return result


def total_keywords(words: Sequence[Word]) -> list[int]:
    """Find the words that announce a total, but no subtotal, tax total or number of items."""
    plain = [word.text.lower().strip("*:-=# ") for word in words]
    found = []
    for index, text in enumerate(plain):
        line = words[index].line
        before = plain[index - 1] if index and words[index - 1].line == line else ""
        after = plain[index + 1] if index + 1 < len(plain) and words[index + 1].line == line else ""
        if _KEYWORD.match(text) and not _NOT_BEFORE.match(before) and not _NOT_AFTER.match(after):
            found.append(index)
    return found


def near_keyword(box: NDArray[np.int64], keywords: NDArray[np.int64]) -> bool:
    """Say if a box stands right of a keyword in its line or right below it.

    box: int64 (4,), keywords: int64 (n, 4), both 0-1000 of the upright page.
    """
    if not len(keywords):
        return False
    x0, y0, x1, y1 = box
    height = np.maximum(keywords[:, 3] - keywords[:, 1], 1)
    overlap_y = np.minimum(y1, keywords[:, 3]) - np.maximum(y0, keywords[:, 1])
    overlap_x = np.minimum(x1, keywords[:, 2]) - np.maximum(x0, keywords[:, 0])
    right = (overlap_y >= 0.5 * np.minimum(height, max(y1 - y0, 1))) & (x0 >= keywords[:, 0])
    gap = y0 - keywords[:, 3]
    below = (overlap_x > 0) & (gap > -0.5 * height) & (gap < 1.5 * height)
    return bool((right | below).any())


class Sums:
    """The amounts of a page, and what its own arithmetic makes of them.

    bbox: int64 (words, 4), 0-1000 of the upright page. read: finds the amount in a text.
    """

    def __init__(self, words: Sequence[Word], bbox: NDArray[np.int64], read: Callable[[str], Value | None]) -> None:
        self._words, self._read = words, read
        self._rows: list[tuple[str, Decimal]] = []
        numbers = line_numbers(bbox)
        for number in range(int(numbers.max(initial=-1)) + 1):
            row = np.flatnonzero(numbers == number)
            text = " ".join(words[index].text for index in row[np.argsort(bbox[row, 0], kind="stable")].tolist())
            if (amount := self._amount(text)) is not None:
                self._rows.append((text, amount))

    def paid_less_change(self) -> frozenset[Decimal]:
        """The amount paid less the change; none where the page does not say both.

        Some change leaves another amount of the page from one of them. No change leaves what is called paid.
        """
        change = {amount for text, amount in self._rows if _CHANGE.search(text) and amount >= 0}
        some = max(change, default=None)
        if some is None:
            return frozenset()
        if some == 0:
            return frozenset(amount for text, amount in self._rows if amount > 0 and _PAID.search(text))
        amounts = self._amounts()
        return frozenset(amount - some for amount in amounts if amount - some in amounts)

    def rounded(self) -> frozenset[Decimal]:
        """The amounts that others of the page were rounded to, by what the page says, to five of the smallest coin."""
        by = {abs(amount) for text, amount in self._rows if _ROUNDING.search(text) and 0 < abs(amount) < 5 * _COIN}
        amounts = self._amounts() if by else frozenset()
        return frozenset(
            rounded
            for amount in amounts
            for change in by
            for rounded in (amount + change, amount - change)
            if rounded in amounts and rounded % (5 * _COIN) == 0 and amount % (5 * _COIN) != 0
        )

    def places(self, amounts: Collection[Decimal]) -> list[int]:
        """The words that say one of these amounts."""
        return [index for index, amount in self._of_words.items() if amount in amounts]

    def _amounts(self) -> frozenset[Decimal]:
        return frozenset(amount for amount in self._of_words.values() if amount > 0)

    @cached_property
    def _of_words(self) -> dict[int, Decimal]:
        found = ((index, self._amount(word.text)) for index, word in enumerate(self._words))
        return {index: amount for index, amount in found if amount is not None}

    def _amount(self, text: str) -> Decimal | None:
        found = self._read(text)
        return Decimal(found.value) if found and "." in found.value else None
