"""Résumés: contact, experience, education, skills."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.prose import RESUME, expand
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.sheet import Piece, Sheet

_COUNTRIES = ("us", "gb", "de", "fr", "it", "nl", "es", "au", "in", "sg")


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


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
        _heading(desk, values.pick("Skills|Languages|Profile"))
        for _ in range(rng.randint(4, 8)):
            desk.line(expand(rng, "skill", RESUME))
        desk.left, desk.right, desk.y = desk.sheet.width * 0.31 + 25, right, full
    sections = [_experience, _education]
    if values.chance(0.25):
        sections.reverse()
    if values.chance(0.5):
        _heading(desk, values.pick("Profile|Summary|Objective|About me"))
        desk.line(expand(rng, "summary", RESUME))
        desk.y += desk.leading * 0.6
    for section in sections:
        section(desk)
    if head != "side" and not desk.full:
        _heading(desk, values.pick("Skills|SKILLS|Skills & Interests|Languages and Skills"))
        desk.line(
            values.pick(", | - |; ").join(dict.fromkeys(expand(rng, "skill", RESUME) for _ in range(rng.randint(4, 9))))
        )
    if values.chance(0.4) and not desk.full:
        desk.y += desk.leading * 0.5
        _heading(desk, values.pick("References|Interests"))
        desk.line(
            values.pick(
                "Available on request.|Hiking, chess and photography.|Provided upon request.|"
                "Cooking, football, travelling."
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
    _heading(desk, values.pick("Experience|Work Experience|Employment History|Professional Experience|Career"))
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
            [Piece(values.company(), "employer" if k == 0 else ""), values.pick(f"|- {values.fake.city()}")],
            italic=True,
        )
        for _ in range(rng.randint(1, 4)):
            desk.line(f"{values.pick('-|*|-')} {expand(rng, 'duty', RESUME)}", x=desk.left + 12)
        desk.y += desk.leading * 0.5
        year = begin


def _education(desk: Desk) -> None:
    values, rng = desk.values, desk.values.rng
    _heading(desk, values.pick("Education|EDUCATION|Education and Training|Academic Background"))
    for k in range(rng.randint(1, 2)):
        desk.sheet.write(desk.right, desk.y, str(rng.randint(1995, 2020)), desk.font(0.95), anchor="r")
        desk.line(Piece(expand(rng, "degree", RESUME), "degree" if k == 0 else ""), bold=True, width=desk.room * 0.8)
        desk.line(Piece(expand(rng, "university", RESUME), "university" if k == 0 else ""))
        desk.y += desk.leading * 0.4


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "resume.centred": lambda values: _resume(values, head="centre"),
    "resume.left": lambda values: _resume(values, head="left"),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {"resume.side": lambda values: _resume(values, head="side")}
