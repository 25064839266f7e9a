"""Words that come with the request: any OCR's, or a PDF's, instead of reading the page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from layoutserve.model.errors import RequestError
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.page.geometry import word_boxes

# Sides of a box from the origin, in pixels or fractions of the page: beyond it, areas overflow.
_FARTHEST = 1_000_000

WordsUnit = Literal["pixels", "fractions"]


@dataclass(frozen=True, slots=True)
class GivenWord:
    """A word or a line of the caller's: its text, its box (x0, y0, x1, y1) in either unit, its page from 1."""

    text: str
    box: tuple[float, float, float, float]
    page: int = 1
    score: float = 1.0


def words_of_page(given: Sequence[GivenWord], page: Page, unit: WordsUnit = "pixels") -> tuple[Word, ...]:
    """Turn the caller's words of one page (others are left out) into its words, in the caller's order.

    Boxes in pixels are of the page as it was decoded, fractions of its width and height. What holds white space is
    cut into words, each with its share of the box. A new line begins where a word starts left of the one before it
    or beside its height.

    Raises RequestError for a box that is no box or lies outside of the page, and a word without text.
    """
    scale_x, scale_y = (page.width, page.height) if unit == "fractions" else (1, 1)
    words: list[Word] = []
    line = 0
    for number, word in enumerate((word for word in given if word.page == page.number), start=1):
        x0, y0, x1, y1 = word.box
        where = f"Word {number} of page {page.number} ({word.text[:40]!r})"
        if not all(map(math.isfinite, word.box)) or x0 > x1 or y0 > y1:
            raise RequestError(f"{where} has the box {list(word.box)}: give x0, y0, x1, y1 with x0 <= x1 and y0 <= y1.")
        if any(abs(side) > _FARTHEST for side in word.box):
            raise RequestError(f"{where} has the box {list(word.box)}: no page reaches further than {_FARTHEST:,}.")
        box = Box(x0, y0, x1, y1).scaled(scale_x, scale_y)
        if not box.meets(page.width, page.height):
            raise RequestError(
                f"{where} has the box {list(word.box)}, outside of the page of {page.width} x {page.height} pixels: "
                "give boxes in pixels of the page as it was sent, or fractions of its size and say so."
            )
        parts = word_boxes(word.text, box)
        if not parts:
            raise RequestError(f"{where} has no text: leave it out.")
        if words:
            last, middle = words[-1].box, (box.y0 + box.y1) / 2
            line += box.x0 < last.x0 or not last.y0 <= middle <= last.y1
        words += [Word.from_box(text, place, score=word.score, line=line, source="given") for text, place in parts]
    return tuple(words)
