"""Countries and languages of the drawn pages, read from the tables beside this file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_HERE = Path(__file__).parent

Wordings = Mapping[str, Mapping[str, str]]
"""Section and key to alternatives that ``|`` separates."""


@dataclass(frozen=True, slots=True)
class Region:
    """How one country prints; ``regions.toml`` says what the fields hold.

    ``parts``: names under which a tax is split in halves. ``iban``: country code and the pattern of what follows the
    check digits; empty where there are none. ``clock``: hours of the clock.
    """

    code: str
    language: str
    faker: str
    cldr: str
    currency: str
    money: str
    numbers: str
    dates: str
    tax: str
    rates: str
    exclusive: float
    forms: str
    address: str
    tax_id: str
    phones: str
    account: str
    routing: str
    iban: str = ""
    parts: str = ""
    clock: int = 24


@lru_cache(maxsize=1)
def regions() -> Mapping[str, Region]:
    """All countries by their code, in the order of the table."""
    table = tomllib.loads((_HERE / "regions.toml").read_text(encoding="utf-8"))
    return {code: Region(code, **row) for code, row in table.items()}


@lru_cache(maxsize=32)
def wordings(language: str, table: str = "languages") -> Wordings:
    """What documents say in ``language``; what it lacks is said in English."""
    english: Wordings = tomllib.loads((_HERE / table / "en.toml").read_text(encoding="utf-8"))
    path = _HERE / table / f"{language}.toml"
    if language == "en" or not path.is_file():
        return english
    own: Wordings = tomllib.loads(path.read_text(encoding="utf-8"))
    return {section: {**rows, **own.get(section, {})} for section, rows in english.items()}


def regions_of(locale: str | None) -> tuple[str, ...]:
    """The countries that ``locale`` means: a country (``ch``, also ``de-CH``), or all where it is None.

    Raises ValueError for an unknown one.
    """
    table = regions()
    if locale is None:
        return tuple(table)
    name = locale.lower().replace("_", "-").split("-")[-1]
    if name in table:
        return (name,)
    raise ValueError(f"There is no locale {locale!r}; choose one of {', '.join(table)}.")
