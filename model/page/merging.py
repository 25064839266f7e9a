"""A page of which a PDF says a part: what OCR reads of the rest, put in its place among the known words."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from layoutserve.model.page.elements import KnownPart, Page, Word
from layoutserve.model.page.geometry import Box, from_first_to_last, reading_direction, turned
from layoutserve.model.page.reading_order import reading_order
from layoutserve.model.page.scripts import is_right_to_left

# Share of a word that another one covers, from which both are the same ink.
_SAME_PLACE = 0.5
# Share of a doubtful layer's words that OCR must read in their place, for the layer to be believed.
_AGREEMENT = 0.5
# A gap of this many text heights ends a piece of a line.
_PIECE_GAP = 1.0
# Side of the cells, in pixels, by which words are found near each other.
_CELL = 64
# Cells that a word is looked for in, at most: only words of many inches have more.
_MOST_CELLS = 1024


def rest(page: Page) -> Page:
    """What OCR has to read of a page: as it is, or without what a PDF says of it."""
    if page.known is None:
        return page
    return replace(page, image=page.image if page.unread is None else page.unread, known=None, unread=None)


def completed(page: Page, read: Page) -> Page:
    """The page with its words: those that are known of it and those that OCR read on its rest."""
    if page.known is None:
        return replace(read, image=page.image)
    # A checkbox, ticked or not, is a mark and no word.
    marks = [mark.box for mark in page.selection_marks]
    words, turn = _merged(page.known, read.words or (), read.turn, marks)
    return replace(page, words=words, turn=turn, known=None, unread=None)


def _merged(known: KnownPart, read: tuple[Word, ...], turn: int, marks: Sequence[Box]) -> tuple[tuple[Word, ...], int]:
    if known.doubtful and _agreement(known.words, read) < _AGREEMENT:
        return read, turn
    near = _Places([*(word.box for word in known.words), *marks])
    added = [word for word in read if near.covered(word.box) < _SAME_PLACE]
    if not added:
        return known.words, known.turn
    if sum(len(word.text) for word in added) > sum(len(word.text) for word in known.words):
        upright = turn
    else:
        upright = known.turn
    return in_reading_order([*_pieces(known.words), *_pieces(added)], upright), upright


def in_reading_order(pieces: Sequence[Sequence[Word]], turn: int) -> tuple[Word, ...]:
    """Words of pieces of lines in the order of a page that is read when turned clockwise by ``turn`` degrees.

    The words of a piece are in their order already, and get the number of their line.
    """
    outlines = []
    for piece in pieces:
        backwards = is_right_to_left("".join(word.text for word in piece))
        polygons = [word.polygon for word in piece]
        outlines.append(turned(from_first_to_last(polygons[::-1] if backwards else polygons), turn))
    backwards = is_right_to_left("".join(word.text for piece in pieces for word in piece))
    rows = reading_order(outlines, right_to_left=backwards)
    return tuple(replace(word, line=line) for line, row in enumerate(rows) for index in row for word in pieces[index])


def _pieces(words: Iterable[Word]) -> list[list[Word]]:
    """Words that follow each other on a line without large gaps."""
    pieces: list[list[Word]] = []
    for word in words:
        last = pieces[-1][-1] if pieces else None
        if last is not None and last.line == word.line and _apart(last, word) < _PIECE_GAP:
            pieces[-1].append(word)
        else:
            pieces.append([word])
    return pieces


def _apart(one: Word, other: Word) -> float:
    """The white space between two words along their line, in their heights."""
    along = reading_direction(one.polygon) % 180 == 0
    a, b = one.box, other.box
    gap = max(a.x0, b.x0) - min(a.x1, b.x1) if along else max(a.y0, b.y0) - min(a.y1, b.y1)
    height = min(a.height, b.height) if along else min(a.width, b.width)
    return gap / max(height, 1.0)


def _agreement(known: Sequence[Word], read: Sequence[Word]) -> float:
    """Share of the known words that were read alike, compared as a bag: letter case and punctuation apart."""

    def bag(words: Sequence[Word]) -> Counter[str]:
        letters = ("".join(filter(str.isalnum, word.text)).casefold() for word in words)
        return Counter(text for text in letters if text)

    expected, found = bag(known), bag(read)
    return (expected & found).total() / max(expected.total(), 1)


class _Places:
    """Boxes, found by where they lie."""

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = {}
        for box in boxes:
            for cell in _cells(box):
                self._cells.setdefault(cell, []).append(box)

    def covered(self, box: Box) -> float:
        """The share of a box that the boxes cover, none of which covers another."""
        near = {other for cell in _cells(box) for other in self._cells.get(cell, ())}
        return sum(map(box.overlap, near)) / max(box.width * box.height, 1e-6)


def _cells(box: Box) -> Iterable[tuple[int, int]]:
    x0, y0, x1, y1 = np.floor(np.array([box.x0, box.y0, box.x1, box.y1]) / _CELL).astype(int).tolist()
    cells = ((column, row) for column in range(x0, x1 + 1) for row in range(y0, y1 + 1))
    return islice(cells, _MOST_CELLS)
