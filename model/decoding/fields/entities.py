"""Entities of a page: labelled spans of words, with their text, place and score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.page import Box, Polygon, Word
from layoutserve.model.page.geometry import from_first_to_last, reading_corners


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


@dataclass(frozen=True, slots=True, eq=False)
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
