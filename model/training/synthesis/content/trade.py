"""The arithmetic of a sale: rows, taxes by rate with their bases, and what is paid; all sums hold to the cent."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from layoutserve.model.training.synthesis.content.locales import cents
from layoutserve.model.training.synthesis.content.regional import Regional

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing sold; ``amount`` is quantity x price. ``letter`` marks its rate on a till roll."""

    text: str
    detail: str
    code: str
    quantity: Decimal
    unit: str
    price: Decimal
    rate: Decimal
    letter: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Tax:
    """One line of tax: what it is called, its rate in per cent, the net amount it is on, and itself."""

    name: str
    rate: Decimal
    letter: str
    base: Decimal
    amount: Decimal

    @property
    def gross(self) -> Decimal:
        """Base and tax together."""
        return self.base + self.amount


@dataclass(frozen=True, slots=True)
class Sale:
    """What is sold and what it comes to.

    ``goods`` is the sum of the rows. Where ``inclusive``, rows and ``goods`` contain the tax, and ``net`` is the total
    without it; else goods - discount + shipping + service + taxes = ``gross``. ``total`` = gross + tip + rounding;
    ``due`` = total - paid + previous. ``cash`` is what was handed over, ``change`` what came back.
    """

    rows: Sequence[Row]
    taxes: Sequence[Tax]
    inclusive: bool
    goods: Decimal
    discount: Decimal
    shipping: Decimal
    service: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    tip: Decimal
    rounding: Decimal
    total: Decimal
    paid: Decimal
    previous: Decimal
    due: Decimal
    cash: Decimal

    @property
    def change(self) -> Decimal:
        """What comes back of the cash."""
        return self.cash - self.total

    @property
    def plain(self) -> bool:
        """Nothing is taken off or added: what the rows come to without tax is ``net``."""
        return not (self.discount or self.shipping or self.service)

    @property
    def pieces(self) -> int:
        """The number of things sold, by the piece."""
        return sum(int(row.quantity) if row.quantity == int(row.quantity) else 1 for row in self.rows)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a kind of document sells, and how often the rarer amounts occur (0 to 1)."""

    sells: tuple[str, ...]
    rows: tuple[int, int]
    prices: tuple[float, float]
    inclusive: float = -1.0
    discount: float = 0.12
    shipping: float = 0.0
    service: float = 0.0
    tip: float = 0.0
    paid: float = 0.0
    previous: float = 0.0
    weighed: float = 0.0
    cash: float = 0.5
    mixed: float = 0.35
    exempt: float = 0.0


def draw_sale(values: Regional, terms: Terms) -> Sale:
    """A sale of ``terms`` in this country."""
    rng, region = values.rng, values.region
    share = 1 - region.exclusive if terms.inclusive < 0 else terms.inclusive
    inclusive = values.chance(share)
    known = [Decimal(rate) for rate in region.rates.split("|")]
    rates = [known[0]] if values.chance(0.8) or len(known) == 1 else [rng.choice(known)]
    if len(known) > 1 and region.code not in ("us", "ca", "br") and values.chance(terms.mixed):
        rates = rng.sample(known[:3], min(len(known[:3]), rng.choice((2, 2, 3))))
    if values.chance(terms.exempt):
        rates = []
    letters = dict(zip(rates, rng.choice(("ABC", "ABC", "CDE", "123", "BAC")), strict=False))
    drawn = _rows(values, terms, rates, letters)
    goods = sum((row.amount for row in drawn), ZERO)
    discount = cents(goods * Decimal(rng.choice((5, 10, 10, 15, 20))) / 100) if values.chance(terms.discount) else ZERO
    shipping = values.price(3, 60) if values.chance(terms.shipping) else ZERO
    service = cents((goods - discount) / 10) if values.chance(terms.service) else ZERO
    bases = {rate: sum((row.amount for row in drawn if row.rate == rate), ZERO) for rate in rates}
    bases = {rate: base for rate, base in bases.items() if base}
    if bases:
        # What is taken off or added for the whole sale is taxed as most of it is.
        bases[max(bases, key=lambda rate: bases[rate])] += shipping + service - discount
    taxes: list[Tax] = []
    for rate, base in sorted(bases.items()):
        taxes += _split(values, rate, letters[rate], base, inclusive=inclusive)
    tax = sum((line.amount for line in taxes), ZERO)
    charged = goods - discount + shipping + service
    gross = charged if inclusive else charged + tax
    tip = cents(gross * Decimal(rng.choice((10, 15, 18, 20, 20))) / 100) if values.chance(terms.tip) else ZERO
    step = {"ch": "0.05", "ca": "0.05", "se": "1", "in": "1", "dk": "0.50"}.get(region.code)
    rounding = cents(gross + tip, step) - gross - tip if step and values.chance(0.35) else ZERO
    total = gross + tip + rounding
    paid = ZERO
    if values.chance(terms.paid):
        paid = total if values.chance(0.3) else cents(total * Decimal(rng.choice((10, 20, 25, 30, 50))) / 100)
    previous = values.price(20, 600) if values.chance(terms.previous) else ZERO
    note = Decimal(rng.choice((1, 5, 5, 10, 10, 20, 50, 100)))
    cash = total if not values.chance(terms.cash) else (total / note).to_integral_value("ROUND_CEILING") * note
    return Sale(
        drawn, taxes, inclusive, goods, discount, shipping, service, gross - tax, tax, gross, tip, rounding, total,
        paid, previous, total - paid + previous, cash.quantize(Decimal("0.01")),
    )  # fmt: skip


def _rows(values: Regional, terms: Terms, rates: list[Decimal], letters: dict[Decimal, str]) -> list[Row]:
    rng = values.rng
    pattern = values.pick("#####|######|??-###|A####|####-##|SKU###|#############|###")
    drawn: list[Row] = []
    names = [name for key in terms.sells for name in values.all_of("goods", key)]
    scale = {"in": 20, "se": 9, "dk": 7, "mx": 12, "br": 4, "pl": 4}.get(values.name, 1)
    for _ in range(min(rng.randint(*terms.rows), rng.randint(*terms.rows))):
        price = cents(values.price(*terms.prices) * scale, "1" if scale > 9 and values.chance(0.7) else "0.01")
        unit = values.say("unit", "piece")
        quantity = Decimal(rng.choices((1, 2, 3, 4, 5, 6, 10, 12, 25), (58, 15, 7, 5, 4, 3, 3, 2, 1))[0])
        if "services" in terms.sells:
            unit = values.say("unit", values.pick("hour|hour|day|month|piece"))
            if values.chance(0.3):
                quantity = Decimal(rng.randrange(1, 80)) / 2
        elif values.chance(terms.weighed):
            quantity, unit = Decimal(rng.randrange(120, 2400)) / 1000, values.say("unit", "kilo")
        rate = rng.choice(rates) if rates else ZERO
        drawn.append(
            Row(
                text=rng.choice(names),
                detail=values.one(values.all_of("goods", "details")) if values.chance(0.25) else "",
                code=values.digits(pattern),
                quantity=quantity,
                unit=unit,
                price=price,
                rate=rate,
                letter=letters.get(rate, ""),
                amount=cents(quantity * price),
            )
        )
    return drawn


def _split(values: Regional, rate: Decimal, letter: str, base: Decimal, *, inclusive: bool) -> list[Tax]:
    """The lines of one rate: one, or two halves where the country splits its tax."""
    portion = rate / 100
    names = values.region.parts.split("|") if values.region.parts and values.chance(0.7) else [values.tax]
    amount = cents(base * portion / (1 + portion) / len(names)) if inclusive else cents(base * portion / len(names))
    net = base - amount * len(names) if inclusive else base
    return [Tax(name, rate / len(names), letter, net, amount) for name in names]
