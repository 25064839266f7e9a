"""An office's paper: a desk, what is sold to whom, and the page as bands of blocks.

A page is written as lines of text, one a band; blocks of a band stand side by side, and a block is
``name:style@left-right`` with its edges in per cent of the room. ``>`` after the style sets it flush right.
"""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Sale, Terms, draw_sale
from layoutserve.model.training.synthesis.fonts import SANS, SERIF, Font, covers, font
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.sheet import Content, Piece

Fact = tuple[str, str, str]
"""Key, value, field."""
MODERN = ("lato", "roboto", "hanken", "manrope", "source-sans", "helvetica")
FACES = (*SANS, *SERIF, "lato", "roboto", "lato", "roboto")
_NUMBERS = "#####|INV-####|INV-####-###|20##-####|######|?####|??-#####|##/####|R-20##-####|###|########"
_ORDERS = "PO-#####|######|45########|B-####|####/##|P######"
_BLOCK = re.compile(r"(\w+)(?::(\w+))?(>)?(?:@(\d+)-(\d+))?$")


@dataclass(slots=True)
class Office:
    """What one page says and how it looks; ``said`` are the fields that stand on it already."""

    desk: Desk
    paper: Paper
    values: Regional
    sale: Sale
    company: str
    address: list[str]
    buyer: str
    buyer_address: list[str]
    facts: dict[str, Fact]
    phone: str
    email: str
    tax_id: tuple[str, str]
    iban: str
    day: datetime.date
    due: datetime.date
    title: str
    colon: str
    dark: int
    signs: float
    said: set[str] = field(default_factory=set)

    def once(self, name: str) -> str:
        """``name`` the first time, another place of it after that."""
        if name in self.said:
            return f"{name}~2"
        self.said.add(name)
        return name

    def face(self, scale: float = 1.0, *, bold: bool = False, italic: bool = False) -> Font:
        """The page's typeface."""
        return self.desk.font(scale, bold=bold, italic=italic)

    def lines(
        self,
        area: "Area",
        lines: list[Content],
        *,
        scale: float = 1.0,
        bold: bool = False,
        ink: int = 0,
        heading: bool = False,
    ) -> float:
        """Lines from the top of ``area`` down, no wider than it; returns the next baseline."""
        family = self.desk.heading if heading else ""
        face = self.desk.font(scale, bold=bold, family=family)
        y = area.y
        x = {"l": area.x0, "m": (area.x0 + area.x1) / 2, "r": area.x1}[area.anchor]
        for content in lines:
            leading = self.desk.leading * max(scale, 0.8)
            y = self.paper.paragraph(x, y, content, face, area.width, leading=leading, anchor=area.anchor, ink=ink)
        return y


@dataclass(frozen=True, slots=True)
class Area:
    """A column of the page from the baseline ``y`` down."""

    x0: float
    x1: float
    y: float
    anchor: str = "l"

    @property
    def width(self) -> float:
        """Pixels between its edges."""
        return self.x1 - self.x0


Block = Callable[[Office, Area, str], float]


def print_page(
    values: Regional,
    bands: Sequence[str],
    terms: Terms,
    blocks: Mapping[str, Block],
    *,
    kind: str,
    modern: bool = False,
    screen: bool = False,
) -> Paper:
    """A page of ``bands``; drawn again with fewer rows where it does not fit.

    ``modern``: in a typeface of the web; ``screen``: on a telephone.
    """
    state = values.rng.getstate()
    rows = terms.rows
    while True:
        # Every try takes the same numbers, so that a page is still a matter of its seed alone.
        values.rng.setstate(state)
        values.fake.seed_instance(values.rng.getrandbits(32))
        office = _open(values, replace(terms, rows=rows), kind, modern, screen)
        for band in bands:
            _band(office, band, blocks)
        low = max((box[3] for box in office.paper.boxes), default=0.0)
        if low < office.paper.height - 8 or rows[1] <= 1:
            break
        rows = (1, rows[1] // 2)
    if low >= office.paper.height - 8:
        raise ValueError(f"The page {bands!r} does not fit on its paper.")
    return office.paper


def _band(office: Office, band: str, blocks: Mapping[str, Block]) -> None:
    desk = office.desk
    start, end = desk.y, desk.y
    for text in band.split():
        match = _BLOCK.match(text)
        if match is None:
            raise ValueError(f"{text!r} is no block.")
        name, style, right, left_edge, right_edge = match.groups()
        x0 = desk.left + desk.room * int(left_edge or 0) / 100
        x1 = desk.left + desk.room * int(right_edge or 100) / 100
        end = max(end, blocks[name](office, Area(x0, x1, start, "r" if right else "l"), style or ""))
    desk.y = end + desk.leading * office.values.rng.uniform(0.3, 1.0)


def _open(values: Regional, terms: Terms, kind: str, modern: bool, screen: bool) -> Office:
    rng = values.rng
    families = [name for name in (MODERN if modern else FACES) if covers(font(name, 14), values.rare)]
    desk = Desk.load(values, sizes=(11.5, 15.5), families=families, paper=Paper)
    if not covers(font(desk.heading, 14), values.rare):
        desk.heading = desk.family
    if screen:
        # A telephone's: narrow, with letters large for its width.
        desk.sheet, desk.left, desk.right = Paper(rng.randint(430, 520), 1150), 28.0, 405.0
    assert isinstance(desk.sheet, Paper)
    company, day = values.company(), values.day()
    days = rng.choice((7, 10, 14, 15, 21, 28, 30, 30, 45, 60))
    due = day + datetime.timedelta(days=days)
    number = values.digits(values.pick(_NUMBERS))
    po = values.digits(values.pick(_ORDERS))
    term = values.say("terms", "days", n=str(days)) if values.chance(0.8) else values.say("terms", "now")
    sent, month = (day - datetime.timedelta(days=back) for back in (rng.randint(1, 20), 30))
    told = {
        "number": ("number", number, "invoice_number"),
        "date": ("date", values.date(day), "date"),
        "due": ("due", values.date(due), "due_date"),
        "po": ("po", po, "po_number"),
        "customer": ("customer_number", values.digits(values.pick("C####|#####|??-####|######")), "customer_number"),
        "terms": ("terms", term, "payment_terms"),
        "delivery": ("delivery", values.date(sent), "delivery_date"),
        "contact": ("contact", values.person(), "salesperson"),
        "reference": ("reference", values.digits(values.pick("???-###|####/##|P#####|??/####")), "reference"),
        "period": ("period", f"{values.date(month)} - {values.date(day)}", "period"),
        "via": ("via", values.pick("UPS|DHL|DPD|FedEx|TNT|GLS"), "carrier"),
    }
    facts: dict[str, Fact] = {
        name: (values.say("meta", key), value, field_) for name, (key, value, field_) in told.items()
    }
    if kind == "order":
        del facts["number"], facts["due"], facts["period"]
    title = {"order": "purchase_order", "receipt": "receipt"}.get(kind, "invoice")
    return Office(
        desk=desk,
        paper=desk.sheet,
        values=values,
        sale=draw_sale(values, terms),
        company=company,
        address=values.address(),
        buyer=values.company() if values.chance(0.6) else values.person(),
        buyer_address=values.address(),
        facts=facts,
        phone=values.phone(),
        email=values.email(company),
        tax_id=values.tax_id(),
        iban=values.iban(),
        day=day,
        due=due,
        title=values.say("title", title),
        colon=values.pick(":|:||: "),
        dark=rng.choice((20, 45, 70, 95, 120)),
        signs=rng.choice((0.0, 0.0, 1.0, 1.0, 0.6)),
    )


def piece(key: str, name: str, colon: str = "") -> Piece:
    """What announces the field ``name``."""
    return Piece(key + colon, key=name)
