"""A document's way of writing: the order of its dates, its decimal sign, its money, its country.

03/04/2021 is the third of April or the fourth of March, 1.234 a thousand or one and a bit, $ one of a dozen dollars:
the value alone does not say. The document often does, by its other values and by where it comes from (``country``);
the request may. What nothing decides stays open, with a probability for each reading.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from layoutserve.model.decoding.fields import country as countries
from layoutserve.model.decoding.fields import currencies
from layoutserve.model.errors import RequestError

DateOrder = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[DateOrder, ...] = ("dmy", "mdy", "ymd")
# Dates of whose origin nothing is known.
UNKNOWN: Mapping[str, float] = MappingProxyType({"dmy": 0.5, "mdy": 0.48, "ymd": 0.02})
# An order that was asked for, or is written by another date of the page, against those that were not.
_CERTAIN = 1000.0
_SETTLED = 300.0

_NUMERIC = re.compile(r"(?<![\d.,/-])(\d{1,2})\s?[-/]\s?(\d{1,2})\s?[-/]\s?(?:\d{4}|\d{2})(?!\d|[-/]\d)")
_NUMBER = re.compile(r"(?<![\d.,/:-])\d[\d.,]*\d(?![\d/:]|\s?%|-\d)")
_MONEY = re.compile(
    rf"(?P<before>{currencies.MARKER})[.:]?\s?-?\d|\d(?:/-|[.,]-+)?\s?(?P<after>{currencies.MARKER})", re.I
)
_FIGURE = re.compile(r"\d")
_DECIMALS = re.compile(r"\d[.,]\d{2}(?!\d)")
_SUM = re.compile(
    r"\b(?:total|amount|sum|sum[ae]|summe|betrag|gesamt\w*|montant|importe|totale|totaal|razem|balance|due|zahlen)\b",
    re.I,
)
_LOCALE = re.compile(r"(?P<language>[a-z]{2,3})(?:[-_][A-Za-z]{4})?(?:[-_](?P<country>[A-Za-z]{2}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Conventions:
    """A document's way of writing values; None where it does not tell.

    orders: probability of each order of day, month and year in a date of figures. decimal: the sign before decimals.
    currency: the only one of the document, an ISO 4217 code. dollar: the one that "$" is. country: ISO 3166.
    language: ISO 639, of names of months that mean different ones. words: the codes that are words too and are money
    here.
    """

    orders: Mapping[str, float] = field(default_factory=lambda: UNKNOWN)
    decimal: Literal[".", ","] | None = None
    currency: str | None = None
    dollar: str | None = None
    country: str | None = None
    language: str | None = None
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Preference:
    """The writer's ways, as far as the caller knows them.

    date_order: of dates in figures, None to let the document decide. locale: BCP 47, such as "en-GB", of the document.
    """

    date_order: DateOrder | None = None
    locale: str | None = None


DEFAULT = Conventions()
NO_PREFERENCE = Preference()


def check(preference: Preference) -> None:
    """Refuse a preference that says nothing: raises RequestError."""
    if preference.date_order not in (None, *ORDERS):
        raise RequestError(f"date_order must be one of {', '.join(ORDERS)}, not {preference.date_order!r}.")
    if preference.locale is not None and not _LOCALE.fullmatch(preference.locale):
        raise RequestError(f"locale must be a language and a country, such as en-GB, not {preference.locale!r}.")


def conventions(lines: Iterable[str], preference: Preference = NO_PREFERENCE) -> Conventions:
    """Read off a document's lines how it writes dates and amounts."""
    lines = list(lines)
    given = _LOCALE.fullmatch(preference.locale) if preference.locale else None
    language = given["language"].lower() if given else None
    votes = countries.votes(lines)
    decimals: Counter[Literal[".", ","]] = Counter()
    money: Counter[str] = Counter()
    used: Counter[str] = Counter()
    summed: set[str] = set()
    amounts = 0
    for line in lines:
        for mark in currencies.markers(line):
            if mark.upper() not in currencies.WORDS:
                money[mark] += 1
        if _FIGURE.search(line) is None:
            continue
        amounts += bool(_DECIMALS.search(line))
        for number in _NUMBER.findall(line):
            if sign := _certain_decimal(number):
                decimals[sign] += 1
        for match in _MONEY.finditer(line) if currencies.has_markers(line) else ():
            mark = match["before"] or match["after"]
            if mark in currencies.WORDS:
                used[mark] += 1
                if _SUM.search(line) or "$" in line:
                    summed.add(mark)
    for mark in money:
        whose = currencies.COUNTRY_OF.get(currencies.currency([mark], None) or "")
        if whose and not currencies.is_shared(mark):
            votes[whose] = votes.get(whose, 0.0) + 1.0
    origin = given["country"].upper() if given and given["country"] else countries.best(votes)
    words = {code for code, count in used.items() if code in summed or (count > 1 and 2 * count >= amounts)}
    words |= {code for code in used if currencies.COUNTRY_OF.get(code) == origin}
    codes = {currencies.currency([mark], None) for mark in money if not currencies.is_shared(mark)} | words
    named = currencies.dollars({code for code in codes if code})
    dollar = named[0] if len(named) == 1 else None
    meant = {
        code for mark in (*money, *words) if (code := currencies.currency([mark], origin, words, dollar)) is not None
    }
    return Conventions(
        orders=_orders(lines, votes, origin if given else None, language, preference.date_order),
        decimal=decimals.most_common(1)[0][0] if decimals else None,
        currency=next(iter(meant)) if len(meant) == 1 else None,
        dollar=dollar,
        country=origin,
        language=language or countries.LANGUAGE_OF.get(origin or ""),
        words=frozenset(words),
    )


def _orders(
    lines: Iterable[str],
    votes: Mapping[str, float],
    country: str | None,
    language: str | None,
    asked: DateOrder | None,
) -> Mapping[str, float]:
    """Probabilities of the orders: what was asked for, else the country's, and the dates that have only one."""
    weights: dict[str, float]
    if asked:
        weights = {order: _CERTAIN if order == asked else 1.0 for order in ORDERS}
    elif country or language:
        weights = dict(
            countries.orders({country or countries.COUNTRY_OF_LANGUAGE.get(language or "", ""): 5.0}, UNKNOWN)
        )
    else:
        weights = dict(countries.orders(votes, UNKNOWN))
    if not asked:
        for line in lines:
            for first, second in _NUMERIC.findall(line):
                if (int(first) > 12) != (int(second) > 12) and max(int(first), int(second)) <= 31:
                    order: DateOrder = "dmy" if int(first) > 12 else "mdy"
                    weights[order] *= _SETTLED
    whole = sum(weights.values())
    return MappingProxyType({order: weight / whole for order, weight in weights.items()})


def _certain_decimal(number: str) -> Literal[".", ","] | None:
    """The sign that a number surely uses before its decimals, if it tells."""
    last = max(number.rfind("."), number.rfind(","))
    if last < 0:
        return None
    sign: Literal[".", ","] = "," if number[last] == "," else "."
    if number.count(sign) > 1:
        return None
    both = "." in number and "," in number
    return sign if both or len(number) - last - 1 == 2 else None
