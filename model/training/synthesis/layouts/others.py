"""Pages of nothing known: brochures, tickets, menus, charts, maps, numbers, certificates, scribbles, blanks."""

import math
from collections.abc import Callable

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.fonts import HAND, font
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.family import Family
from layoutserve.model.training.synthesis.layouts.office import FACES, MODERN
from layoutserve.model.training.synthesis.layouts.paper_forms import REGIONS
from layoutserve.model.training.synthesis.paper import Paper


def _open(values: Regional, families: tuple[str, ...] = FACES) -> tuple[Desk, Paper]:
    desk = Desk.load(values, sizes=(13, 19), families=families, paper=Paper)
    assert isinstance(desk.sheet, Paper)
    return desk, desk.sheet


def _say(values: Regional, key: str) -> str:
    return values.tell("other", key)


def _brochure(values: Regional) -> Paper:
    desk, paper = _open(values, MODERN)
    rng = values.rng
    paper.picture(rng, 0, 0, paper.width, rng.uniform(200, 420))
    desk.y = 470
    desk.line(_say(values, "slogans"), scale=rng.uniform(2, 3.2), bold=True, heading=True)
    desk.y += desk.leading
    for _ in range(rng.randint(2, 6)):
        desk.line(_say(values, "lines"), scale=rng.uniform(0.9, 1.4), x=desk.left + rng.uniform(0, 150))
        desk.y += desk.leading * rng.uniform(0.3, 1.5)
    if rng.random() < 0.6:
        price = values.money(values.price(5, 400), "x")
        desk.line(price, scale=rng.uniform(1.5, 3), bold=True)
    if desk.y < paper.height - 320 and rng.random() < 0.7:
        paper.picture(rng, desk.left, desk.y, desk.room * rng.uniform(0.4, 1), 180)
        desk.y += 220
    desk.line(f"{values.shop()} · {', '.join(values.address())}", scale=0.8)
    desk.line(values.phone(), scale=0.8)
    return paper


def _ticket(values: Regional) -> Paper:
    desk, paper = _open(values)
    rng = values.rng
    desk.left, desk.right = 40.0, paper.width - 200.0
    desk.line(_say(values, "tickets"), scale=2, bold=True)
    desk.line(_say(values, "slogans") if rng.random() < 0.5 else str(values.fake.city()), scale=1.5)
    desk.line(f"{values.long_date(values.day())}  {values.time()}")
    keys = rng.sample(values.papers["other"]["ticket_keys"].split("|"), 4)
    for key in keys:
        desk.line(f"{key} {values.digits(values.pick('#|##|##?|?'))}", scale=1.1)
    if rng.random() < 0.5:
        desk.line(values.money(values.price(3, 150), "x"), scale=1.3)
    paper.squares(rng, paper.width - 180, 60, 130)
    paper.barcode(rng, 40, desk.y, desk.room, 50)
    paper.frame(12, 12, paper.width - 12, desk.y + 70)
    paper.crop(desk.y + 90)
    return paper


def _menu(values: Regional) -> Paper:
    desk, paper = _open(values)
    desk.line(values.shop(), anchor="m", scale=2.2, bold=True, heading=True)
    for head in values.papers["other"]["menu"].split("|"):
        if desk.y > paper.height - 220:
            break
        desk.y += desk.leading
        desk.line(head, anchor="m", scale=1.4, bold=True)
        for dish in values.rng.sample(values.all_of("goods", "dishes"), values.rng.randint(2, 5)):
            paper.write(desk.right, desk.y, values.figure(values.price(3, 40)), desk.font(), anchor="r")
            desk.line(dish, width=desk.room * 0.8)
    return paper


def _chart(values: Regional) -> Paper:
    desk, paper = _open(values, MODERN)
    rng = values.rng
    desk.line(_say(values, "chart"), scale=1.7, bold=True)
    top, base = desk.y + 30, desk.y + rng.uniform(380, 700)
    kind = rng.choice(("bars", "lines", "pie"))
    labels = rng.sample(values.papers["report"]["rows"].split("|"), rng.randint(4, 8))
    part = desk.room / len(labels)
    if kind == "pie":
        side, start = base - top, 0.0
        for label in labels:
            sweep = 360 / len(labels) * rng.uniform(0.7, 1.2)
            paper.draw.pieslice(
                (desk.left, top, desk.left + side, base), start, min(start + sweep, 360), fill=rng.randint(60, 230)
            )
            angle = math.radians(start + sweep / 2)
            middle = desk.left + side / 2, (top + base) / 2
            paper.write(
                middle[0] + math.cos(angle) * side * 0.55,
                middle[1] + math.sin(angle) * side * 0.53,
                label,
                desk.font(0.8),
            )
            start += sweep
    else:
        points = []
        for k, label in enumerate(labels):
            tall = (base - top) * rng.uniform(0.1, 0.95)
            x = desk.left + part * (k + 0.2)
            points.append((x + part * 0.3, base - tall))
            if kind == "bars":
                paper.frame(x, base - tall, x + part * 0.6, base, thickness=0, fill=rng.choice((90, 140, 180)))
            paper.write(x + part * 0.3, base + desk.leading, label, desk.font(0.75), anchor="m")
            paper.write(x + part * 0.3, base - tall - 6, str(rng.randint(1, 99)), desk.font(0.75), anchor="m")
        if kind == "lines":
            paper.draw.line(points, fill=40, width=3)
        paper.rule(desk.left, base, desk.right, base)
        paper.rule(desk.left, top, desk.left, base)
    desk.y = base + desk.leading * 3
    desk.line(_say(values, "lines"))
    return paper


def _map(values: Regional) -> Paper:
    desk, paper = _open(values, MODERN)
    rng = values.rng
    for _ in range(rng.randint(8, 22)):
        points = [(rng.uniform(0, paper.width), rng.uniform(0, paper.height)) for _ in range(rng.randint(2, 5))]
        paper.draw.line(points, fill=rng.randint(120, 215), width=rng.choice((1, 2, 5, 9, 14)), joint="curve")
    for place in rng.sample(values.papers["other"]["map"].split("|"), rng.randint(5, 10)):
        x, y = rng.uniform(40, paper.width - 220), rng.uniform(60, paper.height - 60)
        paper.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=30)
        paper.write(x + 9, y + 5, place, desk.font(rng.uniform(0.7, 1.2), italic=rng.random() < 0.3))
    desk.line(str(values.fake.city()), scale=2, bold=True)
    for label in values.papers["other"]["legend"].split("|"):
        desk.line(label, scale=0.8)
    return paper


def _numbers(values: Regional) -> Paper:
    desk, paper = _open(values)
    rng = values.rng
    count = rng.randint(4, 9)
    rows = [[str(rng.randint(0, 10 ** rng.randint(1, 5))) for _ in range(count)] for _ in range(rng.randint(12, 40))]
    if rng.random() < 0.5:
        desk.line(values.digits("??-### / ##"), scale=1.2)
    desk.table([], rows, [1.0] * count, "r" * count, style=values.pick("plain|grid|lines"), pad=rng.uniform(0, 0.5))
    return paper


def _certificate(values: Regional) -> Paper:
    desk, paper = _open(values)
    paper.frame(25, 25, paper.width - 25, paper.height - 25, thickness=4)
    desk.y = 260
    desk.line(_say(values, "certificate"), anchor="m", scale=2.6, bold=True)
    desk.y += desk.leading * 3
    desk.line(values.person(), anchor="m", scale=2)
    desk.y += desk.leading * 2
    desk.line(values.tell("resume", "degrees"), anchor="m", scale=1.3)
    desk.y += desk.leading * 3
    desk.line(f"{values.fake.city()}, {values.long_date(values.day())}", anchor="m")
    return paper


def _scribble(values: Regional) -> Paper:
    desk, paper = _open(values)
    rng, hand = values.rng, values.one(HAND)
    for _ in range(rng.randint(3, 14)):
        text = _say(values, "lines") if rng.random() < 0.7 else values.one(values.all_of("goods", "groceries"))
        face = font(hand, desk.size * rng.uniform(1.5, 2.4))
        # Hands do not keep to the margins, but to the sheet.
        x = min(desk.left + rng.uniform(-10, 60), paper.width - 20 - face.getlength(text))
        paper.write(max(x, 8), desk.y, text, face, ink=rng.randint(20, 110))
        desk.y += desk.leading * rng.uniform(1.8, 3)
        if desk.y > paper.height - 80:
            break
    return paper


def _blank(values: Regional) -> Paper:
    desk, paper = _open(values)
    if values.chance(0.5):
        paper.write(paper.width / 2, paper.height - 60, str(values.rng.randint(1, 40)), desk.font(), anchor="m")
    if values.chance(0.4):
        paper.picture(values.rng, desk.left, desk.y, desk.room, desk.room)
    return paper


def _family(name: str, draw: Callable[[Regional], Paper]) -> Family:
    return Family(f"other.{name}", REGIONS, draw)


TRAIN = (
    _family("brochure", _brochure),
    _family("ticket", _ticket),
    _family("chart", _chart),
    _family("map", _map),
    _family("numbers", _numbers),
    _family("scribble", _scribble),
    _family("blank", _blank),
)
HELDOUT = (_family("menu", _menu), _family("certificate", _certificate))
