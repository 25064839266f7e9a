"""Forms whose keys stand below their values or run on in lines, and an invoice with its numbers in a row."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts import forms, invoices
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.invoice_sections import (
    draw_facts,
    write_closing,
    write_company,
    write_items,
    write_parties,
    write_sums,
)
from layoutserve.model.training.synthesis.sheet import Piece, Sheet


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return forms.COUNTRIES if layout.startswith("form.") else invoices.countries(layout)


def _captioned(values: Values) -> Sheet:
    """What is filled in stands on a rule, its key in small print below the rule; one to three side by side."""
    desk, family = forms.open_form(values)
    rows = forms.draw_rows(values, desk.sheet, 7, 15)
    most, step = values.rng.choice((1, 2, 2, 3)), values.rng.uniform(2.2, 3.0)
    typed, small = desk.font(family=family), desk.font(values.rng.uniform(0.7, 0.9))
    bracket = values.chance(0.2)
    i = 0
    while i < len(rows) and desk.y + desk.leading * 3 < desk.sheet.height:
        part = rows[i : i + values.rng.randint(1, most)]
        wide = desk.room / len(part)
        for k, (key, value, name) in enumerate(part):
            x = desk.left + k * wide
            while len(value.split()) > 1 and typed.getlength(value) > wide - 15:
                value = value.rsplit(" ", 1)[0]
            desk.sheet.write(x + 4, desk.y, Piece(value, name), typed)
            desk.sheet.rule(x, desk.y + 4, x + wide - 15, desk.y + 4)
            desk.sheet.write(
                x, desk.y + 4 + small.size * 1.1, Piece(f"({key})" if bracket else key, key=name), small, ink=60
            )
        desk.y += desk.leading * step
        i += len(part)
    return forms.close_form(desk)


def _inline(values: Values) -> Sheet:
    """Keys and values one after another in running lines, several to a line."""
    desk, family = forms.open_form(values)
    rows = forms.draw_rows(values, desk.sheet, 7, 16)
    colon, typed = values.pick(":|:| -"), desk.font(family=family)
    key_font = desk.font(bold=values.chance(0.6))
    gap, step = values.rng.uniform(18, 60), values.rng.uniform(1.2, 2.0)
    x = desk.left
    for key, value, name in rows:
        width = key_font.getlength(key + colon) + typed.getlength(value) + 8
        if x > desk.left and x + width > desk.right:
            x, desk.y = desk.left, desk.y + desk.leading * step
        if desk.full:
            break
        after = desk.sheet.write(x, desk.y, Piece(key + colon, key=name), key_font) + 8
        if after + typed.getlength(value) > desk.right:
            # Too long for what is left of the line: it goes on below.
            desk.y = desk.sheet.paragraph(
                desk.left + 20, desk.y + desk.leading, Piece(value, name), typed, desk.room - 20, leading=desk.leading
            )
            x = desk.left
            continue
        x = max(desk.sheet.write(after, desk.y, Piece(value, name), typed), after + 30) + gap
    desk.y += desk.leading * 2
    return forms.close_form(desk)


def _register(values: Values) -> Sheet:
    """The customer first, the issuer at the right or the foot; the numbers in a row of cells under their keys."""
    desk, facts = Desk.load(values, sizes=(12, 15)), draw_facts(values)
    desk.line(
        values.pick("INVOICE|Invoice|TAX INVOICE|Sales Invoice"), anchor=values.pick("m|r|l"), scale=1.8, bold=True
    )
    desk.y += desk.leading
    end = write_parties(desk, facts, desk.y, columns=(0.0, 0.35))
    below = write_company(
        desk, facts, desk.left + desk.room * 0.62, desk.y, scale=values.rng.uniform(1.0, 1.3), width=desk.room * 0.38
    )
    desk.y = max(end, below) + desk.leading * 0.5
    shown = facts.meta[:5]
    desk.table(
        [Piece(key, key=name) for key, _, name in shown],
        [[Piece(value, name) for _, value, name in shown]],
        [1.0] * len(shown),
        values.pick("l|m") * len(shown),
        style=values.pick("grid|zebra|lines|plain"),
    )
    write_items(desk, facts, values.pick("grid|lines|zebra|plain"))
    write_sums(desk, facts, boxed=values.chance(0.4))
    write_closing(desk, facts)
    return desk.sheet


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "form.captioned": _captioned,
    "form.inline": _inline,
    "invoice.register": _register,
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {}
