"""Reports of many countries: tables under headings, between lines of text."""

from decimal import Decimal

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.family import Family
from layoutserve.model.training.synthesis.layouts.office import FACES
from layoutserve.model.training.synthesis.layouts.paper_forms import REGIONS
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.sheet import Content, Piece


def _report(values: Regional, style: tuple[str, ...], *, banner: bool = False) -> Paper:
    desk = Desk.load(values, sizes=(12.5, 16.5), families=FACES, paper=Paper)
    paper, rng = desk.sheet, values.rng
    assert isinstance(paper, Paper)
    if banner:
        paper.frame(0, 0, paper.width, 90, thickness=0, fill=rng.choice((50, 90, 215)))
        desk.y = 140
    desk.line(Piece(values.company(), "company"), bold=True)
    title = values.tell("report", "titles")
    desk.line(Piece(title, "title"), scale=rng.uniform(1.4, 2.1), bold=True, heading=True, anchor=values.pick("l|m"))
    facts = [
        (values.tell("report", "period"), values.date(values.day(), "MMMM yyyy"), "period"),
        (values.tell("report", "prepared"), values.person(), "author"),
        (values.say("meta", "date"), values.date(values.day()), "date"),
    ]
    desk.y = desk.pairs(desk.left, desk.y, rng.sample(facts, rng.randint(1, 3)), style="run", width=desk.room)
    desk.y += desk.leading * 0.6
    for part in range(rng.randint(1, 3)):
        if desk.y > paper.height - 320:
            break
        desk.line(values.tell("report", "heads"), bold=True, scale=1.15)
        text = values.papers["report"]["text"].split("|")
        desk.line(" ".join(rng.sample(text, rng.randint(2, 4))))
        desk.y += desk.leading * 0.4
        _table(desk, paper, values, part, values.one(style))
    return paper


def _table(desk: Desk, paper: Paper, values: Regional, part: int, style: str) -> None:
    rng = values.rng
    known = list(dict.fromkeys(values.papers["report"]["rows"].split("|")))
    columns = list(dict.fromkeys(values.papers["report"]["columns"].split("|")))
    names, heads = rng.sample(known, rng.randint(3, 9)), rng.sample(columns, rng.randint(2, 5))
    places = rng.choice((0, 0, 1, 2))
    table: list[list[Content]] = []
    for r, name in enumerate(names):
        row: list[Content] = [name]
        for c, head in enumerate(heads):
            field = f"cell_{part}_{r}_{c}" if part == 0 else ""
            row.append(Piece(values.figure(Decimal(rng.randrange(100, 10 ** rng.randint(4, 8))) / 100, places), field))
            if field:
                paper.asked[field] = [f"What is the {head} of {name}?", f"{name}: {head}?", f"{head}, {name}?"]
        table.append(row)
    desk.table(
        ["", *heads], table, [1.8] + [1.0] * len(heads), "l" + "r" * len(heads), style=style, pad=rng.uniform(0.1, 0.7)
    )


TRAIN = (
    Family("report.figures", REGIONS, lambda values: _report(values, ("lines", "grid"))),
    Family("report.banner", REGIONS, lambda values: _report(values, ("dark", "zebra"), banner=True)),
)
HELDOUT = (Family("report.bare", REGIONS, lambda values: _report(values, ("plain",))),)
