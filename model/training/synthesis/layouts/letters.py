"""Letters and e-mails."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.prose import EMAIL, LETTER, expand
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.fonts import SANS, SERIF
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet

_COUNTRIES = ("us", "us", "gb", "gb", "au", "sg", "my", "in", "de", "fr", "nl", "it", "es")
_LONG_DATES = ("%B %d, %Y", "%d %B %Y", "%-d %B %Y", "%B %-d, %Y", "%d %b %Y", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_CLOSINGS = (
    "Sincerely,",
    "Yours sincerely,",
    "Yours faithfully,",
    "Kind regards,",
    "Best regards,",
    "Sincerely yours,",
    "Respectfully,",
    "With best wishes,",
)
_POSTS = (
    "Managing Director",
    "Head of Sales",
    "Customer Service Manager",
    "Secretary",
    "Chief Financial Officer",
    "Project Manager",
    "President",
    "Branch Manager",
    "Legal Counsel",
    "Director of Operations",
    "Human Resources Manager",
    "Account Manager",
)


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


def _recipient(values: Values) -> tuple[str, list[Content]]:
    person = values.person()
    lines: list[Content] = [Piece(person, "recipient")]
    if values.chance(0.6):
        lines.append(values.company())
    return person, [*lines, *values.address()]


def _paragraphs(desk: Desk, grammar: dict[str, str], least: int, most: int, *, indent: bool = False) -> None:
    values = desk.values
    for _ in range(values.rng.randint(least, most)):
        sentences = " ".join(expand(values.rng, "body", grammar) for _ in range(values.rng.randint(2, 5)))
        if desk.y > desk.sheet.height - 260:
            break
        if indent:
            desk.line(sentences, x=desk.left, width=desk.room)
        else:
            desk.line(sentences)
        desk.y += desk.leading * 0.7


def _greeting(values: Values, person: str) -> str:
    last = person.split()[-1]
    return values.one(
        (
            f"Dear {values.pick('Mr.|Ms.|Mrs.|Dr.')} {last},",
            "Dear Sir or Madam,",
            f"Dear {person},",
            "To whom it may concern:",
            f"Dear {last}:",
        )
    )


def _signature(desk: Desk) -> None:
    values = desk.values
    sender = values.person()
    desk.y += desk.leading * 0.5
    desk.line(values.one(_CLOSINGS))
    x, y = desk.left, desk.y + desk.leading * 0.6
    if values.chance(0.6):
        # A pen's stroke where one signs.
        points = [(x + 8 * k, y + values.rng.uniform(-14, 14)) for k in range(values.rng.randint(8, 20))]
        desk.sheet.draw.line(points, fill=values.rng.randint(0, 90), width=2, joint="curve")
    desk.y += desk.leading * 2.2
    desk.line(Piece(sender, "sender"))
    if values.chance(0.75):
        desk.line(Piece(values.one(_POSTS), "sender_title"))
    if values.chance(0.2):
        desk.y += desk.leading
        desk.line(values.pick("Enclosure|Encl.|cc: file|Enclosures (2)"), scale=0.9)


def _business(values: Values, *, side: str, meta: bool) -> Sheet:
    """Letterhead, date, recipient, subject, text, signature."""
    desk = Desk.load(values, sizes=(14, 18))
    company = values.company()
    anchor = {"centre": "m", "left": "l", "right": "r"}[side]
    if values.chance(0.4):
        desk.logo(desk.right - 60 if side == "left" else desk.left, desk.y - 25, 55)
    desk.line(Piece(company, "company"), anchor=anchor, scale=values.rng.uniform(1.2, 1.8), bold=True, heading=True)
    address = values.address()
    lines: list[Content] = [[Piece(line, "address")] for line in address]
    if values.chance(0.7):
        lines.append([Piece(values.pick("Tel.|Phone|T:"), key="phone"), Piece(values.phone(), "phone")])
    if values.chance(0.5):
        lines.append(Piece(values.email(company), "email"))
    for content in lines:
        desk.line(content, anchor=anchor, scale=0.9)
    if values.chance(0.5):
        desk.sheet.rule(desk.left, desk.y - desk.leading * 0.3, desk.right, desk.y - desk.leading * 0.3)
    desk.y += desk.leading * 1.5
    date = values.date(values.day(), values.one(_LONG_DATES))
    person, recipient = _recipient(values)
    dated: Content = [values.pick("||Date:"), Piece(date, "date")]
    if values.chance(0.6):
        desk.line(dated, anchor=values.pick("l|l|r"))
        desk.y += desk.leading
        desk.y = desk.block(desk.left, desk.y, recipient)
    else:
        desk.y = desk.block(desk.left, desk.y, recipient) + desk.leading
        desk.line(dated, anchor=values.pick("l|r"))
    desk.y += desk.leading
    if meta:
        refs = [
            (
                values.pick("Our ref|Your ref|Ref"),
                values.digits(values.pick("??/####|####-##|???-###")),
                "reference",
            )
        ]
        desk.y = desk.pairs(desk.left, desk.y, refs, style="run", width=desk.room) + desk.leading * 0.6
    subject = expand(values.rng, "subject", LETTER)
    if values.chance(0.75):
        desk.line([values.pick("|Re:|Subject:|RE:"), Piece(subject, "subject")], bold=True)
        desk.y += desk.leading * 0.6
    desk.line(_greeting(values, person))
    desk.y += desk.leading * 0.6
    _paragraphs(desk, LETTER, 2, 5)
    _signature(desk)
    return desk.sheet


def _personal(values: Values) -> Sheet:
    """The sender's address at the top right, no letterhead."""
    desk = Desk.load(values, sizes=(15, 19), families=(*SERIF, "courier", "dejavu-mono"))
    for content in values.address():
        desk.line(Piece(content, "address"), x=desk.left + desk.room * 0.62)
    desk.line(Piece(values.date(values.day(), values.one(_LONG_DATES)), "date"), x=desk.left + desk.room * 0.62)
    desk.y += desk.leading * 1.5
    person, recipient = _recipient(values)
    desk.y = desk.block(desk.left, desk.y, recipient) + desk.leading
    desk.line(_greeting(values, person))
    desk.y += desk.leading * 0.5
    _paragraphs(desk, LETTER, 2, 5)
    _signature(desk)
    return desk.sheet


def _memorandum(values: Values) -> Sheet:
    """An internal letter: MEMORANDUM, then to, from, date and subject."""
    desk = Desk.load(values, sizes=(15, 19), families=(*SANS, *SERIF, "courier"))
    desk.line(Piece(values.company(), "company"), anchor=values.pick("l|m"), bold=True, scale=1.2)
    desk.line(
        values.pick("MEMORANDUM|Memo|INTER-OFFICE MEMORANDUM|Internal Note"),
        anchor=values.pick("l|m"),
        bold=True,
        scale=1.5,
    )
    desk.y += desk.leading
    pairs = [
        ("TO", values.person(), "recipient"),
        ("FROM", values.person(), "sender"),
        ("DATE", values.date(values.day(), values.one(_LONG_DATES)), "date"),
        (values.pick("SUBJECT|RE"), expand(values.rng, "subject", LETTER), "subject"),
    ]
    desk.y = desk.pairs(desk.left, desk.y, pairs, style="tab", width=desk.room, colon=":", bold=values.chance(0.5))
    desk.sheet.rule(desk.left, desk.y - desk.leading * 0.5, desk.right, desk.y - desk.leading * 0.5)
    desk.y += desk.leading
    _paragraphs(desk, LETTER, 3, 6)
    return desk.sheet


def _message(values: Values, style: str) -> Sheet:
    """A printed e-mail: who to whom, when, about what, and the text."""
    desk = Desk.load(values, sizes=(14.5, 19), families=(*SANS, "times", "courier", "dejavu-mono"))
    sender, recipient = values.person(), values.person()
    subject = expand(values.rng, "subject", EMAIL)
    day = values.day()
    date = values.one(
        (
            values.date(day, "%a, %d %b %Y"),
            values.date(day, "%d/%m/%Y"),
            values.date(day, "%A, %B %d, %Y"),
            values.date(day, "%Y-%m-%d"),
            values.date(day, "%b %-d, %Y"),
        )
    )
    full = values.chance(0.6)
    if style == "webmail":
        desk.line(values.one(("Webmail", "Inbox", "Mail - Print", values.company())), scale=0.9, ink=90)
        desk.sheet.rule(desk.left, desk.y - desk.leading * 0.4, desk.right, desk.y - desk.leading * 0.4)
        desk.y += desk.leading * 0.5
        desk.line(Piece(subject, "subject"), scale=1.4, bold=True)
        desk.y += desk.leading * 0.5
        desk.sheet.write(
            desk.right, desk.y, [Piece(date, "date"), Piece(values.time(), "time")], desk.font(0.9), anchor="r"
        )
        desk.line([Piece(sender, "sender"), f"<{values.email(sender)}>" if full else ""], bold=values.chance(0.5))
        desk.line([Piece(values.pick("To:|to"), key="recipient"), Piece(recipient, "recipient")], scale=0.9)
    else:
        if values.chance(0.4):
            desk.line(values.person(), bold=True, scale=1.2)
            desk.sheet.rule(
                desk.left, desk.y - desk.leading * 0.5, desk.right, desk.y - desk.leading * 0.5, thickness=3
            )
            desk.y += desk.leading * 0.5
        rows: list[tuple[str, list[str | Piece]]] = [
            ("From", [Piece(sender, "sender"), f"<{values.email(sender)}>" if full else ""]),
            (values.pick("Sent|Date"), [Piece(date, "date"), Piece(values.time(), "time")]),
            (
                "To",
                [Piece(recipient, "recipient"), f"<{values.email(recipient)}>" if full and values.chance(0.5) else ""],
            ),
            ("Subject", [Piece(subject, "subject")]),
        ]
        if values.chance(0.3):
            rows.insert(3, ("Cc", [values.person()]))
        if values.chance(0.25):
            rows.append(
                (
                    values.pick("Attachments|Importance"),
                    [values.pick("report.pdf|draft.docx|High|scan0012.pdf")],
                )
            )
        names = {"From": "sender", "Sent": "date", "Date": "date", "To": "recipient", "Subject": "subject"}
        bold = values.chance(0.6)
        tab = max(desk.font(bold=bold).getlength(key + ":") for key, _ in rows) + 14 if style == "tab" else 0
        for key, content in rows:
            end = desk.sheet.write(desk.left, desk.y, Piece(key + ":", key=names.get(key, "")), desk.font(bold=bold))
            desk.sheet.write(desk.left + tab if tab else end + 7, desk.y, content, desk.font())
            desk.y += desk.leading
        if values.chance(0.6):
            desk.sheet.rule(desk.left, desk.y - desk.leading * 0.4, desk.right, desk.y - desk.leading * 0.4)
    desk.y += desk.leading
    desk.line(
        values.pick(
            f"Hi {recipient.split()[0]},|Dear {recipient},|Hello {recipient.split()[0]},|{recipient.split()[0]},|All,"
        )
    )
    desk.y += desk.leading * 0.5
    _paragraphs(desk, EMAIL, 1, 4)
    desk.line(values.pick("Best,|Thanks,|Regards,|Kind regards,|Cheers,|Best regards,"))
    desk.line(sender.split()[0] if values.chance(0.5) else sender)
    if values.chance(0.4):
        desk.y += desk.leading * 0.5
        desk.line(values.one(_POSTS), scale=0.9)
        desk.line(values.company(), scale=0.9)
    if values.chance(0.3) and not desk.full:
        desk.y += desk.leading
        desk.line(values.pick("-----Original Message-----|________________________________"), scale=0.95)
        desk.line(f"> {expand(values.rng, 'body', EMAIL)}", scale=0.95)
    if values.chance(0.25):
        desk.line(
            "This message is confidential. If you are not the intended recipient, please delete it and notify "
            "the sender.",
            scale=0.75,
            ink=70,
        )
    return desk.sheet


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "letter.left": lambda values: _business(values, side="left", meta=values.chance(0.3)),
    "letter.centred": lambda values: _business(values, side="centre", meta=values.chance(0.3)),
    "letter.personal": _personal,
    "letter.memorandum": _memorandum,
    "email.tab": lambda values: _message(values, "tab"),
    "email.webmail": lambda values: _message(values, "webmail"),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {
    "letter.right": lambda values: _business(values, side="right", meta=True),
    "email.run": lambda values: _message(values, "run"),
}
