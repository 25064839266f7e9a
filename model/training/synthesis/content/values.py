"""Values as documents print them: money and dates by locale, people, companies, addresses, codes."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from random import Random

from faker import Faker

from layoutserve.model.training.synthesis.content import vocabulary as v
from layoutserve.model.training.synthesis.content.locales import LOCALES, cents, number
from layoutserve.model.training.synthesis.sheet import Piece


class Values:
    """Draws values from one page's random numbers; ``locale`` names the page's country."""

    def __init__(self, rng: Random, locale: str) -> None:
        self.rng = rng
        self.name = locale
        self.locale = LOCALES[locale]
        self.fake: Faker = faker_of(self.locale.faker)
        self.fake.seed_instance(rng.getrandbits(64))

    def chance(self, probability: float) -> bool:
        """True with ``probability``."""
        return self.rng.random() < probability

    def pick(self, options: str) -> str:
        """One of ``options``, which ``|`` separates."""
        return self.rng.choice(options.split("|"))

    def one(self, options: Sequence[str]) -> str:
        """One of a list."""
        return self.rng.choice(options)

    def day(self) -> datetime.date:
        """A day between 2005 and 2026."""
        return datetime.date(2005, 1, 1) + datetime.timedelta(days=self.rng.randrange(7900))

    def date(self, day: datetime.date, style: str | None = None) -> str:
        """``day`` as this country prints it."""
        text = day.strftime(style or self.one(self.locale.dates))
        return text.upper() if self.chance(0.3) else text

    def time(self) -> str:
        """A time of day."""
        hour, minute, second = self.rng.randrange(7, 23), self.rng.randrange(60), self.rng.randrange(60)
        twelve = (hour - 1) % 12 + 1
        half = "AM" if hour < 12 else "PM"
        return self.pick(
            f"{hour:02}:{minute:02}|{hour:02}:{minute:02}:{second:02}|{twelve}:{minute:02}:{second:02} {half}|"
            f"{twelve:02}:{minute:02} {half}|{twelve}:{minute:02}{half}"
        )

    def digits(self, pattern: str) -> str:
        """``#`` becomes a digit, ``?`` a capital letter."""
        return "".join(
            self.one("0123456789") if c == "#" else self.one("ABCDEFGHJKLMNPRSTUVWXYZ") if c == "?" else c
            for c in pattern
        )

    def person(self) -> str:
        """A person's name."""
        if self.name not in ("my", "sg"):
            return str(self.fake.name())
        return self.one(
            (
                f"{self.one(v.CHINESE_SURNAMES)} {self.one(v.CHINESE_GIVEN)}",
                f"{self.one(v.MALAY_FIRST)} {self.pick('bin|binti')} {self.one(v.MALAY_FIRST)}",
                f"{self.one(v.INDIAN_NAMES)} {self.pick('a/l|a/p')} {self.one(v.INDIAN_NAMES)}",
                str(self.fake.name()),
            )
        )

    def shop(self) -> str:
        """The name of a shop that prints receipts."""
        if self.name == "my":
            return self._malaysian_shop()
        surname = str(self.fake.last_name())
        base = self.pick(
            f"{self.one(v.WESTERN_FIRST)} {self.one(v.WESTERN_TRADES)}|"
            f"{self.one(v.WESTERN_FIRST)} {self.one(v.WESTERN_FIRST)} {self.one(v.WESTERN_TRADES)}|"
            f"{surname}'s {self.one(v.WESTERN_TRADES)}|"
            f"The {self.one(v.WESTERN_FIRST)} {self.one(v.WESTERN_TRADES)}|{surname} {self.one(v.WESTERN_TRADES)}|"
            f"{self.fake.first_name()}'s|{self.one(v.WESTERN_FIRST)}{self.one(v.WESTERN_FIRST).lower()}"
        )
        return f"{base} {self.one(self.locale.suffixes)}".strip() if self.chance(0.35) else base

    def company(self) -> str:
        """The name of a business that writes invoices, letters and contracts."""
        if self.name == "my" and self.chance(0.8):
            return self._malaysian_shop()
        surname = str(self.fake.last_name())
        base = self.one(
            (
                f"{self.one(v.WESTERN_FIRST)} {self.one(v.BUSINESSES)}",
                f"{surname} {self.one(v.BUSINESSES)}",
                f"{surname} & {self.fake.last_name()}",
                f"{self.one(v.WESTERN_FIRST)}{self.one(v.WESTERN_FIRST).lower()} {self.one(v.BUSINESSES)}",
                f"{surname} {self.one(v.WESTERN_FIRST)} {self.one(v.BUSINESSES)}",
                self.digits("???") + f" {self.one(v.BUSINESSES)}",
            )
        )
        return f"{base} {self.one(self.locale.suffixes)}".strip()

    def _malaysian_shop(self) -> str:
        lucky, trade = self.one(v.AUSPICIOUS), self.one(v.TRADES)
        surname = self.one(v.CHINESE_SURNAMES)
        base = self.one(
            (
                f"{lucky} {trade}",
                f"{lucky} {self.one(v.AUSPICIOUS)} {trade}",
                f"{surname} {lucky} {trade}",
                f"{self.one(v.MALAY_PREFIX)} {lucky} {self.one(v.AUSPICIOUS)}",
                f"{self.one(v.MALAY_PREFIX)} {surname} {lucky}",
                f"{self.digits(self.pick('??|???|? ?|?.?.?|?&?'))} {trade}",
                f"{self.person()} {trade}",
                f"{lucky}{self.one(v.AUSPICIOUS).lower()} {trade}",
                f"The {lucky} {trade}",
                f"{self.one(v.TOWNS).split(':')[0]} {trade}",
                f"{self.fake.last_name()} {trade}",
                f"{self.pick('MR|MR.|Mr|Uncle|Mama|Aunty')} {self.fake.last_name()}",
                f"{lucky} {self.digits('##')}",
                f"{self.digits('#')} {lucky} {trade}",
            )
        )
        text = base if self.chance(0.3) else f"{base} {self.one(v.MALAY_SUFFIX)}"
        return text.upper() if self.chance(0.75) else text

    def address(self) -> list[str]:
        """An address as two to five lines; words of one line belong together."""
        if self.name == "my":
            return self._malaysian_address()
        fake, rng = self.fake, self.rng
        street = str(fake.street_address()).replace("\n", ", ")
        city = str(fake.city())
        code = str(fake.postcode())
        if self.name == "us":
            place = f"{city}, {fake.state_abbr()} {code}"
        elif self.name == "sg":
            street = f"{rng.randrange(1, 999)} {self.one(v.STREET_NAMES)} {self.pick('Road|Avenue|Street')}"
            street += self.digits(" ###-##") if self.chance(0.4) else ""
            place = self.digits("Singapore ######")
        elif self.name == "gb":
            place = f"{city} {code}" if self.chance(0.5) else f"{city}, {code}"
        elif self.name == "au":
            place = f"{city} {fake.state_abbr()} {code}"
        elif self.name == "in":
            place = f"{city} - {code}"
        else:
            place = f"{code} {city}"
        lines = [street, place]
        if self.chance(0.2):
            lines.insert(0, self.pick("Suite |Unit |Floor |Building ") + str(rng.randrange(1, 40)))
        if self.chance(0.15):
            lines.append({"us": "USA", "gb": "United Kingdom", "de": "Germany", "fr": "France"}.get(self.name, ""))
        return [", ".join(lines)] if self.chance(0.15) else [line for line in lines if line]

    def _malaysian_address(self) -> list[str]:
        rng = self.rng
        house = self.one(
            (
                f"NO. {rng.randrange(1, 200)}",
                f"NO.{rng.randrange(1, 99)}",
                f"NO {rng.randrange(1, 300)}",
                f"LOT {rng.randrange(1, 9999)}",
                f"{rng.randrange(1, 99)}",
                f"{rng.randrange(1, 60)} & {rng.randrange(61, 99)}",
                self.digits("NO. ##-#-#"),
                self.digits("LOT G-##"),
                self.digits("##G"),
                self.digits("LOT P.T. ####"),
                self.digits("G-#, GROUND FLOOR"),
                self.digits("LOT PT #####"),
                f"NO. {rng.randrange(1, 99)}-G",
            )
        )
        number_ = self.one(
            (
                "",
                "",
                f" {rng.randrange(1, 30)}",
                f" {rng.randrange(1, 30)}/{rng.randrange(1, 60)}",
                self.digits(" U#/##"),
                self.digits(" SS##/#"),
            )
        )
        street = f"{self.one(v.STREET_PREFIX)} {self.one(v.STREET_NAMES)}{number_}"
        area = f"{self.one(v.AREA_PREFIX)} {self.one(v.STREET_NAMES)}"
        if self.chance(0.4):
            area += f" {self.one(v.AUSPICIOUS)}"
        town, prefix, state = self.one(v.TOWNS).split(":")
        code = prefix + "".join(self.one("0123456789") for _ in range(3 - len(prefix))) + self.pick("00|00|50|10")
        place = f"{code} {town}"
        if self.chance(0.1):
            house = f"{house}, {self.one(v.MALLS)}"
        state = state + self.pick("||| Darul Ehsan") if state == "Selangor" else state
        end = self.pick("||.")
        lines = self.rng.choice(
            [
                [f"{house}, {street},", f"{area},", f"{place}, {state}{end}"],
                [f"{house}, {street},", f"{area}, {place}{end}"],
                [f"{house}, {street},", f"{area},", f"{place},", f"{state}{end}"],
                [f"{house},{street},", f"{place}, {state}{end}"],
                [f"{house} {street}", f"{area}", f"{place} {state}{end}"],
                [f"{house}, {street}", f"{area}", f"{place}", f"{state}{end}"],
                [f"{house}, {street}, {area},", f"{place}, {state}{end}"],
                [f"{house}, {street}, {area}, {place}, {state}{end}"],
                [f"{street}", f"{area}", f"{place}{end}"],
                [f"{house}, {street},", f"{place}{end}"],
            ]
        )
        return [line.upper() for line in lines] if self.chance(0.75) else [_title(line) for line in lines]

    def phone(self) -> str:
        """A telephone number."""
        if self.name == "my":
            return self.digits(self.pick("0#-### ####|03-########|0#-#######|+60#-### ####|(0#) ### ####|01#-#######"))
        if self.name == "us":
            return self.digits(self.pick("(###) ###-####|###-###-####|###.###.####|1-8##-###-####"))
        if self.name == "gb":
            return self.digits(self.pick("020 #### ####|01### ######|+44 ## #### ####"))
        return self.digits(self.pick("+## ### ######|0### ######|0## ### ## ##|(0#) #### ####"))

    def email(self, owner: str) -> str:
        """An e-mail address made from ``owner``."""
        name = "".join(c for c in owner.lower() if c.isascii() and (c.isalnum() or c == " ")).split()
        local = self.one((".".join(name[:2]), "_".join(name[:2]), "info", "sales", (name[:1] or ["office"])[0]))
        return f"{local}@{self.domain(owner)}"

    def domain(self, owner: str) -> str:
        """A host name made from ``owner``."""
        name = "".join(c for c in owner.lower() if c.isascii() and c.isalnum())[:14] or "example"
        return f"{name}.{self.pick('com|com|net|org|co|com.my' if self.name == 'my' else 'com|com|net|org|co|biz')}"

    def product(self) -> str:
        """What a shop sells."""
        quality, noun, size = self.one(v.PRODUCT_QUALITIES), self.one(v.PRODUCT_NOUNS), self.one(v.PRODUCT_SIZES)
        return self.one(
            (
                f"{quality} {noun}",
                f"{noun} {size}",
                f"{quality} {noun} {size}",
                noun,
                f"{noun} {quality} {size}",
                f"{self.digits('?#')} {noun}",
                f"{noun} ({self.one(v.PRODUCT_QUALITIES)})",
                f"{noun} & {self.one(v.PRODUCT_NOUNS)}",
                f"{self.fake.last_name()} {noun} {size}",
            )
        )

    def price(self, low: float, high: float) -> Decimal:
        """A price between ``low`` and ``high`` units, small ones more often."""
        amount = low * (high / low) ** self.rng.random()
        return cents(Decimal(repr(round(amount, 4))), self.pick("0.01|0.05|0.10|0.10|0.50"))

    def money(self, amount: Decimal, symbol: str = "") -> str:
        """``amount`` with ``symbol`` before it (touching) or behind it, as the country has it."""
        return " ".join(
            piece if isinstance(piece, str) else piece.text for piece in self.amount(amount, "", symbol)
        ).strip()

    def amount(self, amount: Decimal, field: str, symbol: str = "", *, apart: bool = False) -> list[Piece | str]:
        """``amount`` as the value of ``field``; a symbol belongs to it only where it touches (not ``apart``)."""
        text = ("-" if amount < 0 else "") + number(abs(amount), self.locale)
        if not symbol:
            return [Piece(text, field)]
        if self.locale.after:
            return [Piece(text, field), symbol]
        if apart:
            return [symbol, Piece(text, field)]
        return [Piece(f"-{symbol}{text[1:]}" if amount < 0 else symbol + text, field)]


def _title(line: str) -> str:
    return " ".join(w if any(c.isdigit() for c in w) else w.capitalize() for w in line.split())


@lru_cache(maxsize=32)
def faker_of(locale: str) -> Faker:
    """The one generator of a faker locale: making one takes tenths of a second. Seed it before use."""
    return Faker(locale)
