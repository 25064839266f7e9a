"""A till roll: what it prints, and the sections it is made of.

A family is a list of sections with a style each (``items:letter``), as ``roll_families.toml`` has them.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from layoutserve.model.training.synthesis.content.regional import Regional
from layoutserve.model.training.synthesis.content.trade import Sale, Terms, draw_sale
from layoutserve.model.training.synthesis.fonts import MONO, covers, font
from layoutserve.model.training.synthesis.layouts.till import Till
from layoutserve.model.training.synthesis.paper import Paper
from layoutserve.model.training.synthesis.sheet import Content, Piece, tokenize

Cell = tuple[float, str, Content]
"""Place between the margins (0 to 1), anchor, content."""


@dataclass(slots=True)
class Roll:
    """A till, what it prints, and what was said already (a value said again is no entity)."""

    till: Till
    paper: Paper
    values: Regional
    sale: Sale
    day: datetime.date
    company: str
    said: set[str]
    signs: float

    def field(self, name: str) -> str:
        """``name`` the first time, another place of it after that."""
        if name in self.said:
            return f"{name}~2"
        self.said.add(name)
        return name

    def money(self, amount: Decimal, name: str) -> list[Piece | str]:
        """An amount, with its currency where this till prints it."""
        symbol = "x" if self.values.rng.random() < self.signs else ""
        return self.values.amount(amount, name and self.field(name), symbol)

    def fits(self, cells: Sequence[Cell]) -> bool:
        """Whether a row of ``cells`` stands on the paper without one upon another."""
        taken = 1 + 2 * self.gap
        for place, anchor, content in reversed(cells):
            length = self.till.width_of(" ".join(token[0] for token in tokenize(content)))
            start = min(place - {"l": 0.0, "m": length / 2, "r": length}[anchor], taken - self.gap - length)
            if start < -0.01:
                return False
            taken = start
        return True

    @property
    def gap(self) -> float:
        """What is left between two cells, as part of the room."""
        return 0.6 * self.till.size / self.till.room

    def sum(self, label: str, amount: Decimal, name: str, *, scale: float = 1.0, bold: bool = False) -> None:
        """A label at the left, an amount at the right."""
        value = self.money(amount, name)
        field = next((piece.field for piece in value if isinstance(piece, Piece) and piece.field), name)
        key = Piece(label, key=field)
        text = " ".join(piece if isinstance(piece, str) else piece.text for piece in value)
        if self.till.width_of(f"{label}  {text}", scale) > 0.95:
            scale = 1.0
        self.till.row([(0, "l", key), (1, "r", value)], scale=scale, bold=bold)


Section = Callable[[Roll, str], None]
"""Prints a section in a style."""


def print_roll(values: Regional, sections: str, terms: Terms, table: Mapping[str, Section]) -> Paper:
    """A receipt made of ``sections``, which ``table`` prints."""
    till = Till.load(values, Paper)
    assert isinstance(till.sheet, Paper)
    if not covers(font(till.family, 14), values.rare):
        till.family = "dejavu-mono" if till.family in MONO else "roboto"
    roll = Roll(
        till,
        till.sheet,
        values,
        draw_sale(values, terms),
        values.day(),
        values.shop(),
        set(),
        values.rng.choice((0.0, 0.0, 1.0)),
    )
    for section in sections.split():
        name, _, style = section.partition(":")
        table[name](roll, style)
        if values.chance(0.25):
            till.gap(0.5)
    sheet = till.cut()
    assert isinstance(sheet, Paper)
    return sheet
