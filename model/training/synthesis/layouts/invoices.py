"""Invoices on A4 and letter paper."""

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.invoice_sections import (
    Facts,
    draw_facts,
    write_closing,
    write_company,
    write_items,
    write_parties,
    write_sums,
)
from layoutserve.model.training.synthesis.sheet import Piece, Sheet

_COUNTRIES = ("us", "us", "gb", "au", "sg", "my", "my", "in", "de", "fr", "es", "it", "nl")
_TITLES = ("INVOICE", "Invoice", "INVOICE", "TAX INVOICE", "Tax Invoice", "Commercial Invoice", "SALES INVOICE", "Bill")


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return ("my", "my", "sg", "in") if layout == "invoice.carbon_copy" else _COUNTRIES


def _table_style(values: Values) -> str:
    return values.pick("grid|lines|zebra|dark|plain")


def _classic(values: Values) -> Sheet:
    """Issuer at the left, title and numbers at the right."""
    desk, facts = Desk.load(values), draw_facts(values)
    top = desk.y
    x = desk.left
    if values.chance(0.5):
        desk.logo(desk.left, top - 25, 62)
        x += 78
    end = write_company(desk, facts, x, top, scale=values.rng.uniform(1.1, 1.6), width=desk.room * 0.45)
    desk.line(values.one(_TITLES), anchor="r", scale=values.rng.uniform(1.6, 2.6), bold=True, heading=True)
    style = values.pick("tab|ends|boxes")
    meta = desk.left + desk.room * 0.58
    below = desk.pairs(
        meta,
        desk.y + desk.leading * 0.8,
        facts.meta,
        style=style,
        width=desk.room * 0.42,
        colon=values.pick(":|| :"),
        bold=values.chance(0.5),
    )
    desk.y = write_parties(desk, facts, max(end, below) + desk.leading, columns=(0.0, 0.5)) + desk.leading * 0.5
    write_items(desk, facts, _table_style(values))
    write_sums(desk, facts, boxed=values.chance(0.3))
    write_closing(desk, facts)
    return desk.sheet


def _letterhead(values: Values) -> Sheet:
    """Issuer centred at the top, a rule, the title, then parties and numbers side by side."""
    desk, facts = Desk.load(values), draw_facts(values)
    desk.y = write_company(
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
        anchor=values.pick("m|l|r"),
        scale=values.rng.uniform(1.3, 2.0),
        bold=True,
        heading=True,
    )
    desk.y += desk.leading * 0.6
    end = write_parties(desk, facts, desk.y, columns=(0.0, 0.3))
    below = desk.pairs(
        desk.left + desk.room * 0.62,
        desk.y,
        facts.meta,
        style=values.pick("tab|ends|run"),
        width=desk.room * 0.38,
        colon=values.pick(":| :"),
        bold=values.chance(0.4),
    )
    desk.y = max(end, below) + desk.leading * 0.6
    write_items(desk, facts, _table_style(values))
    write_sums(desk, facts, boxed=values.chance(0.5))
    write_closing(desk, facts)
    return desk.sheet


def _modern(values: Values) -> Sheet:
    """A dark band with the title; numbers in a row above the table; the issuer at the right."""
    desk, facts = Desk.load(values), draw_facts(values)
    height = values.rng.uniform(60, 110)
    dark = values.chance(0.6)
    desk.sheet.frame(0, 0, desk.sheet.width, height, thickness=0, fill=values.rng.randint(30, 90) if dark else 220)
    ink = 255 if dark else 0
    desk.sheet.write(
        desk.left, height * 0.65, values.one(_TITLES), desk.font(2.2, bold=True, family=desk.heading), ink=ink
    )
    desk.y = height + desk.leading * 2
    end = write_company(desk, facts, desk.right, desk.y, anchor="r", scale=1.2, width=desk.room * 0.5)
    end = max(end, write_parties(desk, facts, desk.y, columns=(0.0, 0.3)))
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
    write_items(desk, facts, values.pick("dark|zebra|lines"))
    write_sums(desk, facts, boxed=False)
    write_closing(desk, facts)
    return desk.sheet


def _service(values: Values) -> Sheet:
    """A freelancer's plain invoice: title first, everything flush left."""
    desk, facts = Desk.load(values, sizes=(13, 17)), draw_facts(values)
    desk.line(values.one(_TITLES), scale=values.rng.uniform(1.6, 2.4), bold=True, heading=True)
    desk.y += desk.leading
    desk.y = (
        desk.pairs(
            desk.left,
            desk.y,
            facts.meta,
            style=values.pick("tab|run"),
            width=desk.room * 0.6,
            colon=values.pick(":|:| -"),
        )
        + desk.leading
    )
    label = values.pick("From|From:|Seller|Issued by|Supplier")
    half = desk.left + desk.room * 0.52
    desk.sheet.write(desk.left, desk.y, Piece(label, key="company"), desk.font(bold=True))
    end = write_company(desk, facts, desk.left, desk.y + desk.leading, scale=1.0, width=desk.room * 0.45)
    before, desk.left = desk.left, half
    end = max(
        end,
        write_parties(
            desk,
            Facts(**{f: getattr(facts, f) if f != "ship_to" else [] for f in Facts.__slots__}),
            desk.y,
            columns=(0.0, 0.0),
        ),
    )
    desk.left = before
    desk.y = end + desk.leading
    write_items(desk, facts, values.pick("lines|plain|grid"))
    write_sums(desk, facts, boxed=False)
    write_closing(desk, facts)
    return desk.sheet


def _carbon_copy(values: Values) -> Sheet:
    """A printed A5 form filled by a dot-matrix printer, as wholesalers hand out with the goods."""
    desk, facts = (
        Desk.load(values, families=("courier", "dejavu-mono", "dejavu-sans", "times", "helvetica")),
        draw_facts(values),
    )
    desk.y = write_company(desk, facts, (desk.left + desk.right) / 2, desk.y, anchor="m", scale=1.35, width=desk.room)
    desk.line(
        values.pick("INVOICE|TAX INVOICE|CASH / CREDIT INVOICE|SALES INVOICE"),
        anchor="m",
        scale=1.3,
        bold=True,
    )
    desk.y += desk.leading * 0.4
    top = desk.y - desk.leading
    end = write_parties(desk, facts, desk.y, columns=(0.02, 0.3))
    below = desk.pairs(desk.left + desk.room * 0.6, desk.y, facts.meta, style="tab", width=desk.room * 0.38, colon=" :")
    desk.y = max(end, below)
    if values.chance(0.7):
        desk.sheet.frame(desk.left - 6, top, desk.right + 6, desk.y - desk.leading * 0.4)
    write_items(desk, facts, values.pick("grid|lines|plain"))
    write_sums(desk, facts, boxed=values.chance(0.4))
    write_closing(desk, facts)
    desk.y += desk.leading * 2
    if not desk.full:
        desk.sheet.rule(desk.left, desk.y, desk.left + 180, desk.y)
        desk.sheet.write(
            desk.left,
            desk.y + desk.leading,
            values.pick("Received by|Authorised Signature|Customer's chop & signature"),
            desk.font(0.9),
        )
    desk.sheet.crop(desk.y + desk.leading * 3)
    return desk.sheet


def _sidebar(values: Values) -> Sheet:
    """Numbers and issuer in a column at the left, the table beside it."""
    desk, facts = Desk.load(values, sizes=(12, 14)), draw_facts(values)
    wide = desk.sheet.width * 0.3
    desk.sheet.frame(0, 0, wide, desk.sheet.height, thickness=0, fill=values.rng.randint(215, 240))
    side = desk.left * 0.5
    end = write_company(desk, facts, side, desk.y + desk.leading, scale=1.2, width=wide - side - 8)
    desk.pairs(side, end + desk.leading * 2, facts.meta, style="above", width=wide - side - 8, colon="", bold=True)
    desk.left = wide + 25
    desk.line(values.one(_TITLES), scale=2.0, bold=True, heading=True)
    desk.y = write_parties(desk, facts, desk.y + desk.leading, columns=(0.0, 0.5)) + desk.leading
    write_items(desk, facts, values.pick("lines|zebra|grid"))
    write_sums(desk, facts, boxed=values.chance(0.5))
    write_closing(desk, facts)
    return desk.sheet


def _window(values: Values) -> Sheet:
    """A continental business letter: the customer in the envelope's window, the issuer's address only in the footer."""
    desk, facts = Desk.load(values), draw_facts(values)
    desk.line(Piece(facts.company, "company"), anchor=values.pick("r|l"), scale=1.6, bold=True, heading=True)
    desk.y = max(desk.y, 160)
    top = desk.y
    end = desk.block(desk.left, top, facts.customer, width=desk.room * 0.45)
    below = desk.pairs(
        desk.left + desk.room * 0.6,
        top + desk.leading * 2,
        facts.meta,
        style="tab",
        width=desk.room * 0.4,
        colon=values.pick(":|"),
    )
    desk.y = max(end, below) + desk.leading * 2
    desk.line(values.one(_TITLES), scale=1.4, bold=True)
    desk.line(
        values.pick(
            "We thank you for your order and charge as follows:|For our services we invoice you as agreed:|"
            "Please find below the items of this invoice."
        )
    )
    desk.y += desk.leading * 0.4
    write_items(desk, facts, values.pick("plain|lines"))
    write_sums(desk, facts, boxed=False, x=desk.left + desk.room * 0.05 if values.chance(0.3) else None)
    write_closing(desk, facts)
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
