"""Lines of text: cut from the page, and cut into words once they are read.

The counts behind the constants are in ``benchmarks/LOG.md``, OCR.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ocr.ctc import Reading
from layoutserve.model.ocr.recognition import Image
from layoutserve.model.page import Point, Polygon
from layoutserve.model.page.geometry import sides, slices
from layoutserve.model.page.scripts import word_spans

# A line is at least this much higher than wide if it may have to be turned before it is read.
TALL = 1.5

# A page whose lines slant by more than this, in radians, is a slanted one.
_SLANTED = 0.04

# Added above and below a line, as a share of its height: detection cuts descenders.
_MARGIN = 0.1

# Rows without ink, as a share of a line's height, that may lie inside the line.
_DOT_GAP = 0.15

# A run of rows with ink lower than this share of the line is not its text.
_LOWEST = 0.25

# Ink that a line begins and ends with, in columns of its height: a little more than a speck has.
_STROKE = 0.15
# Darkness up to which a pixel is paper, as a share of that of the darkest pixels ...
_PAPER = 0.3
# ... which are this share of all.
_DARKEST = 0.02
# Room beside a line's ink, as a share of its height: what the detector leaves on the average.
_BESIDE = 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """A word on a line: its text, mean probability and corners in reading direction, in pixels of the page."""

    text: str
    score: float
    polygon: Polygon


def is_slanted(quads: NDArray[np.float64]) -> bool:
    """True for lines (n, 4, 2), at least one, of a page that slants."""
    return abs(slant(quads)) > _SLANTED


def slant(quads: NDArray[np.float64]) -> float:
    """Median slant of the lines (n, 4, 2) of a page, in radians from the nearest of the two axes.

    The longer half of them says it, since short lines have any angle.
    """
    along, across = sides(quads)
    lengths = np.maximum(along, across)
    edges = (quads[:, 1] - quads[:, 0])[lengths >= np.median(lengths)]
    quarter = np.pi / 2
    return float(np.median((np.arctan2(edges[:, 1], edges[:, 0]) + quarter / 2) % quarter - quarter / 2))


def grown(quads: NDArray[np.float64], share: float = _MARGIN) -> NDArray[np.float64]:
    """Quadrilaterals (..., 4, 2) made higher by a share on each side, so that the tails of g and comma are inside."""
    down = share * (quads[..., [3, 2], :] - quads[..., [0, 1], :])
    corners: NDArray[np.float64] = quads + np.concatenate([-down, down[..., ::-1, :]], axis=-2)
    return corners


def around_ink(quad: NDArray[np.float64], line: Image) -> NDArray[np.float64]:
    """A line's place (4, 2) with its ends as far from its first and last ink as they usually are.

    line: its pixels there. The ends that a detector sees move from page to page, the ink does not. A line that holds
    next to no ink keeps its ends.
    """
    height, width = line.shape[:2]
    so_far = np.concatenate([[0.0], _darkness(line).sum(axis=0).cumsum()])
    enough = _STROKE * height
    if so_far[-1] <= 4 * enough:
        return quad
    first, last = np.interp((enough, so_far[-1] - enough), so_far, np.arange(width + 1)).tolist()
    beside = _BESIDE * height
    (place,) = slices(quad, [((first - beside) / width, (last + beside) / width)], 0.0, 1.0)
    return np.array(place)


def cut(image: Image, quad: NDArray[np.float64]) -> Image:
    """The part of an image inside a quadrilateral (4, 2), its first side on top."""
    corners = quad.tolist()
    first, second, third, fourth = corners
    width = max(1, int(max(math.dist(first, second), math.dist(third, fourth))))
    height = max(1, int(max(math.dist(second, third), math.dist(fourth, first))))
    # Only the part around the line goes through the warp: it is faster, and coordinates stay small.
    left, top = (max(0, math.floor(min(axis)) - 2) for axis in zip(*corners, strict=True))
    right, bottom = (math.ceil(max(axis)) + 3 for axis in zip(*corners, strict=True))
    source = np.array([(x - left, y - top) for x, y in corners], dtype=np.float32)
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float32)
    line = cv2.warpPerspective(
        image[top:bottom, left:right],
        cv2.getPerspectiveTransform(source, target),
        (width, height),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(line, dtype=np.uint8)


def pieces(reading: Reading, line: Image, quad: NDArray[np.float64]) -> list[Piece]:
    """Cut a line that was read into its words.

    reading: of the line. line: its pixels, as read. quad: its place (4, 2) on the page, in reading direction.
    The columns in which the recognizer saw the characters tell the words apart; the ink gives their ends.
    """
    spans = word_spans(reading.text)
    if not spans:
        return []
    ink = _ink(line)
    top, bottom = _main_rows(ink)
    edges = _edges(np.asarray(ink[top:bottom].any(axis=0)), reading, spans)
    height = len(ink)
    polygons = slices(quad, edges, top / height, bottom / height)
    return [
        Piece(reading.text[first:last], float(reading.scores[first:last].mean()), polygon)
        for (first, last), polygon in zip(spans, polygons, strict=True)
    ]


def _ink(line: Image) -> NDArray[np.bool_]:
    """Pixels of a line that are written on: the rarer side of Otsu's threshold."""
    grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    _, light = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    mask = np.asarray(light, dtype=bool)
    return mask if 2 * np.count_nonzero(mask) < mask.size else ~mask


def _darkness(line: Image) -> NDArray[np.float64]:
    """Ink of each pixel of a line: 0 on paper and up to ``1 - _PAPER`` where it is darkest.

    Light text on dark ground counts as dark on light. Unlike ``_ink`` it hardly changes when pixels move by a part of
    one.
    """
    grey = cv2.cvtColor(line, cv2.COLOR_BGR2GRAY)
    threshold = int(cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])
    counts = np.bincount(grey.ravel(), minlength=256)
    if 2 * counts[threshold + 1 :].sum() < grey.size:
        grey, counts, threshold = 255 - grey, counts[::-1], 254 - threshold
    lighter = counts[threshold + 1 :].cumsum()
    paper = threshold + 1 + int(np.searchsorted(lighter, lighter[-1] / 2))
    darkest = int(np.searchsorted(counts.cumsum(), _DARKEST * grey.size))
    of_grey = np.clip((paper - np.arange(256)) / (paper - darkest + 1e-3) - _PAPER, 0, 1 - _PAPER)
    return np.asarray(of_grey[grey], dtype=np.float64)


def _main_rows(ink: NDArray[np.bool_]) -> tuple[int, int]:
    """First and one past last row of the text of a line: the highest run of rows with ink.

    Rules, and the tips of the lines above and below, make lower runs.
    """
    profile = ink.sum(axis=1)
    height = len(profile)
    # The line without its margin, if nothing better is found.
    margin = round(height * _MARGIN / (1 + 2 * _MARGIN))
    if not profile.any():
        return margin, height - margin
    inked = np.flatnonzero(profile > 0.03 * profile.sum() / np.count_nonzero(profile))
    breaks = np.flatnonzero(np.diff(inked) > max(2, _DOT_GAP * height))
    firsts = inked[np.concatenate([[0], breaks + 1])]
    lasts = inked[np.concatenate([breaks, [len(inked) - 1]])]
    best = int((lasts - firsts).argmax())
    first, end = int(firsts[best]), int(lasts[best]) + 1
    return (first, end) if end - first >= _LOWEST * height else (margin, height - margin)


def _edges(columns: NDArray[np.bool_], reading: Reading, spans: list[tuple[int, int]]) -> list[tuple[float, float]]:
    """Beginning and end (0-1) of each word along the line."""
    width = len(columns)
    centers = reading.positions.astype(np.float64) * width
    pitch = median(np.diff(centers).tolist()) if len(centers) > 1 else width
    inked = np.flatnonzero(columns)
    low, high = (float(inked[0]), float(inked[-1] + 1)) if len(inked) else (0.0, float(width))
    starts = [min(low, centers[spans[0][0]])]
    ends = []
    for (_, last), (first, _) in pairwise(spans):
        left, right = _gap(columns, centers[last - 1], centers[first], pitch)
        ends.append(left)
        starts.append(right)
    ends.append(max(high, centers[spans[-1][1] - 1]))
    # Characters seen in the same column still take a pixel each: a word has a place.
    firsts = [min(start, width - 1.0) for start in starts]
    return [(first / width, max(first + 1, end) / width) for first, end in zip(firsts, ends, strict=True)]


def _gap(columns: NDArray[np.bool_], before: float, after: float, pitch: float) -> Point:
    """The widest stretch without ink between the middles of two neighbouring characters, else their middle."""
    first, last = int(before), max(int(before) + 1, int(np.ceil(after)))
    ink = np.concatenate([[True], columns[first:last], [True]])
    edges = np.flatnonzero(ink)
    widest = int(np.diff(edges).argmax())
    if edges[widest + 1] - edges[widest] > 1:
        return first + float(edges[widest]), first + float(edges[widest + 1]) - 1
    middle, half = (before + after) / 2, max(0.0, (after - before - pitch) / 2)
    return middle - half, middle + half
