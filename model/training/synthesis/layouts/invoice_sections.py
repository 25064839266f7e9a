"""What stands on an invoice, and its parts: issuer, parties, items, sums, payment."""

import datetime
from dataclasses import dataclass
from decimal import Decimal

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.bills import Bill, draw_bill
from layoutserve.model.training.synthesis.layouts.desk import Desk, Pair
from layoutserve.model.training.synthesis.sheet import Content, Piece


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


def draw_facts(values: Values) -> Facts:
    """An invoice's content."""
    rng = values.rng
    bill = draw_bill(values, items=(1, 11), prices=(8, 2500), services=True)
    company = values.company()
    day = values.day()
    due = day + datetime.timedelta(days=rng.choice((7, 10, 14, 15, 21, 28, 30, 30, 45, 60, 90)))
    style = values.one(values.locale.dates)
    doc = values.pick("Invoice|Invoice|Invoice|Inv|Bill|Document")
    meta: list[Pair] = [
        (f"{doc} {values.pick('No|No.|Number|#|no.|ID')}", _number(values), "invoice_number"),
        (
            values.pick("Date|Invoice Date|Date|Issue Date|Date of issue|Billing date|Issued"),
            values.date(day, style),
            "date",
        ),
    ]
    if values.chance(0.7):
        key = values.pick("Due Date|Due date|Payment Due|Due|Pay by|Payment due by|Due on|Please pay by")
        meta.append((key, values.date(due, style), "due_date"))
    extras: list[Pair] = [
        (
            values.pick("PO Number|P.O. No.|Purchase Order|Your order|PO #"),
            values.digits(values.pick("PO-#####|######|45########")),
            "order_number",
        ),
        (
            values.pick("Customer No|Customer ID|Client ID|Account No."),
            values.digits(values.pick("C####|#####|??-####")),
            "customer_number",
        ),
        (
            values.pick("Terms|Payment Terms"),
            values.pick("Net 30|Net 14 days|Net 60|Due on receipt|30 days|COD|2/10 net 30"),
            "terms",
        ),
        (values.pick("Salesperson|Sales Rep|Contact|Prepared by"), values.person(), "salesperson"),
        (
            values.pick("Delivery Date|Shipped|Ship Date|Service date"),
            values.date(day - datetime.timedelta(days=rng.randint(1, 20)), style),
            "delivery_date",
        ),
        (
            values.pick("Reference|Ref|Our ref|Project"),
            values.digits(values.pick("???-###|####/##|P#####")),
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
        contact.append([Piece(values.pick("Tel|Phone:|T|Tel.:|Ph:|"), key="phone"), Piece(values.phone(), "phone")])
    if values.chance(0.55):
        contact.append([values.pick("|Email:|E"), Piece(values.email(company), "email")])
    if values.chance(0.35):
        contact.append([Piece("www." + values.domain(company), "website")])
    tax = values.one(values.locale.tax)
    if values.chance(0.5):
        key = values.pick(f"{tax} No|{tax} ID|Tax ID|{tax} Reg. No.|Reg. No.")
        contact.append(
            [
                Piece(key + values.pick(":|"), key="tax_id"),
                Piece(values.digits(values.pick("#########|??#########|##-#######")), "tax_id"),
            ]
        )
    buyer = values.company() if values.chance(0.65) else values.person()
    customer: list[Content] = [Piece(buyer, "customer")]
    if values.chance(0.3):
        customer.append([values.pick("Attn:|c/o|"), values.person()])
    customer += [Piece(line, "customer_address") for line in values.address()]
    ship_to: list[Content] = [values.company(), *values.address()] if values.chance(0.3) else []
    shipping = values.price(5, 120) if values.chance(0.25) else Decimal(0)
    bank: list[Pair] = []
    if values.chance(0.5):
        bank = [
            (
                values.pick("Bank|Bank name"),
                f"{values.fake.last_name()} {values.pick('Bank|Savings Bank|National Bank|Trust')}",
                "bank",
            ),
            (
                values.pick("IBAN|Account No.|Account|A/C No"),
                values.digits(values.pick("##########|??## #### #### #### ####|###-#####-#")),
                "iban",
            ),
        ]
        if values.chance(0.6):
            bank.append(
                (
                    values.pick("BIC|SWIFT|Sort code|Routing no."),
                    values.digits(values.pick("????????|##-##-##|#########")),
                    "bic",
                )
            )
    notes = rng.sample(
        [
            "Thank you for your business!",
            "Please make all checks payable to the company named above.",
            "Please quote the invoice number with your payment.",
            "Late payments are subject to a fee of 1.5% per month.",
            "Goods remain our property until paid in full.",
            "If you have any questions about this invoice, please contact us.",
            "E. & O. E.",
            "This is a computer generated invoice. No signature is required.",
            "Goods sold are not returnable.",
            "Payment by bank transfer only.",
            "We appreciate your prompt payment.",
        ],
        rng.randint(0, 3),
    )
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
        values.pick("#####|INV-####|INV-####-###|20##-####|######|?####|??-#####|INV#####|##/####|R-20##-####")
    )


def write_company(
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


def write_parties(desk: Desk, facts: Facts, y: float, *, columns: tuple[float, float]) -> float:
    """Who is billed and where it is sent, at these parts of the room; returns the next baseline."""
    values = desk.values
    label = values.pick("Bill To|BILL TO|Invoice to|Sold To|Customer|To|Billed to|Client|Bill to:|To:")
    x = desk.left + columns[0] * desk.room
    desk.sheet.write(x, y, Piece(label, key="customer"), desk.font(0.95, bold=True))
    end = desk.block(x, y + desk.leading, facts.customer, width=desk.room * 0.45)
    if facts.ship_to:
        x = desk.left + columns[1] * desk.room
        desk.sheet.write(x, y, values.pick("Ship To|SHIP TO|Deliver to"), desk.font(0.95, bold=True))
        end = max(end, desk.block(x, y + desk.leading, facts.ship_to, width=desk.room * 0.4))
    return end


def write_items(desk: Desk, facts: Facts, style: str) -> None:
    """The table of what was delivered; ``style`` as in ``Desk.table``."""
    values = desk.values
    heads = {
        "no": values.pick("#|No|Item|Pos."),
        "description": values.pick("Description|Item|Details|Product / Service|DESCRIPTION|Particulars|Service"),
        "quantity": values.pick("Qty|Quantity|QTY|Hours|Units"),
        "price": values.pick("Unit Price|Price|Rate|UNIT PRICE|Unit cost|Price each"),
        "rate": values.pick(f"{facts.tax} %|{facts.tax}"),
        "amount": values.pick("Amount|Total|AMOUNT|Line Total|Net amount") + values.pick(f"|| ({values.locale.code})"),
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


def write_sums(desk: Desk, facts: Facts, *, boxed: bool, x: float | None = None) -> None:
    """Subtotal to total; key at the left of a narrow column, amount at its right."""
    values, bill = desk.values, facts.bill
    symbol = facts.symbol if values.chance(0.75) else ""
    rows: list[tuple[str, Decimal, str]] = []
    if values.chance(0.85):
        rows.append(
            (
                values.pick("Subtotal|Sub Total|SUBTOTAL|Sub-total|Net total|Total excl. tax"),
                bill.goods,
                "subtotal",
            )
        )
    if bill.discount:
        rows.append((values.pick("Discount|Less discount|DISCOUNT"), -bill.discount, "discount"))
    if facts.shipping:
        rows.append((values.pick("Shipping|Freight|Delivery|Shipping & handling"), facts.shipping, "shipping"))
    if not bill.inclusive or values.chance(0.6):
        label = values.pick(
            f"{facts.tax} ({bill.rate}%)|{facts.tax} {bill.rate}%|{facts.tax}|{facts.tax} @ {bill.rate}%|"
            f"Plus {bill.rate}% {facts.tax}|Total {facts.tax}"
        )
        rows.append((values.pick("incl. |Includes ") + label if bill.inclusive else label, bill.tax, "tax"))
    total = values.pick(
        "Total|TOTAL|Total Due|Amount Due|Grand Total|Balance Due|TOTAL DUE|Invoice Total|Total amount|"
        f"AMOUNT DUE|Total payable|Total to pay|Balance|Total ({values.locale.code})|Total incl. {facts.tax}"
    )
    if values.chance(0.1):
        rows.append((values.pick("Amount paid|Paid|Deposit"), Decimal("0.00"), "paid"))
    rows.append((total, facts.total, "total"))
    x = desk.left + desk.room * values.rng.uniform(0.48, 0.64) if x is None else x
    right = x + desk.room * 0.5 if x < desk.left + desk.room * 0.3 else desk.right
    colon = values.pick("||:")
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


def write_closing(desk: Desk, facts: Facts) -> None:
    """Where to pay, and notes."""
    values = desk.values
    if facts.bank and not desk.full:
        desk.line(values.pick("Payment details|Bank details|Payment information|Pay to"), bold=True)
        desk.y = desk.pairs(
            desk.left,
            desk.y,
            facts.bank,
            style=values.pick("tab|run"),
            width=desk.room * 0.5,
            colon=values.pick(":|"),
        )
        desk.y += desk.leading * 0.6
    for note in facts.notes:
        if not desk.full:
            desk.line(note, scale=0.9)
