"""Decoding rules: what people know about documents and a small model forgets.

A manifest names the rules that are on for its model (``Head.rules``), a caller can switch them off. A rule decides
between entities or tidies what they say; it never changes a score.

single-valued         of a label that a document has once, only the best entity is kept
values-parse          a date or an amount that cannot be read as one is no candidate for its field
total-near-keyword    a total stands right of or below a word such as "Total", if any of its candidates does
company-in-first-lines  a company stands in the first lines of its page, if any of its candidates does
trim-values           a field's text is cut to its value: "DATE:25/12/2018" to "25/12/2018"
guess-missing         a single field without any entity takes its best guess, if that is not too improbable
"""

import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from model.errors import RequestError
from model.page import Word

SINGLE_VALUED = "single-valued"
VALUES_PARSE = "values-parse"
TOTAL_NEAR_KEYWORD = "total-near-keyword"
COMPANY_IN_FIRST_LINES = "company-in-first-lines"
TRIM_VALUES = "trim-values"
GUESS_MISSING = "guess-missing"
RULES = (SINGLE_VALUED, VALUES_PARSE, TOTAL_NEAR_KEYWORD, COMPANY_IN_FIRST_LINES, TRIM_VALUES, GUESS_MISSING)

TOTAL_LABELS = frozenset({"total", "grand_total", "total_amount"})
COMPANY_LABELS = frozenset({"company", "seller", "vendor", "store"})
FIRST_LINES = 8
# A guess below this probability says nothing.
LEAST_GUESS = 0.1

_KEYWORD = re.compile(
    r"^(grand)?(total|totale|totaal|gesamt|gesamtbetrag|gesamtsumme|summe|montant|importe|jumlah|amount|amt|due|payable|nett?)"
    r"([\W\d].*)?$"
)
_NOT_BEFORE = re.compile(r"^(sub|tax|gst|vat|item|items|qty|disc|discount|zwischen|sous)\W*$")
_NOT_AFTER = re.compile(
    r"^\W*(qty|quantity|item|items|tax|gst|vat|disc|discount|saving|savings|excl|excluding|hours|no)\W*"
)


def check_rules(names: Collection[str]) -> frozenset[str]:
    """Give the rules as a set; raises RequestError for a name that is no rule."""
    unknown = sorted(set(names) - set(RULES))
    if unknown:
        raise RequestError(f"There is no decoding rule {unknown[0]!r}: choose among {', '.join(RULES)}.")
    return frozenset(names)


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
    """Whether a box stands right of a keyword in its line or right below it.

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


def line_numbers(bbox: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the text lines from the top, int64 (words,), for word boxes (words, 4) of the upright page."""
    numbers = np.zeros(len(bbox), dtype=np.int64)
    line, bottom = -1, -np.inf
    middles = (bbox[:, 1] + bbox[:, 3]) / 2
    for index in np.argsort(middles, kind="stable"):
        if middles[index] >= bottom:
            line, bottom = line + 1, float(bbox[index, 3])
        numbers[index] = line
    return numbers
