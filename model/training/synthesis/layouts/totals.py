"""The foot of a receipt, where a dozen amounts stand and only one of them is the total."""

from decimal import Decimal

from layoutserve.model.training.synthesis.content.locales import number
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.bills import Bill
from layoutserve.model.training.synthesis.layouts.till import Till
from layoutserve.model.training.synthesis.sheet import Piece

Row = tuple[str, Decimal, str]
"""Label, amount, field."""

_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "de": {
        "total": ("SUMME", "Gesamtbetrag", "Gesamt", "Zu zahlen", "Total"),
        "subtotal": ("Zwischensumme",),
        "cash": ("Bar", "Gegeben", "BAR"),
        "change": ("Rückgeld", "Zurück"),
    },
    "fr": {
        "total": ("TOTAL TTC", "Total à payer", "TOTAL", "Net à payer"),
        "subtotal": ("Sous-total", "S/TOTAL"),
        "cash": ("Espèces", "CB"),
        "change": ("Rendu", "Monnaie"),
    },
    "es": {
        "total": ("TOTAL", "Total a pagar", "Importe total"),
        "subtotal": ("Subtotal", "Suma"),
        "cash": ("Efectivo", "Entregado"),
        "change": ("Cambio", "Devolución"),
    },
    "it": {
        "total": ("TOTALE", "Totale complessivo", "TOTALE EURO"),
        "subtotal": ("Subtotale", "SUBTOTALE"),
        "cash": ("Contanti", "CONTANTE"),
        "change": ("Resto",),
    },
    "nl": {
        "total": ("Totaal", "TE BETALEN", "Totaal te betalen"),
        "subtotal": ("Subtotaal",),
        "cash": ("Contant", "PIN"),
        "change": ("Wisselgeld", "Terug"),
    },
}
_TOTAL = (
    "TOTAL",
    "Total",
    "TOTAL",
    "Grand Total",
    "GRAND TOTAL",
    "Total Amount",
    "Net Total",
    "Nett Total",
    "NETT TOTAL",
    "Amount Due",
    "Total Payable",
    "Final Total",
    "Total Due",
    "Balance Due",
    "Amount Payable",
    "TOTAL SALES",
    "Total Sale",
    "Bill Total",
    "NET AMT",
    "TOTAL AMT",
    "Total To Pay",
    "Nett Amount",
    "To Pay",
    "Due",
    "Total Price",
)
_ROUNDED = (
    "Rounded Total",
    "Total Rounded",
    "TOTAL AMT PAYABLE",
    "Final Total",
    "TOTAL",
    "Net Total Rounded",
    "Total After Rounding",
    "Nett Total",
    "Amount Payable",
    "TOTAL DUE",
    "Total Payable",
    "TOTAL AFTER ADJ",
    "GRAND TOTAL",
    "Total After Adj Incl",
)


def write_totals(till: Till, bill: Bill, style: str) -> None:
    """Everything from the subtotal to the amount to be paid; ``style`` is how the labels stand to the amounts."""
    values = till.values
    rows = _rows(values, bill)
    suffix = values.pick("|:|:| :|")
    note = values.pick(f"|| ({till.symbol})| {till.symbol}") if till.symbol else ""
    symbol = till.symbol if not note else ""
    big = values.rng.choice((1, 1, 1, 1.2, 1.5)) if style != "dots" else 1.0
    bold = values.chance(0.4)
    if style == "boxed":
        till.gap(0.4)
    start = till.y
    if values.chance(0.3):
        _row(
            till,
            style,
            (values.pick("Total Qty|Qty|Items|Total Quantity|No. of items|Item Count"), suffix),
            [Piece(values.one((str(bill.pieces), str(len(bill.items)))), "quantity")],
            "quantity",
        )
    count = str(bill.pieces) if values.chance(0.06) else ""
    for label, amount, field in rows:
        final = field == "total"
        text = values.amount(amount, field, symbol, apart=till.apart)
        if final and style == "underlined":
            till.sheet.rule(
                till.left + till.room * 0.72, till.y - till.leading * 0.8, till.right, till.y - till.leading * 0.8
            )
        _row(
            till,
            style,
            (label, note + suffix),
            text,
            field,
            scale=big if final else 1.0,
            bold=bold and final,
            count=count,
        )
        if final and style == "underlined":
            y = till.y - till.leading * 0.75
            till.sheet.rule(till.left + till.room * 0.72, y, till.right, y, thickness=2)
    if style == "boxed":
        pad = till.size * 0.4
        till.sheet.frame(till.left - pad, start - till.size - pad, till.right + pad, till.y - till.leading + pad * 1.6)
        till.gap(0.6)
    if values.chance(0.1):
        told = Piece(number(bill.tax, values.locale), "tax~2" if any(field == "tax" for _, _, field in rows) else "tax")
        words = values.pick("Total Included|Includes|Incl.")
        till.text([f"({words}", f"{values.locale.tax[0]} {bill.rate}% :", told, ")"])


def _row(
    till: Till,
    style: str,
    label: tuple[str, str],
    amount: list[Piece | str],
    field: str,
    *,
    scale: float = 1.0,
    bold: bool = False,
    count: str = "",
) -> None:
    key = Piece("".join(label), key=field)
    text = " ".join(piece if isinstance(piece, str) else piece.text for piece in amount)
    # What does not fit beside its amount at this size goes in normal size.
    if till.width_of(f"{key.text} {text}", scale) > 0.95:
        scale = 1.0
    if style in ("right", "underlined"):
        place = min(max(0.72, till.width_of(key.text, scale)), 0.97 - till.width_of(text, scale))
        till.row([(place, "r", key), (1, "r", amount)], scale=scale, bold=bold)
    elif style == "dots":
        free = 1 - till.width_of(f"{key.text} {text} ", scale)
        dots = max(0, int(free / till.width_of("..........", scale) * 10) - 1)
        till.row([(0, "l", [Piece(key.text + "." * dots, key=field)]), (1, "r", amount)], scale=scale, bold=bold)
    else:
        extra = [(0.62, "r", count)] if count and field in ("total", "subtotal") else []
        till.row([(0, "l", key), *extra, (1, "r", amount)], scale=scale, bold=bold)


def _rows(values: Values, bill: Bill) -> list[Row]:
    tax = values.one(values.locale.tax)
    total = values.one(_WORDS.get(values.name, {}).get("total", _TOTAL))
    subtotal = values.one(
        _WORDS.get(values.name, {}).get(
            "subtotal", ("Subtotal", "SUB TOTAL", "Sub-Total", "SUBTOTAL", "Sub Total", "SUB-TOTAL", "Total Gross")
        )
    )
    rows: list[Row] = []
    bare = values.chance(0.18)
    if not bare and (bill.goods != bill.total or values.chance(0.5)) and values.chance(0.8):
        rows.append((subtotal, bill.goods, "subtotal"))
    if bill.discount:
        rows.append((values.pick("Discount|DISC|Less Discount|Total Savings"), -bill.discount, "discount"))
    elif not bare and values.chance(0.2):
        rows.append((values.pick("Discount|Disc|Item Discount|Voucher"), Decimal("0.00"), "discount"))
    if bill.service:
        rows.append((values.pick("Service Charge 10%|SVC CHG 10%|Svr Chrg (10%)"), bill.service, "service"))
    states_tax = not bill.inclusive or (not bare and values.chance(0.65))
    if states_tax:
        if values.chance(0.4):
            excluding = values.pick(
                f"Total (Excluding {tax})|Total Sales (Excl. {tax})|Total excl {tax}|Taxable Amount|Net"
            )
            rows.append((excluding, bill.net, "net"))
        label = values.pick(
            f"{tax} {bill.rate}%|{tax} @{bill.rate}%|Total {tax}|{tax} ({bill.rate}%)|{tax}|"
            f"Add {tax} {bill.rate}%|{tax} Amount|{bill.rate}% {tax}|{tax} AMT"
        )
        rows.append((label, bill.tax, "tax"))
    same = "total~2" if bill.gross == bill.total else "gross"
    rounds = bill.rounding != 0 or (values.name == "my" and values.chance(0.35))
    if (rounds and values.chance(0.85)) or (states_tax and values.chance(0.35)):
        including = values.pick(
            f"Total (Inclusive of {tax})|Total Sales (Inclusive {tax})|Total Incl. {tax} @{bill.rate}%|Total|"
            f"TOTAL|Total with {tax} @ {bill.rate}%|Total Amount|Amount Incl. {tax}|TOTAL SALES|NET TOTAL"
        )
        rows.append((including, bill.gross, same))
    if rounds:
        rows.append(
            (
                values.pick("Rounding|Rounding Adj|Round Adj|Rounding Adjustment|ROUNDING ADJ|Round Amt|Round Off"),
                bill.rounding,
                "rounding",
            )
        )
        total = values.one(_ROUNDED)
    if values.chance(0.03) and rows:
        # Nothing announces the total but its place.
        total = values.locale.code
    return [*rows, (total, bill.total, "total")]


def write_payment(till: Till, bill: Bill) -> None:
    """How it was paid, and what was given back."""
    values = till.values
    words = _WORDS.get(values.name, {})
    if values.chance(0.12):
        return
    if values.chance(0.35):
        till.rule()
    elif values.chance(0.4):
        till.gap(0.5)
    suffix = values.pick("|:| :")
    symbol = till.symbol if values.chance(0.5) else ""
    if bill.cash == bill.total and values.chance(0.7):
        method = values.pick("VISA|MASTERCARD|CREDIT CARD|Debit|Visa Card|TNG eWallet|AMEX|MyDebit|CARD|Contactless")
        _row(till, "spread", (method, suffix), values.amount(bill.total, "payment", symbol), "payment")
        if values.chance(0.5):
            till.text(
                [
                    values.pick("Card No|Card:|XXXX"),
                    values.digits("XXXXXXXXXXXX####"),
                    Piece(values.pick("Approval|Auth:|APPR"), key="approval"),
                    Piece(values.digits("######"), "approval"),
                ],
                centre=False,
            )
        return
    cash = values.one(
        words.get(
            "cash",
            (
                "CASH",
                "Cash",
                "Cash Received",
                "CASH TENDERED",
                "Tendered",
                "Paid",
                "Cash Paid",
                "Amount Tendered",
                "Pay",
                "Received",
            ),
        )
    )
    change = values.one(
        words.get("change", ("CHANGE", "Change", "Change Due", "Change Amt", "CHANGE", "Balance", "Cash Change"))
    )
    _row(till, "spread", (cash, suffix), values.amount(bill.cash, "cash", symbol), "cash")
    if values.chance(0.9):
        _row(till, "spread", (change, suffix), values.amount(bill.change, "change", symbol), "change")


def write_tax_summary(till: Till, bill: Bill) -> None:
    """The table of taxed amounts below the sums."""
    values = till.values
    tax = values.one(values.locale.tax)
    unit = values.pick(f"|({till.symbol})") if till.symbol else ""
    code = values.pick("SR|S|SR|T|A|6%")
    till.row(
        [
            (0, "l", values.pick(f"{tax} Summary|{tax} Analysis|{tax} Summ|{tax} Code")),
            (0.66, "r", values.pick("Amount|Amt|Goods|Net Amt") + unit),
            (1, "r", values.one(("Tax", tax, "Tax Amount")) + unit),
        ]
    )
    if values.chance(0.4):
        till.rule()
    name = values.pick(f"{code} @{bill.rate}%|{code} = {bill.rate}%|{code} ({bill.rate}%)|{code} {bill.rate}")
    till.row([(0, "l", name), (0.66, "r", values.money(bill.net)), (1, "r", Piece(values.money(bill.tax), "tax~2"))])
    if values.chance(0.3):
        till.row([(0, "l", "ZRL @0%"), (0.66, "r", "0.00"), (1, "r", "0.00")])
    if values.chance(0.3):
        till.row([(0, "l", "Total"), (0.66, "r", values.money(bill.net)), (1, "r", values.money(bill.tax))])
