"""Lines of text put together from letters that are rendered once: several times as fast as rendering every line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.training.synthesis.fonts import Font


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter: how far it moves the pen, and its ink (rows, columns) with the place of its corner from the pen."""

    advance: float
    left: int
    top: int
    ink: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class Lettering:
    """A line's ink (rows, columns), its corner from the pen's start, and each word's begin and end."""

    ink: NDArray[np.uint8]
    left: int
    top: int
    words: Sequence[tuple[float, float]]


@lru_cache(maxsize=1024)
def _letters(face: Font) -> dict[str, Letter]:
    """The letters of ``face`` that were asked for so far."""
    return {}


def letter(face: Font, char: str) -> Letter:
    """One letter of ``face``."""
    known = _letters(face)
    if char not in known:
        mask, (left, top) = face.getmask2(char, "L", anchor="ls")
        width, height = mask.size
        ink = np.frombuffer(bytes(mask), np.uint8).reshape(height, width) if width and height else None
        known[char] = Letter(face.getlength(char), left, top, ink)
    return known[char]


def length(face: Font, word: str) -> float:
    """How far ``word`` moves the pen, in pixels. Letters are not kerned."""
    return sum(letter(face, char).advance for char in word)


def set_line(face: Font, words: Sequence[str], start: float) -> Lettering:
    """``words`` in a line from the pen's fractional place ``start`` (0 to 1), a space apart."""
    pen, space = start, letter(face, " ").advance
    places: list[tuple[int, Letter]] = []
    spans: list[tuple[float, float]] = []
    for word in words:
        begin = pen
        for char in word:
            each = letter(face, char)
            if each.ink is not None:
                places.append((round(pen) + each.left, each))
            pen += each.advance
        spans.append((begin - start, pen - start))
        pen += space
    if not places:
        return Lettering(np.zeros((0, 0), np.uint8), 0, 0, spans)
    inks = [(x, each.top, each.ink) for x, each in places if each.ink is not None]
    left, top = min(x for x, _, _ in inks), min(y for _, y, _ in inks)
    right = max(x + ink.shape[1] for x, _, ink in inks)
    bottom = max(y + ink.shape[0] for _, y, ink in inks)
    line = np.zeros((bottom - top, right - left), np.uint8)
    for x, y, ink in inks:
        part = line[y - top : y - top + ink.shape[0], x - left : x - left + ink.shape[1]]
        np.maximum(part, ink, out=part)
    return Lettering(line, left, top, spans)
