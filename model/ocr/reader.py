"""From a page's pixels to words in reading order.

Detection finds lines as quadrilaterals, the page or the single line is turned upright, recognition reads the lines
and says in which columns it saw each character, and lines are cut into words at white space. The counts behind the
constants are in ``benchmarks/LOG.md``, OCR.
"""

from collections.abc import Callable
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import chain
from threading import Event
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ocr.ctc import Reading
from layoutserve.model.ocr.detection import Places
from layoutserve.model.ocr.engine import Engine, OcrConfig
from layoutserve.model.ocr.lines import TALL, Piece, around_ink, grown, is_slanted, pieces
from layoutserve.model.ocr.recognition import Image
from layoutserve.model.ocr.unread import leaves_ink
from layoutserve.model.page import Box, Page, Word
from layoutserve.model.page.geometry import clipped, from_first_to_last, read_turned, sides, turned_back
from layoutserve.model.page.merging import completed, rest
from layoutserve.model.page.reading_order import reading_order
from layoutserve.model.page.scripts import is_right_to_left, logical, logical_order

__all__ = ["Ocr", "OcrConfig"]

# Lines read for a trial when a page may not be upright.
_TRIAL_LINES = 6
# A page of a lower mean probability may be upside down: real upright pages read at 0.94 or more.
_DOUBTFUL = 0.9

# A line is read again from this doubt on, and for every height of its length this much more, as long lines take longer:
# cut with other ends (None), then higher and lower by a share of its height, until two readings agree.
_IN_DOUBT = 0.2
_IN_DOUBT_PER_HEIGHT = 0.025
_CUTS = (None, 0.04, -0.04)
# The share of that doubt that will do on a slanted page, whose every pixel is made from its neighbours.
_WHERE_SLANTED = 0.55

# A faint place is a line if what it says has at least this mean probability.
_READABLE = 0.8

# A word is left out below this share of the mean probability that a line must have.
_OF_A_WORD = 0.5

# A line of text: its place (4, 2) on the upright page, what it says and its pixels.
Line: TypeAlias = tuple[NDArray[np.float64], Reading, Image]


class Ocr:
    """Reads pages. One instance belongs to one worker and is never shared between threads.

    Raises OcrError when the models are missing or do not fit together.
    """

    def __init__(self, config: OcrConfig | None = None) -> None:
        self._engine = Engine(config or OcrConfig())

    def recognize(self, page: Page, given_up: Event | None = None) -> Page:
        """Read a page: it comes back with its words and turn, or as it is if it has words.

        Set ``given_up`` from another thread when nobody wants the words any more: OcrError is then raised at the next
        line, since a dense page takes seconds.
        """
        if page.words is not None:
            return page
        if page.known is not None:
            return completed(page, self.recognize(rest(page), given_up))
        self._engine.given_up = given_up or Event()
        image = np.asarray(cv2.cvtColor(page.image, cv2.COLOR_RGB2BGR), dtype=np.uint8)
        turn, upright, lines = self._read(image, self._engine.detect)
        if max(image.shape) > self._engine.side and leaves_ink(upright, [quad for quad, _, _ in self._likely(lines)]):
            closer = self._read(image, self._engine.detect_closely)
            if _weight(self._likely(closer[2])) > _weight(self._likely(lines)):
                turn, upright, lines = closer
        lines = self._likely(self._read_again(upright, lines))
        least = _OF_A_WORD * self._engine.min_score
        found = [
            [piece for piece in pieces(reading, line, quad) if piece.score >= least] for quad, reading, line in lines
        ]
        return replace(page, words=_in_order([line for line in found if line], page, turn), turn=turn)

    def close(self) -> None:
        """Give back the threads."""
        self._engine.close()

    def _read(self, image: Image, detect: Callable[[Image], Places]) -> tuple[int, Image, list[Line]]:
        """Turn (0, 90, 180, 270) of a page, the page turned back, and its lines there."""
        places = detect(image)
        quads = places.quads
        if not len(quads):
            return 0, image, []
        along, across = sides(quads)
        tall = across > TALL * along
        longest = np.argsort(-np.maximum(along, across), kind="stable")[:_TRIAL_LINES]
        if across[tall].sum() > along[~tall].sum():
            # Single digits are higher than wide, too: such a page is turned only if it reads better so.
            quarters = max((0, 1, 3), key=lambda q: self._trial(image, quads[longest], q))
        else:
            quarters = 0
        if quarters == 0:
            lines = self._lines(image, places)
            if _mean_score(lines) >= _DOUBTFUL:
                return 0, image, lines
            quarters = max((0, 2), key=lambda q: self._trial(image, quads[longest], q))
            if quarters == 0:
                return 0, image, lines
        # Text that is turned clockwise by so many quarters becomes upright when the page is turned back.
        upright = np.ascontiguousarray(np.rot90(image, quarters))
        return (360 - 90 * quarters) % 360, upright, self._lines(upright, detect(upright))

    def _likely(self, lines: list[Line]) -> list[Line]:
        """Lines that are likely enough to be what is written."""
        return [line for line in lines if line[1].score >= self._engine.min_score]

    def _trial(self, image: Image, quads: NDArray[np.float64], quarters: int) -> float:
        lines = self._read_at(image, grown(read_turned(quads, quarters)))
        return sum(reading.score * len(reading.text) for _, reading, _ in lines)

    def _lines(self, image: Image, places: Places) -> list[Line]:
        """Read every line; one that is higher than wide is read upright and turned either way, and the best kept."""
        quads, faint = places
        along, across = sides(quads)
        tall = across > TALL * along
        either = quads[tall]
        tries = self._read_at(image, grown(np.concatenate([quads, read_turned(either, 1), read_turned(either, 3)])))
        best = dict(enumerate(tries[: len(quads)]))
        for i, line in zip([*np.flatnonzero(tall).tolist()] * 2, tries[len(quads) :], strict=True):
            if line[1].score > best[i][1].score:
                best[i] = line
        return [best[i] for i in range(len(quads)) if not faint[i] or best[i][1].score >= _READABLE]

    def _read_at(self, image: Image, places: NDArray[np.float64]) -> list[Line]:
        """Read the lines at places (n, 4, 2)."""
        crops = self._engine.cut(image, places)
        return list(zip(places, self._engine.read(crops), crops, strict=True))

    def _read_again(self, image: Image, lines: list[Line]) -> list[Line]:
        """Read doubtful lines again, until two readings agree, and settle what they say."""
        if not lines:
            return lines
        slanted = is_slanted(np.array([quad for quad, _, _ in lines]))
        share = _WHERE_SLANTED if slanted else 1.0
        tries = {i: [line] for i, line in enumerate(lines) if line[1].doubt > share * _enough_doubt(line)}
        for higher in _CUTS:
            open_ones = [i for i, read in tries.items() if not _agreed(read)]
            places = np.array([_cut_anew(lines[i], higher) for i in open_ones]).reshape(-1, 4, 2)
            for i, line in zip(open_ones, self._read_at(image, places), strict=True):
                tries[i].append(line)
        return [settled(tries[i]) if i in tries else line for i, line in enumerate(lines)]


def _cut_anew(line: Line, higher: float | None) -> NDArray[np.float64]:
    """Place (4, 2) to read a line again: higher on each side by a share of its height or, for None, of other ends."""
    place, _, pixels = line
    return around_ink(place, pixels) if higher is None else grown(place, higher)


def _enough_doubt(line: Line) -> float:
    height, width = line[2].shape[:2]
    return _IN_DOUBT + _IN_DOUBT_PER_HEIGHT * float(width / height)


def _agreed(tries: list[Line]) -> bool:
    """True if two of the readings say the same."""
    return len({reading.text for _, reading, _ in tries}) < len(tries)


def settled(tries: list[Line]) -> Line:
    """Choose the reading of a line whose characters most of the others, by their scores, read too.

    Its spaces are those that all who read the same letters make on the average.
    """

    def support(line: Line) -> float:
        return sum(other.score * _likeness(line[1].text, other.text) for _, other, _ in tries)

    place, chosen, pixels = max(tries, key=support)
    gaps = np.mean([reading.gaps for _, reading, _ in tries if reading.letters == chosen.letters], axis=0)
    return place, chosen.spaced(gaps), pixels


def _likeness(text: str, other: str) -> float:
    return 1.0 if text == other else SequenceMatcher(None, text, other, autojunk=False).ratio()


def _weight(lines: list[Line]) -> float:
    """By how many characters, each by its probability, lines are read."""
    return float(sum(reading.score * len(reading.letters) for _, reading, _ in lines))


def _mean_score(lines: list[Line]) -> float:
    scores = np.concatenate([reading.scores for _, reading, _ in lines])
    return float(scores.mean()) if len(scores) else 0.0


def _in_order(lines: list[list[Piece]], page: Page, turn: int) -> tuple[Word, ...]:
    """Words of lines on the upright page, in reading order, with their places on the page as it was sent."""
    outlines = [from_first_to_last([piece.polygon for piece in line]) for line in lines]
    texts = [[piece.text for piece in line] for line in lines]
    backwards = is_right_to_left("".join(chain.from_iterable(texts)))
    width, height = float(page.width), float(page.height)
    words = []
    for number, row in enumerate(reading_order(outlines, right_to_left=backwards)):
        for index in row:
            for piece in (lines[index][place] for place in logical_order(texts[index], right_to_left=backwards)):
                polygon = clipped(turned_back(piece.polygon, width, height, turn), width, height)
                words.append(Word(logical(piece.text), Box.around(polygon), piece.score, number, polygon))
    return tuple(words)
