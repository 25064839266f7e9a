"""Receipts: what shops, restaurants, filling stations and car parks print."""

from collections.abc import Callable
from dataclasses import dataclass

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.bills import draw_bill
from layoutserve.model.training.synthesis.layouts.receipt_sections import write_header, write_items, write_meta
from layoutserve.model.training.synthesis.layouts.till import Till
from layoutserve.model.training.synthesis.layouts.totals import write_payment, write_tax_summary, write_totals
from layoutserve.model.training.synthesis.sheet import Piece, Sheet


@dataclass(frozen=True, slots=True)
class Plan:
    """One layout: which way each section is printed. The first alternatives are drawn at random."""

    items: tuple[str, ...]
    totals: tuple[str, ...]
    meta: tuple[str, ...]
    date: tuple[str, ...]
    lines: tuple[int, int]
    prices: tuple[float, float]
    countries: tuple[str, ...] = ("my", "my", "my", "sg")


_ANYWHERE = ("my", "my", "us", "us", "gb", "au", "de", "fr", "es", "it", "nl", "in", "sg")
_PLANS: dict[str, Plan] = {
    "receipt.grocer": Plan(
        ("two_lines", "code_line", "columns", "price_only"),
        ("spread", "right"),
        ("pairs", "inline"),
        ("meta", "meta", "meta", "top", "bottom"),
        (1, 14),
        (0.5, 60),
    ),
    "receipt.restaurant": Plan(
        ("quantity_first", "columns"),
        ("spread", "right", "dots"),
        ("pairs", "stacked"),
        ("meta", "meta", "bottom"),
        (1, 9),
        (1.2, 80),
        ("my", "my", "my", "us", "sg", "gb"),
    ),
    "receipt.hardware": Plan(
        ("columns", "name_then_columns", "code_line"),
        ("right", "spread"),
        ("stacked", "pairs"),
        ("meta",),
        (1, 10),
        (2, 300),
    ),
    "receipt.station": Plan(
        ("price_only", "single"),
        ("spread", "right"),
        ("inline", "stacked"),
        ("meta", "meta", "meta", "top", "bottom"),
        (1, 2),
        (5, 150),
        ("my", "my", "my", "us", "gb"),
    ),
    "receipt.cash_bill": Plan(
        ("columns", "name_then_columns"),
        ("right", "underlined"),
        ("stacked", "inline"),
        ("meta", "title"),
        (1, 6),
        (1, 200),
    ),
    "receipt.store": Plan(
        ("price_only", "two_lines", "quantity_first", "code_line"),
        ("spread", "right"),
        ("inline", "stacked", "pairs"),
        ("meta", "meta", "meta", "top", "bottom"),
        (1, 15),
        (0.8, 120),
        _ANYWHERE,
    ),
    "receipt.eatery": Plan(
        ("quantity_first", "price_only"),
        ("spread", "dots"),
        ("stacked", "inline"),
        ("meta", "meta", "meta", "top", "bottom"),
        (1, 8),
        (2, 50),
        _ANYWHERE,
    ),
}
_HELDOUT_PLANS: dict[str, Plan] = {
    "receipt.pharmacy": Plan(
        ("stacked",), ("boxed", "spread"), ("columns",), ("meta", "after_total"), (1, 8), (2, 120), _ANYWHERE
    ),
    "receipt.workshop": Plan(
        ("columns", "stacked"),
        ("boxed",),
        ("columns", "pairs"),
        ("after_total", "meta"),
        (1, 7),
        (3, 250),
        ("my", "sg"),
    ),
}

_TITLES = (
    "TAX INVOICE",
    "Tax Invoice",
    "SIMPLIFIED TAX INVOICE",
    "INVOICE",
    "CASH BILL",
    "RECEIPT",
    "OFFICIAL RECEIPT",
    "CASH SALES",
    "SALES RECEIPT",
    "CASH RECEIPT",
    "** TAX INVOICE **",
    "Bill",
    "CUSTOMER COPY",
    "CASH SALE",
    ">>> TAX INVOICE <<<",
)
_THANKS = (
    "THANK YOU",
    "Thank you, please come again",
    "THANK YOU FOR SHOPPING WITH US",
    "GOODS SOLD ARE NOT RETURNABLE",
    "Goods sold are not refundable or exchangeable",
    "TERIMA KASIH SILA DATANG LAGI",
    "PLEASE KEEP THIS RECEIPT FOR PROOF OF PURCHASE",
    "HAVE A NICE DAY",
    "See you again!",
    "** Please Come Again **",
    "Follow us on Facebook",
    "Free WiFi password: welcome",
    "Exchange within 7 days with receipt",
    "NO REFUND. EXCHANGE ONLY",
    "Customer's copy",
    "E. & O. E.",
    "Powered by POS System",
    "This is a computer generated receipt",
    "No signature required",
    "Opening hours 10am - 10pm daily",
    "Join our member club today",
    "Prices inclusive of GST where applicable",
    "Tell us how we did",
    "Parking validated",
    "WELCOME",
    "Thank You & Come Again!",
)


def _layout(name: str, plan: Plan) -> Callable[[Values], Sheet]:
    def draw(values: Values) -> Sheet:
        return _draw(values, plan)

    draw.__name__ = name
    return draw


LAYOUTS = {name: _layout(name, plan) for name, plan in _PLANS.items()}
HELDOUT = {name: _layout(name, plan) for name, plan in _HELDOUT_PLANS.items()}


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return (_PLANS | _HELDOUT_PLANS)[layout].countries


def _draw(values: Values, plan: Plan) -> Sheet:
    till = Till.load(values)
    bill = draw_bill(values, items=plan.lines, prices=plan.prices)
    day = values.day()
    date = values.date(day)
    place = values.one(plan.date)
    write_header(till, date if place == "top" else "")
    if values.chance(0.75):
        title = values.one(_TITLES) if values.name in ("my", "sg") else values.pick("RECEIPT|Receipt|SALES RECEIPT")
        if place == "title":
            till.row([(0, "l", title), (1, "r", Piece(date, "date"))])
        else:
            till.text(title, scale=values.rng.choice((1, 1, 1.2, 1.4)), bold=values.chance(0.5))
    elif place == "title":
        till.text(Piece(date, "date"))
    till.gap(values.rng.choice((0, 0.3, 0.8)))
    if values.chance(0.5):
        till.rule()
    write_meta(till, values.one(plan.meta), date if place == "meta" else "")
    till.rule()
    write_items(till, values.one(plan.items), bill)
    till.rule()
    write_totals(till, bill, values.one(plan.totals))
    if place == "after_total":
        till.text(
            [
                Piece(values.pick("Date|Date:|Sold on"), key="date"),
                Piece(date, "date"),
                Piece(values.time(), "time"),
            ],
            centre=False,
        )
    write_payment(till, bill)
    if values.name in ("my", "sg", "gb", "au", "in", "de", "fr", "es", "it", "nl") and values.chance(0.5):
        till.gap(values.rng.choice((0, 0.5, 1)))
        write_tax_summary(till, bill)
    if place == "bottom":
        till.gap(0.5)
        if values.chance(0.5):
            till.row([(0, "l", Piece(date, "date")), (1, "r", Piece(values.time(), "time"))])
        else:
            till.text([Piece(date, "date"), Piece(values.time(), "time"), values.digits("####")])
    elif values.chance(0.08):
        till.text(
            [values.pick("Closed:|Printed:|Print Date:"), Piece(date, "date~2"), Piece(values.time(), "time~2")],
            centre=False,
        )
    till.gap(values.rng.choice((0.3, 0.8, 1.5)))
    for _ in range(values.rng.choice((0, 1, 2, 3, 4, 5, 6, 8, 11))):
        till.text(values.one(_THANKS))
    return till.cut()
