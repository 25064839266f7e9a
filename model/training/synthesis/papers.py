"""Scientific articles, reports made of tables, and résumés."""

from collections.abc import Callable

from model.training.synthesis.desk import Desk
from model.training.synthesis.fonts import SERIF
from model.training.synthesis.prose import ARTICLE, RESUME, expand
from model.training.synthesis.sheet import Content, Piece, Sheet
from model.training.synthesis.values import Values

_COUNTRIES = ("us", "gb", "de", "fr", "it", "nl", "es", "au", "in", "sg")
_JOURNALS = ("Journal of Applied Methods", "Annals of Computation", "Physics Notes", "International Review of Data", "Proceedings of the Workshop on Learning",
             "Letters in Material Science", "Transactions on Signals", "Acta Systematica", "Astronomy Reports", "arXiv preprint")  # fmt: skip


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


def _article(values: Values, columns: int, *, numerals: str, boxed: bool = False) -> Sheet:
    """A page of an article: the first, with title and abstract, or a later one."""
    desk = Desk.load(
        values, sizes=(11.5, 13.5) if columns == 2 else (13, 16.5), families=(*SERIF, *SERIF, "source-sans")
    )
    desk.leading = desk.size * values.rng.uniform(1.14, 1.3)
    rng = values.rng
    journal = values.one(_JOURNALS)
    if values.chance(0.6):
        desk.sheet.write(
            desk.left,
            38,
            [Piece(journal, "journal"), values.digits("## (20##) ###-###")]
            if values.chance(0.6)
            else expand(rng, "title", ARTICLE),
            desk.font(0.85, italic=True),
        )
        desk.sheet.write(desk.right, 38, str(rng.randint(1, 900)), desk.font(0.85), anchor="r")
        desk.y = max(desk.y, 75)
    if values.chance(0.5):
        _title(desk, boxed=boxed)
    left, right, top = desk.left, desk.right, desk.y
    gap = 24
    wide = (right - left - gap * (columns - 1)) / columns
    number = rng.randint(1, 4)
    for column in range(columns):
        desk.left, desk.y = left + column * (wide + gap), top
        desk.right = desk.left + wide
        while desk.y < desk.sheet.height - 75:
            draw = rng.random()
            if draw < 0.2:
                desk.y += desk.leading * 0.5
                mark = {
                    "arabic": f"{number}",
                    "roman": ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")[
                        min(number, 12) - 1
                    ]
                    + ".",
                    "point": f"{number}.{rng.randint(1, 4)}",
                }[numerals]
                desk.line(
                    f"{mark} {expand(rng, 'section', ARTICLE)}", bold=True, scale=1.1 if numerals != "roman" else 1.0
                )
                number += 1
                desk.y += desk.leading * 0.3
            elif draw < 0.3:
                _formula(desk)
            elif draw < 0.38 and desk.y < desk.sheet.height - 330:
                _figure(desk, number)
            elif draw < 0.44 and desk.y < desk.sheet.height - 260:
                _small_table(desk, number)
            else:
                text = " ".join(expand(rng, "sentence", ARTICLE) for _ in range(rng.randint(3, 7)))
                room = int((desk.sheet.height - 60 - desk.y) / desk.leading)
                words = text.split()
                # What does not fit runs on to the next page.
                desk.line(" ".join(words[: max(6, int(room * wide / desk.size / 3.1))]))
    desk.left, desk.right = left, right
    if values.chance(0.5):
        desk.sheet.write(
            (left + right) / 2, desk.sheet.height - 25, str(rng.randint(1, 30)), desk.font(0.9), anchor="m"
        )
    return desk.sheet


def _title(desk: Desk, *, boxed: bool) -> None:
    values, rng = desk.values, desk.values.rng
    anchor = "l" if boxed else values.pick("m", "m", "l")
    desk.line(
        Piece(expand(rng, "title", ARTICLE), "title"),
        anchor=anchor,
        scale=rng.uniform(1.5, 2.0),
        bold=values.chance(0.6),
    )
    desk.y += desk.leading * 0.6
    authors = ", ".join(str(values.fake.name()) for _ in range(rng.randint(1, 4)))
    desk.line(Piece(authors, "authors"), anchor=anchor)
    desk.line(
        f"{values.pick('Department of', 'Institute of', 'School of')} {expand(rng, 'field', RESUME)}, {expand(rng, 'university', RESUME)}",
        anchor=anchor,
        italic=True,
        scale=0.9,
    )
    if values.chance(0.4):
        desk.line(
            [
                "(" + values.pick("Received", "Dated:", "Submitted"),
                Piece(values.day().strftime("%d %B %Y"), "date"),
                ")",
            ],
            anchor=anchor,
            scale=0.85,
        )
    desk.y += desk.leading
    indent = 0 if boxed else desk.room * rng.uniform(0, 0.1)
    desk.left, desk.right = desk.left + indent, desk.right - indent
    desk.line("Abstract", anchor="l" if boxed else values.pick("m", "l"), bold=True)
    desk.line(" ".join(expand(rng, "sentence", ARTICLE) for _ in range(rng.randint(4, 7))), scale=0.93)
    if values.chance(0.5):
        words = ", ".join(expand(rng, "subject", ARTICLE) for _ in range(3))
        desk.line([Piece("Keywords:", key="keywords"), Piece(words, "keywords")], scale=0.93)
    desk.left, desk.right = desk.left - indent, desk.right + indent
    desk.y += desk.leading


def _formula(desk: Desk) -> None:
    rng = desk.values.rng
    a, b, c = (rng.choice(("x", "k", "n", "E", "T", "p", "q", "f(x)", "g(t)", "S")) for _ in range(3))
    text = rng.choice(
        (
            f"{a} = {b} + {c}^2",
            f"{a} = ({b} - {c}) / {rng.randint(2, 9)}",
            f"{a} = exp(-{b}/{c})",
            f"{a}({b}) = {c} log {b}",
            f"{a} <= {b} + {rng.randint(1, 9)}{c}",
        )
    )
    desk.y += desk.leading * 0.4
    desk.sheet.write((desk.left + desk.right) / 2, desk.y, text, desk.font(italic=True), anchor="m")
    desk.sheet.write(desk.right, desk.y, f"({rng.randint(1, 40)})", desk.font(), anchor="r")
    desk.y += desk.leading * 1.4


def _figure(desk: Desk, number: int) -> None:
    rng = desk.values.rng
    high = rng.uniform(120, 210)
    x0, y0, x1, y1 = desk.left + 25, desk.y, desk.right - 15, desk.y + high
    desk.sheet.frame(x0, y0, x1, y1)
    for _ in range(rng.randint(1, 3)):
        level, points = rng.random(), []
        for k in range(24):
            level = min(0.97, max(0.03, level + rng.uniform(-0.12, 0.12)))
            points.append((x0 + (x1 - x0) * k / 23, y1 - high * level))
        desk.sheet.draw.line(points, fill=rng.randint(0, 150), width=2)
    face = desk.font(0.7)
    for k in range(4):
        desk.sheet.write(
            x0 + (x1 - x0) * k / 3, y1 + face.size * 1.2, str(k * rng.choice((1, 2, 5, 10))), face, anchor="m"
        )
    desk.y = y1 + desk.leading * 2.2
    desk.line(f"{rng.choice(('Figure', 'Fig.', 'FIG.'))} {number}: {expand(rng, 'sentence', ARTICLE)}", scale=0.88)
    desk.y += desk.leading * 0.6


def _small_table(desk: Desk, number: int) -> None:
    values, rng = desk.values, desk.values.rng
    desk.line(f"{values.pick('Table', 'TABLE')} {number}. {expand(rng, 'sentence', ARTICLE)}", scale=0.88)
    count = rng.randint(2, 4)
    heads: list[Content] = [
        values.pick("Method", "Sample", "Model", "Type"),
        *(expand(rng, "variable", ARTICLE).split()[0] for _ in range(count)),
    ]
    rows: list[list[Content]] = [
        [values.digits(values.pick("?#", "??-#", "Run #")), *(f"{rng.uniform(0, 99):.2f}" for _ in range(count))]
        for _ in range(rng.randint(2, 6))
    ]
    desk.table(
        heads, rows, [1.2] + [1.0] * count, "l" + "r" * count, style=values.pick("plain", "lines"), scale=0.85, pad=0.15
    )


def _report(values: Values, *, style: tuple[str, ...], side: bool = False) -> Sheet:
    """A table with figures for every row and column, under a title and between a few lines of text."""
    desk = Desk.load(values, sizes=(13, 17))
    rng = values.rng
    rows_of, columns_of = rng.choice(_TABLES)
    title = f"{values.pick('Annual', 'Monthly', 'Quarterly', 'Regional', 'Consolidated', 'Preliminary')} {values.pick('Report', 'Statement', 'Summary', 'Statistics', 'Overview')}"
    desk.line(Piece(values.company(), "company"), anchor=values.pick("l", "m"), bold=True, scale=1.2)
    desk.line(
        Piece(title, "title"), anchor=values.pick("l", "m"), bold=True, scale=values.rng.uniform(1.2, 1.7), heading=True
    )
    desk.line(
        [
            values.pick("Period:", "for the period", "As of", "Year ended"),
            Piece(values.day().strftime(values.pick("%B %Y", "%d %B %Y", "Q2 %Y", "%Y")), "period"),
        ],
        anchor=values.pick("l", "m"),
    )
    desk.y += desk.leading
    if values.chance(0.7):
        desk.line(" ".join(expand(rng, "comment", _COMMENTS) for _ in range(rng.randint(2, 4))))
        desk.y += desk.leading * 0.6
    for part in range(rng.randint(1, 2)):
        names = rng.sample(rows_of, rng.randint(4, min(11, len(rows_of))))
        heads = rng.sample(columns_of, rng.randint(2, min(5, len(columns_of))))
        places = rng.choice((0, 0, 1, 2))
        table: list[list[Content]] = []
        for r, name in enumerate(names):
            row: list[Content] = [name]
            for c, head in enumerate(heads):
                field = f"cell_{part}_{r}_{c}" if part == 0 else ""
                row.append(Piece(f"{rng.uniform(1, 10 ** rng.randint(2, 5)):,.{places}f}", field))
                if field:
                    desk.sheet.asked[field] = [f"What is the {head} of {name}?", f"What is the {head} for {name}?", f"How much is the {head} of {name}?", f"{name}: {head}?",
                                               f"Which value does {name} have in the column {head}?"]  # fmt: skip
            table.append(row)
        left = desk.left + desk.room * 0.25 if side else desk.left
        if desk.y > desk.sheet.height - 250:
            break
        desk.table(
            [values.pick("", "Item", "Category", "Name"), *heads],
            table,
            [1.7] + [1.0] * len(heads),
            "l" + "r" * len(heads),
            style=values.one(style),
            pad=rng.uniform(0.2, 0.8),
            left=left,
        )
        if values.chance(0.6) and not desk.full:
            desk.line(expand(rng, "comment", _COMMENTS), scale=0.95)
            desk.y += desk.leading * 0.8
    return desk.sheet


_TABLES: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("North", "South", "East", "West", "Central", "Overseas", "Online", "Coast", "Valley", "Capital", "Islands"), ("Revenue", "Costs", "Profit", "Orders", "Customers", "Returns")),
    (("Rent", "Salaries", "Travel", "Office supplies", "Insurance", "Marketing", "Energy", "Repairs", "Training", "Legal fees", "Telephone", "Postage"), ("Budget", "Actual", "Variance", "Last year")),
    (("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"), ("Sales", "Visits", "Output", "Sick days", "Complaints")),
    (("Wheat", "Barley", "Maize", "Oats", "Rye", "Potatoes", "Sugar beet", "Rapeseed", "Peas", "Hops"), ("Area", "Yield", "Harvest", "Price", "Exports")),
    (("Cash", "Receivables", "Inventory", "Buildings", "Machinery", "Goodwill", "Loans", "Payables", "Provisions", "Share capital", "Reserves"), ("2019", "2020", "2021", "2022", "2023")),
    (("Hammer", "Drill", "Saw", "Ladder", "Pump", "Valve", "Cable", "Switch", "Lamp", "Filter", "Gasket", "Bearing"), ("Stock", "Minimum", "Price", "Weight", "Sold")),
)  # fmt: skip
_COMMENTS = {
    "comment": "The figures below are {state} and have {audit} been audited.|Compared with the previous period the result has {moved}.|"
    "Amounts are given in thousands unless stated otherwise.|The table shows the development by {part}.|"
    "Higher {cause} were the main reason why the result has {moved}.|For details see the notes in the annex.|Rounding may lead to small differences in the sums.",
    "state": "preliminary|final|estimates",
    "audit": "not|not yet|already",
    "moved": "improved|worsened slightly|remained stable|doubled|fallen short of the plan",
    "part": "region|product|department|month",
    "cause": "energy prices|sales abroad|staff costs|material costs|interest payments",
}


def _resume(values: Values, *, head: str) -> Sheet:
    """Name and contact, experience, education, skills."""
    desk = Desk.load(values, sizes=(13, 16.5))
    rng = values.rng
    name = str(values.fake.name())
    anchor = {"centre": "m", "left": "l", "side": "l"}[head]
    full = desk.left
    if head == "side":
        wide = desk.sheet.width * 0.31
        desk.sheet.frame(0, 0, wide, desk.sheet.height, thickness=0, fill=rng.randint(205, 235))
        right, desk.right = desk.right, wide - 12
        desk.left = 28
    desk.line(
        Piece(name, "name"),
        anchor=anchor,
        scale=rng.uniform(1.5, 2.4) if head != "side" else 1.4,
        bold=True,
        heading=True,
    )
    if values.chance(0.5):
        desk.line(expand(rng, "position", RESUME), anchor=anchor, italic=True)
    for content in (
        [Piece(", ".join(values.address()), "address")],
        [Piece(values.phone(), "phone")],
        [Piece(values.email(name), "email")],
    ):
        desk.line(content, anchor=anchor, scale=0.95)
    desk.y += desk.leading * 0.8
    if head == "side":
        _heading(desk, values.pick("Skills", "Languages", "Profile"))
        for _ in range(rng.randint(4, 8)):
            desk.line(expand(rng, "skill", RESUME))
        desk.left, desk.right, desk.y = desk.sheet.width * 0.31 + 25, right, full
    sections = [_experience, _education]
    if values.chance(0.25):
        sections.reverse()
    if values.chance(0.5):
        _heading(desk, values.pick("Profile", "Summary", "Objective", "About me"))
        desk.line(expand(rng, "summary", RESUME))
        desk.y += desk.leading * 0.6
    for section in sections:
        section(desk)
    if head != "side" and not desk.full:
        _heading(desk, values.pick("Skills", "SKILLS", "Skills & Interests", "Languages and Skills"))
        desk.line(
            values.pick(", ", " - ", "; ").join(
                dict.fromkeys(expand(rng, "skill", RESUME) for _ in range(rng.randint(4, 9)))
            )
        )
    if values.chance(0.4) and not desk.full:
        desk.y += desk.leading * 0.5
        _heading(desk, values.pick("References", "Interests"))
        desk.line(
            values.pick(
                "Available on request.",
                "Hiking, chess and photography.",
                "Provided upon request.",
                "Cooking, football, travelling.",
            )
        )
    return desk.sheet


def _heading(desk: Desk, text: str) -> None:
    desk.y += desk.leading * 0.2
    desk.line(text.upper() if desk.heading == desk.family else text, bold=True, scale=1.15)
    desk.sheet.rule(desk.left, desk.y - desk.leading * 0.75, desk.right, desk.y - desk.leading * 0.75)
    desk.y += desk.leading * 0.35


def _experience(desk: Desk) -> None:
    values, rng = desk.values, desk.values.rng
    _heading(
        desk, values.pick("Experience", "Work Experience", "Employment History", "Professional Experience", "Career")
    )
    year = rng.randint(2008, 2024)
    for k in range(rng.randint(2, 4)):
        if desk.y > desk.sheet.height - 220:
            break
        begin = year - rng.randint(1, 5)
        end = "present" if k == 0 and values.chance(0.7) else str(year)
        desk.sheet.write(desk.right, desk.y, f"{begin} - {end}", desk.font(0.95), anchor="r")
        desk.line(
            Piece(expand(rng, "position", RESUME), "position" if k == 0 else ""), bold=True, width=desk.room * 0.75
        )
        desk.line(
            [Piece(values.company(), "employer" if k == 0 else ""), values.pick("", f"- {values.fake.city()}")],
            italic=True,
        )
        for _ in range(rng.randint(1, 4)):
            desk.line(f"{values.pick('-', '*', '-')} {expand(rng, 'duty', RESUME)}", x=desk.left + 12)
        desk.y += desk.leading * 0.5
        year = begin


def _education(desk: Desk) -> None:
    values, rng = desk.values, desk.values.rng
    _heading(desk, values.pick("Education", "EDUCATION", "Education and Training", "Academic Background"))
    for k in range(rng.randint(1, 2)):
        desk.sheet.write(desk.right, desk.y, str(rng.randint(1995, 2020)), desk.font(0.95), anchor="r")
        desk.line(Piece(expand(rng, "degree", RESUME), "degree" if k == 0 else ""), bold=True, width=desk.room * 0.8)
        desk.line(Piece(expand(rng, "university", RESUME), "university" if k == 0 else ""))
        desk.y += desk.leading * 0.4


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "resume.centred": lambda values: _resume(values, head="centre"),
    "resume.left": lambda values: _resume(values, head="left"),
    "scientific_article.two_columns": lambda values: _article(values, 2, numerals="roman"),
    "scientific_article.one_column": lambda values: _article(values, 1, numerals="arabic"),
    "report.ruled": lambda values: _report(values, style=("lines", "grid", "zebra")),
    "report.dark": lambda values: _report(values, style=("dark", "zebra")),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {
    "resume.side": lambda values: _resume(values, head="side"),
    "scientific_article.points": lambda values: _article(
        values, values.rng.choice((1, 2)), numerals="point", boxed=True
    ),
    "report.plain": lambda values: _report(values, style=("plain",), side=True),
}
