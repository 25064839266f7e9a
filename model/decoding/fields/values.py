"""Dates and amounts as people print them, made comparable: ISO dates, decimal numbers, ISO currencies.

03/04/2021 is the third of April or the fourth of March, 1.234 a thousand or one and a bit: the value alone does not
say, its document often does. ``conventions`` reads them off the document's words (25/12/2021 settles the order of
day and month, 12,50 the decimal sign); where nothing tells, days come first and three digits after a single
separator are thousands.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Conventions:
    """A document's way of writing values; None where it does not tell. ``currency`` is an ISO 4217 code."""

    day_first: bool = True
    decimal: Literal[".", ","] | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A value found in a text: normalised, as it stands there, and an amount's currency where one is given."""

    value: str
    text: str
    currency: str | None = None


DEFAULT = Conventions()

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier janv enero ene gennaio gen janeiro januari",
            "feb february februar fevrier fevr fev febrero febbraio fevereiro februari",
            "mar march marz maerz mrz mars marzo marco maart mrt",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag maio mei",
            "jun june juni juin junio giugno giu junho",
            "jul july juli juillet juil julio luglio lug julho",
            "aug august aout agosto ago augustus",
            "sep sept september septembre septiembre settembre set setembro",
            "oct october oktober okt octobre octubre ottobre ott outubro out",
            "nov november novembre noviembre novembro",
            "dec december dezember dez decembre diciembre dic dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR = r"(\d{4}|'?\d{2})(?!\d|[-/.,]\d)"
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s?[-/.年]\s?(\d{1,2})\s?[-/.月]\s?(\d{1,2})(?!\d)日?")
_NUMERIC = re.compile(rf"(?<![\d.,/-])(\d{{1,2}})\s?([-/.])\s?(\d{{1,2}})\s?\2\s?{_YEAR}")
_DAY_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|º)?[\s./,-]*(?:(?:of|de|di)\s+)?([^\W\d_]{{3,}})[\s./,-]*(?:(?:de|del)\s+)?{_YEAR}",
    re.IGNORECASE,
)
_NAME_DAY = re.compile(rf"([^\W\d_]{{3,}})[\s./-]*(\d{{1,2}})(?:st|nd|rd|th)?(?!\d)[\s,./-]+{_YEAR}", re.IGNORECASE)
_COMPACT = re.compile(r"(?<!\d)(\d{8})(?!\d)")

_SYMBOLS = {
    "us$": "USD", "hk$": "HKD", "nt$": "TWD", "nz$": "NZD", "s$": "SGD", "a$": "AUD", "c$": "CAD", "r$": "BRL",
    "rm": "MYR", "rp": "IDR", "rs": "INR", "zł": "PLN", "kč": "CZK", "$": "USD", "€": "EUR", "£": "GBP",
    "¥": "JPY", "￥": "CNY", "₹": "INR", "₩": "KRW", "฿": "THB", "₫": "VND", "₺": "TRY", "₽": "RUB", "₱": "PHP",
}  # fmt: skip
_CODES = (
    "aed|ars|aud|brl|cad|chf|clp|cny|cop|czk|dkk|egp|eur|gbp|hkd|huf|idr|ils|inr|jpy|krw|mxn|myr|ngn|nok|nzd|pen|"
    "php|pln|ron|rub|sar|sek|sgd|thb|try|twd|uah|usd|vnd|zar"
)
_SIGNS = "|".join(re.escape(s) for s in sorted(_SYMBOLS, key=len, reverse=True) if not s.isalpha())
_LETTERS = "|".join([*filter(str.isalpha, _SYMBOLS), _CODES])
_MARKER = rf"{_SIGNS}|(?<![^\W\d_])(?:{_LETTERS})(?![^\W\d_])"
_CURRENCY = re.compile(_MARKER, re.IGNORECASE)
# Digits, then groups: after a sign of any kind, or after a space where three digits follow ("1 234") or where OCR put
# one around the sign before the cents ("9. 00").
_NUMBER = (
    r"(?:\d+(?:(?:[.,'\u2019]|\s?[.,]\s?(?=\d{2}(?!\d))|[ \u00a0\u202f](?=\d{3}(?!\d)))\d+)*|(?<![\w.,])\.\d{2}(?!\d))"
)
_MINUS = "[-\u2013\u2212]"
_AMOUNT = re.compile(
    rf"(?P<sign>(?<!\w)(?:{_MINUS}(?!\s)|\())?\s?(?:(?P<before>{_MARKER})(?:(?<=[^\W\d_])\.)?)?\s?(?P<sign2>{_MINUS})?(?<![\d/])(?<!\d[:.,-])(?P<number>{_NUMBER})"
    rf"(?!\d|\s?[%/]|:\d|-\d)(?:\s?(?P<after>{_MARKER}))?(?P<trailing>\s?-(?!\w))?",
    re.IGNORECASE,
)


def find_date(text: str, conventions: Conventions = DEFAULT) -> Value | None:
    """Find the first date in a text, as ``YYYY-MM-DD``; None if there is none with day, month and year."""
    for match in _YEAR_FIRST.finditer(text):
        year, month, day = match.groups()
        if found := _date(match, year, month, day):
            return found
    for match in _NUMERIC.finditer(text):
        first, separator, second, year = match.groups()
        # Nobody writes the month first with dots, and a number above twelve is no month.
        day_first = conventions.day_first or separator == "."
        if int(first) > 12 or int(second) > 12:
            day_first = int(first) > 12
        day, month = (first, second) if day_first else (second, first)
        if found := _date(match, year, month, day):
            return found
    for pattern, order in ((_DAY_NAME, (0, 1)), (_NAME_DAY, (1, 0))):
        for match in pattern.finditer(text):
            groups = match.groups()
            number = _MONTHS.get(_plain(groups[order[1]]))
            if number and (found := _date(match, groups[2], str(number), groups[order[0]])):
                return found
    for match in _COMPACT.finditer(text):
        digits = match[1]
        for year, month, day in ((digits[:4], digits[4:6], digits[6:]), (digits[4:], digits[2:4], digits[:2])):
            if found := _date(match, year, month, day):
                return found
    return None


def find_amount(text: str, conventions: Conventions = DEFAULT) -> Value | None:
    """Find an amount in a text, as a decimal number ("-1234.50"), with its currency if one stands beside it.

    Of several numbers one with a currency is taken before one with decimals before any other, then the first.
    Percentages, times, dates and numbers that are part of a code are no amounts.
    """
    best: tuple[int, Value] | None = None
    for match in _AMOUNT.finditer(text):
        number = _decimal(match["number"], conventions)
        marker = match["before"] or match["after"]
        if marker is None and number == number.to_integral_value() and _is_part_of_code(text, match):
            continue
        negative = match["sign"] or match["sign2"] or match["trailing"]
        if match["sign"] == "(" and not text[match.end() :].lstrip().startswith(")"):
            negative = match["sign2"] or match["trailing"]
        rank = 2 if marker else 1 if number.as_tuple().exponent != 0 else 0
        if best is None or rank > best[0]:
            raw = match[0].strip().lstrip("(").strip()
            best = rank, Value(format(-number if negative else number, "f"), raw, _code(marker))
    return best[1] if best else None


def conventions(texts: Iterable[str]) -> Conventions:
    """Read off a document's words (or lines) how it writes dates and amounts."""
    days, decimals, currencies = Counter[bool](), Counter[Literal[".", ","]](), Counter[str]()
    for text in texts:
        for match in _NUMERIC.finditer(text):
            first, second = int(match[1]), int(match[3])
            if match[2] != "." and (first > 12) != (second > 12):
                days[first > 12] += 1
        if not _NUMERIC.search(text):
            for number in re.findall(r"(?<![\d.,])\d[\d.,]*(?![\d.,%])", text):
                if sign := _certain_decimal(number):
                    decimals[sign] += 1
        currencies.update(filter(None, (_code(match[0]) for match in _CURRENCY.finditer(text))))
    currency = next(iter(currencies)) if len(currencies) == 1 else None
    day_first = days.most_common(1)[0][0] if days else True
    return Conventions(day_first, decimals.most_common(1)[0][0] if decimals else None, currency)


def _date(match: re.Match[str], year: str, month: str, day: str) -> Value | None:
    number = int(year.lstrip("'"))
    if number < 100:
        number += 2000 if number < 70 else 1900
    if not 1900 <= number <= 2100:
        return None
    try:
        return Value(date(number, int(month), int(day)).isoformat(), match[0].strip())
    except ValueError:
        return None


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _certain_decimal(number: str) -> Literal[".", ","] | None:
    """The sign that a number surely uses before its decimals, if it tells."""
    number = number.rstrip(".,")
    last = max(number.rfind("."), number.rfind(","))
    if last < 0 or number.count(number[last]) > 1:
        return None
    both = "." in number and "," in number
    return ("," if number[last] == "," else ".") if both or len(number) - last - 1 == 2 else None


def _decimal(number: str, conventions: Conventions) -> Decimal:
    number = re.sub(r"['\u2019\s]", "", number)
    last = max(number.rfind("."), number.rfind(","))
    whole, fraction = (number, "") if last < 0 else (number[:last], number[last + 1 :])
    if last >= 0:
        sign = number[last]
        repeated = number.count(sign) > 1
        thousands = len(fraction) == 3 and whole.lstrip("0") and sign not in whole and conventions.decimal != sign
        if repeated or (thousands and not re.search("[.,]", whole)):
            whole, fraction = number, ""
    whole = re.sub("[.,]", "", whole)
    return Decimal(f"{whole}.{fraction}" if fraction else whole)


def _is_part_of_code(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start("number")], text[match.end("number") :]
    return bool(re.search(r"[^\W\d_#]$|#\s?$", before) or re.match(r"[^\W\d_]", after))


def _code(marker: str | None) -> str | None:
    return None if marker is None else _SYMBOLS.get(marker.lower(), marker.upper())
