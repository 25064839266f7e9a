"""The table of what is sold, with columns in several orders; every cell knows its row."""

from collections.abc import Mapping

from layoutserve.model.training.synthesis.content.trade import Row
from layoutserve.model.training.synthesis.layouts.office import Area, Block, Office
from layoutserve.model.training.synthesis.sheet import Content, Piece, measure, tokenize, wrap

_FIELDS = {
    "description": "item_description",
    "quantity": "item_quantity",
    "unit": "item_unit",
    "price": "item_unit_price",
    "rate": "item_tax_rate",
    "amount": "item_amount",
    "code": "item_code",
}
_SHARES = {
    "position": 0.5, "code": 1.2, "description": 3.8, "quantity": 0.9, "unit": 0.8, "price": 1.35, "rate": 0.9,
    "amount": 1.5, "date": 1.2,
}  # fmt: skip
_ORDERS = (
    "description quantity price amount", "quantity description price amount", "code description quantity price amount",
    "position description quantity unit price amount", "position code description quantity price amount",
    "description quantity price rate amount", "description amount", "quantity unit code description price amount",
    "code description price quantity amount", "position description quantity price rate amount",
    "date code description quantity unit price amount", "description price quantity amount",
    "position quantity unit description price amount",
)  # fmt: skip


def items(office: Office, area: Area, style: str) -> float:
    """The rows as a table: grid, lines, zebra, dark, plain, columns (upright rules only), dots; or ``list``."""
    values, rng = office.values, office.values.rng
    if style == "list":
        return _list(office, area)
    order = rng.choice(_ORDERS).split()
    heads: list[Content] = []
    for name in order:
        text = values.say("column", name)
        if name in ("price", "amount") and rng.random() < 0.12:
            text += f" ({values.region.currency})"
        label = _FIELDS.get(name)
        if label:
            office.paper.heads[label] = f"head_{name}"
        heads.append(Piece(text.upper() if style == "dark" and rng.random() < 0.4 else text, f"head_{name}"))
    symbol = "x" if rng.random() < office.signs * 0.6 else ""
    days = values.date(office.day)
    rows = [[_cell(office, name, row, i, symbol, days) for name in order] for i, row in enumerate(office.sale.rows)]
    numbers = rng.choice(("r", "r", "m"))
    anchors = "".join(
        "l" if n in ("description", "code", "date", "unit") else "m" if n == "position" else numbers for n in order
    )
    blank = rng.randint(0, 3) if style in ("grid", "zebra", "columns") else 0
    rows += [[""] * len(order)] * blank
    shares = [_SHARES[name] for name in order]
    return draw_table(office, area, heads, rows, shares, anchors, style=style or "lines", pad=rng.uniform(0.15, 0.9))


def _list(office: Office, area: Area) -> float:
    """Quantity, name and amount without heads, as telephones show them."""
    symbol = "x" if office.signs else ""
    rows: list[list[Content]] = [
        [_cell(office, name, row, i, symbol, "") for name in ("quantity", "description", "amount")]
        for i, row in enumerate(office.sale.rows)
    ]
    return draw_table(office, area, [], rows, [0.5, 3.0, 1.2], "llr", style=office.values.pick("lines|plain"), pad=0.7)


def _cell(office: Office, name: str, row: Row, i: int, symbol: str, day: str) -> Content:
    values = office.values
    field = f"{_FIELDS.get(name, '')}#{i}"
    if name == "description":
        detail = [Piece(row.detail, field)] if row.detail else []
        return [Piece(row.text, field), *detail]
    if name == "quantity":
        whole = row.quantity == int(row.quantity)
        return Piece(f"{row.quantity:f}" if whole else values.figure(row.quantity), field)
    if name in ("price", "amount"):
        return values.amount(getattr(row, name), field, symbol)
    if name == "rate":
        return Piece(values.rate(row.rate) + values.pick("%|"), field) if row.rate else ""
    if name == "position":
        return str(i + 1)
    return day if name == "date" else Piece(getattr(row, name), field)


def draw_table(
    office: Office,
    area: Area,
    heads: list[Content],
    rows: list[list[Content]],
    shares: list[float],
    anchors: str,
    *,
    style: str,
    pad: float = 0.5,
    scale: float = 0.95,
) -> float:
    """A table across ``area``; cells wrap. Returns the next baseline."""
    desk, paper = office.desk, office.paper
    gap, leading = desk.size * 0.35, desk.leading * scale
    wide = [share * area.width / sum(shares) for share in shares]
    bold = desk.font(scale, bold=True)
    for k, column in enumerate(zip(heads or rows[0], *rows, strict=True)):
        # A word is not broken: a column that is too narrow for one takes its room from the widest.
        longest = max((measure(bold, token[0]) for cell in column for token in tokenize(cell)), default=0.0)
        lack = max(longest + 2 * gap + 2 - wide[k], 0.0)
        wide[wide.index(max(wide))] -= lack
        wide[k] += lack
    edges = [area.x0 + sum(wide[:k]) for k in range(len(wide) + 1)]
    y = top = area.y - desk.leading * 0.6
    for number, row in enumerate([heads, *rows] if heads else rows):
        head = bool(heads) and number == 0
        face = desk.font(scale, bold=head and style != "plain")
        cells = [wrap(tokenize(cell), face, edges[k + 1] - edges[k] - 2 * gap) for k, cell in enumerate(row)]
        high = leading * max(max(len(cell) for cell in cells), 1) + leading * pad
        ink = 255 if head and style == "dark" and office.dark < 130 else 0
        if head and style in ("dark", "shaded", "columns"):
            paper.frame(area.x0, y, area.x1, y + high, thickness=0, fill=office.dark if style == "dark" else 220)
        elif style == "zebra" and number % 2 == 0:
            paper.frame(area.x0, y, area.x1, y + high, thickness=0, fill=232)
        for k, cell in enumerate(cells):
            x = {"l": edges[k] + gap, "r": edges[k + 1] - gap, "m": (edges[k] + edges[k + 1]) / 2}[anchors[k]]
            for line, tokens in enumerate(cell):
                base = y + leading * (pad / 2 + 0.75 + line)
                paper.write(x, base, [Piece(*token) for token in tokens], face, anchor=anchors[k], ink=ink)
        y += high
        if style in ("grid", "lines", "dots") or (head and style in ("plain", "zebra")):
            paper.rule(area.x0, y, area.x1, y, ink=90 if style == "grid" or head else 175)
    if style in ("grid", "columns"):
        for edge in edges:
            paper.rule(edge, top, edge, y, ink=90)
    if style in ("grid", "columns", "shaded"):
        paper.rule(area.x0, top, area.x1, top, ink=90)
        paper.rule(area.x0, y, area.x1, y, ink=90)
    return y + desk.leading * 1.2


BLOCKS: Mapping[str, Block] = {"items": items}
