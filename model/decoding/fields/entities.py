"""Entities of a page: labelled spans of words, with their text, place and score."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.text_flow import CLOSE, joints
from layoutserve.model.page import Box, Polygon, Word
from layoutserve.model.page.geometry import from_first_to_last, reading_corners

# The widest space within a number, in letters.
_LETTER = 1.25


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled span of words.

    text: its words, joined by spaces. score: probability that all its words are labelled right, as sure as the
    least sure of them. page: number from 1. box, polygon: page pixels. words: indices on the page, ascending.
    """

    label: str
    text: str
    score: float
    page: int
    box: Box
    polygon: Polygon
    words: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PageEntities:
    """The entities of one page, and all that the rules look at.

    words: the page's. bbox: int64 (words, 4), 0-1000 of the upright page. log_probs: float32 (words, C), what each
    word is labelled. number, turn: the page's.
    """

    entities: tuple[Entity, ...]
    words: tuple[Word, ...]
    bbox: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    number: int = 1
    turn: int = 0

    def entity(self, piece: Piece) -> Entity:
        """A piece of this page as an entity."""
        return entity_of(piece, self.words, self.number, self.turn)

    @cached_property
    def cells(self) -> list[tuple[int, int]]:
        """The cell of each word, by its first word and the one behind its last: a run on a line without gaps."""
        ends = np.append(np.flatnonzero(joints(self.words, self.bbox) != CLOSE) + 1, len(self.words)).tolist()
        found: list[tuple[int, int]] = []
        for end in ends:
            found += [(len(found), end)] * (end - len(found))
        return found

    @cached_property
    def tight(self) -> NDArray[np.bool_]:
        """Say for each word if the space before it is no wider than a letter; bool (words,)."""
        box = self.bbox.astype(np.float64)
        letters = np.array([max(len(word.text), 1) for word in self.words], dtype=np.float64)
        width = (box[:, 2] - box[:, 0]) / letters
        gap = box[1:, 0] - box[:-1, 2]
        return np.append(False, gap <= _LETTER * np.maximum((width[:-1] + width[1:]) / 2, 1.0))


def entity_of(piece: Piece, words: Sequence[Word], number: int, turn: int) -> Entity:
    """A piece of the page with these words, this number and turn as an entity."""
    chosen = [words[index] for index in piece.words]
    box = Box.union(word.box for word in chosen)
    return Entity(
        label=piece.name,
        text=" ".join(word.text for word in chosen),
        score=min(max(piece.score, 0.0), 1.0),
        page=number,
        box=box,
        polygon=_polygon(chosen, box, turn),
        words=tuple(piece.words),
    )


def _polygon(words: Sequence[Word], box: Box, turn: int) -> Polygon:
    """Corners in reading direction: along the words on one line, of the box over several."""
    if all(word.line == words[0].line for word in words):
        return from_first_to_last([word.polygon for word in words])
    return reading_corners(box, turn)
