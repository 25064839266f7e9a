"""What is bought and what it comes to: the arithmetic behind receipts and invoices."""

from dataclasses import dataclass
from decimal import Decimal

from layoutserve.model.training.synthesis.content import vocabulary as v
from layoutserve.model.training.synthesis.content.locales import cents
from layoutserve.model.training.synthesis.content.values import Values


@dataclass(frozen=True, slots=True)
class Item:
    """One bought thing."""

    name: str
    code: str
    quantity: int
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Bill:
    """Items and sums. ``goods`` is the sum of the items' amounts; ``net`` the taxable amount without tax.

    ``gross`` is what the sums come to, ``total`` the same rounded as it is paid. Where ``inclusive``, prices contain
    the tax.
    """

    items: tuple[Item, ...]
    goods: Decimal
    discount: Decimal
    service: Decimal
    net: Decimal
    rate: str
    tax: Decimal
    inclusive: bool
    gross: Decimal
    rounding: Decimal
    total: Decimal
    cash: Decimal

    @property
    def change(self) -> Decimal:
        """What is given back."""
        return self.cash - self.total

    @property
    def pieces(self) -> int:
        """How many things were bought."""
        return sum(item.quantity for item in self.items)


def draw_bill(values: Values, *, items: tuple[int, int], prices: tuple[float, float], services: bool = False) -> Bill:
    """A bill of ``items`` (least, most) lines with unit prices between ``prices``; ``services`` for invoices."""
    rng = values.rng
    lines = []
    for _ in range(min(rng.randint(*items), rng.randint(*items))):
        quantity = rng.choices((1, 2, 3, 4, 5, 6, 10, 12, 24), (60, 14, 6, 4, 3, 2, 2, 1, 1))[0]
        price = values.price(*prices)
        lines.append(
            Item(
                values.one(v.SERVICES) if services else values.product(),
                values.digits(values.pick("#############|######|????##|##-####|?###|####|SKU-####|########")),
                quantity,
                price,
                price * quantity,
            )
        )
    goods = sum((item.amount for item in lines), Decimal(0))
    percent = values.pick("5|10|10|15|20|50")
    discount = cents(goods * Decimal(percent) / 100) if values.chance(0.15) else Decimal("0.00")
    service = cents((goods - discount) * Decimal("0.10")) if not services and values.chance(0.1) else Decimal("0.00")
    base = goods - discount + service
    rate = values.one(values.locale.rates)
    inclusive = values.chance(0.6 if values.name == "my" else 0.05 if values.name == "us" or services else 0.7)
    portion = Decimal(rate) / 100
    tax = cents(base * portion / (1 + portion)) if inclusive else cents(base * portion)
    gross = base if inclusive else base + tax
    total = cents(gross, "0.05") if values.name == "my" and not services and values.chance(0.75) else gross
    note = Decimal(rng.choice((1, 1, 5, 10, 10, 50, 100)))
    cash = total if values.chance(0.45) else (total / note).to_integral_value("ROUND_CEILING") * note
    return Bill(
        tuple(lines),
        goods,
        discount,
        service,
        base - tax if inclusive else base,
        rate,
        tax,
        inclusive,
        gross,
        total - gross,
        total,
        cash.quantize(Decimal("0.01")),
    )
