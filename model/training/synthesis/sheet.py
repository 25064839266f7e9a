"""A sheet of paper that remembers every word written on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image, ImageDraw

from layoutserve.model.training.synthesis.fonts import Font


@dataclass(frozen=True, slots=True)
class Piece:
    """Text with a meaning: the value of ``field``, or the key that announces the field ``key``.

    Field names are the labels in lower case (``total``) or anything a question may ask for. ``total~2`` is another
    place of the same value (an answer, but not the entity); ``item_amount#3`` is a further entity of that label.
    """

    text: str
    field: str = ""
    key: str = ""


Content = str | Piece | Sequence["str | Piece"]


@dataclass(slots=True)
class Line:
    """Words written in one go, with the ink's top and bottom."""

    top: float
    bottom: float
    words: list[int] = field(default_factory=list)


class Sheet:
    """A white page of ``width`` x ``height`` pixels; (0, 0) is the top left corner, ink is 0 (black) to 255."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("L", (width, height), 255)
        self.draw = ImageDraw.Draw(self.image)
        self.words: list[str] = []
        self.boxes: list[tuple[float, float, float, float]] = []
        self.lines: list[Line] = []
        self.fields: dict[str, list[int]] = {}
        self.keys: dict[str, list[int]] = {}
        self.width, self.height = width, height
        # Keys to ask for although nothing on the page answers, and questions made for one field of this page.
        self.missing: list[str] = []
        self.asked: dict[str, list[str]] = {}

    def write(self, x: float, y: float, content: Content, font: Font, *, anchor: str = "l", ink: int = 0) -> float:
        """Write one line with its baseline at ``y``; ``x`` is its left edge, centre (``m``) or right edge (``r``).

        Returns the right edge. An empty content writes nothing.
        """
        tokens = tokenize(content)
        if not tokens:
            return x
        text = " ".join(token[0] for token in tokens)
        font = self.face_for(text, font)
        space = measure(font, " ")
        length = sum(measure(font, token[0]) for token in tokens) + space * (len(tokens) - 1)
        left = x - {"l": 0.0, "m": length / 2, "r": length}[anchor]
        self.draw.text((left, y), text, fill=ink, font=font, anchor="ls")
        _, top, _, bottom = font.getbbox(text, anchor="ls")
        # A little air above and below, as text detectors leave it.
        air = font.size * 0.06
        top, bottom = top - air, bottom + air
        line = Line(y + top, y + bottom)
        begin = left
        for word, name, key in tokens:
            index = len(self.words)
            end = begin + measure(font, word)
            self.boxes.append((begin, y + top, end, y + bottom))
            self.words.append(word)
            line.words.append(index)
            if name:
                self.fields.setdefault(name, []).append(index)
            if key:
                self.keys.setdefault(key, []).append(index)
            begin = end + space
        self.lines.append(line)
        return left + length

    def even(self, size: float) -> float:
        """The size, in pixels an em, that letters of ``size`` get: the same."""
        return size

    def face_for(self, text: str, face: Font) -> Font:
        """The typeface that ``text`` is written in: ``face``."""
        return face

    def paragraph(
        self,
        x: float,
        y: float,
        content: Content,
        font: Font,
        width: float,
        *,
        leading: float,
        anchor: str = "l",
        ink: int = 0,
    ) -> float:
        """Write lines no wider than ``width`` from the baseline ``y`` down; returns the next line's baseline."""
        for tokens in wrap(tokenize(content), font, width):
            self.write(x, y, [Piece(*token) for token in tokens], font, anchor=anchor, ink=ink)
            y += leading
        return y

    def rule(self, x0: float, y0: float, x1: float, y1: float, *, thickness: int = 1, ink: int = 60) -> None:
        """A straight line."""
        self.draw.line((x0, y0, x1, y1), fill=ink, width=thickness)

    def frame(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        *,
        thickness: int = 1,
        ink: int = 60,
        fill: int | None = None,
    ) -> None:
        """A rectangle, filled where ``fill`` is given. Draw it before what stands in it."""
        self.draw.rectangle((x0, y0, x1, y1), outline=ink if thickness else None, width=thickness, fill=fill)

    def crop(self, height: float) -> None:
        """Cut the sheet below ``height``."""
        self.height = min(self.height, max(1, round(height)))
        self.image = self.image.crop((0, 0, self.width, self.height))
        self.draw = ImageDraw.Draw(self.image)


@lru_cache(maxsize=1 << 16)
def measure(font: Font, word: str) -> float:
    """Advance of a word (or a space) in pixels. The typefaces do not kern across spaces, so these add up."""
    return font.getlength(word)


Token = tuple[str, str, str]


def tokenize(content: Content) -> list[Token]:
    """The words of ``content``, each with its field and key."""
    pieces = [content] if isinstance(content, str | Piece) else content
    tokens: list[Token] = []
    for piece in pieces:
        if isinstance(piece, str):
            tokens.extend((word, "", "") for word in piece.split())
        else:
            tokens.extend((word, piece.field, piece.key) for word in piece.text.split())
    return tokens


def wrap(tokens: list[Token], font: Font, width: float) -> list[list[Token]]:
    """Break words into lines no wider than ``width`` pixels; a longer word stands alone."""
    lines: list[list[Token]] = []
    space = measure(font, " ")
    used = 0.0
    for token in tokens:
        length = measure(font, token[0])
        if not lines or used + space + length > width:
            lines.append([token])
            used = length
        else:
            lines[-1].append(token)
            used += space + length
    return lines
