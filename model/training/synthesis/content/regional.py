"""Values as one of the world's countries prints them: money, dates, companies, addresses, numbers of banks."""

import datetime
import unicodedata
from decimal import Decimal
from random import Random

from babel.dates import format_date

from layoutserve.model.training.synthesis.content.locales import LOCALES
from layoutserve.model.training.synthesis.content.regions import regions, wordings
from layoutserve.model.training.synthesis.content.values import Values, faker_of
from layoutserve.model.training.synthesis.content.vocabulary import STREET_NAMES, WESTERN_FIRST
from layoutserve.model.training.synthesis.sheet import Piece

_ITALIAN_TOWNS = (
    "Milano", "Torino", "Bologna", "Firenze", "Napoli", "Bari", "Palermo", "Verona", "Padova", "Trieste", "Parma",
    "Modena", "Perugia", "Pescara", "Cagliari", "Lecce", "Bergamo", "Lucca", "Novara", "Ravenna", "Rimini", "Siena",
    "Como", "Udine", "Matera", "Salerno", "Latina", "Forlì", "San Donà di Piave", "Castel Maggiore",
)  # fmt: skip
_SPELT = (
    str.maketrans("łøå", "loa", "") | {ord(c): f"{v}e" for c, v in zip("äöü", "aou", strict=True)} | {ord("ß"): "ss"}
)


class Regional(Values):
    """Draws one page's values. Money, numbers and dates keep one notation on a page, as real ones do."""

    def __init__(self, rng: Random, region: str) -> None:
        self.rng = rng
        self.name = region
        # Only the older layouts ask for it; ours print by ``region``.
        self.locale = LOCALES["us"]
        self.region = regions()[region]
        self.words = wordings(self.region.language)
        self.papers = wordings(self.region.language, "papers")
        self.fake = faker_of(self.region.faker)
        self.fake.seed_instance(rng.getrandbits(64))
        self.tax = self.pick(self.region.tax)
        self._money = self.pick(self.region.money)
        self._number = self.pick(self.region.numbers)
        self._date = self.pick(self.region.dates)
        self._capitals = self.chance(0.08)

    @property
    def rare(self) -> str:
        """Characters of this page that many typefaces lack."""
        return self._money.replace("{n}", "").replace(" ", "") + ("ąćęłńśźż" if self.name == "pl" else "")

    def say(self, section: str, key: str, **slots: str) -> str:
        """One wording of ``section.key``, its slots filled; ``{tax}`` and ``{code}`` are known."""
        text = self.pick(self.words[section][key])
        return text.format(tax=self.tax, code=self.region.currency, **slots) if "{" in text else text

    def all_of(self, section: str, key: str) -> list[str]:
        """All wordings of ``section.key``."""
        return self.words[section][key].split("|")

    def tell(self, section: str, key: str) -> str:
        """One wording of ``section.key`` of forms, letters, résumés and reports."""
        return self.pick(self.papers[section][key])

    def day(self) -> datetime.date:
        """A day between 2008 and 2027."""
        return datetime.date(2008, 1, 1) + datetime.timedelta(days=self.rng.randrange(7200))

    def date(self, day: datetime.date, style: str | None = None) -> str:
        """``day`` as this page prints it, or by the CLDR pattern ``style``."""
        text = format_date(day, style or self._date, self.region.cldr).replace("\u00a0", " ").replace("\u202f", " ")
        return text.upper() if self._capitals else text

    def long_date(self, day: datetime.date) -> str:
        """``day`` with the month's name."""
        named = [style for style in self.region.dates.split("|") if "MMMM" in style]
        return self.date(day, self.one(named))

    def time(self) -> str:
        """A time of day."""
        hour, minute, second = self.rng.randrange(7, 23), self.rng.randrange(60), self.rng.randrange(60)
        if self.region.clock == 12 and self.chance(0.8):
            half, twelve = "AM" if hour < 12 else "PM", (hour - 1) % 12 + 1
            return self.pick(
                f"{twelve}:{minute:02} {half}|{twelve:02}:{minute:02} {half}|{twelve}:{minute:02}:{second:02} {half}|"
                f"{twelve}:{minute:02}{half}"
            )
        return self.pick(f"{hour:02}:{minute:02}|{hour:02}:{minute:02}:{second:02}|{hour:02}:{minute:02}")

    def figure(self, amount: Decimal, places: int = 2) -> str:
        """A number in this page's notation, without a currency."""
        return figure(amount, self._number, places)

    def amount(self, amount: Decimal, field: str, symbol: str = "", *, apart: bool = False) -> list[Piece | str]:
        """``amount`` as the value of ``field``; with a ``symbol`` (any text) in this page's notation of money.

        Only what touches the number belongs to the value.
        """
        pattern = self._money if symbol else "{n}"
        sign = "-" if amount < 0 else ""
        text = self.figure(abs(amount))
        before, after = pattern.split("{n}")
        # A sign that touches the number is part of the word; a gap belongs to neither.
        head = "" if before.endswith(" ") or not before else before
        tail = "" if after.startswith(" ") or not after else after
        pieces: list[Piece | str] = [Piece(f"{sign}{head}{text}{tail}", field)]
        if before and not head:
            pieces.insert(0, before.strip())
        if after and not tail:
            pieces.append(after.strip())
        return pieces

    def rate(self, rate: Decimal) -> str:
        """A percentage without its sign: ``5.5`` or ``5,5``."""
        text = f"{rate:f}".rstrip("0").rstrip(".") if "." in f"{rate:f}" else f"{rate:f}"
        return text.replace(".", ",") if self._number.endswith(",50") else text

    def person(self) -> str:
        """A person's name."""
        return f"{self.fake.first_name()} {self.fake.last_name()}"

    def shop(self) -> str:
        """The name of a shop that prints receipts."""
        trade, last = self.one(self.all_of("goods", "trades")), str(self.fake.last_name())
        first = self.one(WESTERN_FIRST)
        if self.region.language in ("en", "nl", "sv", "da", "pl"):
            names = [
                f"{last} {trade}",
                f"{first} {trade}",
                f"{first}{self.one(WESTERN_FIRST).lower()}",
                f"{trade} {last}",
            ]
            if self.region.language == "en":
                names += [f"{last}'s {trade}", f"The {first} {trade}", f"{first} & {last}"]
        else:
            names = [
                f"{trade} {last}",
                f"{trade} {first}",
                f"{last} {trade}",
                f"{first}{self.one(WESTERN_FIRST).lower()}",
            ]
        name = self.one(names)
        if self.chance(0.35):
            name = f"{name} {self.pick(self.region.forms)}".strip()
        return name.upper() if self.chance(0.3) else name

    def company(self) -> str:
        """The name of a business that writes invoices, letters and contracts."""
        business, last = self.one(self.all_of("goods", "businesses")), str(self.fake.last_name())
        first = self.one(WESTERN_FIRST)
        name = self.one(
            (
                f"{last} {business}",
                f"{business} {last}",
                f"{first} {business}",
                f"{last} & {self.fake.last_name()}",
                f"{first}{self.one(WESTERN_FIRST).lower()}",
                self.digits("???") + f" {business}",
                f"{last} {business}",
            )
        )
        name = f"{name} {self.pick(self.region.forms)}".strip()
        return name.upper() if self.chance(0.1) else name

    def address(self) -> list[str]:
        """Street, then place; sometimes a floor before or the country after."""
        fake = self.fake
        street = str(fake.street_address()).replace("\n", ", ")
        if self.name == "sg":
            street = f"{self.rng.randrange(1, 999)} {self.one(STREET_NAMES)} {self.pick('Road|Avenue|Street')}"
            street += self.digits(" #0#-##").replace(" ", " #", 1) if self.chance(0.4) else ""
        state = ""
        if "{state}" in self.region.address:
            state = str(fake.province_abbr() if self.name == "ca" else fake.state_abbr())
        # faker keeps Italy's towns in a set, whose order is another in every process.
        city = self.one(_ITALIAN_TOWNS) if self.name == "it" else str(fake.city())
        code = {"sg": "######", "be": "####", "pt": "####-###", "pl": "##-###", "se": "### ##"}.get(self.name)
        postcode = self.digits(code) if code else str(fake.postcode())
        place = self.pick(self.region.address).format(street=street, city=city, state=state, code=postcode)
        lines = [line.strip() for line in place.split("/")]
        return [", ".join(lines)] if self.chance(0.15) else lines

    def phone(self) -> str:
        """A telephone number."""
        return self.digits(self.pick(self.region.phones))

    def tax_id(self) -> tuple[str, str]:
        """A tax number with what announces it."""
        keys, patterns = self.region.tax_id.split("=")
        return self.one(keys.split(":")), self.digits(self.pick(patterns))

    def bank_code(self) -> tuple[str, str]:
        """A bank's number with what announces it."""
        keys, patterns = self.region.routing.split("=")
        return self.one(keys.split(":")), self.digits(self.pick(patterns))

    def iban(self) -> str:
        """An IBAN with right check digits, in groups of four or in one; empty where the country has none."""
        if not self.region.iban:
            return ""
        country, pattern = self.region.iban.split(":")
        rest = self.digits(pattern)
        number = "".join(str(int(c, 36)) for c in rest + country + "00")
        whole = f"{country}{98 - int(number) % 97:02}{rest}"
        return whole if self.chance(0.3) else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))

    def email(self, owner: str) -> str:
        """An e-mail address made from ``owner``."""
        return super().email(_plain(owner))

    def domain(self, owner: str) -> str:
        """A host name made from ``owner``."""
        owner = _plain(owner)
        name = "".join(c for c in owner.lower() if c.isascii() and c.isalnum())[:14] or "example"
        own = {"us": "com", "gb": "co.uk", "in": "in", "au": "com.au", "mx": "com.mx", "br": "com.br"}
        return f"{name}.{self.one(('com', own.get(self.name, self.name)))}"


def _plain(text: str) -> str:
    """``text`` without accents, as in addresses of the web."""
    spelt = text.translate(_SPELT)
    return "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))


def figure(amount: Decimal, notation: str, places: int = 2) -> str:
    """``amount`` written as ``notation`` writes 1234.5 (or, in India, 123450)."""
    decimal = notation[-3]
    group = next((c for c in notation if not c.isdigit()), "")
    if group == decimal:
        group = ""
    whole, _, rest = f"{abs(amount):.{places}f}".partition(".")
    sizes = (3, 2) if notation.startswith("1,23,") else (3, 3)
    parts = [whole[-sizes[0] :]]
    whole = whole[: -sizes[0]]
    while group and whole:
        parts.insert(0, whole[-sizes[1] :])
        whole = whole[: -sizes[1]]
    text = group.join(parts) if group else whole + parts[0]
    return ("-" if amount < 0 else "") + text + (decimal + rest if rest else "")
