"""Invoices on A4 and letter paper."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from model.training.synthesis.bills import Bill, draw_bill
from model.training.synthesis.desk import Desk, Pair
from model.training.synthesis.sheet import Content, Piece, Sheet
from model.training.synthesis.values import Values

_COUNTRIES = ("us", "us", "gb", "au", "sg", "my", "my", "in", "de", "fr", "es", "it", "nl")
_TITLES = ("INVOICE", "Invoice", "INVOICE", "TAX INVOICE", "Tax Invoice", "Commercial Invoice", "SALES INVOICE", "Bill")


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return ("my", "my", "sg", "in") if layout == "invoice.carbon_copy" else _COUNTRIES


@dataclass(frozen=True, slots=True)
class Facts:
    """What one invoice says."""

    company: str
    address: list[str]
    contact: list[list[str | Piece]]
    meta: list[Pair]
    customer: list[Content]
    ship_to: list[Content]
    bill: Bill
    shipping: Decimal
    total: Decimal
    symbol: str
    tax: str
    bank: list[Pair]
    notes: list[str]


def _facts(values: Values) -> Facts:
    rng = values.rng
    bill = draw_bill(values, items=(1, 11), prices=(8, 2500), services=True)
    company = values.company()
    day = values.day()
    due = day + datetime.timedelta(days=rng.choice((7, 10, 14, 15, 21, 28, 30, 30, 45, 60, 90)))
    style = values.one(values.locale.dates)
    doc = values.pick("Invoice", "Invoice", "Invoice", "Inv", "Bill", "Document")
    meta: list[Pair] = [
        (f"{doc} {values.pick('No', 'No.', 'Number', '#', 'no.', 'ID')}", _number(values), "invoice_number"),
        (
            values.pick("Date", "Invoice Date", "Date", "Issue Date", "Date of issue", "Billing date", "Issued"),
            values.date(day, style),
            "date",
        ),
    ]
    if values.chance(0.7):
        key = values.pick(
            "Due Date", "Due date", "Payment Due", "Due", "Pay by", "Payment due by", "Due on", "Please pay by"
        )
        meta.append((key, values.date(due, style), "due_date"))
    extras: list[Pair] = [
        (
            values.pick("PO Number", "P.O. No.", "Purchase Order", "Your order", "PO #"),
            values.digits(values.pick("PO-#####", "######", "45########")),
            "order_number",
        ),
        (
            values.pick("Customer No", "Customer ID", "Client ID", "Account No."),
            values.digits(values.pick("C####", "#####", "??-####")),
            "customer_number",
        ),
        (
            values.pick("Terms", "Payment Terms"),
            values.pick("Net 30", "Net 14 days", "Net 60", "Due on receipt", "30 days", "COD", "2/10 net 30"),
            "terms",
        ),
        (values.pick("Salesperson", "Sales Rep", "Contact", "Prepared by"), values.person(), "salesperson"),
        (
            values.pick("Delivery Date", "Shipped", "Ship Date", "Service date"),
            values.date(day - datetime.timedelta(days=rng.randint(1, 20)), style),
            "delivery_date",
        ),
        (
            values.pick("Reference", "Ref", "Our ref", "Project"),
            values.digits(values.pick("???-###", "####/##", "P#####")),
            "reference",
        ),
        (
            values.pick(
                "Currency",
            ),
            values.locale.code,
            "currency",
        ),
    ]
    meta += rng.sample(extras, rng.randint(0, 3))
    if values.chance(0.35):
        rng.shuffle(meta)
    contact: list[list[str | Piece]] = []
    if values.chance(0.7):
        contact.append(
            [Piece(values.pick("Tel", "Phone:", "T", "Tel.:", "Ph:", ""), key="phone"), Piece(values.phone(), "phone")]
        )
    if values.chance(0.55):
        contact.append([values.pick("", "Email:", "E"), Piece(values.email(company), "email")])
    if values.chance(0.35):
        contact.append([Piece("www." + values.domain(company), "website")])
    tax = values.one(values.locale.tax)
    if values.chance(0.5):
        key = values.pick(f"{tax} No", f"{tax} ID", "Tax ID", f"{tax} Reg. No.", "Reg. No.")
        contact.append(
            [
                Piece(key + values.pick(":", ""), key="tax_id"),
                Piece(values.digits(values.pick("#########", "??#########", "##-#######")), "tax_id"),
            ]
        )
    buyer = values.company() if values.chance(0.65) else values.person()
    customer: list[Content] = [Piece(buyer, "customer")]
    if values.chance(0.3):
        customer.append([values.pick("Attn:", "c/o", ""), values.person()])
    customer += [Piece(line, "customer_address") for line in values.address()]
    ship_to: list[Content] = [values.company(), *values.address()] if values.chance(0.3) else []
    shipping = values.price(5, 120) if values.chance(0.25) else Decimal(0)
    bank: list[Pair] = []
    if values.chance(0.5):
        bank = [
            (
                values.pick("Bank", "Bank name"),
                f"{values.fake.last_name()} {values.pick('Bank', 'Savings Bank', 'National Bank', 'Trust')}",
                "bank",
            ),
            (
                values.pick("IBAN", "Account No.", "Account", "A/C No"),
                values.digits(values.pick("##########", "??## #### #### #### ####", "###-#####-#")),
                "iban",
            ),
        ]
        if values.chance(0.6):
            bank.append(
                (
                    values.pick("BIC", "SWIFT", "Sort code", "Routing no."),
                    values.digits(values.pick("????????", "##-##-##", "#########")),
                    "bic",
                )
            )
    notes = rng.sample(
        [
            "Thank you for your business!", "Please make all checks payable to the company named above.",
            "Please quote the invoice number with your payment.", "Late payments are subject to a fee of 1.5% per month.",
            "Goods remain our property until paid in full.", "If you have any questions about this invoice, please contact us.",
            "E. & O. E.", "This is a computer generated invoice. No signature is required.", "Goods sold are not returnable.",
            "Payment by bank transfer only.", "We appreciate your prompt payment.",
        ], rng.randint(0, 3),
    )  # fmt: skip
    symbol = values.one(values.locale.symbols)
    return Facts(
        company,
        values.address(),
        contact,
        meta,
        customer,
        ship_to,
        bill,
        shipping,
        bill.gross + shipping,
        symbol,
        tax,
        bank,
        notes,
    )


def _number(values: Values) -> str:
    return values.digits(
        values.pick(
            "#####",
            "INV-####",
            "INV-####-###",
            "20##-####",
            "######",
            "?####",
            "??-#####",
            "INV#####",
            "##/####",
            "R-20##-####",
        )
    )


def _company(
    desk: Desk,
    facts: Facts,
    x: float,
    y: float,
    *,
    anchor: str = "l",
    scale: float = 1.5,
    width: float | None = None,
    contact: bool = True,
) -> float:
    """The issuer's name, address and numbers from the baseline ``y``; returns the next baseline."""
    before, desk.y = desk.y, y
    desk.line(Piece(facts.company, "company"), x=x, anchor=anchor, scale=scale, bold=True, heading=True, width=width)
    desk.y += desk.leading * 0.2
    after = desk.block(
        x,
        desk.y,
        [Piece(line, "address") for line in facts.address] + (list(facts.contact) if contact else []),
        anchor=anchor,
        width=width,
    )
    desk.y = before
    return after


def _parties(desk: Desk, facts: Facts, y: float, *, columns: tuple[float, float]) -> float:
    values = desk.values
    label = values.pick(
        "Bill To", "BILL TO", "Invoice to", "Sold To", "Customer", "To", "Billed to", "Client", "Bill to:", "To:"
    )
    x = desk.left + columns[0] * desk.room
    desk.sheet.write(x, y, Piece(label, key="customer"), desk.font(0.95, bold=True))
    end = desk.block(x, y + desk.leading, facts.customer, width=desk.room * 0.45)
    if facts.ship_to:
        x = desk.left + columns[1] * desk.room
        desk.sheet.write(x, y, values.pick("Ship To", "SHIP TO", "Deliver to"), desk.font(0.95, bold=True))
        end = max(end, desk.block(x, y + desk.leading, facts.ship_to, width=desk.room * 0.4))
    return end


def _items(desk: Desk, facts: Facts, style: str) -> None:
    values = desk.values
    heads = {
        "no": values.pick("#", "No", "Item", "Pos."),
        "description": values.pick(
            "Description", "Item", "Details", "Product / Service", "DESCRIPTION", "Particulars", "Service"
        ),
        "quantity": values.pick("Qty", "Quantity", "QTY", "Hours", "Units"),
        "price": values.pick("Unit Price", "Price", "Rate", "UNIT PRICE", "Unit cost", "Price each"),
        "rate": values.pick(f"{facts.tax} %", f"{facts.tax}"),
        "amount": values.pick("Amount", "Total", "AMOUNT", "Line Total", "Net amount")
        + values.pick("", "", f" ({values.locale.code})"),
    }
    columns = ["description", "quantity", "price", "amount"]
    if values.chance(0.25):
        columns = ["quantity", "description", "price", "amount"]
    if values.chance(0.3):
        columns.insert(0, "no")
    if values.chance(0.15):
        columns.insert(-1, "rate")
    if values.chance(0.15):
        columns.remove("price")
    shares = [
        {"description": 4.2, "no": 0.6, "quantity": 0.9, "price": 1.4, "rate": 0.9, "amount": 1.6}[c] for c in columns
    ]
    anchors = "".join(
        {"description": "l", "no": "m", "quantity": "m" if style == "grid" else "r"}.get(c, "r") for c in columns
    )
    symbol = facts.symbol if values.chance(0.35) else ""
    rows: list[list[Content]] = []
    for i, item in enumerate(facts.bill.items):
        cells: dict[str, Content] = {
            "no": str(i + 1),
            "description": Piece(item.name, f"item_description#{i}"),
            "quantity": Piece(str(item.quantity), f"item_quantity#{i}"),
            "price": values.money(item.price, symbol),
            "rate": f"{facts.bill.rate}%",
            "amount": values.amount(item.amount, f"item_amount#{i}", symbol),
        }
        rows.append([cells[c] for c in columns])
    rows += [[""] * len(columns)] * (values.rng.randint(0, 3) if style in ("grid", "zebra") else 0)
    desk.table([heads[c] for c in columns], rows, shares, anchors, style=style, pad=values.rng.uniform(0.2, 0.9))


def _sums(desk: Desk, facts: Facts, *, boxed: bool, x: float | None = None) -> None:
    """Subtotal to total; key at the left of a narrow column, amount at its right."""
    values, bill = desk.values, facts.bill
    symbol = facts.symbol if values.chance(0.75) else ""
    rows: list[tuple[str, Decimal, str]] = []
    if values.chance(0.85):
        rows.append(
            (
                values.pick("Subtotal", "Sub Total", "SUBTOTAL", "Sub-total", "Net total", "Total excl. tax"),
                bill.goods,
                "subtotal",
            )
        )
    if bill.discount:
        rows.append((values.pick("Discount", "Less discount", "DISCOUNT"), -bill.discount, "discount"))
    if facts.shipping:
        rows.append((values.pick("Shipping", "Freight", "Delivery", "Shipping & handling"), facts.shipping, "shipping"))
    if not bill.inclusive or values.chance(0.6):
        label = values.pick(
            f"{facts.tax} ({bill.rate}%)",
            f"{facts.tax} {bill.rate}%",
            f"{facts.tax}",
            f"{facts.tax} @ {bill.rate}%",
            f"Plus {bill.rate}% {facts.tax}",
            f"Total {facts.tax}",
        )
        rows.append((values.pick("incl. ", "Includes ") + label if bill.inclusive else label, bill.tax, "tax"))
    total = values.pick(
        "Total", "TOTAL", "Total Due", "Amount Due", "Grand Total", "Balance Due", "TOTAL DUE", "Invoice Total", "Total amount", "AMOUNT DUE",
        "Total payable", "Total to pay", "Balance", f"Total ({values.locale.code})", f"Total incl. {facts.tax}",
    )  # fmt: skip
    if values.chance(0.1):
        rows.append((values.pick("Amount paid", "Paid", "Deposit"), Decimal("0.00"), "paid"))
    rows.append((total, facts.total, "total"))
    x = desk.left + desk.room * values.rng.uniform(0.48, 0.64) if x is None else x
    right = x + desk.room * 0.5 if x < desk.left + desk.room * 0.3 else desk.right
    colon = values.pick("", "", ":")
    high = desk.leading * 1.15
    big = values.rng.choice((1.0, 1.0, 1.15, 1.3))
    for label, amount, field in rows:
        final = field == "total"
        top = desk.y - high * 0.75
        if boxed:
            desk.sheet.frame(x, top, right, top + high, fill=215 if final else None)
        elif final:
            desk.sheet.rule(x, top, right, top)
        face = desk.font(big if final and not boxed else 1.0, bold=final)
        gap = 5 if boxed else 0
        desk.sheet.write(x + gap, desk.y, Piece(label + colon, key=field), face)
        desk.sheet.write(right - gap, desk.y, values.amount(amount, field, symbol), face, anchor="r")
        desk.y += high * (big if final else 1)
    desk.y += desk.leading


def _closing(desk: Desk, facts: Facts) -> None:
    values = desk.values
    if facts.bank and not desk.full:
        desk.line(values.pick("Payment details", "Bank details", "Payment information", "Pay to"), bold=True)
        desk.y = desk.pairs(
            desk.left,
            desk.y,
            facts.bank,
            style=values.pick("tab", "run"),
            width=desk.room * 0.5,
            colon=values.pick(":", ""),
        )
        desk.y += desk.leading * 0.6
    for note in facts.notes:
        if not desk.full:
            desk.line(note, scale=0.9)


def _table_style(values: Values) -> str:
    return values.pick("grid", "lines", "zebra", "dark", "plain")


def _classic(values: Values) -> Sheet:
    """Issuer at the left, title and numbers at the right."""
    desk, facts = Desk.load(values), _facts(values)
    top = desk.y
    x = desk.left
    if values.chance(0.5):
        desk.logo(desk.left, top - 25, 62)
        x += 78
    end = _company(desk, facts, x, top, scale=values.rng.uniform(1.1, 1.6), width=desk.room * 0.45)
    desk.line(values.one(_TITLES), anchor="r", scale=values.rng.uniform(1.6, 2.6), bold=True, heading=True)
    style = values.pick("tab", "ends", "boxes")
    meta = desk.left + desk.room * 0.58
    below = desk.pairs(
        meta,
        desk.y + desk.leading * 0.8,
        facts.meta,
        style=style,
        width=desk.room * 0.42,
        colon=values.pick(":", "", " :"),
        bold=values.chance(0.5),
    )
    desk.y = _parties(desk, facts, max(end, below) + desk.leading, columns=(0.0, 0.5)) + desk.leading * 0.5
    _items(desk, facts, _table_style(values))
    _sums(desk, facts, boxed=values.chance(0.3))
    _closing(desk, facts)
    return desk.sheet


def _letterhead(values: Values) -> Sheet:
    """Issuer centred at the top, a rule, the title, then parties and numbers side by side."""
    desk, facts = Desk.load(values), _facts(values)
    desk.y = _company(
        desk,
        facts,
        (desk.left + desk.right) / 2,
        desk.y,
        anchor="m",
        scale=values.rng.uniform(1.3, 2.0),
        width=desk.room,
    )
    desk.sheet.rule(desk.left, desk.y - desk.leading * 0.5, desk.right, desk.y - desk.leading * 0.5, thickness=2)
    desk.y += desk.leading
    desk.line(
        values.one(_TITLES),
        anchor=values.pick("m", "l", "r"),
        scale=values.rng.uniform(1.3, 2.0),
        bold=True,
        heading=True,
    )
    desk.y += desk.leading * 0.6
    end = _parties(desk, facts, desk.y, columns=(0.0, 0.3))
    below = desk.pairs(
        desk.left + desk.room * 0.62,
        desk.y,
        facts.meta,
        style=values.pick("tab", "ends", "run"),
        width=desk.room * 0.38,
        colon=values.pick(":", " :"),
        bold=values.chance(0.4),
    )
    desk.y = max(end, below) + desk.leading * 0.6
    _items(desk, facts, _table_style(values))
    _sums(desk, facts, boxed=values.chance(0.5))
    _closing(desk, facts)
    return desk.sheet


def _modern(values: Values) -> Sheet:
    """A dark band with the title; numbers in a row above the table; the issuer at the right."""
    desk, facts = Desk.load(values), _facts(values)
    height = values.rng.uniform(60, 110)
    dark = values.chance(0.6)
    desk.sheet.frame(0, 0, desk.sheet.width, height, thickness=0, fill=values.rng.randint(30, 90) if dark else 220)
    ink = 255 if dark else 0
    desk.sheet.write(
        desk.left, height * 0.65, values.one(_TITLES), desk.font(2.2, bold=True, family=desk.heading), ink=ink
    )
    desk.y = height + desk.leading * 2
    end = _company(desk, facts, desk.right, desk.y, anchor="r", scale=1.2, width=desk.room * 0.5)
    end = max(end, _parties(desk, facts, desk.y, columns=(0.0, 0.3)))
    desk.y = end + desk.leading
    shown = facts.meta[:4]
    for i, pair in enumerate(shown):
        desk.pairs(
            desk.left + desk.room * i / len(shown),
            desk.y,
            [pair],
            style="above",
            width=desk.room / len(shown),
            colon="",
            bold=True,
        )
    desk.y += desk.leading * 2.6
    _items(desk, facts, values.pick("dark", "zebra", "lines"))
    _sums(desk, facts, boxed=False)
    _closing(desk, facts)
    return desk.sheet


def _service(values: Values) -> Sheet:
    """A freelancer's plain invoice: title first, everything flush left."""
    desk, facts = Desk.load(values, sizes=(13, 17)), _facts(values)
    desk.line(values.one(_TITLES), scale=values.rng.uniform(1.6, 2.4), bold=True, heading=True)
    desk.y += desk.leading
    desk.y = (
        desk.pairs(
            desk.left,
            desk.y,
            facts.meta,
            style=values.pick("tab", "run"),
            width=desk.room * 0.6,
            colon=values.pick(":", ":", " -"),
        )
        + desk.leading
    )
    label = values.pick("From", "From:", "Seller", "Issued by", "Supplier")
    half = desk.left + desk.room * 0.52
    desk.sheet.write(desk.left, desk.y, Piece(label, key="company"), desk.font(bold=True))
    end = _company(desk, facts, desk.left, desk.y + desk.leading, scale=1.0, width=desk.room * 0.45)
    before, desk.left = desk.left, half
    end = max(
        end,
        _parties(
            desk,
            Facts(**{f: getattr(facts, f) if f != "ship_to" else [] for f in Facts.__slots__}),
            desk.y,
            columns=(0.0, 0.0),
        ),
    )
    desk.left = before
    desk.y = end + desk.leading
    _items(desk, facts, values.pick("lines", "plain", "grid"))
    _sums(desk, facts, boxed=False)
    _closing(desk, facts)
    return desk.sheet


def _carbon_copy(values: Values) -> Sheet:
    """A printed A5 form filled by a dot-matrix printer, as wholesalers hand out with the goods."""
    desk, facts = (
        Desk.load(values, families=("courier", "dejavu-mono", "dejavu-sans", "times", "helvetica")),
        _facts(values),
    )
    desk.y = _company(desk, facts, (desk.left + desk.right) / 2, desk.y, anchor="m", scale=1.35, width=desk.room)
    desk.line(
        values.pick("INVOICE", "TAX INVOICE", "CASH / CREDIT INVOICE", "SALES INVOICE"),
        anchor="m",
        scale=1.3,
        bold=True,
    )
    desk.y += desk.leading * 0.4
    top = desk.y - desk.leading
    end = _parties(desk, facts, desk.y, columns=(0.02, 0.3))
    below = desk.pairs(desk.left + desk.room * 0.6, desk.y, facts.meta, style="tab", width=desk.room * 0.38, colon=" :")
    desk.y = max(end, below)
    if values.chance(0.7):
        desk.sheet.frame(desk.left - 6, top, desk.right + 6, desk.y - desk.leading * 0.4)
    _items(desk, facts, values.pick("grid", "lines", "plain"))
    _sums(desk, facts, boxed=values.chance(0.4))
    _closing(desk, facts)
    desk.y += desk.leading * 2
    if not desk.full:
        desk.sheet.rule(desk.left, desk.y, desk.left + 180, desk.y)
        desk.sheet.write(
            desk.left,
            desk.y + desk.leading,
            values.pick("Received by", "Authorised Signature", "Customer's chop & signature"),
            desk.font(0.9),
        )
    desk.sheet.crop(desk.y + desk.leading * 3)
    return desk.sheet


def _sidebar(values: Values) -> Sheet:
    """Numbers and issuer in a column at the left, the table beside it."""
    desk, facts = Desk.load(values, sizes=(12, 14)), _facts(values)
    wide = desk.sheet.width * 0.3
    desk.sheet.frame(0, 0, wide, desk.sheet.height, thickness=0, fill=values.rng.randint(215, 240))
    side = desk.left * 0.5
    end = _company(desk, facts, side, desk.y + desk.leading, scale=1.2, width=wide - side - 8)
    desk.pairs(side, end + desk.leading * 2, facts.meta, style="above", width=wide - side - 8, colon="", bold=True)
    desk.left = wide + 25
    desk.line(values.one(_TITLES), scale=2.0, bold=True, heading=True)
    desk.y = _parties(desk, facts, desk.y + desk.leading, columns=(0.0, 0.5)) + desk.leading
    _items(desk, facts, values.pick("lines", "zebra", "grid"))
    _sums(desk, facts, boxed=values.chance(0.5))
    _closing(desk, facts)
    return desk.sheet


def _window(values: Values) -> Sheet:
    """A continental business letter: the customer in the envelope's window, the issuer's address only in the footer."""
    desk, facts = Desk.load(values), _facts(values)
    desk.line(Piece(facts.company, "company"), anchor=values.pick("r", "l"), scale=1.6, bold=True, heading=True)
    desk.y = max(desk.y, 160)
    top = desk.y
    end = desk.block(desk.left, top, facts.customer, width=desk.room * 0.45)
    below = desk.pairs(
        desk.left + desk.room * 0.6,
        top + desk.leading * 2,
        facts.meta,
        style="tab",
        width=desk.room * 0.4,
        colon=values.pick(":", ""),
    )
    desk.y = max(end, below) + desk.leading * 2
    desk.line(values.one(_TITLES), scale=1.4, bold=True)
    desk.line(
        values.pick(
            "We thank you for your order and charge as follows:",
            "For our services we invoice you as agreed:",
            "Please find below the items of this invoice.",
        )
    )
    desk.y += desk.leading * 0.4
    _items(desk, facts, values.pick("plain", "lines"))
    _sums(desk, facts, boxed=False, x=desk.left + desk.room * 0.05 if values.chance(0.3) else None)
    _closing(desk, facts)
    foot = desk.sheet.height - desk.leading * 4.5
    if desk.y < foot:
        desk.sheet.rule(desk.left, foot - desk.leading, desk.right, foot - desk.leading)
        desk.block(
            desk.left, foot, [Piece(line, "address") for line in facts.address], scale=0.75, width=desk.room * 0.33
        )
        desk.block(desk.left + desk.room * 0.4, foot, list(facts.contact), scale=0.75, width=desk.room * 0.3)
    return desk.sheet


LAYOUTS = {
    "invoice.classic": _classic,
    "invoice.letterhead": _letterhead,
    "invoice.modern": _modern,
    "invoice.service": _service,
    "invoice.carbon_copy": _carbon_copy,
}
HELDOUT = {"invoice.sidebar": _sidebar, "invoice.window": _window}
