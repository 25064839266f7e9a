"""A sheet for the world's scripts: another typeface where one lacks a glyph, marks to tick, bars and pictures."""

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image

from layoutserve.model.training.synthesis.fonts import Font, covers
from layoutserve.model.training.synthesis.fonts import font as face_of
from layoutserve.model.training.synthesis.lettering import length, letter, set_line
from layoutserve.model.training.synthesis.sheet import Content, Line, Sheet, measure, tokenize

_FALLBACK = "dejavu-sans"
_CAPITALS = ("Amatic SC",)


@dataclass(frozen=True, slots=True)
class Mark:
    """A box to tick: its place, whether it is ticked, the field of its text and of the question it answers."""

    box: tuple[float, float, float, float]
    checked: bool
    option: str
    question: str


class Paper(Sheet):
    """A sheet that also knows the boxes ticked, the headings with what stands under them, and the heads of columns."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
        self.marks: list[Mark] = []
        # Heading to the keys below it, and a column's label to the field of its head: both are field names.
        self.sections: dict[str, list[str]] = {}
        self.heads: dict[str, str] = {}

    def even(self, size: float) -> float:
        """The nearest half pixel: pages that share a size share letters, too."""
        return round(size * 2) / 2

    def face_for(self, text: str, face: Font) -> Font:
        """``face``, or one that has all glyphs of ``text``."""
        return face if covers(face, text) else face_of(_FALLBACK, face.size)

    def write(self, x: float, y: float, content: Content, font: Font, *, anchor: str = "l", ink: int = 0) -> float:
        """Like ``Sheet.write``; a face of capitals writes capitals, so that words say what stands there."""
        tokens = tokenize(content)
        if not tokens:
            return x
        if font.getname()[0] in _CAPITALS:
            tokens = [(word.upper(), name, key) for word, name, key in tokens]
        texts = [token[0] for token in tokens]
        face = self.face_for("".join(texts), font)
        whole = sum(length(face, text) for text in texts) + letter(face, " ").advance * (len(texts) - 1)
        left = x - {"l": 0.0, "m": whole / 2, "r": whole}[anchor]
        told = set_line(face, texts, left % 1)
        high, wide = told.ink.shape
        corner = int(left // 1) + told.left, int(y // 1) + told.top
        self.image.paste(ink, (*corner, corner[0] + wide, corner[1] + high), Image.fromarray(told.ink))
        # A little air above and below, as text detectors leave it.
        air = font.size * 0.06
        top, bottom = corner[1] - air, corner[1] + high + air
        line = Line(top, bottom)
        for (begin, end), (word, name, key) in zip(told.words, tokens, strict=True):
            index = len(self.words)
            self.boxes.append((left + begin, top, left + end, bottom))
            self.words.append(word)
            line.words.append(index)
            if name:
                self.fields.setdefault(name, []).append(index)
            if key:
                self.keys.setdefault(key, []).append(index)
        self.lines.append(line)
        return left + whole

    def barcode(self, rng: Random, x: float, y: float, width: float, height: float) -> None:
        """Bars across ``width`` from the top ``y``."""
        at = x
        while at < x + width:
            bar = rng.choice((1, 1, 2, 3))
            self.draw.rectangle((at, y, at + bar - 0.5, y + height), fill=0)
            at += bar + rng.choice((1, 1, 2, 3))

    def squares(self, rng: Random, x: float, y: float, side: float) -> None:
        """A code of black and white squares with three finders."""
        count = rng.choice((21, 25, 29))
        dots = np.random.Generator(np.random.PCG64(rng.getrandbits(64))).random((count, count)) < 0.5
        finder = np.ones((7, 7), bool)
        finder[1:6, 1:6] = False
        finder[2:5, 2:5] = True
        for rows, columns in (
            (slice(0, 7), slice(0, 7)),
            (slice(0, 7), slice(-7, None)),
            (slice(-7, None), slice(0, 7)),
        ):
            dots[rows, columns] = finder
        picture = Image.fromarray(np.where(dots, 0, 255).astype(np.uint8))
        self.image.paste(picture.resize((int(side), int(side)), Image.Resampling.NEAREST), (int(x), int(y)))

    def picture(self, rng: Random, x: float, y: float, width: float, height: float) -> None:
        """Something like a photograph: soft clouds of grey."""
        size = (max(2, int(width)), max(2, int(height)))
        noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
        low = rng.randint(20, 150)
        coarse = noise.integers(low, rng.randint(low + 40, 250), (rng.randint(3, 9), rng.randint(3, 9)), np.uint8)
        self.image.paste(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), (int(x), int(y)))

    def tick(
        self, x: float, y: float, side: float, *, checked: bool, option: str, question: str = "", style: str = "cross"
    ) -> None:
        """A box of ``side`` whose lower left corner is (x, y), with a cross, a tick or filled where ``checked``."""
        box = (x, y - side, x + side, y)
        draw = self.draw
        if style == "circle":
            draw.ellipse(box, outline=0, width=1)
        else:
            draw.rectangle(box, outline=0, width=1 if side < 14 else 2)
        if checked:
            a, pad = side * 0.2, 2
            if style == "circle":
                draw.ellipse((x + a + 1, y - side + a + 1, x + side - a - 1, y - a - 1), fill=0)
            elif style == "cross":
                draw.line((x + a, y - side + a, x + side - a, y - a), fill=0, width=pad)
                draw.line((x + a, y - a, x + side - a, y - side + a), fill=0, width=pad)
            elif style == "tick":
                draw.line(
                    (x + a, y - side * 0.5, x + side * 0.4, y - a, x + side * 1.1, y - side * 1.1), fill=0, width=pad
                )
            else:
                draw.rectangle((x + a, y - side + a, x + side - a, y - a), fill=0)
        self.marks.append(Mark(box, checked, option, question))


def fit(text: str, face: Font, width: float) -> str:
    """``text`` without the last words that do not fit into ``width``; at least one word."""
    parts = text.split()
    while len(parts) > 1 and sum(measure(face, part) for part in parts) + measure(face, " ") * len(parts) > width:
        parts.pop()
    return " ".join(parts)
