"""Months and countries as people write them, from CLDR (through babel), written for decoding to read.

Run ``python -m layoutserve.model.training.data.cldr`` to write ``model/decoding/fields/cldr.json`` anew. babel's own
tables would cost a serving process 40 MB and half a second; the file has the part that decoding needs.
"""

import json
from pathlib import Path

from babel import Locale

from layoutserve.model.decoding.fields import cldr

# Those asked first come first: where a word names two months, the language read first has it.
LANGUAGES = (
    "en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "sk", "hu", "ro", "tr", "hr", "sl",
    "el", "ru", "uk", "bg", "id", "ms", "et", "lv", "lt",
)  # fmt: skip
# The countries whose money and whose order of day and month decoding knows.
COUNTRIES = (
    "US", "CN", "JP", "DE", "IN", "GB", "FR", "IT", "BR", "CA", "RU", "KR", "MX", "AU", "ES", "ID", "TR", "NL", "SA",
    "CH", "PL", "TW", "BE", "AR", "SE", "IE", "AE", "SG", "AT", "IL", "TH", "NO", "PH", "VN", "BD", "MY", "DK", "CO",
    "ZA", "HK", "EG", "IR", "PK", "CL", "FI", "RO", "CZ", "PT", "NZ", "PE", "GR", "HU", "UA", "NG", "KE", "LK", "BG",
    "HR", "SI", "SK", "LT", "LV", "EE", "LU", "IS",
)  # fmt: skip


def months() -> dict[str, dict[str, int]]:
    """Numbers of months by language and name, the names as ``cldr.plain`` spells them."""
    return {
        language: {
            cldr.plain(name).rstrip("."): number
            for context in Locale.parse(language).months.values()
            for width in ("wide", "abbreviated")
            for number, name in context.get(width, {}).items()
        }
        for language in LANGUAGES
    }


def weekdays() -> dict[str, dict[str, int]]:
    """Numbers of weekdays, Monday 0, by language and name."""
    return {
        language: {
            cldr.plain(name).rstrip("."): number
            for context in Locale.parse(language).days.values()
            for width in ("wide", "abbreviated")
            for number, name in context.get(width, {}).items()
        }
        for language in LANGUAGES
    }


def countries() -> dict[str, str]:
    """ISO 3166 codes of countries by their names in all the languages."""
    found: dict[str, str] = {}
    for language in LANGUAGES:
        names = Locale.parse(language).territories
        for code in COUNTRIES:
            name = cldr.plain(names[code])
            if len(name) > 3:
                found.setdefault(name, code)
    return found


if __name__ == "__main__":
    tables = {"months": months(), "weekdays": weekdays(), "countries": countries()}
    path = Path(cldr.__file__).with_name("cldr.json")
    path.write_text(json.dumps(tables, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n", encoding="utf-8")
