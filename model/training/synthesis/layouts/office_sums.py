"""Sums of invoices and orders: from the subtotal to what is left to pay, taxes by rate, and slips to pay with."""

from collections.abc import Mapping
from decimal import Decimal

from layoutserve.model.training.synthesis.content.trade import Tax
from layoutserve.model.training.synthesis.layouts.office import Area, Block, Office, piece
from layoutserve.model.training.synthesis.layouts.office_table import draw_table
from layoutserve.model.training.synthesis.sheet import Content, Piece

Line = tuple[str, Decimal, str]
"""Label, amount, field."""


def tax_label(office: Office, line: Tax) -> str:
    """One wording for a line of tax."""
    values = office.values
    return values.say("sum", "tax", rate=values.rate(line.rate)).replace(values.tax, line.name)


def lines_of(office: Office) -> list[Line]:
    """Every sum of the page in order; the last is what has to be paid."""
    sale, values = office.sale, office.values
    say, several = values.say, len(office.sale.taxes) > 1
    lines: list[Line] = []
    if not sale.inclusive and (sale.taxes or values.chance(0.6)):
        lines.append((say("sum", "subtotal"), sale.goods, "subtotal"))
    if sale.discount:
        lines.append((say("sum", "discount"), -sale.discount, "discount"))
    if sale.shipping:
        lines.append((say("sum", "shipping"), sale.shipping, "shipping"))
    if sale.service:
        lines.append((say("sum", "service"), sale.service, "service_charge"))
    if sale.inclusive and sale.taxes and sale.plain and values.chance(0.6):
        lines.append((say("sum", "subtotal"), sale.net, "subtotal"))
    if not several or values.chance(0.75):
        lines += [
            (tax_label(office, t), t.amount, f"tax_line#{k}" if several else "tax") for k, t in enumerate(sale.taxes)
        ]
    if several and (values.chance(0.5) or lines[-1][2] in ("subtotal", "discount", "shipping")):
        lines.append((say("sum", "tax_total"), sale.tax, "tax"))
    if sale.tip:
        lines.append((say("sum", "tip"), sale.tip, "tip"))
    if sale.rounding:
        lines.append((say("sum", "rounding"), sale.rounding, "rounding"))
    owes = bool(sale.paid or sale.previous)
    lines.append((say("sum", "gross" if owes else "total"), sale.total, "total"))
    if sale.previous:
        lines.append((say("sum", "previous"), sale.previous, "previous_balance"))
    if sale.paid:
        lines.append((say("sum", "paid"), values.rng.choice((1, -1)) * sale.paid, "paid"))
    if owes:
        lines.append((say("sum", "due"), sale.due, "amount_due"))
    return lines


def sums(office: Office, area: Area, style: str) -> float:
    """Labels and amounts: plain, boxed, band (the last on a dark band), near (labels flush right), row, total."""
    values, desk, paper = office.values, office.desk, office.paper
    lines = lines_of(office)
    if style == "row":
        return _row(office, area, lines)
    if style == "total":
        lines = [line for line in lines if line[2] in ("total", "amount_due", "paid", "previous_balance")]
    high = desk.leading * values.rng.uniform(1.05, 1.35)
    big = values.rng.choice((1.0, 1.0, 1.15, 1.35))
    y = area.y
    for label, amount, name in lines:
        last = (label, amount, name) == lines[-1]
        field = office.once(name)
        symbol = "x" if values.chance(office.signs) else ""
        content = values.amount(amount, field, symbol)
        bold = last or (name == "total" and values.chance(0.7))
        face = desk.font(big if last and style != "boxed" else 1.0, bold=bold)
        text = " ".join(p if isinstance(p, str) else p.text for p in content)
        key = piece(label, field, office.colon.strip())
        if face.getlength(f"{key.text}   {text}") > area.width - 12:
            face = desk.font(0.85, bold=bold)
        top, inset, ink = y - high * 0.75, 0.0, 0
        if style == "boxed":
            paper.frame(area.x0, top, area.x1, top + high, fill=220 if last else None)
            inset = 6.0
        elif last and style == "band":
            paper.frame(area.x0, top, area.x1, top + high * 1.1, thickness=0, fill=office.dark)
            inset, ink = 6.0, 255 if office.dark < 130 else 0
        elif last and style != "near":
            paper.rule(area.x0, top, area.x1, top, thickness=values.rng.choice((1, 2)))
        if style == "near":
            length = face.getlength(text)
            paper.write(area.x1 - length - desk.size * 1.5, y, key, face, anchor="r", ink=ink)
        else:
            paper.write(area.x0 + inset, y, key, face, ink=ink)
        paper.write(area.x1 - inset, y, content, face, anchor="r", ink=ink)
        y += high * (big if last else 1)
    return y + desk.leading * 0.4


def _row(office: Office, area: Area, lines: list[Line]) -> float:
    """Sums as a row of heads over a row of amounts, as French and Italian forms have them."""
    lines = [*lines[-5:]]
    heads: list[Content] = []
    cells: list[Content] = []
    for label, amount, name in lines:
        field = office.once(name)
        heads.append(piece(label, field))
        cells.append(office.values.amount(amount, field, "x" if office.values.chance(office.signs) else ""))
    return draw_table(
        office, area, heads, [cells], [1.0] * len(lines), "m" * len(lines), style="grid", pad=0.4, scale=0.9
    )


def taxes(office: Office, area: Area, style: str) -> float:
    """A table of rates with their bases and taxes."""
    sale, values = office.sale, office.values
    if not sale.taxes:
        return area.y
    name, several = sale.taxes[0].name, len(sale.taxes) > 1
    heads: list[Content] = [f"{name} %", values.say("sum", "net"), name, values.say("sum", "gross")]
    rows: list[list[Content]] = []
    for k, line in enumerate(sale.taxes):
        field = office.once(f"tax_line#{k}" if several else "tax")
        rows.append(
            [
                Piece(values.rate(line.rate) + values.pick("%|"), f"tax_rate#{k}"),
                Piece(values.figure(line.base), f"tax_base#{k}"),
                Piece(values.figure(line.amount), field),
                values.figure(line.gross),
            ]
        )
    heads = heads[: 4 if values.chance(0.5) else 3]
    rows = [row[: len(heads)] for row in rows]
    return draw_table(
        office,
        area,
        heads,
        rows,
        [0.7, 1.0, 1.0, 1.0][: len(heads)],
        "rrrr"[: len(heads)],
        style=style or "lines",
        pad=0.3,
        scale=0.85,
    )


def callout(office: Office, area: Area, style: str) -> float:
    """What is to be paid, large, before everything else: on bills of utilities and software."""
    sale, values, desk = office.sale, office.values, office.desk
    owes = bool(sale.paid or sale.previous)
    field = office.once("amount_due" if owes else "total")
    label = values.say("sum", "due")
    amount = values.amount(sale.due if owes else sale.total, field, "x")
    high = desk.leading * 3.2
    top = area.y - desk.leading
    paper = office.paper
    if style == "boxed":
        paper.frame(area.x0, top, area.x1, top + high, fill=values.rng.choice((None, 235, 215)))
    paper.write(area.x0 + 10, area.y + desk.leading * 0.1, piece(label, field), office.face())
    scale = 1.7
    while (
        office.face(scale, bold=True).getlength(" ".join(p if isinstance(p, str) else p.text for p in amount))
        > area.width - 20
        and scale > 0.8
    ):
        scale -= 0.2
    paper.write(area.x0 + 10, area.y + desk.leading * 1.7, amount, office.face(scale, bold=True))
    if "due" in office.facts and "due_date" not in office.said:
        key, value, name = office.facts["due"]
        office.said.add(name)
        paper.write(area.x0 + 10, top + high + desk.leading, [piece(key, name), Piece(value, name)], office.face(0.9))
        return top + high + desk.leading * 2.4
    return top + high + desk.leading


def chart(office: Office, area: Area, style: str) -> float:
    """Bars of a year's use, as bills of utilities show."""
    rng, desk, paper = office.values.rng, office.desk, office.paper
    high, part = desk.leading * 4.0, area.width / 13
    base = area.y + high
    for k, month in enumerate("JFMAMJJASOND"):
        tall = high * rng.uniform(0.2, 0.95)
        x = area.x0 + part * (k + 0.5)
        paper.frame(x, base - tall, x + part * 0.6, base, thickness=0, fill=rng.choice((120, 150, office.dark)))
        paper.write(x, base + desk.leading * 0.7, month, office.face(0.7))
    paper.rule(area.x0, base, area.x1, base)
    return base + desk.leading * 1.8


def stub(office: Office, area: Area, style: str) -> float:
    """A slip to tear off and send with the payment: number, date and amount are said again."""
    values, desk, paper = office.values, office.desk, office.paper
    y: float = area.y
    for dash in range(int(desk.left), int(desk.right), 14):
        paper.rule(dash, y - desk.leading * 0.6, dash + 7, y - desk.leading * 0.6)
    y = office.lines(
        Area(area.x0, area.x0 + area.width * 0.5, y + desk.leading * 0.4),
        [Piece(office.company, office.once("company")), *office.address],
        scale=0.85,
    )
    pairs = [
        (
            values.say("sum", "due"),
            values.figure(office.sale.due),
            "amount_due" if office.sale.paid or office.sale.previous else "total",
        ),
        *[office.facts[name] for name in ("number", "customer") if name in office.facts],
    ]
    at = area.y + desk.leading * 0.4
    for key, value, name in pairs:
        field = office.once(name)
        face = office.face(0.9)
        x = area.x0 + area.width * 0.55
        paper.write(x, at, piece(key, field, ":"), face)
        paper.write(area.x1, at, Piece(value, field), face, anchor="r")
        at += desk.leading
    return max(y, at)


BLOCKS: Mapping[str, Block] = {"sums": sums, "taxes": taxes, "callout": callout, "chart": chart, "stub": stub}
