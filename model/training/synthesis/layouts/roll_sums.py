"""Sections of till rolls with amounts: sums, tips, payment, taxes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Tax
from layoutserve.model.training.synthesis.fonts import HAND, font
from layoutserve.model.training.synthesis.layouts.roll import Cell, Roll, Section
from layoutserve.model.training.synthesis.sheet import Content, Piece

_INCLUDED = {
    "en": "{name} included",
    "de": "inkl. {label}",
    "fr": "dont {label}",
    "es": "{label} incl.",
    "it": "di cui {label}",
    "nl": "incl. {label}",
}


def _sums(roll: Roll, style: str) -> None:
    sale, values, till = roll.sale, roll.values, roll.till
    rate = values.rate
    if sale.inclusive:
        if sale.discount or sale.service or values.chance(0.3):
            roll.sum(values.say("till", "subtotal"), sale.goods, "gross_goods")
    elif sale.taxes or values.chance(0.5):
        roll.sum(values.say("till", "subtotal"), sale.goods, "subtotal")
    if sale.discount:
        roll.sum(values.say("sum", "discount"), -sale.discount, "discount")
    if sale.shipping:
        roll.sum(values.say("sum", "shipping"), sale.shipping, "shipping")
    if sale.service:
        roll.sum(values.say("sum", "service"), sale.service, "service_charge")
    several = len(sale.taxes) > 1
    if sale.inclusive and style == "net":
        if sale.plain:
            roll.sum(values.say("sum", "net"), sale.net, "subtotal")
        for k, line in enumerate(sale.taxes):
            roll.sum(_label(values, line), line.amount, f"tax_line#{k}" if several else "tax")
    if not sale.inclusive:
        for k, line in enumerate(sale.taxes):
            label = _label(values, line)
            if style == "base" and not several:
                label = f"{line.name} {rate(line.rate)}% on {values.figure(line.base)}"
            roll.sum(label, line.amount, f"tax_line#{k}" if several else "tax")
    if sale.rounding:
        roll.sum(values.say("sum", "rounding"), sale.rounding, "rounding")
    if style == "tip":
        _tip(roll)
        return
    if sale.tip:
        roll.sum(values.say("sum", "tip"), sale.tip, "tip")
    big = values.rng.choice((1, 1, 1.15, 1.4, 1.7))
    roll.sum(values.say("till", "total") + values.pick("||:"), sale.total, "total", scale=big, bold=values.chance(0.6))
    if values.chance(0.3):
        till.rule()


def _label(values: Regional, line: Tax) -> str:
    text = values.say("sum", "tax", rate=values.rate(line.rate))
    return text.replace(values.tax, line.name)


def _tip(roll: Roll) -> None:
    """A slip to sign: the amount printed, tip and total filled in by hand or left empty."""
    sale, values, till = roll.sale, roll.values, roll.till
    filled = bool(sale.tip)
    roll.sum(values.say("till", "total"), sale.gross + sale.rounding, "charged" if filled else "total", bold=True)
    till.gap()
    hand = values.one(HAND)
    for key, amount, name in (("tip", sale.tip, "tip"), ("total", sale.total, "total")):
        label = values.say("sum", key) if key == "tip" else values.say("till", "total")
        if not filled:
            roll.paper.missing.append(label) if key == "tip" else None
        y = till.y
        end = roll.paper.write(
            till.left, y, Piece(label + ":", key=name if filled else ""), font(till.family, till.size)
        )
        roll.paper.rule(end + 8, y + 2, till.right, y + 2)
        if filled:
            face = font(hand, till.size * (1.5 if hand == "intuitive" else 2.0))
            roll.paper.write(till.right - 20, y, values.amount(amount, roll.field(name), ""), face, anchor="r", ink=40)
        till.y += till.leading * 1.9
    if not filled and values.chance(0.5):
        till.text(values.say("till", "suggested"), centre=True)
        for percent in (15, 18, 20):
            tip = (sale.gross * percent / 100).quantize(Decimal("0.01"))
            till.text(f"{percent}% = {values.figure(tip)}", centre=True)
    if values.chance(0.7):
        till.gap()
        roll.paper.rule(till.left, till.y, till.right, till.y)
        till.y += till.leading
        till.text(values.say("till", "signature"), centre=False)


def _payment(roll: Roll, style: str) -> None:
    sale, values, till = roll.sale, roll.values, roll.till
    if sale.tip and style != "card":
        return
    if style == "card" or sale.cash == sale.total:
        card = values.say("till", "card")
        roll.sum(card, sale.total, "paid")
        if style == "card" or values.chance(0.4):
            for key in values.rng.sample(values.all_of("till", "card_slip"), 3):
                till.row(
                    [(0, "l", key), (1, "r", values.digits(values.pick("######|A0000000######|XXXX####|########")))]
                )
            till.text(values.digits("************####"), centre=False)
        if style == "card" and values.chance(0.5):
            roll.sum(values.say("till", "change"), Decimal("0.00"), "change")
    else:
        roll.sum(values.say("till", "cash"), sale.cash, "paid")
        sign = -1 if values.name == "de" and values.chance(0.4) else 1
        roll.sum(values.say("till", "change"), sign * sale.change, "change")


def _taxes(roll: Roll, style: str) -> None:
    """Taxes again, or for the first time: ``matrix`` with bases, ``lines``, or as ``included``."""
    sale, values, till = roll.sale, roll.values, roll.till
    if not sale.taxes:
        return
    several = len(sale.taxes) > 1
    # A tax said among the sums is said again here: another place of the same value.
    names = [roll.field(f"tax_line#{k}" if several else "tax") for k in range(len(sale.taxes))]
    if style == "matrix":
        _matrix(roll, names)
        return
    for line, name in zip(sale.taxes, names, strict=True):
        label = _label(values, line)
        if style == "included":
            label = _INCLUDED.get(values.region.language, "{label}").format(name=line.name, label=label)
        till.row([(0, "l", Piece(label, key=name)), (1, "r", values.amount(line.amount, name, ""))])


def _matrix(roll: Roll, names: Sequence[str]) -> None:
    """A row for each rate with its base, its tax and both together."""
    sale, values, till = roll.sale, roll.values, roll.till
    several = len(sale.taxes) > 1
    tax = sale.taxes[0].name
    order = values.rng.choice((("tax", "net", "gross"), ("net", "tax", "gross")))
    title = {"tax": tax, "net": values.say("sum", "net"), "gross": values.say("sum", "gross")}

    def line_of(head: Content, amounts: Mapping[str, Content]) -> list[Cell]:
        cells: list[Cell] = [(0.0, "l", head)]
        return cells + [(place, "r", amounts[key]) for place, key in zip((0.45, 0.72, 1.0), order, strict=True)]

    for shorter in ("", "gross", "net", "tax"):
        if shorter:
            title[shorter] = ""
        if roll.fits(line_of(f"{tax}%", title)):
            break
    till.row(line_of(f"{tax}%", title))
    # Of prices with tax, the one base is what the sums without it come to.
    sole = not several and sale.inclusive and sale.plain and "~" not in names[0]
    for k, line in enumerate(sale.taxes):
        amounts = {
            "tax": Piece(values.figure(line.amount), names[k]),
            "net": Piece(values.figure(line.base), roll.field("subtotal") if sole else f"tax_base#{k}"),
            "gross": Piece(values.figure(line.gross)),
        }
        rate = Piece(values.rate(line.rate) + values.pick("%| %"), f"tax_rate#{k}")
        till.row(line_of([line.letter, rate], amounts))
    if several and values.chance(0.6):
        amounts = {
            "tax": Piece(values.figure(sale.tax), roll.field("tax")),
            "net": Piece(values.figure(sale.net), roll.field("subtotal") if sale.plain else ""),
            "gross": Piece(values.figure(sale.gross)),
        }
        till.row(line_of(values.say("sum", "gross").split()[0], amounts))


SECTIONS: Mapping[str, Section] = {"sums": _sums, "payment": _payment, "taxes": _taxes}
