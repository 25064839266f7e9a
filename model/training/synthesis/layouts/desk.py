"""A desk where office papers are written: blocks, key-value lists, tables and running text on A4 or letter."""

from collections.abc import Sequence
from dataclasses import dataclass

from layoutserve.model.training.synthesis.content.values import Values
from layoutserve.model.training.synthesis.fonts import SANS, SERIF, Font, font
from layoutserve.model.training.synthesis.sheet import Content, Piece, Sheet, tokenize, wrap

Pair = tuple[str, str, str]
"""Key, value, field."""


@dataclass(slots=True)
class Desk:
    """A sheet with a typeface for text and one for headings, and where the writer is (baseline ``y``)."""

    values: Values
    sheet: Sheet
    family: str
    heading: str
    size: float
    leading: float
    left: float
    right: float
    y: float

    @classmethod
    def load(
        cls,
        values: Values,
        *,
        sizes: tuple[float, float] = (12.5, 16.5),
        families: Sequence[str] = SANS + SERIF,
        paper: type[Sheet] = Sheet,
    ) -> "Desk":
        """A page with a typeface, size and margins of its own."""
        rng = values.rng
        width, height = rng.choice(((900, 1273), (900, 1273), (900, 1165)))
        size = rng.uniform(*sizes)
        family = values.one(families)
        return cls(
            values,
            paper(width, height),
            family,
            values.one(SANS + SERIF) if values.chance(0.3) else family,
            size,
            size * rng.uniform(1.2, 1.5),
            rng.uniform(45, 105),
            width - rng.uniform(45, 105),
            rng.uniform(50, 110),
        )

    @property
    def room(self) -> float:
        """Width between the margins."""
        return self.right - self.left

    @property
    def full(self) -> bool:
        """Nothing more fits on the page."""
        return self.y > self.sheet.height - 45

    def font(self, scale: float = 1.0, *, bold: bool = False, italic: bool = False, family: str = "") -> Font:
        """The text's typeface, ``scale`` times its size."""
        return font(family or self.family, self.sheet.even(self.size * scale), bold=bold, italic=italic)

    def line(
        self,
        content: Content,
        *,
        x: float | None = None,
        anchor: str = "l",
        scale: float = 1.0,
        bold: bool = False,
        italic: bool = False,
        heading: bool = False,
        ink: int = 0,
        width: float | None = None,
    ) -> None:
        """A line, or several where it is too wide, at ``x`` (else the left margin, middle or right by ``anchor``)."""
        face = self.font(scale, bold=bold, italic=italic, family=self.heading if heading else "")
        if x is None:
            x = {"l": self.left, "m": (self.left + self.right) / 2, "r": self.right}[anchor]
        if width is None:
            width = self.right - x if anchor == "l" else x - self.left if anchor == "r" else self.room
        self.y += self.leading * (scale - 1) * 0.7
        self.y = self.sheet.paragraph(
            x, self.y, content, face, max(width, 60), leading=self.leading * scale, anchor=anchor, ink=ink
        )
        self.y -= self.leading * (scale - 1) * 0.5

    def block(
        self,
        x: float,
        y: float,
        lines: Sequence[Content],
        *,
        anchor: str = "l",
        scale: float = 1.0,
        width: float | None = None,
    ) -> float:
        """Lines below one another from the baseline ``y``; returns the next baseline and leaves ``self.y`` alone."""
        before, self.y = self.y, y
        for content in lines:
            self.line(content, x=x, anchor=anchor, scale=scale, width=width)
        after, self.y = self.y, before
        return after

    def pairs(
        self,
        x: float,
        y: float,
        pairs: Sequence[Pair],
        *,
        style: str,
        width: float,
        colon: str = ":",
        bold: bool = False,
    ) -> float:
        """Key-value pairs from the baseline ``y`` down, ``width`` pixels wide; returns the next baseline.

        ``style``: ``tab`` (values start at one place), ``ends`` (values end at the right), ``run`` (value follows
        its key), ``boxes`` (a grid), ``above`` (value below its key).
        """
        face, key_face = self.font(), self.font(bold=bold)
        tab = max((key_face.getlength(key + colon) for key, _, _ in pairs), default=0.0) + self.size * 0.9
        for key, value, name in pairs:
            announced, told = Piece(key + colon, key=name), Piece(value, name)
            if style == "boxes":
                top = y - self.leading * 0.8
                self.sheet.frame(x, top, x + width, top + self.leading * 1.15)
                self.sheet.rule(x + width * 0.5, top, x + width * 0.5, top + self.leading * 1.15)
                self.sheet.write(x + 5, y, announced, key_face)
                self.sheet.write(x + width * 0.5 + 5, y, told, face)
                y += self.leading * 0.15
            elif style == "above":
                self.sheet.write(x, y, announced, self.font(0.8, bold=bold), ink=70)
                y += self.leading
                self.sheet.write(x, y, told, face)
                y += self.leading * 0.3
            elif style == "ends":
                self.sheet.write(x, y, announced, key_face)
                self.sheet.write(x + width, y, told, face, anchor="r")
            elif style == "run":
                end = self.sheet.write(x, y, announced, key_face)
                self.sheet.write(end + face.getlength(" "), y, told, face)
            else:
                self.sheet.write(x, y, announced, key_face)
                self.sheet.write(x + tab, y, told, face)
            y += self.leading
        return y

    def table(
        self,
        header: Sequence[Content],
        rows: Sequence[Sequence[Content]],
        shares: Sequence[float],
        anchors: str,
        *,
        style: str,
        scale: float = 1.0,
        left: float | None = None,
        right: float | None = None,
        pad: float = 0.5,
    ) -> None:
        """A table from ``self.y`` down; ``shares`` of the width; ``style``: grid, lines, zebra, dark or plain."""
        left, right = self.left if left is None else left, self.right if right is None else right
        unit = (right - left) / sum(shares)
        edges = [left]
        for share in shares:
            edges.append(edges[-1] + share * unit)
        top = self.y
        gap = self.size * 0.35
        every = ([header] if header else []) + list(rows)
        for number, row in enumerate(every):
            head = bool(header) and number == 0
            face = self.font(scale, bold=head)
            wrapped = [wrap(tokenize(cell), face, edges[i + 1] - edges[i] - 2 * gap) for i, cell in enumerate(row)]
            lines = max((len(cell) for cell in wrapped), default=1) or 1
            high = lines * self.leading * scale + self.leading * pad
            if self.y + high > self.sheet.height - 40:
                break
            if head and style == "dark":
                self.sheet.frame(left, self.y, right, self.y + high, thickness=0, fill=50)
            elif (head and style in ("zebra", "lines") and pad > 0.4) or (style == "zebra" and number % 2 == 0):
                self.sheet.frame(left, self.y, right, self.y + high, thickness=0, fill=225)
            for i, cell in enumerate(wrapped):
                x = {"l": edges[i] + gap, "r": edges[i + 1] - gap, "m": (edges[i] + edges[i + 1]) / 2}[anchors[i]]
                for k, tokens in enumerate(cell):
                    base = self.y + self.leading * (pad / 2 + 0.75 + k) * scale
                    self.sheet.write(
                        x,
                        base,
                        [Piece(*token) for token in tokens],
                        face,
                        anchor=anchors[i],
                        ink=255 if head and style == "dark" else 0,
                    )
            self.y += high
            if style in ("grid", "lines") or (head and style != "dark"):
                self.sheet.rule(left, self.y, right, self.y, ink=90 if style == "grid" or head else 170)
        if style == "grid":
            for edge in edges:
                self.sheet.rule(edge, top, edge, self.y, ink=90)
            self.sheet.rule(left, top, right, top, ink=90)
        self.y += self.leading

    def logo(self, x: float, y: float, side: float) -> None:
        """A mark of circles, bars and angles in a square whose top left corner is (x, y)."""
        rng = self.values.rng
        ink = rng.randint(0, 140)
        draw = self.sheet.draw
        shape = rng.randrange(4)
        if shape == 0:
            draw.ellipse((x, y, x + side, y + side), fill=ink)
            draw.ellipse((x + side * 0.3, y + side * 0.3, x + side * 0.9, y + side * 0.9), fill=255)
        elif shape == 1:
            for k in range(3):
                draw.rectangle((x + side * k / 3, y + side * (2 - k) / 3, x + side * (k + 0.8) / 3, y + side), fill=ink)
        elif shape == 2:
            draw.polygon(
                [(x, y + side), (x + side / 2, y), (x + side, y + side), (x + side / 2, y + side * 0.6)], fill=ink
            )
        else:
            draw.rounded_rectangle((x, y, x + side, y + side), radius=side / 5, outline=ink, width=4)
            draw.line((x + side * 0.2, y + side * 0.8, x + side * 0.8, y + side * 0.2), fill=ink, width=5)
