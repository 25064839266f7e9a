"""Forms: printed keys, filled-in values, boxes to tick, and keys that nobody filled in."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.form_fields import FIELDS
from layoutserve.model.training.synthesis.sheet import Piece, Sheet

COUNTRIES = ("us", "us", "gb", "au", "sg", "my", "in", "de", "fr", "nl", "it", "es")

_TITLES = (
    "APPLICATION FORM",
    "Registration Form",
    "REQUEST FOR SERVICE",
    "Employee Information Form",
    "Patient Registration",
    "CLAIM FORM",
    "Membership Application",
    "Vendor Registration Form",
    "CHANGE OF ADDRESS",
    "Travel Authorization Request",
    "INCIDENT REPORT FORM",
    "Order Form",
    "Shipping Declaration",
    "Product Complaint Form",
    "Equipment Loan Agreement Form",
    "INSPECTION CHECKLIST",
    "Leave Request",
    "Expense Report",
    "Purchase Requisition",
    "Visitor Registration",
    "LABORATORY REQUEST",
    "Customer Survey",
    "Vehicle Registration Form",
    "Enrolment Form",
    "Permit Application",
    "STATEMENT OF REGISTRATION",
    "Supplemental Statement",
    "Disclosure Form",
    "Consent Form",
    "DATA SHEET",
    "Transmittal Form",
    "Project Approval Form",
)
_SECTIONS = (
    "Personal Details",
    "Part A",
    "SECTION 1",
    "Contact Information",
    "For Office Use Only",
    "General Information",
    "Details of Request",
    "Section B - Particulars",
    "Applicant",
    "Employment",
    "Declaration",
    "Part II",
    "To be completed by the applicant",
    "Additional Information",
)
_NOTES = (
    "Please complete this form in block letters and return it to the address above.",
    "All fields marked with * are required.",
    "I certify that the information given in this form is true and complete to the best of my knowledge.",
    "Use additional sheets if necessary.",
    "Incomplete forms will not be processed.",
    "For official use only. Do not write below this line.",
    "Type or print clearly in black ink. Keep a copy for your records.",
    "The information collected will be treated as confidential.",
    "INSTRUCTIONS: This form must be filed within thirty days. Read the notes on the reverse before you begin.",
)

Row = tuple[str, str, str]
"""Key, value (empty where not filled in), field."""


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return COUNTRIES


def draw_rows(values: Values, sheet: Sheet, least: int, most: int) -> list[Row]:
    """Fields of one form; what is left empty or out goes to ``sheet.missing``."""
    names = values.rng.sample(list(FIELDS), values.rng.randint(least, most))
    rows: list[Row] = []
    for name in names:
        key = values.one(FIELDS[name][0].split("|"))
        filled = values.chance(0.88)
        rows.append((key, FIELDS[name][1](values) if filled else "", name))
        if not filled:
            sheet.missing.append(key)
    others = [name for name in FIELDS if name not in names]
    # A key that sounds like a printed one could be answered by it: only ask for what shares no word with any.
    printed = {word for key, _, _ in rows for word in key.lower().replace(".", "").split()}
    for name in values.rng.sample(others, min(4, len(others))):
        key = values.one(FIELDS[name][0].split("|"))
        if not printed & set(key.lower().replace(".", "").split()):
            sheet.missing.append(key)
    return rows


def open_form(values: Values, sizes: tuple[float, float] = (14, 19.5)) -> tuple[Desk, str]:
    """A desk with the form's head written on it, and the typeface of what is filled in."""
    desk = Desk.load(values, sizes=sizes)
    if values.chance(0.6):
        issuer = (
            values.company()
            if values.chance(0.7)
            else values.pick(
                "Department of Commerce|Ministry of Health|City Council|U.S. Department of Labor|"
                "Office of the Registrar"
            )
        )
        desk.line(
            issuer,
            anchor=values.pick("l|m|r"),
            scale=values.rng.uniform(0.9, 1.4),
            bold=values.chance(0.5),
            heading=True,
        )
        if values.chance(0.3):
            desk.line(", ".join(values.address()[:2]), scale=0.85)
    desk.line(
        Piece(values.one(_TITLES), "title"),
        anchor=values.pick("m|m|l"),
        scale=values.rng.uniform(1.3, 2.0),
        bold=True,
        heading=True,
    )
    if values.chance(0.5):
        desk.y += desk.leading * 0.3
        desk.line(values.one(_NOTES), scale=0.85, italic=values.chance(0.4))
    desk.y += desk.leading
    return desk, values.one((desk.family, "courier", "courier", "dejavu-mono", "times", "helvetica"))


def close_form(desk: Desk) -> Sheet:
    """What stands below the fields of a form; returns the sheet."""
    values = desk.values
    while values.chance(0.55) and desk.y < desk.sheet.height - 260:
        desk.y += desk.leading * 0.6
        if values.chance(0.5):
            desk.line(values.one(_SECTIONS), bold=True)
        desk.line(" ".join(values.rng.sample(_NOTES, values.rng.randint(1, 4))), scale=values.rng.uniform(0.75, 1.0))
    if values.chance(0.5) and not desk.full:
        desk.y += desk.leading
        desk.line(values.one(_NOTES), scale=0.85)
    if values.chance(0.4) and desk.y < desk.sheet.height - 110:
        desk.y += desk.leading * 2.5
        desk.sheet.rule(desk.left, desk.y, desk.left + 220, desk.y)
        desk.sheet.write(desk.left, desk.y + desk.leading, values.pick("(Stamp)|Official stamp|Seal"), desk.font(0.85))
    if values.chance(0.3):
        desk.sheet.write(
            desk.left,
            desk.sheet.height - 28,
            values.digits(values.pick("Form ??-###|FORM ### (Rev. ##/##)|Page 1 of 2")),
            desk.font(0.75),
        )
    elif desk.y < desk.sheet.height * 0.7 and values.chance(0.4):
        desk.sheet.crop(desk.y + values.rng.uniform(40, 150))
    return desk.sheet


def _value(desk: Desk, family: str, row: Row) -> Piece:
    return Piece(row[1], row[2])


def _section(desk: Desk, shaded: bool) -> None:
    text = desk.values.one(_SECTIONS)
    if shaded:
        desk.sheet.frame(
            desk.left, desk.y - desk.leading * 0.85, desk.right, desk.y + desk.leading * 0.35, thickness=0, fill=210
        )
    desk.line(text, x=desk.left + 4, bold=True)
    desk.y += desk.leading * 0.5


def _lined(values: Values) -> Sheet:
    """Key, then the value on a ruled line; one or two to a row."""
    desk, family = open_form(values)
    rows = draw_rows(values, desk.sheet, 7, 18)
    colon, typed = values.pick(":|:|"), desk.font(values.rng.uniform(0.9, 1.1), family=family)
    double, ruled, shaded = values.chance(0.5), values.chance(0.75), values.chance(0.5)
    step = values.rng.uniform(1.5, 2.3)
    tab = values.chance(0.4)
    i = 0
    while i < len(rows) and not desk.full:
        if values.chance(0.15):
            _section(desk, shaded)
        pair = rows[i : i + 2] if double and values.chance(0.7) else rows[i : i + 1]
        edges = [desk.left, desk.left + desk.room * 0.52] if len(pair) == 2 else [desk.left]
        for k, (row, x) in enumerate(zip(pair, edges, strict=True)):
            end = edges[k + 1] - 15 if k + 1 < len(edges) else desk.right
            after = desk.sheet.write(x, desk.y, Piece(row[0] + colon, key=row[2]), desk.font()) + 8
            if tab and len(pair) == 1:
                after = max(after, desk.left + desk.room * 0.32)
            if ruled:
                desk.sheet.rule(after, desk.y + 4, end, desk.y + 4)
            # What does not fit on the ruled line goes below it.
            desk.y = max(
                desk.y,
                desk.sheet.paragraph(
                    after + 4, desk.y, _value(desk, family, row), typed, max(end - after, 90), leading=desk.leading
                )
                - desk.leading,
            )
        desk.y += desk.leading * step
        i += len(pair)
    return close_form(desk)


def _boxed(values: Values, *, numbered: bool) -> Sheet:
    """Cells with a small key at the top and the value below."""
    desk, family = open_form(values)
    rows = draw_rows(values, desk.sheet, 8, 20)
    typed, small = desk.font(values.rng.uniform(0.95, 1.1), family=family), desk.font(values.rng.uniform(0.68, 0.85))
    high = desk.leading * values.rng.uniform(2.3, 3.2)
    i = 0
    while i < len(rows) and desk.y + high < desk.sheet.height - 60:
        count = min(values.rng.choice((1, 2, 2, 3)), len(rows) - i)
        shares = [values.rng.uniform(1, 2) for _ in range(count)]
        x = desk.left
        for k in range(count):
            width = desk.room * shares[k] / sum(shares)
            row = rows[i + k]
            desk.sheet.frame(x, desk.y, x + width, desk.y + high)
            number = f"{i + k + 1}. " if numbered else ""
            desk.sheet.paragraph(
                x + 5,
                desk.y + small.size * 1.1,
                [number, Piece(row[0], key=row[2])],
                small,
                width - 8,
                leading=small.size * 1.1,
            )
            desk.sheet.paragraph(
                x + 9,
                desk.y + high - desk.leading * 0.35 - (desk.leading if typed.getlength(row[1]) > width - 14 else 0),
                _value(desk, family, row),
                typed,
                width - 14,
                leading=desk.leading,
            )
            x += width
        desk.y += high
        i += count
        if values.chance(0.12):
            desk.y += desk.leading * 1.4
            _section(desk, shaded=False)
    desk.y += desk.leading * 1.5
    return close_form(desk)


def _listed(values: Values) -> Sheet:
    """A two-column table of keys and values."""
    desk, family = open_form(values)
    rows = draw_rows(values, desk.sheet, 6, 16)
    typed = values.chance(0.5)
    if typed:
        desk.family = family
    cut = values.rng.uniform(0.28, 0.5)
    head = values.chance(0.2)
    desk.table(
        ["Field", "Entry"] if head else [],
        [[Piece(key, key=name), Piece(value, name)] for key, value, name in rows],
        [cut, 1 - cut],
        "ll",
        style=values.pick("grid|lines|grid|plain"),
        pad=values.rng.uniform(0.4, 1.2),
    )
    return close_form(desk)


def _ticks(values: Values) -> Sheet:
    """Keys with values, then questions with boxes to tick."""
    desk, family = open_form(values)
    rows = draw_rows(values, desk.sheet, 4, 9)
    typed = desk.font(1.0, family=family)
    colon = values.pick(":|| :")
    for row in rows:
        after = desk.sheet.write(
            desk.left, desk.y, Piece(row[0] + colon, key=row[2]), desk.font(bold=values.chance(0.5))
        )
        desk.sheet.write(max(after + 10, desk.left + desk.room * 0.3), desk.y, _value(desk, family, row), typed)
        desk.y += desk.leading * 1.35
    desk.y += desk.leading
    side = desk.size * 0.8
    questions = values.rng.sample(
        [
            ("Type of request", ("New", "Renewal", "Change", "Cancellation")),
            ("Preferred contact", ("Phone", "E-mail", "Post")),
            ("Have you applied before?", ("Yes", "No")),
            ("Payment by", ("Cash", "Cheque", "Credit card", "Transfer")),
            ("Condition", ("Good", "Fair", "Poor")),
            ("Priority", ("Low", "Normal", "High")),
            ("Employment", ("Full time", "Part time")),
            ("Are copies attached?", ("Yes", "No")),
            ("Shift", ("Day", "Night")),
            ("Do you agree to the terms?", ("Yes", "No")),
            ("Language", ("English", "French", "Other")),
            ("Membership", ("Single", "Family", "Student")),
        ],
        values.rng.randint(2, 6),
    )
    for number, (question, options) in enumerate(questions):
        if desk.full:
            break
        name = f"tick_{number}"
        x = desk.sheet.write(desk.left, desk.y, Piece(question, key=name), desk.font()) + 25
        chosen = values.rng.randrange(len(options))
        for k, option in enumerate(options):
            desk.sheet.frame(x, desk.y - side, x + side, desk.y, thickness=2, ink=40)
            if k == chosen:
                desk.sheet.rule(x + 2, desk.y - side + 2, x + side - 2, desk.y - 2, thickness=2, ink=0)
                desk.sheet.rule(x + 2, desk.y - 2, x + side - 2, desk.y - side + 2, thickness=2, ink=0)
            x = desk.sheet.write(x + side + 6, desk.y, Piece(option, name if k == chosen else ""), desk.font()) + 22
        desk.y += desk.leading * 1.6
    return close_form(desk)


def _columns(values: Values, *, below: bool = False) -> Sheet:
    """Two columns of pairs under section titles, as on data sheets."""
    desk, _ = open_form(values, sizes=(13, 15.5))
    rows = draw_rows(values, desk.sheet, 10, 20)
    half = (len(rows) + 1) // 2
    top = desk.y
    ends = []
    bold, colon = values.chance(0.6), values.pick(":||:")
    style = "above" if below else values.pick("tab|run")
    for x, part in ((desk.left, rows[:half]), (desk.left + desk.room * 0.53, rows[half:])):
        desk.sheet.write(x, top, values.one(_SECTIONS), desk.font(1.1, bold=True))
        shown = [(key, _cut(desk, key + value, value), name) for key, value, name in part]
        ends.append(
            desk.pairs(x, top + desk.leading * 1.6, shown, style=style, width=desk.room * 0.45, colon=colon, bold=bold)
        )
    desk.y = max(ends)
    return close_form(desk)


def _cut(desk: Desk, whole: str, value: str) -> str:
    """Leave out the last words of a value too long for half a page."""
    words = value.split()
    while len(words) > 1 and desk.font().getlength(whole) > desk.room * 0.4:
        whole = whole[: -len(words.pop()) - 1]
    return " ".join(words)


def _numbered(values: Values) -> Sheet:
    return _boxed(values, numbered=True)


def _cells(values: Values) -> Sheet:
    return _boxed(values, numbered=False)


def _stacked(values: Values) -> Sheet:
    return _columns(values, below=True)


def _memo(values: Values) -> Sheet:
    """Keys flush right against a vertical rule, values at its other side."""
    desk, family = open_form(values)
    rows = draw_rows(values, desk.sheet, 7, 15)
    middle = desk.left + desk.room * values.rng.uniform(0.32, 0.45)
    top = desk.y - desk.leading
    for row in rows:
        desk.sheet.write(middle - 12, desk.y, Piece(row[0], key=row[2]), desk.font(bold=True), anchor="r")
        desk.y = desk.sheet.paragraph(
            middle + 12,
            desk.y,
            _value(desk, family, row),
            desk.font(family=family),
            desk.right - middle - 12,
            leading=desk.leading,
        )
        desk.y += desk.leading * (0.5 if row[1] else 1.5)
    desk.sheet.rule(middle, top, middle, desk.y - desk.leading)
    return close_form(desk)


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "form.lined": _lined,
    "form.numbered": _numbered,
    "form.listed": _listed,
    "form.ticks": _ticks,
    "form.columns": _columns,
    "form.cells": _cells,
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {"form.stacked": _stacked, "form.memo": _memo}
