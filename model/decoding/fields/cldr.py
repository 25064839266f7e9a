"""Names of months, weekdays and countries in 28 languages, from CLDR; ``training.data.cldr`` writes the file."""

import json
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

# Letters that are no letter with a mark to Unicode, and are read as their plain neighbours.
_PLAIN = str.maketrans({"ł": "l", "\u0131": "i", "ø": "o", "đ": "d", "ß": "ss", "æ": "ae"})


def plain(name: str) -> str:
    """A name in lower case without marks on its letters, as OCR often leaves them out."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_PLAIN)


@cache
def _tables() -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    tables: Mapping[str, Mapping[str, Mapping[str, int]]] = json.loads(
        Path(__file__).with_name("cldr.json").read_text(encoding="utf-8")
    )
    return tables


@cache
def months() -> Mapping[str, Mapping[str, int]]:
    """The number of the month, 1 to 12, that a plain name means in each language (ISO 639) that has it."""
    return _by_name("months", _MORE_MONTHS)


@cache
def weekdays() -> Mapping[str, Mapping[str, int]]:
    """The number of the weekday, Monday 0, that a plain name means in each language that has it."""
    return _by_name("weekdays", _MORE_WEEKDAYS)


@cache
def countries() -> Mapping[str, str]:
    """ISO 3166 codes of countries by their plain names."""
    names: Mapping[str, str] = json.loads(Path(__file__).with_name("cldr.json").read_text(encoding="utf-8"))[
        "countries"
    ]
    return names


# What people also write, and CLDR does not.
_MORE_MONTHS = {
    "en": {"sept": 9},
    "de": {"jan": 1, "feb": 2, "maerz": 3, "mrz": 3, "janner": 1, "jaenner": 1, "okt": 10, "dez": 12},
    "fr": {"jan": 1, "fev": 2, "avr": 4, "juil": 7, "juill": 7, "aou": 8, "dec": 12},
    "es": {"sep": 9, "setiembre": 9},
    "hu": {"szep": 9, "aug": 8},
}
_MORE_WEEKDAYS = {"en": {"tues": 1, "thur": 3, "thurs": 3}}


def _by_name(table: str, more: Mapping[str, Mapping[str, int]]) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for language, names in _tables()[table].items():
        for name, number in {**names, **more.get(language, {})}.items():
            found.setdefault(name, {})[language] = number
    return found
