"""Résumés of many countries, in one column and in two."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.family import Family
from layoutserve.model.training.synthesis.layouts.office import FACES, MODERN
from layoutserve.model.training.synthesis.layouts.paper_forms import REGIONS
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.sheet import Piece


def _heading(desk: Desk, values: Regional, key: str, *, ink: int = 0) -> None:
    desk.y += desk.leading * 0.3
    text = values.tell("resume", key)
    desk.line(text.upper() if desk.size > 14 else text, bold=True, scale=1.15, ink=ink)
    if desk.heading != desk.family:
        y = desk.y - desk.leading * 0.75
        desk.sheet.rule(desk.left, y, desk.right, y)
    desk.y += desk.leading * 0.3


def _place(values: Regional) -> str:
    return str(values.fake.city()) if values.name != "it" else values.address()[-1].split()[-1]


def _work(desk: Desk, values: Regional, style: str) -> None:
    year = values.rng.randint(2010, 2026)
    for k in range(values.rng.randint(2, 4)):
        if desk.y > desk.sheet.height - 210:
            return
        begin = year - values.rng.randint(1, 5)
        span = f"{begin} \u2013 {values.tell('resume', 'now') if k == 0 else year}"
        role = Piece(values.tell("resume", "roles"), "position" if k == 0 else "")
        firm = Piece(values.company(), "employer" if k == 0 else "")
        if style == "dates_left":
            desk.sheet.write(desk.left, desk.y, span, desk.font(0.9))
            x = desk.left + desk.size * 8.5
            desk.line(role, x=x, bold=True)
            desk.line(firm, x=x, italic=True)
        else:
            x = desk.left + 14
            desk.line(role, bold=True, width=desk.room * 0.72)
            desk.line([firm, f"| {span}"], italic=True)
        for duty in values.rng.sample(values.papers["resume"]["duties"].split("|"), values.rng.randint(1, 3)):
            desk.line([values.pick("•|-|*"), duty], x=x)
        desk.y += desk.leading * 0.5
        year = begin


def _study(desk: Desk, values: Regional, style: str) -> None:
    for k in range(values.rng.randint(1, 3)):
        if desk.y > desk.sheet.height - 130:
            return
        year = str(values.rng.randint(1990, 2022))
        x = desk.left + (desk.size * 8.5 if style == "dates_left" else 0)
        if style == "dates_left":
            desk.sheet.write(desk.left, desk.y, year, desk.font(0.9))
        desk.line(Piece(values.tell("resume", "degrees"), "degree" if k == 0 else ""), x=x, bold=True)
        school = values.tell("resume", "schools").replace("{city}", _place(values))
        desk.line([Piece(school, "university" if k == 0 else ""), "" if style == "dates_left" else year], x=x)
        desk.y += desk.leading * 0.35


def _list(desk: Desk, values: Regional, key: str, count: tuple[int, int], *, ink: int = 0) -> None:
    known = values.papers["resume"][key].split("|")
    chosen = values.rng.sample(known, min(len(known), values.rng.randint(*count)))
    if desk.room < 400:
        for text in chosen:
            desk.line(text, ink=ink)
    else:
        desk.line(values.pick(", | · |; ").join(chosen), ink=ink)
    desk.y += desk.leading * 0.4


def _contact(desk: Desk, values: Regional, name: str, *, anchor: str = "l", ink: int = 0) -> None:
    for content in (
        Piece(", ".join(values.address()), "address"),
        Piece(values.phone(), "phone"),
        Piece(values.email(name), "email"),
    ):
        desk.line(content, anchor=anchor, scale=0.95, ink=ink)


def _two_columns(values: Regional, side: str) -> Paper:
    """A coloured column with contact and skills beside the career; ``side``: left, right or pale."""
    desk = Desk.load(values, sizes=(12, 15), families=MODERN, paper=Paper)
    paper, rng = desk.sheet, values.rng
    assert isinstance(paper, Paper)
    name, wide = values.person(), paper.width * rng.uniform(0.28, 0.36)
    dark = side != "pale" and rng.random() < 0.5
    x0 = paper.width - wide if side == "right" else 0.0
    paper.frame(
        x0, 0, x0 + wide, paper.height, thickness=0, fill=rng.randint(35, 85) if dark else rng.randint(215, 240)
    )
    ink = 255 if dark else 0
    top = desk.y
    desk.left, desk.right = x0 + 24, x0 + wide - 16
    if rng.random() < 0.6:
        paper.picture(rng, desk.left, top - 20, 110, 130)
        desk.y += 140
    _heading(desk, values, "contact", ink=ink)
    _contact(desk, values, name, ink=ink)
    _heading(desk, values, "skills", ink=ink)
    _list(desk, values, "skill", (4, 8), ink=ink)
    _heading(desk, values, "languages", ink=ink)
    _list(desk, values, "tongues", (2, 4), ink=ink)
    desk.left, desk.right = (40.0, x0 - 24) if side == "right" else (wide + 26, paper.width - 40)
    desk.y = top
    desk.line(Piece(name, "name"), scale=rng.uniform(1.6, 2.4), bold=True, heading=True)
    desk.line(values.tell("resume", "roles"), scale=1.1)
    desk.y += desk.leading
    _heading(desk, values, "experience")
    _work(desk, values, "plain")
    _heading(desk, values, "education")
    _study(desk, values, "plain")
    return paper


def _one_column(values: Regional, style: str) -> Paper:
    """Head, career, schools, skills below one another; ``dates_left`` as the German Lebenslauf has them."""
    desk = Desk.load(values, sizes=(13, 16), families=FACES, paper=Paper)
    paper = desk.sheet
    assert isinstance(paper, Paper)
    name, anchor = values.person(), "m" if style == "centred" else "l"
    if style == "dates_left":
        desk.line(values.tell("resume", "title"), scale=1.5, bold=True)
        if values.chance(0.5):
            paper.picture(values.rng, desk.right - 120, 50, 115, 145)
    desk.line(Piece(name, "name"), anchor=anchor, scale=values.rng.uniform(1.3, 2.2), bold=True, width=desk.room - 130)
    _contact(desk, values, name, anchor=anchor)
    desk.y += desk.leading
    parts: list[tuple[str, Callable[[], None]]] = [
        ("experience", lambda: _work(desk, values, style)),
        ("education", lambda: _study(desk, values, style)),
        ("skills", lambda: _list(desk, values, "skill", (4, 9))),
        ("languages", lambda: _list(desk, values, "tongues", (2, 4))),
        ("interests", lambda: _list(desk, values, "hobbies", (1, 1))),
    ]
    for key, write in parts:
        if desk.y > paper.height - 150:
            break
        _heading(desk, values, key)
        write()
    return paper


TRAIN = (
    Family("resume.column_left", REGIONS, lambda values: _two_columns(values, "left")),
    Family("resume.column_pale", REGIONS, lambda values: _two_columns(values, "pale")),
    Family("resume.dates_left", REGIONS, lambda values: _one_column(values, "dates_left")),
    Family("resume.single", REGIONS, lambda values: _one_column(values, "centred")),
)
HELDOUT = (Family("resume.column_right", REGIONS, lambda values: _two_columns(values, "right")),)
