"""Numbers and dates in the words of a page, for the typed fields of a user's model.

The fields of kie come normalised by the server, which sees the whole document; answers to questions are text, and are
read here. A text that both read, both read alike. What only its document can tell (is 03/04/2019 in March or in April?)
is not guessed.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal

_DIGITS = r"\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?!\d)(?:[.,]\d+)?|\d[\d.,]*|(?<![\w.,])\.\d{2}(?!\d)"
_NUMBER = re.compile(_DIGITS)
_SIGNED = re.compile(
    r"(?P<before>(?:(?<=\s)|^)(?:[-\u2212](?!\s)|\())?\s*(?:(?:[^\W\d_]{1,3}\.?)?[^\w\s.,;:/()-]?)?\s*"
    rf"(?P<after>(?:(?<=[^\w.,])|^)[-\u2212])?(?P<digits>{_DIGITS})"
)
_TRAILING_MINUS = re.compile(r"\s?-(?!\w)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_YEAR_FIRST = re.compile(r"\b(\d{4})[/.](\d{1,2})[/.](\d{1,2})\b")
_NUMERIC = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})\b")
_DAY_MONTH = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?[\s\-./]*(?:of\s+)?([a-z]{3,9})\.?[\s\-./,]*(\d{4}|\d{2})\b", re.I)
_MONTH_DAY = re.compile(r"\b([a-z]{3,9})\.?\s*(\d{1,2})(?:st|nd|rd|th)?[\s,]+(\d{4})\b", re.I)


def number_in(text: str) -> Decimal | None:
    """Read the only number of a text, such as ``RM 1,234.50``; None where there is none, or more than one.

    A single point or comma is the decimal mark, unless exactly three digits follow: those are thousands.
    """
    if len(_NUMBER.findall(text)) != 1 or (match := _SIGNED.search(text)) is None:
        return None
    # "7.-" is a price without cents, not a negative one.
    digits = match["digits"].rstrip(".,")
    rest = text[match.start("digits") + len(digits) :]
    bracketed = match["before"] == "(" and rest.lstrip().startswith(")")
    marked = match["after"] or (match["before"] or "(") != "(" or _TRAILING_MINUS.match(rest)
    number = Decimal(_with_point(re.sub(r"[^\d.,]", "", digits)))
    return -number if bracketed or marked else number


def _with_point(digits: str) -> str:
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    mark, other = digits[last], "," if digits[last] == "." else "."
    thousands = len(digits) - last == 4 and other not in digits and digits[:last].lstrip("0")
    # "1.234.56" has a decimal mark that was misread.
    cents = re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+[.,]\d{2}", digits)
    if (digits.count(mark) > 1 and not cents) or thousands:
        return digits.replace(".", "").replace(",", "")
    return digits[:last].replace(mark, "").replace(other, "") + "." + digits[last + 1 :]


def date_in(text: str) -> datetime.date | None:
    """Read the date in a text; None where there is none, or it can be read in two ways."""
    for pattern in (_ISO, _YEAR_FIRST):
        if match := pattern.search(text):
            year, month, day = map(int, match.groups())
            return _date(year, month, day)
    if (match := _DAY_MONTH.search(text)) and (month := _month(match[2])):
        return _date(_year(match[3]), month, int(match[1]))
    if (match := _MONTH_DAY.search(text)) and (month := _month(match[1])):
        return _date(int(match[3]), month, int(match[2]))
    if match := _NUMERIC.search(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3])
        readings = {_date(year, second, first), _date(year, first, second)} - {None}
        return readings.pop() if len(readings) == 1 else None
    return None


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1 if name[:3].lower() in _MONTHS else 0


def _year(digits: str) -> int:
    return int(digits) if len(digits) == 4 else 2000 + int(digits) - (100 if int(digits) > 69 else 0)


def _date(year: int, month: int, day: int) -> datetime.date | None:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        return None
