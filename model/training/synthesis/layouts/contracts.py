"""Contracts: non-disclosure and service agreements, mostly plain paragraphs."""

from collections.abc import Callable

from layoutserve.model.training.synthesis.content.prose import CONTRACT, expand
from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.fonts import SERIF
from layoutserve.model.training.synthesis.layouts.desk import Desk
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet

_TITLES = (
    "NON-DISCLOSURE AGREEMENT",
    "MUTUAL NON-DISCLOSURE AGREEMENT",
    "CONFIDENTIALITY AGREEMENT",
    "Confidentiality Agreement",
    "NONDISCLOSURE AGREEMENT",
    "CONFIDENTIALITY AND NON-COMPETE AGREEMENT",
    "CONSULTING AGREEMENT",
    "SERVICE AGREEMENT",
    "EMPLOYMENT AGREEMENT",
    "Master Services Agreement",
    "LICENSE AGREEMENT",
    "PROPRIETARY INFORMATION AGREEMENT",
)
_STATES = (
    "Delaware",
    "New York",
    "California",
    "Texas",
    "Florida",
    "Nevada",
    "Massachusetts",
    "New Jersey",
    "Illinois",
    "Ohio",
    "Oregon",
    "Utah",
    "Virginia",
    "Washington",
    "Georgia",
    "Pennsylvania",
    "Colorado",
    "Minnesota",
    "Arizona",
    "North Carolina",
)
_TERMS = (
    "two (2) years",
    "three (3) years",
    "five (5) years",
    "one (1) year",
    "12 months",
    "18 months",
    "24 months",
    "three years",
    "five years",
    "two years",
    "six (6) months",
    "ten (10) years",
)
_DATES = ("%B %d, %Y", "%B %-d, %Y", "%d %B %Y", "%-d %B %Y")
_COUNTRIES = ("us", "us", "us", "gb", "au", "in")


def countries(layout: str) -> tuple[str, ...]:
    """Where a layout is in use."""
    return _COUNTRIES


def _opening(values: Values, title: str) -> list[list[str | Piece]]:
    """Who agrees with whom, since when and why."""
    first, second = values.company(), values.company() if values.chance(0.7) else values.person()
    date = values.day().strftime(values.one(_DATES))
    state = values.one(_STATES)
    kind = values.pick(
        f"a {state} corporation|a corporation|a limited liability company|a company organized under the laws of {state}"
    )
    start = values.pick(
        "is made and entered into as of|is entered into as of|is made effective as of|dated as of|is made on"
    )
    parties: list[str | Piece] = [
        f'This {title.title()} (the "Agreement") {start}',
        Piece(date, "effective_date"),
        values.pick('(the "Effective Date"),|,'),
        "by and between",
        Piece(first, "party"),
        f', {kind} ("{values.pick("Company|Disclosing Party|Discloser")}"), and',
        Piece(second, "second_party"),
        f'("{values.pick("Recipient|Receiving Party|Consultant")}").',
    ]
    whereas: list[str | Piece] = [
        values.pick("WHEREAS,|RECITALS:|Background:"),
        "the parties wish to discuss a possible business relationship, in the course of which they may "
        "disclose to each other information which is confidential;",
    ]
    therefore: list[str | Piece] = [
        "NOW, THEREFORE, in consideration of the mutual promises set out below, the parties agree as follows:"
    ]
    return [parties, whereas, therefore] if values.chance(0.6) else [parties, therefore]


def _clauses(values: Values) -> list[tuple[str, list[str | Piece]]]:
    """Headings and texts; one or two of them state the term and the governing law."""
    clauses: list[tuple[str, list[str | Piece]]] = []
    for _ in range(values.rng.randint(5, 11)):
        text = " ".join(expand(values.rng, "clause", CONTRACT) for _ in range(values.rng.randint(1, 4)))
        clauses.append((expand(values.rng, "heading", CONTRACT), [text]))
    if values.chance(0.65):
        before = values.pick(
            "This Agreement shall remain in effect for a period of|"
            "The obligations of the Recipient shall continue for|This Agreement shall terminate after|"
            "The term of this Agreement shall be"
        )
        clauses.insert(
            values.rng.randint(0, 5),
            (
                values.pick("Term|Term and Termination|Duration"),
                [before, Piece(values.one(_TERMS), "term"), "from the Effective Date."],
            ),
        )
    if values.chance(0.65):
        before = values.pick(
            "This Agreement shall be governed by and construed in accordance with the laws of the State of|"
            "The laws of the State of|This Agreement is governed by the laws of|"
            "Any dispute shall be settled under the laws of"
        )
        after = (
            "shall govern this Agreement."
            if before.startswith("The laws")
            else values.pick("without regard to its conflict of laws principles.|and the parties submit to its courts.")
        )
        clauses.insert(
            values.rng.randint(1, 6),
            (
                values.pick("Governing Law|Applicable Law|Law and Jurisdiction"),
                [before, Piece(values.one(_STATES), "jurisdiction"), after],
            ),
        )
    return clauses


def _write(values: Values, *, headings: str) -> Sheet:
    """``headings``: run (in the text), own (a line), none (numbers only)."""
    desk = Desk.load(values, sizes=(12.5, 15.5), families=(*SERIF, *SERIF, "helvetica", "courier", "source-sans"))
    if values.chance(0.4):
        desk.line(
            values.pick("Exhibit 10.|EX-10.|Exhibit 99.") + str(values.rng.randint(1, 40)),
            anchor="r",
            bold=True,
            scale=0.95,
        )
    continued = values.chance(0.25)
    title = values.one(_TITLES)
    number = values.rng.randint(3, 9) if continued else 1
    if not continued:
        desk.line(Piece(title, "title"), anchor=values.pick("m|m|l"), bold=True, scale=values.rng.uniform(1.0, 1.5))
        desk.y += desk.leading
        for paragraph in _opening(values, title):
            desk.line(paragraph)
            desk.y += desk.leading * 0.8
    style = values.pick("{}.|{}.|Section {}.|{}.0|({})|Article {}.")
    for heading, text in _clauses(values) + (_clauses(values) if continued else []):
        mark = style.format(number)
        if headings == "own":
            desk.line(f"{mark} {heading.upper() if values.chance(0.3) else heading}", bold=True)
            content: Content = text
        elif headings == "run":
            content = [mark, heading + ".", *text]
        else:
            content = [mark, *text]
        desk.line(content)
        desk.y += desk.leading * 0.7
        number += 1
        if desk.y > desk.sheet.height - 130:
            break
    if desk.y < desk.sheet.height - 240 and values.chance(0.8):
        _signatures(desk)
    if values.chance(0.6):
        desk.sheet.write(
            desk.sheet.width / 2,
            desk.sheet.height - 30,
            values.pick("{}|- {} -|Page {}|Page {} of 8").format(values.rng.randint(1, 7)),
            desk.font(0.9),
            anchor="m",
        )
    return desk.sheet


def _signatures(desk: Desk) -> None:
    values = desk.values
    desk.line("IN WITNESS WHEREOF, the parties have executed this Agreement as of the date first above written.")
    desk.y += desk.leading * 1.5
    for x in (desk.left, desk.left + desk.room * 0.55):
        y = desk.y
        for label in values.rng.choice(
            (("By:", "Name:", "Title:"), ("Signature:", "Date:"), ("By:", "Title:", "Date:"))
        ):
            end = desk.sheet.write(x, y, label, desk.font())
            desk.sheet.rule(end + 6, y + 2, x + desk.room * 0.4, y + 2)
            y += desk.leading * 1.6


LAYOUTS: dict[str, Callable[[Values], Sheet]] = {
    "contract.run_in": lambda values: _write(values, headings="run"),
    "contract.headed": lambda values: _write(values, headings="own"),
}
HELDOUT: dict[str, Callable[[Values], Sheet]] = {"contract.numbered": lambda values: _write(values, headings="none")}
