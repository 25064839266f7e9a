"""A till's printer: writes a receipt line by line down a narrow sheet."""

from collections.abc import Sequence
from dataclasses import dataclass

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.fonts import MONO, SANS, SERIF, font
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet, tokenize, wrap

_PAPER = 3200
"""Pixels of paper before the receipt is cut off."""


@dataclass(slots=True)
class Till:
    """Where the next line goes, and how this till prints."""

    values: Values
    sheet: Sheet
    family: str
    size: float
    leading: float
    left: float
    right: float
    y: float
    upper: bool
    symbol: str
    apart: bool
    rule_mark: str
    centred: bool

    @classmethod
    def load(cls, values: Values, paper: type[Sheet] = Sheet) -> "Till":
        """A till with a typeface, paper width and habits of its own."""
        rng = values.rng
        width = rng.randint(400, 620)
        mono = values.chance(0.6)
        family = values.one(MONO) if mono else values.one(SANS) if values.chance(0.75) else values.one(SERIF)
        margin = rng.uniform(0.02, 0.1) * width
        columns = rng.uniform(34, 46) if mono else rng.uniform(38, 52)
        size = (width - 2 * margin) / columns / (0.6 if mono else 0.53)
        return cls(
            values=values,
            sheet=paper(width, _PAPER),
            family=family,
            size=size,
            leading=size * rng.uniform(1.15, 1.6),
            left=margin,
            right=width - margin,
            y=size * rng.uniform(1.5, 4) + (rng.uniform(0, 180) if rng.random() < 0.5 else 0),
            upper=values.chance(0.25),
            symbol=values.one(values.locale.symbols) if values.chance(0.45) else "",
            apart=values.chance(0.3),
            rule_mark=values.pick("-|-|=|line|line||*|_"),
            centred=values.chance(0.8),
        )

    @property
    def room(self) -> float:
        """Width between the margins."""
        return self.right - self.left

    def text(
        self,
        content: Content,
        *,
        centre: bool | None = None,
        scale: float = 1.0,
        bold: bool = False,
        family: str = "",
        indent: float = 0.0,
    ) -> None:
        """Lines across the paper, broken where they are too long."""
        face = font(family or self.family, self.sheet.even(self.size * scale), bold=bold)
        centre = self.centred if centre is None else centre
        x = (self.left + self.right) / 2 if centre else self.left + indent
        tokens = tokenize(content)
        if self.upper:
            tokens = [(word.upper(), name, key) for word, name, key in tokens]
        for line in wrap(tokens, face, self.room - indent):
            self.y += self.leading * (scale - 1) * 0.6
            pieces = [Piece(*token) for token in line]
            self.sheet.write(x, self.y, pieces, face, anchor="m" if centre else "l")
            self.y += self.leading + self.leading * (scale - 1) * 0.4

    def row(
        self,
        cells: Sequence[tuple[float, str, Content]],
        *,
        scale: float = 1.0,
        bold: bool = False,
    ) -> None:
        """One line of cells: (place between the margins 0 to 1, anchor, content)."""
        face = font(self.family, self.sheet.even(self.size * scale), bold=bold)
        self.y += self.leading * (scale - 1) * 0.6
        taken = self.right + face.size
        written: list[tuple[float, list[Piece]]] = []
        # From the right: a cell that would touch its neighbour moves to the left.
        for place, anchor, content in reversed(cells):
            tokens = tokenize(content)
            if self.upper:
                tokens = [(word.upper(), name, key) for word, name, key in tokens]
            if not tokens:
                continue
            length = face.getlength(" ".join(token[0] for token in tokens))
            x = self.left + place * self.room - {"l": 0.0, "m": length / 2, "r": length}[anchor]
            x = max(min(x, taken - face.size * 0.6 - length), 2.0)
            taken = x
            written.append((x, [Piece(*token) for token in tokens]))
        for x, pieces in reversed(written):
            self.sheet.write(x, self.y, pieces, face)
        self.y += self.leading + self.leading * (scale - 1) * 0.4

    def width_of(self, text: str, scale: float = 1.0) -> float:
        """Width of ``text`` as part of the room."""
        return (
            font(self.family, self.sheet.even(self.size * scale)).getlength(text.upper() if self.upper else text)
            / self.room
        )

    def rule(self) -> None:
        """Whatever this till draws between sections."""
        if self.rule_mark == "line":
            y = self.y - self.leading * 0.55
            self.sheet.rule(self.left, y, self.right, y)
            self.y += self.leading * 0.35
        elif self.rule_mark:
            face = font(self.family, self.sheet.even(self.size))
            count = int(self.room / face.getlength(self.rule_mark * 20) * 20)
            # Rules are ink, not words: an OCR reads them as anything or nothing.
            self.sheet.draw.text((self.left, self.y), self.rule_mark * count, fill=0, font=face, anchor="ls")
            self.y += self.leading
        else:
            self.gap(0.5)

    def gap(self, lines: float = 1.0) -> None:
        """Empty paper."""
        self.y += self.leading * lines

    def cut(self) -> Sheet:
        """The finished receipt."""
        self.sheet.crop(self.y + self.size * self.values.rng.uniform(0.5, 6 if self.values.chance(0.7) else 16))
        return self.sheet
