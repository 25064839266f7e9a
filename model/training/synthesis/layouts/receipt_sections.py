"""The parts of a receipt above the sums: header, numbers, items."""

from decimal import Decimal

from layoutserve.model.training.synthesis.fonts import SANS, SERIF
from layoutserve.model.training.synthesis.layouts.bills import Bill, Item
from layoutserve.model.training.synthesis.layouts.till import Till
from layoutserve.model.training.synthesis.sheet import Piece


def write_header(till: Till, date: str) -> None:
    """The shop: name, address, numbers; the date where it stands up here."""
    values = till.values
    if values.chance(0.12):
        # Somebody's name above the shop's: scanned collections are full of it.
        till.text(values.person(), scale=values.rng.uniform(1.1, 1.8), bold=values.chance(0.5), family=values.one(SANS))
        till.gap(values.rng.uniform(0.3, 2))
    if values.chance(0.08):
        till.text(values.pick("WELCOME TO|Welcome|*** COPY ***|REPRINT|Duplicate"))
    name = values.shop()
    scale = values.rng.choice((1, 1, 1.15, 1.3, 1.6))
    family = values.one(SANS + SERIF) if values.chance(0.3) else ""
    number = values.digits(values.pick("(######-?)|(#######-?)|######-?|(Co. No. ######-?)|(Co Reg No: ######-?)"))
    malaysian = values.name == "my"
    touching = malaysian and values.chance(0.25)
    till.text(
        [Piece(name, "company"), *([Piece(number, "registration_number")] if touching else [])],
        scale=scale,
        bold=values.chance(0.5),
        family=family,
    )
    if date:
        till.text([Piece(date, "date"), Piece(values.time(), "time")])
    details: list[list[str | Piece]] = []
    if malaysian and not touching and values.chance(0.55):
        label = values.pick("||Co. Reg. No :|ROC No:|Company Reg. No. :|REG NO:")
        details.append([label, Piece(number, "registration_number")])
    if malaysian and values.chance(0.12):
        details.append(
            [
                values.pick("Owned by|(Owned by :|f.k.a.|A division of"),
                values.shop(),
                values.digits("(######-?)"),
            ]
        )
    if values.chance(0.1):
        details.append(
            [
                values.pick("Branch:|Outlet:|Store"),
                values.digits("#### ") + values.one(("Main", "Central", "East")),
            ]
        )
    address: list[list[str | Piece]] = [[Piece(line, "address")] for line in values.address()]
    tax_id: list[list[str | Piece]] = []
    if values.chance(0.5):
        label = (
            values.pick("GST ID|GST Reg No|GST No.:|GST ID NO :|(GST ID No :")
            if malaysian
            else values.pick("Tax ID|VAT No|Reg. No.")
        )
        tax_id = [[Piece(label, key="tax_id"), Piece(values.digits("############"), "tax_id")]]
    if values.chance(0.15):
        details, tax_id = details + tax_id, []
    for line in details + ([] if values.chance(0.04) else address):
        till.text(line)
    if values.chance(0.75):
        phone: list[str | Piece] = [Piece(values.pick("Tel|TEL:|Tel :|Phone|Tel No.:|T:|H/P:|"), key="phone")]
        phone.append(Piece(values.phone(), "phone"))
        if values.chance(0.3):
            phone += [values.pick("Fax|FAX:|Fax :"), Piece(values.phone(), "fax")]
        till.text(phone)
    for line in tax_id:
        till.text(line)
    if values.chance(0.12):
        till.text(Piece("www." + values.domain(name), "website"))
    till.gap(values.rng.choice((0, 0.4, 1, 1.5)))


def write_meta(till: Till, style: str, date: str) -> None:
    """Number, date, cashier and the like."""
    values = till.values
    label = values.pick(
        "Invoice No|Receipt No|Bill No|Doc No|Inv No|Receipt #|Invoice #|Cash Bill|Bill #|Slip No.|Trans No|"
        "Document No|Tax Invoice No|No|CS No|Check #|Order #|Rcpt#"
    )
    number = values.digits(
        values.pick("######|?#######|CS-########|INV-#####|??########|#/######|########-####|??-??-######")
    )
    pairs: list[tuple[str, str, str]] = [(label, number, "invoice_number")] if values.chance(0.75) else []
    together = values.chance(0.45)
    if date:
        named = values.pick("Date|Date|DATE|Date/Time|Inv Date|Bill Date|Trans Date|Dt|Date & Time")
        pairs.insert(values.rng.randint(0, len(pairs)), (named, date, "date"))
        if not together and values.chance(0.6):
            pairs.append((values.pick("Time|TIME|Time In"), values.time(), "time"))
    extras = [
        (
            values.pick("Cashier|Staff|Served by|User|Salesperson|Clerk"),
            values.person().split()[0],
            "cashier",
        ),
        (values.pick("Counter|Terminal|POS|Reg|Till"), values.digits("0#"), "terminal"),
        (values.pick("Table|Table No|Tbl"), values.digits(values.pick("##|?#")), "table"),
        (values.pick("Pax|Pax(s)|Guests|Covers"), values.digits("#"), "guests"),
        (values.pick("Member|Member ID|Card No"), values.digits("##########"), "member"),
        (
            values.pick("Customer|Cust|Sold to"),
            values.one(("CASH", "CASH SALES", "WALK IN", values.person())),
            "customer",
        ),
        (values.pick("Ref|Ref No|Ref. Doc"), values.digits("???####"), "reference"),
    ]
    pairs += values.rng.sample(extras, values.rng.randint(0, 3))
    colon = values.pick(":|:| :||:| :")
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


def write_items(till: Till, style: str, bill: Bill) -> None:
    """What was bought, under column heads or none."""
    values, code = till.values, till.values.pick("|| SR| S|T| ZRL|*")
    money = values.pick("||(RM)|(MYR)") if values.name == "my" else ""
    if values.chance(0.7):
        description = values.pick("Description|Item|DESC|Code/Desc|Particulars|Item Description|Product")
        amount = values.pick("Amount|AMT|Total|Price|Amt") + money
        if style in ("columns", "name_then_columns", "two_lines"):
            unit = values.pick("U.Price|Price|Unit|@")
            till.row(
                [
                    (0, "l", description),
                    (0.56, "r", values.pick("Qty|QTY|Qnty")),
                    (0.78, "r", unit),
                    (1, "r", amount),
                ]
            )
        elif style == "quantity_first":
            till.row([(0, "l", values.pick("Qty|QTY")), (0.12, "l", description), (1, "r", amount)])
        else:
            till.row([(0, "l", description), (1, "r", amount)])
        if values.chance(0.6):
            till.rule()
    symbol = till.symbol if till.symbol and values.chance(0.4) else ""
    for index, item in enumerate(bill.items):
        _item(till, style, item, index, symbol, code)
        if values.chance(0.03):
            off = (item.amount * Decimal("0.1")).quantize(Decimal("0.01"))
            till.row([(0.06, "l", values.pick("Disc 10.00%|Item promo|Discount")), (1, "r", f"-{values.money(off)}")])
    if values.chance(0.1):
        till.text(values.pick("*** END ***|- - - - - -|Items:") + f" {len(bill.items)}", centre=False)


def _item(till: Till, style: str, item: Item, index: int, symbol: str, code: str) -> None:
    values = till.values
    quantity = Piece(f"{item.quantity}" + values.pick("|||.00"), f"item_quantity#{index}")
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
        till.row([(0.06, "l", [quantity, values.pick("x|X|@"), price]), (1, "r", amount)])
    elif style == "quantity_first":
        till.row([(0, "l", quantity), (0.12, "l", name), (1, "r", amount)])
    elif style == "code_line":
        till.row([(0, "l", item.code), (0.62, "r", [quantity, "x", price]), (1, "r", amount)])
        till.text(name, centre=False, indent=till.size)
    elif style == "stacked":
        till.text([f"{index + 1}.", name], centre=False)
        till.text(
            [values.pick("Qty|Quantity"), quantity, values.pick("Price|Rate"), price],
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
