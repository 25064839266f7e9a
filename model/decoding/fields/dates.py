"""Dates as people print them, in figures and with the month's name in 28 languages."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from layoutserve.model.decoding.fields import cldr
from layoutserve.model.decoding.fields.conventions import DEFAULT, Conventions
from layoutserve.model.decoding.fields.values import Value

# A time may follow without a space, or behind any sign: 14/03/2024,10:22.
_TIME = r"[-,.T/]?\s?\d{1,2}[:h]\d{2}"
_END = rf"(?=(?:{_TIME})|(?!\d|[-/.,]\d))"
_YEAR = rf"(\d{{4}}|['\u2019]?\d{{1,2}}){_END}"
_YEAR_FIRST = re.compile(
    r"(?<!\d)(\d{4})(?:\s?[-/.]\s?|\s?[年년]\s?)(\d{1,2})(?:\s?[-/.]\s?|\s?[月월]\s?)(\d{1,2})(?:(?!\d)|(?=\d\d:\d\d))\s?[日일]?"
)
_NUMERIC = re.compile(
    rf"(?<![\d.,/])(?<!\d-)(\d{{1,2}})\s?([-/.])\s?(\d{{1,2}})(?:\s?\2\s?{_YEAR}|\s?[-/. ]\s?((?:19|20)\d{{2}}){_END})"
)
_NAME = r"([^\W\d_]{3,}(?:\.(?=\W))?)"
_DAY_NAME = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:st|nd|rd|th|er|re|º|°|o)?[\s./,-]*(?:(?:of|de|di)\s+|d')?{_NAME}[\s./,-]*(?:(?:de|del)\s+)?{_YEAR}",
    re.IGNORECASE,
)
_NAME_DAY = re.compile(
    rf"{_NAME}[\s./-]*(\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:[\s,./-]+|(?=['\u2019])){_YEAR}", re.IGNORECASE
)
_YEAR_NAME = re.compile(
    rf"(?<!\d)(\d{{4}})[\s./-]*(?:m\.\s?|gada?\s)?(?:(\d{{1,2}})\.?\s)?{_NAME}(?:[\s./-]*(\d{{1,2}}))?(?!\d)", re.I
)
_VIETNAMESE = re.compile(r"(?<!\d)(\d{1,2})\s(?:tháng|thg)\s?(\d{1,2})(?:,|\snăm)?\s(\d{4})(?!\d)", re.IGNORECASE)
_COMPACT = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_FIGURES = re.compile(r"\d\D*\d\D*\d")
_WEEKDAY = re.compile(r"[^\W\d_]{2,}")
# Letters in which a weekday stands beside its date.
_NEAR = 20
# The other readings of a date against the one of the weekday beside it, and such as are worth telling.
_NOT_ON_WEEKDAY = 0.02
_WORTH_TELLING = 0.05
# Hardly anybody writes the month first with dots.
_WITH_DOTS = {"dmy": 1.0, "mdy": 0.01, "ymd": 1.0}


def find_date(text: str, conventions: Conventions = DEFAULT, within: tuple[int, int] | None = None) -> Value | None:
    """Find the first date in a text, as ``YYYY-MM-DD``; None if there is none with day, month and year.

    Figures may mean several days: ``share`` and ``others`` have the probabilities. within: part of the text that the
    date has to touch.
    """
    # A date has figures of its day and of its year.
    if _FIGURES.search(text) is None:
        return None
    found = (value for value in _dates(text, conventions) if within is None or value.touches(*within))
    return next(found, None)


def _dates(text: str, conventions: Conventions) -> Iterator[Value]:
    for match in _YEAR_FIRST.finditer(text):
        year, month, day = match.groups()
        if found := _date(year, month, day):
            yield _value(match, found)
    for match in _NUMERIC.finditer(text):
        readings = _readings(match, text, conventions)
        if readings:
            (best, share), *others = sorted(readings.items(), key=lambda pair: -pair[1])
            told = tuple(other for other in others if other[1] >= _WORTH_TELLING)
            yield _value(match, best, share if told else 1.0, told)
    for pattern, (day, month, year) in ((_DAY_NAME, (1, 2, 3)), (_NAME_DAY, (2, 1, 3))):
        for match in pattern.finditer(text):
            number = _month(match[month], conventions)
            if number and (found := _date(match[year], number, match[day])):
                yield _value(match, found)
    for match in _YEAR_NAME.finditer(text):
        number, day_ = _month(match[3], conventions), match[2] or match[4]
        if number and day_ and (found := _date(match[1], number, day_)):
            yield _value(match, found)
    for match in _VIETNAMESE.finditer(text):
        if found := _date(match[3], match[2], match[1]):
            yield _value(match, found)
    for match in _COMPACT.finditer(text):
        digits = match[1]
        for year, month, day in ((digits[:4], digits[4:6], digits[6:]), (digits[4:], digits[2:4], digits[:2])):
            if found := _date(year, month, day):
                yield _value(match, found)
                break


def _readings(match: re.Match[str], text: str, conventions: Conventions) -> Mapping[str, float]:
    """The days that figures may mean, with probabilities that add up to 1."""
    first, separator, second, third, fourth = match.groups()
    third = third or fourth
    found: dict[str, float] = {}
    for order, weight in conventions.orders.items():
        year, month, day = {
            "dmy": (third, second, first),
            "mdy": (third, first, second),
            "ymd": (first, second, third),
        }[order]
        if len(year.lstrip("'\u2019")) == 1 or (order == "ymd" and len(third) == 4):
            continue
        if separator == ".":
            weight *= _WITH_DOTS[order]
        if day_ := _date(year, month, day):
            found[day_] = found.get(day_, 0.0) + weight
    weekday = _weekday(text, match) if len(found) > 1 else None
    if weekday is not None:
        for day_ in found:
            if date.fromisoformat(day_).weekday() != weekday:
                found[day_] *= _NOT_ON_WEEKDAY
    whole = sum(found.values())
    return {day_: weight / whole for day_, weight in found.items()}


def _weekday(text: str, match: re.Match[str]) -> int | None:
    """The weekday that stands right before or behind a date, Monday 0."""
    before = _WEEKDAY.findall(text, max(0, match.start() - _NEAR), match.start())[-1:]
    after = _WEEKDAY.findall(text, match.end(), match.end() + _NEAR)[:2]
    for word in (*before, *after):
        days = {*cldr.weekdays().get(cldr.plain(word), {}).values()}
        if len(days) == 1 and len(word) > 2:
            return days.pop()
    return None


def _month(name: str, conventions: Conventions) -> str | None:
    """The number of the month that a name means, in the document's language where languages differ."""
    meant = cldr.months().get(cldr.plain(name).rstrip("."))
    if meant is None:
        return None
    return str(meant.get(conventions.language or "", next(iter(meant.values()))))


def _value(match: re.Match[str], day: str, share: float = 1.0, others: tuple[tuple[str, float], ...] = ()) -> Value:
    raw = match[0]
    start = match.start() + len(raw) - len(raw.lstrip())
    span = start, start + len(raw.strip())
    return Value(day, raw.strip(), None, span, span, share, others)


def _date(year: str, month: str, day: str) -> str | None:
    number = int(year.lstrip("'\u2019"))
    if number < 100:
        number += 2000 if number < 70 else 1900
    if not 1900 <= number <= 2100:
        return None
    try:
        return date(number, int(month), int(day)).isoformat()
    except ValueError:
        return None
