"""Forms of many countries: keys beside, above, below and within their cells, boxes to tick, headings with sections."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.fonts import HAND, Font, font
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.layouts.family import Family, countries
from layoutserve.model.training.synthesis.layouts.office import FACES
from layoutserve.model.training.synthesis.paper import Paper, fit
from layoutserve.model.training.synthesis.sheet import Piece

REGIONS = countries("worded")


@dataclass(frozen=True, slots=True)
class Style:
    """How a family's forms look.

    ``place`` of a key: cell (small in the corner of its box), line (before a line to write on), below (under that
    line), table, beside, right (flush right before its value) or above (over a box). ``most``: fields in a row.
    ``head``: plain, band, boxed, ruled or numbered. ``ticks``: how many questions with boxes to tick.
    """

    place: str
    most: int
    head: str
    ticks: tuple[int, int]
    numbered: bool = False


@dataclass(slots=True)
class Form:
    """A form being filled in: by hand or by type."""

    values: Regional
    desk: Desk
    paper: Paper
    style: Style
    hand: str
    section: str = ""
    number: int = 0

    def written(self, scale: float = 1.0) -> Font:
        """The face of what is filled in."""
        if self.hand:
            return font(self.hand, self.desk.size * scale * (1.15 if self.hand == "intuitive" else 1.6))
        return self.desk.font(scale)

    def key(self, name: str) -> None:
        """Note that the key ``name`` stands in the section that is open."""
        if self.section:
            self.paper.sections.setdefault(self.section, []).append(name)


def print_form(values: Regional, style: Style) -> Paper:
    """A form of ``style``; what does not fit on its page is left out."""
    desk = Desk.load(values, sizes=(13, 17), families=FACES, paper=Paper)
    assert isinstance(desk.sheet, Paper)
    hand = values.one(HAND) if values.chance(0.35) else ""
    form = Form(values, desk, desk.sheet, style, hand)
    _title(form)
    known = list(values.papers["fields"])
    values.rng.shuffle(known)
    questions = values.rng.sample(values.papers["choices"]["all"].split("|"), 8)
    for _ in range(values.rng.randint(2, 4)):
        if desk.y > desk.sheet.height - 330 or not known:
            break
        _heading(form)
        count = values.rng.randint(3, 8)
        part, known = known[:count], known[count:]
        _fields(form, part)
        for _ in range(values.rng.randint(*style.ticks)):
            if questions and desk.y < desk.sheet.height - 260:
                _choice(form, questions.pop())
        if values.chance(0.12) and desk.y < desk.sheet.height - 320:
            _several(form)
    if desk.y < desk.sheet.height - 190:
        _end(form)
    for name in known[:4]:
        desk.sheet.missing.append(values.pick(values.papers["fields"][name]))
    return desk.sheet


def _title(form: Form) -> None:
    values, desk = form.values, form.desk
    anchor = values.pick("l|m|r")
    if values.chance(0.6):
        desk.line(Piece(values.company(), "issuer"), anchor=anchor, scale=values.rng.uniform(0.9, 1.3))
    if values.chance(0.3):
        desk.line(values.digits(values.pick("Form ####|??-##|### (20##)")), anchor="r", scale=0.8)
    title = values.tell("form", "titles")
    title = title.upper() if values.chance(0.4) else title
    desk.line(Piece(title, "title"), anchor=anchor, scale=values.rng.uniform(1.3, 2.0), bold=True, heading=True)
    if values.chance(0.6):
        desk.line(values.tell("form", "notes"), scale=0.85)
    desk.y += desk.leading * 0.6


def _heading(form: Form) -> None:
    values, desk, paper, style = form.values, form.desk, form.paper, form.style
    text = values.tell("form", "sections")
    if style.numbered:
        form.number += 1
        text = f"{form.number}. {text}"
    form.section = f"heading_{len(paper.sections)}"
    paper.sections[form.section] = []
    face = desk.font(1.05, bold=True)
    y = desk.y + desk.leading * 0.2
    if style.head in ("band", "boxed"):
        fill = values.rng.choice((40, 80, 205, 225)) if style.head == "band" else None
        paper.frame(desk.left, y - desk.leading * 0.9, desk.right, y + desk.leading * 0.35, fill=fill)
        paper.write(desk.left + 6, y, Piece(text, form.section), face, ink=255 if fill and fill < 100 else 0)
    else:
        paper.write(desk.left, y, Piece(text, form.section), face)
        if style.head == "ruled":
            paper.rule(desk.left, y + 5, desk.right, y + 5)
    desk.y = y + desk.leading * 1.45


def value_of(values: Regional, name: str) -> str:
    """What people fill in for the field ``name``."""
    if name in ("name", "doctor"):
        return values.person()
    if name in ("birth_date", "start", "end", "date"):
        return values.date(values.day())
    if name == "address":
        return str(values.fake.street_address()).replace("\n", ", ")
    if name == "city":
        return values.address()[-1].split(",")[0]
    if name == "postcode":
        return str(values.fake.postcode())
    if name == "phone":
        return values.phone()
    if name == "email":
        return values.email(values.person())
    if name == "employer":
        return values.company()
    if name == "position":
        return values.tell("resume", "roles")
    if name == "nationality":
        return values.pick("German|French|British|US|Italian|Dutch|IN|ES|PT")
    if name == "account":
        return values.iban() or values.digits(values.pick(values.region.account))
    if name == "bank":
        return f"{values.fake.last_name()} Bank"
    if name == "number":
        return values.digits(values.pick("####-###|??-#####|########|##/####"))
    if name == "identity":
        return values.digits(values.pick("?########|###-##-####|#########|?? ######"))
    if name in ("income", "tax"):
        pieces = values.amount(Decimal(values.rng.randrange(10000, 9000000)) / 100, "", values.pick("x||"))
        return " ".join(piece if isinstance(piece, str) else piece.text for piece in pieces)
    return str(values.rng.randint(1, 7)) if name == "persons" else values.tell("reasons", "all")


def _fields(form: Form, names: Sequence[str]) -> None:
    values, desk, style = form.values, form.desk, form.style
    at = 0
    while at < len(names):
        count = min(values.rng.randint(1, style.most), len(names) - at)
        weights = [values.rng.uniform(0.8, 1.4) for _ in range(count)]
        x, high = desk.left, 0.0
        for name, weight in zip(names[at : at + count], weights, strict=True):
            width = desk.room * weight / sum(weights)
            high = max(high, _field(form, name, x, width))
            x += width
        at += count
        desk.y += high
        if desk.y > desk.sheet.height - 200:
            return
    desk.y += desk.leading * 0.4


def _field(form: Form, name: str, x: float, width: float) -> float:
    """Write one key, and its value unless nobody filled it in; returns the height of its row."""
    values, desk, paper, y = form.values, form.desk, form.paper, form.desk.y
    key = values.pick(values.papers["fields"][name])
    filled = values.chance(0.85)
    text = value_of(values, name) if filled else ""
    field = f"f_{name}"
    face, hand = desk.font(), form.written()
    if max((hand.getlength(part) for part in text.split()), default=0.0) > width * 0.5:
        # A word that finds no room is not written.
        filled, text = False, ""
    form.key(field)
    if not filled:
        paper.missing.append(key)
    place, lead = form.style.place, desk.leading
    if place == "cell":
        small = desk.font(0.66)
        paper.frame(x, y - lead * 0.9, x + width, y + lead * 1.2)
        label = f"{len(paper.keys) + 1} {key}" if form.style.numbered else key
        paper.write(x + 4, y - lead * 0.2, Piece(fit(label, small, width - 8), key=field), small, ink=30)
        paper.write(x + 8, y + lead * 0.85, Piece(fit(text, hand, width - 16), field), hand)
        return lead * 2.1
    if place == "below":
        paper.write(x + 4, y, Piece(fit(text, hand, width - 20), field), hand)
        paper.rule(x, y + 5, x + width - 16, y + 5)
        paper.write(x, y + lead * 0.85, Piece(fit(key, desk.font(0.7), width - 16), key=field), desk.font(0.7))
        return lead * 2.2
    if place == "above":
        paper.write(x, y, Piece(fit(key, desk.font(0.85), width - 12), key=field), desk.font(0.85))
        paper.frame(x, y + lead * 0.3, x + width - 12, y + lead * 1.55, ink=110)
        paper.write(x + 6, y + lead * 1.2, Piece(fit(text, hand, width - 24), field), hand)
        return lead * 2.4
    if place == "table":
        edge = x + width * 0.42
        paper.frame(x, y - lead * 0.9, x + width, y + lead * 0.45)
        paper.rule(edge, y - lead * 0.9, edge, y + lead * 0.45)
        paper.write(x + 5, y, Piece(fit(key, face, width * 0.42 - 10), key=field), face)
        paper.write(edge + 6, y, Piece(fit(text, hand, width * 0.58 - 12), field), hand)
        return lead * 1.35
    if place == "right":
        edge = x + width * 0.4
        paper.write(edge, y, Piece(fit(key, face, width * 0.38) + ":", key=field), face, anchor="r")
        paper.write(edge + 10, y, Piece(fit(text, hand, width * 0.56), field), hand)
        return lead * 1.3
    if place == "amounts":
        form.number += 1
        paper.write(x, y, [f"{form.number}", Piece(fit(key, face, width * 0.55), key=field)], face)
        paper.frame(x + width * 0.68, y - lead * 0.85, x + width, y + lead * 0.35, ink=130)
        paper.write(x + width - 6, y, Piece(fit(text, hand, width * 0.3), field), hand, anchor="r")
        return lead * 1.25
    end = paper.write(x, y, Piece(fit(key, face, width * 0.55) + values.pick(":|:|"), key=field), face)
    if place == "line":
        paper.rule(end + 6, y + 3, x + width - 14, y + 3, ink=110)
    paper.write(end + 10, y, Piece(fit(text, hand, max(x + width - end - 24, 40)), field), hand)
    return lead * 1.5


def _choice(form: Form, told: str) -> None:
    """A question with boxes to tick, in a row or below one another."""
    values, desk, paper = form.values, form.desk, form.paper
    question, _, options = told.partition("=")
    number = sum(1 for name in paper.keys if name.startswith("choice_"))
    key = f"choice_{number}"
    form.key(key)
    style = values.pick("cross|tick|fill|circle|cross")
    side, face = desk.size * values.rng.uniform(0.75, 1.05), desk.font()
    names = options.split("/")
    chosen = values.rng.randrange(len(names)) if values.chance(0.85) else -1
    after = values.chance(0.15)
    end = paper.write(desk.left, desk.y, Piece(question, key=key), face)
    stacked = values.chance(0.3)
    x, y = (desk.left + 16, desk.y + desk.leading * 1.2) if stacked else (end + desk.size * 1.4, desk.y)
    for k, name in enumerate(names):
        option = f"{key}_{k}"
        length = face.getlength(name) + side + 10
        if x + length > desk.right:
            x, y = desk.left + 16, y + desk.leading * 1.2
        place = x if not after else x + face.getlength(name) + 7
        paper.tick(place, y + side * 0.12, side, checked=k == chosen, option=option, question=key, style=style)
        paper.write(x if after else x + side + 7, y, Piece(name, option), face)
        if k == chosen:
            paper.asked[option] = [
                f"Which option is ticked for {question.rstrip('?')}?",
                f"What is checked under {question}",
            ]
        if stacked:
            y += desk.leading * 1.15
        else:
            x += length + desk.size * 1.3
    desk.y = y + desk.leading * (0.5 if stacked else 1.4)


def _several(form: Form) -> None:
    """One key with several answers below it."""
    values, desk, paper = form.values, form.desk, form.paper
    name = "f_members"
    if name in paper.keys:
        return
    form.key(name)
    paper.write(desk.left, desk.y, Piece(values.pick(values.papers["fields"]["persons"]) + ":", key=name), desk.font())
    for k in range(values.rng.randint(2, 4)):
        desk.y += desk.leading * 1.1
        paper.write(desk.left + 20, desk.y, [f"{k + 1}.", Piece(values.person(), f"{name}@{k}")], form.written())
    desk.y += desk.leading * 1.5


def _end(form: Form) -> None:
    values, desk, paper = form.values, form.desk, form.paper
    form.section = ""
    desk.y += desk.leading
    desk.line(values.tell("form", "notes"), scale=0.85)
    desk.y += desk.leading * 1.5
    half = desk.left + desk.room * 0.55
    paper.rule(desk.left, desk.y + 4, desk.left + desk.room * 0.4, desk.y + 4)
    paper.rule(half, desk.y + 4, desk.right, desk.y + 4)
    if values.chance(0.6):
        paper.write(desk.left + 6, desk.y, Piece(values.date(values.day()), "f_signed"), form.written())
        signed = font(values.one(HAND), desk.size * 1.8)
        paper.write(half + 12, desk.y, Piece(str(values.fake.last_name()), "f_signature"), signed, ink=50)
    small = desk.font(0.75)
    paper.write(
        desk.left, desk.y + desk.leading, Piece(values.pick(values.papers["fields"]["date"]), key="f_signed"), small
    )
    paper.write(half, desk.y + desk.leading, Piece(values.tell("form", "signature"), key="f_signature"), small)


def _family(name: str, style: Style) -> Family:
    return Family(f"form.{name}", REGIONS, lambda values: print_form(values, style))


TRAIN = (
    _family("cells", Style("cell", 3, "band", (0, 2))),
    _family("numbered_cells", Style("cell", 3, "boxed", (0, 1), numbered=True)),
    _family("lines", Style("line", 2, "ruled", (0, 2))),
    _family("below_lines", Style("below", 3, "plain", (0, 2))),
    _family("grid", Style("table", 1, "band", (0, 2))),
    _family("two_tables", Style("table", 2, "ruled", (0, 1), numbered=True)),
    _family("amounts", Style("amounts", 1, "plain", (0, 1))),
    _family("questions", Style("line", 2, "band", (2, 4), numbered=True)),
    _family("beside", Style("beside", 2, "plain", (0, 2))),
)
HELDOUT = (
    _family("boxed_above", Style("above", 2, "ruled", (1, 2))),
    _family("flush", Style("right", 2, "boxed", (0, 2))),
)
