"""Amounts of money as people print them, in the notations of the largest economies."""

import re
from collections.abc import Iterator
from decimal import Decimal

from layoutserve.model.decoding.fields import currencies
from layoutserve.model.decoding.fields.conventions import DEFAULT, Conventions
from layoutserve.model.decoding.fields.values import Value

_SPACE = "[ \u00a0\u2009\u202f]"
# A number is taken whole or not at all, which the atomic group sees to: digits in groups of three behind spaces; digits
# and signs in any order, where OCR may have put a space around the sign before the cents ("9. 00"); cents alone.
_NUMBER = (
    rf"(?>(?<![\d.,])\d{{1,3}}(?:{_SPACE}\d{{3}})++(?![\d])(?:\s?[.,\u066b]\s?\d{{1,2}}(?!\d))?+"
    rf"|\d++(?:(?:[.,'\u2019\u066b\u066c]|\s[.,]\s?(?=\d{{2}}(?!\d))|[.,]\s(?=\d{{2}}(?!\d)))\d++)*+"
    r"(?:[€£](?=\d{2}(?!\d|[.,]\d))\d{2})?+|(?<![\w.,])\.\d{2}(?!\d))"
)
_MINUS = "[-\u2013\u2212]"
_MARKS = rf"(?:(?:{currencies.MARKER})(?:(?<=[^\W\d_])\.|:)?\s{{0,2}})"
_AMOUNT = re.compile(
    rf"(?P<sign>(?<!\w)(?:{_MINUS}(?![ \u00a0\u202f])|\())?\s?(?P<before>{_MARKS}{{0,2}})(?P<sign2>{_MINUS})?"
    rf"(?<![\d/])(?<!\d[:.,-])(?P<number>{_NUMBER})(?P<round>\s?/\s?[-=]|[.,:]\s?[-\u2013\u2014]{{1,2}})?+"
    rf"(?!\d|/\d|:\d|-\d)(?P<after>(?:\s{{0,2}}(?:{currencies.MARKER})){{0,2}})(?P<trailing>\s?-(?!\s?\w))?",
    re.IGNORECASE,
)
_PER_CENT = re.compile(
    r"\s?(?:[%\u066a\u2030]|v\.?\s?H\.|pct\b|per\s?cent|prozent|procent|por\s?cento|por\s?ciento|pour\s?cent)", re.I
)
_SIGN_BEFORE = re.compile(r"(?:^|[^\d\s])\s?%$|\s%$")
_RATE_BEFORE = re.compile(r"\d\s%$")
_CODE_BEFORE = re.compile(r"[^\W\d_#][-_]?$|#\s?$")
_LETTER = re.compile(r"[^\W\d_]")
_CLOSED = re.compile(r"\s*\)")
_NEXT = re.compile(r"\s?\d")
_FIGURE = re.compile(r"\d")
# Marks of writing direction, which stand around amounts in Arabic and Hebrew.
_DIRECTION = re.compile("[\u200e\u200f\u061c\u2066-\u2069]")


def find_amount(text: str, conventions: Conventions = DEFAULT, within: tuple[int, int] | None = None) -> Value | None:
    """Find an amount in a text, as a decimal number ("-1234.50"), with its currency if one stands beside it.

    Of several numbers one with a currency is taken before one with decimals or thousands before any other, then the
    first. Percentages, times, dates and numbers that are part of a code are no amounts. within: part of the text that
    the amount has to touch.
    """
    best: tuple[int, Value] | None = None
    if _FIGURE.search(text) is None:
        return None
    for rank, value in _amounts(text, conventions):
        if (within is None or value.touches(*within)) and (best is None or rank > best[0]):
            best = rank, value
    return best[1] if best else None


def _amounts(text: str, conventions: Conventions) -> Iterator[tuple[int, Value]]:
    text = _DIRECTION.sub("\t", text)
    for match in _AMOUNT.finditer(text):
        number = _decimal(match["number"], conventions)
        if number is None or _PER_CENT.match(text, match.end("number")) or _behind_per_cent(text, match):
            continue
        before, after = _marks(match["before"], conventions), _marks(match["after"], conventions)
        # A mark between two numbers is the second one's where the first has its own.
        if before and after and _NEXT.match(text, match.end("after")):
            after = []
        marks = before + after + currencies.markers(match["number"])
        plain = match["number"].isdecimal()
        if plain and not marks and not match["round"] and _is_part_of_code(text, match):
            continue
        negative = match["sign"] or match["sign2"] or match["trailing"]
        if match["sign"] == "(" and not _CLOSED.match(text, match.end()):
            negative = match["sign2"] or match["trailing"]
        core = match.start("number"), match.end("round" if match["round"] else "number")
        signed = match["sign"] not in (None, "(")
        start = match.start("before") if before else match.start("sign2") if match["sign2"] else core[0]
        start = match.start("sign") if signed else start
        end = match.end("trailing") if match["trailing"] else match.end("after") if after else core[1]
        currency = currencies.currency(marks, conventions.country, conventions.words, conventions.dollar)
        number_ = format(-number if negative else number, "f")
        yield 2 if marks else 0 if plain else 1, Value(number_, text[start:end], currency, (start, end), core)


def _marks(text: str, conventions: Conventions) -> list[str]:
    """The signs and codes in a text, without words that are no money here."""
    found = currencies.markers(text)
    return [mark for mark in found if mark.upper() not in currencies.WORDS or mark in conventions.words]


def _decimal(number: str, conventions: Conventions) -> Decimal | None:
    """The number that digits and signs mean; None where they are no number, such as a date's or an address's."""
    number = re.sub(r"[\s€£]", lambda sign: "." if sign[0] in "€£" else "", number)
    groups = re.split(r"['\u2019\u066c]", number)
    if len(groups) > 1 and not all(len(re.split("[.,]", group)[0]) == 3 for group in groups[1:]):
        return None
    number = "".join(groups).replace("\u066b", "." if "," in number else ",")
    parts = re.split("[.,]", number)
    signs = [sign for sign in number if sign in ".,"]
    if not signs:
        return Decimal(number)
    whole, last = parts[:-1], parts[-1]
    if len(signs) == 1:
        thousands = (
            len(last) == 3
            and 0 < len(whole[0]) <= 3
            and bool(whole[0].lstrip("0"))
            and conventions.decimal != signs[0]
            and len(groups) == 1
        )
        return Decimal(number.replace(signs[0], "")) if thousands else Decimal(f"{whole[0]}.{last}")
    if len(set(signs[:-1])) > 1 or not 1 <= len(parts[0]) <= 3 or any(len(part) not in (2, 3) for part in whole[1:]):
        return None
    if any(len(part) == 2 for part in whole[1:]) and len(whole[-1]) != 3 and len(last) != 3:
        return None
    if signs[-1] != signs[0]:
        return Decimal(f"{''.join(whole)}.{last}")
    # One sign throughout: thousands, unless OCR made the decimal sign one of them ("1.234.56").
    if len(last) == 3:
        return Decimal("".join(parts))
    if len(last) == 2 and all(len(part) == 3 for part in whole[1:]):
        return Decimal(f"{''.join(whole)}.{last}")
    return None


def _behind_per_cent(text: str, match: re.Match[str]) -> bool:
    """Say if the sign of a percentage stands before the number, as in Turkish ("%18")."""
    before = _before(text, match)
    return _SIGN_BEFORE.search(before) is not None and _RATE_BEFORE.search(before) is None


def _is_part_of_code(text: str, match: re.Match[str]) -> bool:
    return bool(_CODE_BEFORE.search(_before(text, match)) or _LETTER.match(text, match.end("number")))


def _before(text: str, match: re.Match[str]) -> str:
    """The few letters before a number."""
    return text[max(0, match.start("number") - 4) : match.start("number")]
