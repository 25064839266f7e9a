"""Sections of till rolls: head, number and time, things bought, foot."""

from collections.abc import Mapping

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Row
from layoutserve.model.training.synthesis.fonts import font
from layoutserve.model.training.synthesis.layouts.roll import Cell, Roll, Section
from layoutserve.model.training.synthesis.layouts.roll_sums import SECTIONS as SUMS
from layoutserve.model.training.synthesis.paper import fit
from layoutserve.model.training.synthesis.sheet import Piece


def _head(roll: Roll, style: str) -> None:
    till, values = roll.till, roll.values
    centre = style != "left"
    if style == "logo" or (style == "centre" and values.chance(0.25)):
        side = till.size * values.rng.uniform(2.5, 5)
        x = till.left + (till.room - side) * (0.5 if centre else 0.0)
        roll.paper.picture(values.rng, x, till.y - till.size, side * values.rng.choice((1, 1.8)), side * 0.8)
        till.y += side
    scale = values.rng.uniform(1.0, 2.3)
    till.text(Piece(roll.company, roll.field("company")), centre=centre, scale=scale, bold=values.chance(0.6))
    if style != "bare":
        for line in values.address():
            till.text(Piece(line, "address"), centre=centre)
        roll.said.add("address")
    if values.chance(0.7):
        till.text(
            [Piece(values.say("contact", "phone") + values.pick("|:"), key="phone"), Piece(values.phone(), "phone")],
            centre=centre,
        )
    if values.chance(0.55 if values.name not in ("us", "de") else 0.15):
        key, number = values.tax_id()
        till.text([Piece(key + values.pick("|:"), key="tax_id"), Piece(number, roll.field("tax_id"))], centre=centre)
    if values.chance(0.2):
        till.text(values.say("title", "receipt"), centre=True, bold=True)
    if values.chance(0.15):
        till.text(values.say("till", "small"), centre=centre)
    till.rule()


def _meta(roll: Roll, style: str) -> None:
    till, values = roll.till, roll.values
    day, time = values.date(roll.day), values.time()
    number = values.digits(values.pick("####|######|####-####|#######|##/####|A#####"))
    facts: list[tuple[str, str, str]] = [
        (values.say("till", "date"), day, roll.field("date")),
        (values.say("till", "time"), time, roll.field("time")),
        (values.say("till", "receipt_number"), number, roll.field("invoice_number")),
    ]
    extras = [
        (values.say("till", "register"), values.digits(values.pick("#|##|###")), "terminal"),
        (values.say("till", "cashier"), values.fake.first_name() + values.digits(values.pick("|| ##")), "cashier"),
    ]
    if style in ("table", "columns"):
        extras += [
            (values.say("till", "table"), values.digits(values.pick("#|##|T##")), "table"),
            (values.say("till", "guests"), str(values.rng.randint(1, 8)), "guests"),
        ]
    facts += values.rng.sample(extras, values.rng.randint(0 if style == "line" else 1, len(extras)))
    colon = values.pick(":|: |")
    if style == "columns":
        facts = facts[:4]
        places = [(i + 0.5) / len(facts) for i in range(len(facts))]
        keys: list[Cell] = [(p, "m", Piece(k, key=n)) for p, (k, _, n) in zip(places, facts, strict=True)]
        told: list[Cell] = [(p, "m", Piece(v, n)) for p, (_, v, n) in zip(places, facts, strict=True)]
        style = "columns" if roll.fits(keys) and roll.fits(told) else ""
    if style == "line":
        cells: list[Cell] = [
            (0, "l", [Piece(day, facts[0][2]), Piece(time, facts[1][2])]),
            (1, "r", [facts[2][0], Piece(number, facts[2][2])]),
        ]
        for row in [cells] if roll.fits(cells) else [[cell] for cell in cells]:
            till.row(row)
    elif style == "dense":
        codes = values.digits(values.pick("ST# #### OP# ######## TE# ##|#### ######/## ##|####-##-####|K### B## ####"))
        till.text([codes, Piece(facts[2][0], key=facts[2][2]), Piece(number, facts[2][2])], centre=values.chance(0.5))
        till.row([(0, "l", Piece(day, facts[0][2])), (1, "r", Piece(time, facts[1][2]))])
    elif style == "columns":
        till.row(keys)
        till.row(told)
    elif style == "two":
        for k in range(0, len(facts), 2):
            cells = []
            for place, anchor, fact in zip((0.0, 1.0), "lr", facts[k : k + 2], strict=False):
                cells.append((place, anchor, [Piece(fact[0] + colon, key=fact[2]), Piece(fact[1], fact[2])]))
            if till.width_of(" ".join(f"{k} {v}" for k, v, _ in facts[k : k + 2])) > 0.9:
                for cell in cells:
                    till.row([(0.0, "l", cell[2])])
            else:
                till.row(cells)
    else:
        if values.chance(0.5):
            values.rng.shuffle(facts)
        aligned = values.chance(0.5) and all(till.width_of(key + colon) < 0.4 for key, _, _ in facts)
        for key, value, name in facts:
            if aligned:
                till.row([(0, "l", Piece(key + colon, key=name)), (0.42, "l", Piece(value, name))])
            else:
                till.text([Piece(key + colon, key=name), Piece(value, name)], centre=False)
    till.rule()


def _quantity(values: Regional, row: Row) -> str:
    return f"{row.quantity:f}" if row.quantity == int(row.quantity) else values.figure(row.quantity, 3)


def _items(roll: Roll, style: str) -> None:
    till, values = roll.till, roll.values
    heads = {name: values.say("column", name) for name in ("description", "quantity", "price", "amount")}
    if style in ("columns", "quantity_first", "rate") and values.chance(0.75):
        _heads(roll, style, heads)
    for i, row in enumerate(roll.sale.rows):
        symbol = "x" if roll.signs and values.name != "de" else ""
        amount = values.amount(row.amount, f"item_amount#{i}", symbol)
        amount += [row.letter] if style in ("letter", "priced") and row.letter else []
        quantity = Piece(_quantity(values, row), f"item_quantity#{i}")
        price = Piece(values.figure(row.price), f"item_unit_price#{i}")
        limit = {"columns": 0.42, "quantity_first": 0.55, "priced": 0.4, "rate": 0.5}.get(style, 0.68)
        name = Piece(fit(row.text, font(till.family, till.size), till.room * limit), f"item_description#{i}")
        if style == "columns":
            till.row([(0, "l", name), (0.56, "r", quantity), (0.78, "r", price), (1, "r", amount)])
        elif style == "quantity_first":
            till.row([(0, "l", quantity), (0.12, "l", name), (1, "r", amount)])
            if row.detail and values.chance(0.5):
                till.text(row.detail, centre=False, indent=till.room * 0.14)
        elif style == "priced":
            cells: list[Cell] = [(0, "l", name), (1, "r", amount)]
            if row.quantity != 1:
                cells.insert(1, (0.74, "r", [price, "x", quantity]))
            till.row(cells)
        elif style == "rate":
            mark = Piece(values.rate(row.rate) + "%", f"item_tax_rate#{i}")
            till.row([(0, "l", name), (0.72, "r", mark), (1, "r", amount)])
        elif style == "code":
            till.row([(0, "l", Piece(row.code, f"item_code#{i}"))])
            till.row([(0, "l", name), (1, "r", amount)])
        elif style == "below":
            till.text(name, centre=False)
            till.row([(0.08, "l", [quantity, values.pick("x|@|X|*"), price]), (1, "r", amount)])
        else:
            before = values.chance(0.5)
            line: list[Cell] = [(0.06, "l", [quantity, values.pick("x|X|*"), price])]
            if row.quantity != 1 and before:
                till.row(line)
            till.row([(0, "l", name), (1, "r", amount)])
            if row.quantity != 1 and not before:
                till.row(line)
    if values.chance(0.8):
        till.rule()


def _heads(roll: Roll, style: str, heads: dict[str, str]) -> None:
    def head(name: str) -> Piece:
        label = "unit_price" if name == "price" else name
        roll.paper.heads[f"item_{label}"] = f"head_{name}"
        return Piece(heads[name], f"head_{name}")

    if style == "columns":
        cells = [(0.0, "l", head("description")), (0.56, "r", head("quantity")), (0.78, "r", head("price"))]
    elif style == "rate":
        cells = [(0.0, "l", head("description")), (0.72, "r", Piece(roll.values.say("column", "rate")))]
    else:
        cells = [(0.0, "l", head("quantity")), (0.12, "l", head("description"))]
    heads_of_row: list[Cell] = [*cells, (1.0, "r", head("amount"))]
    if roll.fits(heads_of_row):
        roll.till.row(heads_of_row)
    else:
        roll.paper.heads.clear()


def _foot(roll: Roll, style: str) -> None:
    till, values = roll.till, roll.values
    if values.chance(0.3):
        till.text([Piece(values.say("till", "count"), key="quantity"), Piece(str(roll.sale.pieces), "quantity")])
    if style == "legal":
        till.text(f"{values.fake.last_name()} {values.pick(values.region.forms)}".strip())
    if "tax_id" not in roll.said and values.chance(0.6 if values.name != "us" else 0.05):
        key, number = values.tax_id()
        till.text([Piece(key + ":", key="tax_id"), Piece(number, roll.field("tax_id"))])
    for _ in range(values.rng.randint(0, 2)):
        till.text(values.say("till", "small"))
    till.text(values.say("till", "thanks"), scale=values.rng.choice((1, 1, 1.2)))
    if values.chance(0.2):
        till.text([Piece("www." + values.domain(roll.company), "website")])
    if style == "code" or values.chance(0.25):
        width = till.room * values.rng.uniform(0.5, 0.9)
        height = till.size * values.rng.uniform(2, 4)
        if values.chance(0.3):
            roll.paper.squares(values.rng, till.left + till.room / 2 - 60, till.y - till.size * 0.5, 120)
            till.y += 120 + till.leading
        else:
            x = till.left + (till.room - width) / 2
            roll.paper.barcode(values.rng, x, till.y - till.size * 0.5, width, height)
            till.y += height + till.leading
            till.text(values.digits("#### #### #### ####"))
    if values.chance(0.15) and "date" in roll.said:
        day, time = values.date(roll.day), values.time()
        till.row([(0, "l", Piece(day, "date~2")), (1, "r", time)])


def _service(roll: Roll, style: str) -> None:
    """How it is served: a line in the middle."""
    roll.till.text(roll.values.say("till", "dine"), centre=True, bold=roll.values.chance(0.5), scale=1.2)


SECTIONS: Mapping[str, Section] = {
    "head": _head,
    "meta": _meta,
    "items": _items,
    "foot": _foot,
    "service": _service,
    **SUMS,
}
