"""Pages too large for one look: cut into overlapping parts, and what is found in these joined.

A line that lies whole in two parts is found twice, and one at an edge by a part of it: of those that cover each other
the one is kept that lies farther from where its part was cut. A line longer than the overlap is found in pieces, which
are made one again, or cut between two words if that would be longer than can be read at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from layoutserve.model.ocr.detection import Places, Quads, clockwise
from layoutserve.model.ocr.recognition import Image
from layoutserve.model.page.geometry import sides

# Neighbouring parts share at least this much of their length.
_OVERLAP = 0.15
# A place ends at a cut if it comes as near to it as this share of its height.
_AT_CUT = 0.75
# What of a line must lie in others that are kept, for it to be no line of its own.
_COVERED = 0.6
# Where along a line that is looked at.
_SAMPLES = (np.arange(9) + 0.5) / 9
# Lines longer than this many times their height are not joined: the recognizer would squeeze them.
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a page (rows top to bottom, columns left to right, ends excluded)."""

    top: int
    left: int
    bottom: int
    right: int

    def of(self, image: Image) -> Image:
        """Its pixels."""
        return np.ascontiguousarray(image[self.top : self.bottom, self.left : self.right])


def parts_of(height: int, width: int, rows: float, columns: float) -> list[Part]:
    """Parts of at most rows x columns pixels that cover a page and overlap, from top left on."""
    return [
        Part(top, left, bottom, right)
        for top, bottom in _stretches(height, rows)
        for left, right in _stretches(width, columns)
    ]


def _stretches(length: int, most: float) -> list[tuple[int, int]]:
    if length <= most:
        return [(0, length)]
    count = int(np.ceil((length - most) / ((1 - _OVERLAP) * most))) + 1
    size = int(most)
    return [(start, start + size) for start in np.linspace(0, length - size, count).round().astype(int).tolist()]


def joined(found: Sequence[tuple[Part, Places]], image: Image) -> Places:
    """The places of all lines of a page, in its pixels, from those found in its parts."""
    page = image.shape[:2]
    quads = np.concatenate([places.quads + np.array([part.left, part.top]) for part, places in found])
    faint = np.concatenate([places.faint for _, places in found])
    owner = np.repeat(np.arange(len(found)), [len(places.quads) for _, places in found])
    away = _away_from_cuts(quads, [found[i][0] for i in owner.tolist()], page)
    heights = np.minimum(*sides(quads))
    cut = away <= np.maximum(_AT_CUT * heights, 2)
    kept: list[int] = []
    for i in np.argsort(-away, kind="stable").tolist():
        near = np.array([k for k in kept if owner[k] != owner[i] and _meet(quads[k], quads[i])], dtype=np.intp)
        shares = np.array([_inside(_along(quads[i]), quads[k]) for k in near]).reshape(len(near), len(_SAMPLES))
        if _covered(shares[~cut[near]] if cut[i] else shares) >= _COVERED:
            continue
        for k in near[cut[near] & shares.any(axis=1)].tolist() if cut[i] else ():
            whole = _union(quads[k], quads[i])
            if _length(whole) <= _LONGEST * max(heights[k], heights[i]):
                quads[i] = whole
                kept.remove(k)
            else:
                quads[k], quads[i] = _apart(quads[k], quads[i], image)
        kept.append(i)
    order = sorted(kept)
    return Places(clockwise(quads[order]), faint[order])


def _away_from_cuts(quads: Quads, parts: Sequence[Part], page: tuple[int, ...]) -> NDArray[np.float64]:
    """Distance (n,) of each place from where its part was cut from the page (height, width)."""
    low, high = quads.min(axis=1), quads.max(axis=1)
    starts = np.array([(p.left, p.top) for p in parts], dtype=np.float64).reshape(-1, 2)
    ends = np.array([(p.right, p.bottom) for p in parts], dtype=np.float64).reshape(-1, 2)
    before = np.where(starts > 0, low - starts, np.inf)
    after = np.where(ends < (page[1], page[0]), ends - high, np.inf)
    nearest: NDArray[np.float64] = np.minimum(before, after).min(axis=1, initial=np.inf)
    return nearest


def _meet(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether the upright boxes of two quadrilaterals meet."""
    return bool((one.min(axis=0) <= other.max(axis=0)).all() and (other.min(axis=0) <= one.max(axis=0)).all())


def _length(quad: NDArray[np.float64]) -> float:
    return float(np.maximum(*sides(quad[None]))[0])


def _covered(shares: NDArray[np.bool_]) -> float:
    """Share of a line that lies in others; of each of them (n, samples), where along the line."""
    return float(shares.any(axis=0).mean())


def _along(quad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 2) evenly along the middle of a quadrilateral's longer direction."""
    along, across = sides(quad[None])
    a, b, c, d = quad if along[0] >= across[0] else np.roll(quad, -1, axis=0)
    first, last = (a + d) / 2, (b + c) / 2
    points: NDArray[np.float64] = first + _SAMPLES[:, None] * (last - first)
    return points


def _inside(points: NDArray[np.float64], quad: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points (n, 2) lie in a quadrilateral whose corners run clockwise."""
    edges = np.roll(quad, -1, axis=0) - quad
    to_points = points[:, None] - quad
    to_the_right = edges[:, 0] * to_points[..., 1] - edges[:, 1] * to_points[..., 0] >= 0
    return np.asarray(to_the_right.all(axis=1))


def _union(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """The smallest rectangle around two."""
    corners = cv2.boxPoints(cv2.minAreaRect(np.concatenate([one, other]).astype(np.float32)))
    return np.asarray(clockwise(np.asarray(corners, dtype=np.float64)[None])[0])


def _apart(
    one: NDArray[np.float64], other: NDArray[np.float64], image: Image
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two pieces of a line that overlap, cut where between their words is the most room."""
    axis = int(np.ptp(one, axis=0).argmax())
    first, second = (one, other) if one[:, axis].mean() <= other[:, axis].mean() else (other, one)
    low, high = second[:, axis].min(), first[:, axis].max()
    box = np.concatenate([first, second])
    across = slice(int(box[:, 1 - axis].min()), int(np.ceil(box[:, 1 - axis].max())) + 1)
    shared = slice(int(low), int(np.ceil(high)) + 1)
    grey = image[across, shared] if axis == 0 else image[shared, across]
    contrast = np.ptp(grey.astype(np.int16).min(axis=2), axis=axis)
    quiet = np.concatenate([[0], contrast < 0.3 * max(int(contrast.max(initial=0)), 1), [0]]).astype(np.int8)
    edges = np.flatnonzero(np.diff(quiet))
    middle = (low + high) / 2
    if len(edges):
        starts, ends = edges[::2], edges[1::2]
        widest = int((ends - starts).argmax())
        middle = shared.start + float(starts[widest] + ends[widest]) / 2
    cut_first, cut_second = first.copy(), second.copy()
    cut_first[:, axis] = np.minimum(first[:, axis], middle)
    cut_second[:, axis] = np.maximum(second[:, axis], middle)
    return (cut_first, cut_second) if first is one else (cut_second, cut_first)
