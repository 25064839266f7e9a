"""Letters and memos of many countries: by typewriter, by word processor, with an address window."""

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.fonts import MONO, SERIF
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.family import Family
from layoutserve.model.training.synthesis.layouts.office import FACES
from layoutserve.model.training.synthesis.layouts.paper_forms import REGIONS
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.sheet import Content, Piece


def _open(values: Regional, families: tuple[str, ...]) -> tuple[Desk, Paper]:
    desk = Desk.load(values, sizes=(12.5, 16.5), families=families, paper=Paper)
    assert isinstance(desk.sheet, Paper)
    return desk, desk.sheet


def _recipient(values: Regional) -> list[Content]:
    lines: list[Content] = [Piece(values.person(), "recipient")]
    if values.chance(0.6):
        lines.append(values.company())
    return lines + [Piece(line, "recipient_address") for line in values.address()]


def _body(desk: Desk, values: Regional, *, least: int = 2, most: int = 4) -> None:
    name = str(values.fake.last_name())
    desk.line(values.tell("letter", "open").replace("{name}", name))
    desk.y += desk.leading * 0.6
    sentences = values.papers["letter"]["body"].split("|")
    for _ in range(values.rng.randint(least, most)):
        if desk.y > desk.sheet.height - 330:
            break
        desk.line(" ".join(values.rng.sample(sentences, values.rng.randint(2, 5))))
        desk.y += desk.leading * 0.7


def _close(desk: Desk, values: Regional, x: float | None = None) -> None:
    desk.line(values.tell("letter", "close"), x=x)
    desk.y += desk.leading * values.rng.uniform(1.5, 3)
    desk.line(Piece(values.person(), "sender"), x=x)
    if values.chance(0.6):
        desk.line(Piece(values.tell("letter", "posts"), "sender_title"), x=x)


def _letter(values: Regional, look: str) -> Paper:
    """Sender, recipient, date, subject, text; ``look``: block, centred, window, right or typed."""
    typed = look in ("typed", "right")
    desk, paper = _open(values, MONO if typed else FACES)
    company = values.company()
    anchor = {"centred": "m", "right": "r", "window": "r"}.get(look, "l")
    desk.line(
        Piece(company, "company"), anchor=anchor, scale=1.0 if typed else values.rng.uniform(1.2, 1.8), bold=not typed
    )
    for line in values.address():
        desk.line(Piece(line, "address"), anchor=anchor, scale=0.95)
    if values.chance(0.6):
        desk.line([values.say("contact", "phone"), Piece(values.phone(), "phone")], anchor=anchor, scale=0.95)
    if look == "centred":
        paper.rule(desk.left, desk.y, desk.right, desk.y)
        desk.y += desk.leading
    desk.y = max(desk.y + desk.leading, 190.0 if look == "window" else 0.0)
    day = Piece(values.long_date(values.day()), "date")
    if look == "window":
        end = desk.block(desk.left, desk.y, _recipient(values), width=desk.room * 0.5)
        desk.pairs(
            desk.left + desk.room * 0.62,
            desk.y,
            [
                (values.say("meta", "reference"), values.digits("??/####"), "reference"),
                (values.tell("letter", "date").rstrip(":"), day.text, "date"),
            ],
            style="above" if values.chance(0.5) else "tab",
            width=desk.room * 0.38,
        )
        desk.y = end + desk.leading * 2
    else:
        desk.line(day, anchor=values.pick("l|r") if look != "typed" else "l")
        desk.y += desk.leading
        desk.y = desk.block(desk.left, desk.y, _recipient(values), width=desk.room * 0.6) + desk.leading
    label = values.tell("letter", "subject") if values.chance(0.6) else ""
    subject = Piece(values.tell("letter", "subjects"), "subject")
    desk.line([Piece(label, key="subject"), subject], bold=values.chance(0.7) and not typed)
    desk.y += desk.leading
    _body(desk, values)
    _close(desk, values, desk.left + desk.room * 0.55 if look == "right" else None)
    return paper


def _memo(values: Regional) -> Paper:
    """A typewriter's memo: to, from, date, subject."""
    desk, paper = _open(values, MONO + SERIF)
    desk.line(Piece(values.company(), "company"), anchor="m")
    desk.line(values.tell("letter", "memo"), anchor=values.pick("m|l"), bold=values.chance(0.5), scale=1.2)
    desk.y += desk.leading
    pairs = [
        (values.tell("letter", "to"), values.person(), "recipient"),
        (values.tell("letter", "from"), values.person(), "sender"),
        (values.tell("letter", "date"), values.long_date(values.day()), "date"),
        (values.tell("letter", "subject"), values.tell("letter", "subjects"), "subject"),
    ]
    if values.chance(0.4):
        pairs.append((values.tell("letter", "copies"), values.person(), "copies"))
    if values.chance(0.4):
        values.rng.shuffle(pairs)
    desk.y = desk.pairs(desk.left, desk.y, pairs, style="tab", width=desk.room, colon="") + desk.leading
    if values.chance(0.6):
        paper.rule(desk.left, desk.y - desk.leading, desk.right, desk.y - desk.leading)
    _body(desk, values)
    if values.chance(0.4):
        desk.line(Piece(values.person(), "signed"))
    return paper


def _family(name: str, look: str) -> Family:
    return Family(f"letter.{name}", REGIONS, lambda values: _letter(values, look))


TRAIN = (
    _family("typewriter", "typed"),
    _family("office", "block"),
    _family("letterhead", "centred"),
    _family("envelope", "window"),
    Family("letter.memo", REGIONS, _memo),
)
HELDOUT = (_family("typed_right", "right"),)
