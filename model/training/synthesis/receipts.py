"""Receipts: what shops, restaurants, filling stations and car parks print."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from model.training.synthesis.bills import Bill, Item, draw_bill
from model.training.synthesis.fonts import SANS, SERIF
from model.training.synthesis.sheet import Piece, Sheet
from model.training.synthesis.till import Till
from model.training.synthesis.totals import write_payment, write_tax_summary, write_totals
from model.training.synthesis.values import Values


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
        ("two_lines", "code_line", "columns", "price_only"), ("spread", "right"), ("pairs", "inline"),
        ("meta", "top", "bottom"), (1, 14), (0.5, 60),
    ),
    "receipt.restaurant": Plan(
        ("quantity_first", "columns"), ("spread", "right", "dots"), ("pairs", "stacked"), ("meta", "bottom"), (1, 9), (1.2, 80),
        ("my", "my", "my", "us", "sg", "gb"),
    ),
    "receipt.hardware": Plan(
        ("columns", "name_then_columns", "code_line"), ("right", "spread"), ("stacked", "pairs"), ("meta",), (1, 10), (2, 300),
    ),
    "receipt.station": Plan(
        ("price_only", "single"), ("spread", "right"), ("inline", "stacked"), ("meta", "top", "bottom"), (1, 2), (5, 150),
        ("my", "my", "my", "us", "gb"),
    ),
    "receipt.cash_bill": Plan(
        ("columns", "name_then_columns"), ("right", "underlined"), ("stacked", "inline"), ("meta", "title"), (1, 6), (1, 200),
    ),
    "receipt.store": Plan(
        ("price_only", "two_lines", "quantity_first", "code_line"), ("spread", "right"), ("inline", "stacked", "pairs"),
        ("meta", "bottom", "top"), (1, 15), (0.8, 120), _ANYWHERE,
    ),
    "receipt.eatery": Plan(
        ("quantity_first", "price_only"), ("spread", "dots"), ("stacked", "inline"), ("meta", "top", "bottom"), (1, 8), (2, 50),
        _ANYWHERE,
    ),
}  # fmt: skip
_HELDOUT_PLANS: dict[str, Plan] = {
    "receipt.pharmacy": Plan(
        ("stacked",), ("boxed", "spread"), ("columns",), ("meta", "after_total"), (1, 8), (2, 120), _ANYWHERE
    ),
    "receipt.workshop": Plan(
        ("columns", "stacked"), ("boxed",), ("columns", "pairs"), ("after_total", "meta"), (1, 7), (3, 250), ("my", "sg")
    ),
}  # fmt: skip

_TITLES = (
    "TAX INVOICE", "Tax Invoice", "SIMPLIFIED TAX INVOICE", "INVOICE", "CASH BILL", "RECEIPT", "OFFICIAL RECEIPT", "CASH SALES",
    "SALES RECEIPT", "CASH RECEIPT", "** TAX INVOICE **", "Bill", "CUSTOMER COPY", "CASH SALE", ">>> TAX INVOICE <<<",
)  # fmt: skip
_THANKS = (
    "THANK YOU", "Thank you, please come again", "THANK YOU FOR SHOPPING WITH US", "GOODS SOLD ARE NOT RETURNABLE",
    "Goods sold are not refundable or exchangeable", "TERIMA KASIH SILA DATANG LAGI", "PLEASE KEEP THIS RECEIPT FOR PROOF OF PURCHASE",
    "HAVE A NICE DAY", "See you again!", "** Please Come Again **", "Follow us on Facebook", "Free WiFi password: welcome",
    "Exchange within 7 days with receipt", "NO REFUND. EXCHANGE ONLY", "Customer's copy", "E. & O. E.", "Powered by POS System",
    "This is a computer generated receipt", "No signature required", "Opening hours 10am - 10pm daily", "Join our member club today",
    "Prices inclusive of GST where applicable", "Tell us how we did", "Parking validated", "WELCOME", "Thank You & Come Again!",
)  # fmt: skip


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
    _header(till, date if place == "top" else "")
    if values.chance(0.75):
        title = (
            values.one(_TITLES) if values.name in ("my", "sg") else values.pick("RECEIPT", "Receipt", "SALES RECEIPT")
        )
        if place == "title":
            till.row([(0, "l", title), (1, "r", Piece(date, "date"))])
        else:
            till.text(title, scale=values.rng.choice((1, 1, 1.2, 1.4)), bold=values.chance(0.5))
    elif place == "title":
        till.text(Piece(date, "date"))
    till.gap(values.rng.choice((0, 0.3, 0.8)))
    if values.chance(0.5):
        till.rule()
    _meta(till, values.one(plan.meta), date if place == "meta" else "")
    till.rule()
    _items(till, values.one(plan.items), bill)
    till.rule()
    write_totals(till, bill, values.one(plan.totals))
    if place == "after_total":
        till.text(
            [
                Piece(values.pick("Date", "Date:", "Sold on"), key="date"),
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
            [values.pick("Closed:", "Printed:", "Print Date:"), Piece(date, "date~2"), Piece(values.time(), "time~2")],
            centre=False,
        )
    till.gap(values.rng.choice((0.3, 0.8, 1.5)))
    for _ in range(values.rng.randint(0, 5)):
        till.text(values.one(_THANKS))
    return till.cut()


def _header(till: Till, date: str) -> None:
    values = till.values
    if values.chance(0.12):
        # Somebody's name above the shop's: scanned collections are full of it.
        till.text(values.person(), scale=values.rng.uniform(1.1, 1.8), bold=values.chance(0.5), family=values.one(SANS))
        till.gap(values.rng.uniform(0.3, 2))
    if values.chance(0.08):
        till.text(values.pick("WELCOME TO", "Welcome", "*** COPY ***", "REPRINT", "Duplicate"))
    name = values.shop()
    scale = values.rng.choice((1, 1, 1.15, 1.3, 1.6))
    family = values.one(SANS + SERIF) if values.chance(0.3) else ""
    number = values.digits(
        values.pick("(######-?)", "(#######-?)", "######-?", "(Co. No. ######-?)", "(Co Reg No: ######-?)")
    )
    malaysian = values.name == "my"
    touching = malaysian and values.chance(0.25)
    till.text(
        [Piece(name, "company"), *([Piece(number, "registration_number")] if touching else [])],
        scale=scale, bold=values.chance(0.5), family=family,
    )  # fmt: skip
    if date:
        till.text([Piece(date, "date"), Piece(values.time(), "time")])
    details: list[list[str | Piece]] = []
    if malaysian and not touching and values.chance(0.55):
        label = values.pick("", "", "Co. Reg. No :", "ROC No:", "Company Reg. No. :", "REG NO:")
        details.append([label, Piece(number, "registration_number")])
    if malaysian and values.chance(0.12):
        details.append(
            [
                values.pick("Owned by", "(Owned by :", "f.k.a.", "A division of"),
                values.shop(),
                values.digits("(######-?)"),
            ]
        )
    if values.chance(0.1):
        details.append(
            [
                values.pick("Branch:", "Outlet:", "Store"),
                values.digits("#### ") + values.one(("Main", "Central", "East")),
            ]
        )
    address: list[list[str | Piece]] = [[Piece(line, "address")] for line in values.address()]
    tax_id: list[list[str | Piece]] = []
    if values.chance(0.5):
        label = (
            values.pick("GST ID", "GST Reg No", "GST No.:", "GST ID NO :", "(GST ID No :")
            if malaysian
            else values.pick("Tax ID", "VAT No", "Reg. No.")
        )
        tax_id = [[Piece(label, key="tax_id"), Piece(values.digits("############"), "tax_id")]]
    if values.chance(0.15):
        details, tax_id = details + tax_id, []
    for line in details + ([] if values.chance(0.04) else address):
        till.text(line)
    if values.chance(0.75):
        phone: list[str | Piece] = [
            Piece(values.pick("Tel", "TEL:", "Tel :", "Phone", "Tel No.:", "T:", "H/P:", ""), key="phone")
        ]
        phone.append(Piece(values.phone(), "phone"))
        if values.chance(0.3):
            phone += [values.pick("Fax", "FAX:", "Fax :"), Piece(values.phone(), "fax")]
        till.text(phone)
    for line in tax_id:
        till.text(line)
    if values.chance(0.12):
        till.text(Piece("www." + values.domain(name), "website"))
    till.gap(values.rng.choice((0, 0.4, 1, 1.5)))


def _meta(till: Till, style: str, date: str) -> None:
    """Number, date, cashier and the like."""
    values = till.values
    label = values.pick(
        "Invoice No", "Receipt No", "Bill No", "Doc No", "Inv No", "Receipt #", "Invoice #", "Cash Bill", "Bill #", "Slip No.",
        "Trans No", "Document No", "Tax Invoice No", "No", "CS No", "Check #", "Order #", "Rcpt#",
    )  # fmt: skip
    number = values.digits(
        values.pick(
            "######", "?#######", "CS-########", "INV-#####", "??########", "#/######", "########-####", "??-??-######"
        )
    )
    pairs: list[tuple[str, str, str]] = [(label, number, "invoice_number")] if values.chance(0.75) else []
    together = values.chance(0.45)
    if date:
        named = values.pick(
            "Date", "Date", "DATE", "Date/Time", "Inv Date", "Bill Date", "Trans Date", "Dt", "Date & Time"
        )
        pairs.insert(values.rng.randint(0, len(pairs)), (named, date, "date"))
        if not together and values.chance(0.6):
            pairs.append((values.pick("Time", "TIME", "Time In"), values.time(), "time"))
    extras = [
        (
            values.pick("Cashier", "Staff", "Served by", "User", "Salesperson", "Clerk"),
            values.person().split()[0],
            "cashier",
        ),
        (values.pick("Counter", "Terminal", "POS", "Reg", "Till"), values.digits("0#"), "terminal"),
        (values.pick("Table", "Table No", "Tbl"), values.digits(values.pick("##", "?#")), "table"),
        (values.pick("Pax", "Pax(s)", "Guests", "Covers"), values.digits("#"), "guests"),
        (values.pick("Member", "Member ID", "Card No"), values.digits("##########"), "member"),
        (
            values.pick("Customer", "Cust", "Sold to"),
            values.pick("CASH", "CASH SALES", "WALK IN", values.person()),
            "customer",
        ),
        (values.pick("Ref", "Ref No", "Ref. Doc"), values.digits("???####"), "reference"),
    ]
    pairs += values.rng.sample(extras, values.rng.randint(0, 3))
    colon = values.pick(":", ":", " :", "", ":", " :")
    time = values.time() if together else ""

    def cells(pair: tuple[str, str, str]) -> tuple[Piece, list[str | Piece]]:
        key, value, name = pair
        return Piece(key + colon, key=name), [Piece(value, name), Piece(time, "time") if name == "date" else ""]

    tab = max([till.width_of(key + colon) for key, _, _ in pairs], default=0) + 0.04
    if style == "inline":
        for pair in pairs:
            key, value = cells(pair)
            till.text([value[0], value[1]] if pair[2] == "date" and values.chance(0.5) else [key, *value], centre=False)
    elif style == "stacked":
        for pair in pairs:
            key, value = cells(pair)
            till.row([(0, "l", key), (tab, "l", value)])
    elif style == "columns":
        keys = [cells(pair) for pair in pairs[:3]]
        places = [0.0, 0.5, 1.0][: len(keys)] if len(keys) != 2 else [0.0, 1.0]
        anchors = ["l", "m", "r"] if len(keys) != 2 else ["l", "r"]
        till.row([(p, a, k) for p, a, (k, _) in zip(places, anchors, keys, strict=False)], scale=0.8)
        till.row([(p, a, c[:1]) for p, a, (_, c) in zip(places, anchors, keys, strict=False)])
    else:
        for i in range(0, len(pairs), 2):
            key, value = cells(pairs[i])
            row: list[tuple[float, str, list[str | Piece]]] = [(0, "l", [key, *value])]
            if i + 1 < len(pairs):
                key, value = cells(pairs[i + 1])
                row.append((1, "r", [key, *value]))
            if till.width_of("".join(p if isinstance(p, str) else p.text for _, _, c in row for p in c)) > 0.85:
                for _, _, content in row:
                    till.text(content, centre=False)
            else:
                till.row([(p, a, c) for p, a, c in row])


def _items(till: Till, style: str, bill: Bill) -> None:
    values, code = till.values, till.values.pick("", "", " SR", " S", "T", " ZRL", "*")
    money = values.pick("", f"({values.pick('RM', values.locale.code)})") if values.name == "my" else ""
    if values.chance(0.7):
        description = values.pick(
            "Description", "Item", "DESC", "Code/Desc", "Particulars", "Item Description", "Product"
        )
        amount = values.pick("Amount", "AMT", "Total", "Price", "Amt") + money
        if style in ("columns", "name_then_columns", "two_lines"):
            unit = values.pick("U.Price", "Price", "Unit", "@")
            till.row(
                [
                    (0, "l", description),
                    (0.56, "r", values.pick("Qty", "QTY", "Qnty")),
                    (0.78, "r", unit),
                    (1, "r", amount),
                ]
            )
        elif style == "quantity_first":
            till.row([(0, "l", values.pick("Qty", "QTY")), (0.12, "l", description), (1, "r", amount)])
        else:
            till.row([(0, "l", description), (1, "r", amount)])
        if values.chance(0.6):
            till.rule()
    symbol = till.symbol if till.symbol and values.chance(0.4) else ""
    for index, item in enumerate(bill.items):
        _item(till, style, item, index, symbol, code)
        if values.chance(0.03):
            off = (item.amount * Decimal("0.1")).quantize(Decimal("0.01"))
            till.row(
                [(0.06, "l", values.pick("Disc 10.00%", "Item promo", "Discount")), (1, "r", f"-{values.money(off)}")]
            )
    if values.chance(0.1):
        till.text(values.pick("*** END ***", "- - - - - -", "Items:") + f" {len(bill.items)}", centre=False)


def _item(till: Till, style: str, item: Item, index: int, symbol: str, code: str) -> None:
    values = till.values
    quantity = Piece(f"{item.quantity}" + values.pick("", "", "", ".00"), f"item_quantity#{index}")
    amount = [*values.amount(item.amount, f"item_amount#{index}", symbol), code]
    price = values.money(item.price)
    limit = {"columns": 0.42, "quantity_first": 0.6, "price_only": 0.7, "single": 0.7}.get(style, 0.95)
    name = Piece(_fit(till, item.name, limit), f"item_description#{index}")
    if style in ("columns", "single"):
        till.row([(0, "l", name), (0.56, "r", quantity), (0.78, "r", price), (1, "r", amount)])
    elif style == "name_then_columns":
        till.text(name, centre=False)
        till.row([(0.02, "l", item.code[:8]), (0.56, "r", quantity), (0.78, "r", price), (1, "r", amount)])
    elif style == "two_lines":
        till.text(name, centre=False)
        till.row([(0.06, "l", [quantity, values.pick("x", "X", "@"), price]), (1, "r", amount)])
    elif style == "quantity_first":
        till.row([(0, "l", quantity), (0.12, "l", name), (1, "r", amount)])
    elif style == "code_line":
        till.row([(0, "l", item.code), (0.62, "r", [quantity, "x", price]), (1, "r", amount)])
        till.text(name, centre=False, indent=till.size)
    elif style == "stacked":
        till.text([f"{index + 1}.", name], centre=False)
        till.text(
            [values.pick("Qty", "Quantity"), quantity, values.pick("Price", "Rate"), price],
            centre=False,
            indent=till.size * 2,
        )
        till.row([(1, "r", amount)])
    else:
        till.row([(0, "l", name), (1, "r", amount)])


def _fit(till: Till, text: str, limit: float) -> str:
    """Leave out the last words until ``text`` fits into this part of the room."""
    parts = text.split()
    while len(parts) > 1 and till.width_of(" ".join(parts)) > limit:
        parts.pop()
    return " ".join(parts)
