"""Words, and the page that holds them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.geometry import Box, Polygon


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters between white space, with its place.

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
        return cls(text, box, score, line, box.corners)


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
