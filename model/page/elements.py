"""What a page is made of: boxes, words and the page itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Polygon = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in page pixels, ``x0 <= x1`` and ``y0 <= y1``."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, points: Iterable[Point]) -> "Box":
        """The smallest box around at least one point."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0


@dataclass(frozen=True, slots=True)
class Word:
    """What white space separates on a page, with its place.

    ``polygon`` holds the four corners in reading direction (top left, top right, bottom right, bottom left as the
    text is read), which differs from ``box`` where the text is slanted or turned. ``line`` numbers the text line
    from 0 in reading order. ``score`` is the recognizer's probability, 1.0 for a PDF's own text.
    """

    text: str
    box: Box
    score: float
    line: int
    polygon: Polygon

    @classmethod
    def from_box(cls, text: str, box: Box, *, score: float = 1.0, line: int = 0) -> "Word":
        """A word whose place is known as an upright box only, as a caller's own OCR gives it."""
        return cls(text, box, score, line, ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)))


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One decoded page.

    ``image`` is uint8 (height, width, 3) RGB. ``number`` counts from 1 in the document. ``dpi`` is the rendering
    resolution of a PDF page, else None. ``turn`` is how many degrees clockwise the page had to be turned to be
    read upright (0, 90, 180, 270); boxes are not turned. ``words`` is None until the page has been read; an empty
    tuple means that it has no words.
    """

    image: NDArray[np.uint8]
    number: int = 1
    dpi: float | None = None
    turn: int = 0
    words: tuple[Word, ...] | None = None

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])
