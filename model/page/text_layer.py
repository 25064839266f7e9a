"""The words of a PDF page's text layer: its characters joined to words, and these put in reading order."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.characters import Characters
from layoutserve.model.page.elements import Word
from layoutserve.model.page.geometry import Box, Polygon, turned, word_boxes
from layoutserve.model.page.reading_order import reading_order
from layoutserve.model.page.scripts import (
    is_right_to_left,
    logical,
    logical_order,
    runs_right_to_left,
    word_spans,
)

# A gap of this many text heights ends a piece of a line.
_PIECE_GAP = 1.0
# Numbers of two text objects are two from this gap or overlap between their advances on, in text heights.
_CELL_GAP = 0.08
_CELL_OVERLAP = 0.25
# A raised digit is lower than the number before it by this share, and ends higher by this share of its height.
_RAISED_SIZE = 0.85
_RAISED_BY = 0.15
_OF_A_NUMBER = frozenset("0123456789.,")


class _Span(NamedTuple):
    """A character or a word in the frame of its reading direction.

    ``turn`` is that direction: 0 to the right, 90 downwards, 180, 270 upwards. ``along`` is where its ink begins and
    ends in that direction, ``across`` where the ink lies across it, ``line`` and ``advance`` where its font's line lies
    across and along it. ``drawn_by`` is its text object.
    """

    text: str
    turn: int
    along: tuple[float, float]
    across: tuple[float, float]
    line: tuple[float, float]
    advance: tuple[float, float]
    drawn_by: int = 0


def direction_of(characters: Characters, kept: NDArray[np.bool_]) -> int:
    """The direction in degrees, clockwise, in which most of the characters kept (n,) are read."""
    return 90 * int(np.bincount(characters.turns[kept] // 90, minlength=4).argmax())


def words_of(
    characters: Characters,
    kept: NDArray[np.bool_],
    direction: int,
    apart: NDArray[np.bool_],
    typed: Sequence[tuple[str, Box]] = (),
) -> tuple[Word, ...]:
    """Words of those characters that are kept, bool (n,), in the order of a page read mostly in one direction.

    apart: bool (n,), characters that a rule keeps from the one before them. typed: further texts, each with its box.
    """
    words = _words(_spans(characters, kept, apart))
    words += [
        _Span(text, 0, (box.x0, box.x1), (box.y0, box.y1), (box.y0, box.y1), (box.x0, box.x1))
        for whole, place in typed
        for text, box in word_boxes(whole, place)
    ]
    return _in_order(_pieces(words), direction)


def unreadable_objects(characters: Characters, kept: NDArray[np.bool_]) -> frozenset[int]:
    """Text objects of the words, among the characters kept, bool (n,), whose letters are not all known.

    One senseless character before a word or alone is a bullet or a box, and leaves the word as it is.
    """
    unknown = characters.senseless & kept
    # Words are numbered by the white space before them.
    word_of = np.cumsum(characters.white)
    bad = []
    for word in np.unique(word_of[unknown]).tolist():
        first, end = np.searchsorted(word_of, (word, word + 1))
        members = np.arange(first, end)[kept[first:end]]
        if unknown[members[1:]].any():
            bad.append(members)
    return frozenset(characters.objects[np.concatenate(bad)].tolist()) if bad else frozenset()


def _spans(characters: Characters, kept: NDArray[np.bool_], apart: NDArray[np.bool_]) -> list[_Span | None]:
    """The characters that are kept, None where a word ends."""
    spans: list[_Span | None] = []
    members = np.flatnonzero(kept | characters.white | apart)
    turns = characters.turns[members]
    rows = zip(
        members.tolist(),
        _frames(characters.ink[members], turns).tolist(),
        _frames(characters.line[members], turns).tolist(),
        turns.tolist(),
        characters.objects[members].tolist(),
        (characters.white | apart)[members].tolist(),
        kept[members].tolist(),
        strict=True,
    )
    for index, (a0, a1, c0, c1), (d0, d1, l0, l1), turn, drawn_by, ends, stays in rows:
        if ends:
            spans.append(None)
        if stays:
            spans.append(_Span(characters.texts[index], turn, (a0, a1), (c0, c1), (l0, l1), (d0, d1), drawn_by))
    return spans


def _frames(boxes: NDArray[np.float64], turns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Extents (n, 4) of boxes (n, 4) along and across reading directions (n,), both growing as the text is read."""
    x0, y0, x1, y1 = boxes.T
    either = np.stack(
        [
            np.stack([x0, x1, y0, y1]),
            np.stack([y0, y1, -x1, -x0]),
            np.stack([-x1, -x0, -y1, -y0]),
            np.stack([-y1, -y0, x0, x1]),
        ]
    )
    return np.asarray(either[turns // 90, :, np.arange(len(boxes))], dtype=np.float64)


def _corners(along: tuple[float, float], across: tuple[float, float], turn: int) -> Polygon:
    """The inverse of ``_frames``: corners in reading direction."""
    (a0, a1), (b0, b1) = along, across
    return turned(((a0, b0), (a1, b0), (a1, b1), (a0, b1)), turn)


def _words(characters: list[_Span | None]) -> list[_Span]:
    words: list[_Span] = []
    run: list[_Span] = []
    for character in [*characters, None]:
        if character is not None and (not run or _belong_together(run[-1], character)):
            run.append(character)
            continue
        words += _words_of_run(run)
        run = [character] if character is not None else []
    return words


def _words_of_run(run: list[_Span]) -> list[_Span]:
    text = "".join(part.text[:1] for part in run)
    if runs_right_to_left(text):
        # PDFium has put them in logical order as well as it could; their places say more.
        seen = sorted(run, key=lambda part: part.along[0])
        word = unicodedata.normalize("NFKC", logical("".join(part.text for part in seen), brackets=False))
        return [_joined(seen, word)] if seen else []
    return [
        _joined(run[first:last], "".join(part.text for part in run[first:last])) for first, last in word_spans(text)
    ]


def _belong_together(last: _Span, character: _Span) -> bool:
    """False for neighbours of two words although no white space is between them."""
    if last.turn != character.turn:
        return False
    if last.text not in _OF_A_NUMBER or character.text not in _OF_A_NUMBER:
        return True
    height = max(last.line[1] - last.line[0], 1.0)
    if last.drawn_by != character.drawn_by:
        gap = (character.advance[0] - last.advance[1]) / height
        if gap > _CELL_GAP or gap < -_CELL_OVERLAP:
            return False
    sizes = last.line[1] - last.line[0], character.line[1] - character.line[0]
    # The cents of a price, or a footnote's number, stand higher than the digits beside them.
    smaller = last if sizes[0] < sizes[1] else character
    larger = character if smaller is last else last
    raised = larger.across[1] - smaller.across[1] > _RAISED_BY * height
    return not (min(sizes) < _RAISED_SIZE * max(sizes) and raised and smaller.text.isdigit())


def _joined(spans: Sequence[_Span], text: str) -> _Span:
    return _Span(
        text,
        spans[0].turn,
        (min(span.along[0] for span in spans), max(span.along[1] for span in spans)),
        (min(span.across[0] for span in spans), max(span.across[1] for span in spans)),
        (min(span.line[0] for span in spans), max(span.line[1] for span in spans)),
        (min(span.advance[0] for span in spans), max(span.advance[1] for span in spans)),
    )


def _pieces(words: list[_Span]) -> list[list[_Span]]:
    """Join words to parts of lines without large gaps, from left to right as they are seen."""
    pieces: list[list[_Span]] = []
    for word in words:
        last = pieces[-1][-1] if pieces else None
        if last is not None and last.turn == word.turn:
            height = max(min(word.line[1] - word.line[0], last.line[1] - last.line[0]), 1.0)
            overlap = min(word.line[1], last.line[1]) - max(word.line[0], last.line[0])
            gap = word.along[0] - last.along[1]
            if runs_right_to_left(word.text) or runs_right_to_left(last.text):
                gap = max(gap, last.along[0] - word.along[1])
            if overlap > 0.5 * height and -0.5 * height < gap < _PIECE_GAP * height:
                pieces[-1].append(word)
                continue
        pieces.append([word])
    return [sorted(piece, key=lambda word: word.along[0]) for piece in pieces]


def _in_order(pieces: list[list[_Span]], direction: int) -> tuple[Word, ...]:
    """Words in the order of a page whose text runs mostly in one direction."""
    words: list[Word] = []
    joined = [_joined(piece, "") for piece in pieces]
    outlines = [_corners(piece.along, piece.line, piece.turn) for piece in joined]
    backwards = is_right_to_left("".join(word.text for piece in pieces for word in piece))
    upright = [turned(outline, (360 - direction) % 360) for outline in outlines]
    for line, row in enumerate(reading_order(upright, right_to_left=backwards)):
        for index in row:
            across = joined[index].across
            for place in logical_order([word.text for word in pieces[index]], right_to_left=backwards):
                span = pieces[index][place]
                polygon = _corners(span.along, across, span.turn)
                words.append(Word(span.text, Box.around(polygon), 1.0, line, polygon, "text_layer"))
    return tuple(words)
