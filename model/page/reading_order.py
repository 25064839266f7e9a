"""The order in which a person reads the pieces of text on a page.

A page is cut into columns only where both sides are running text; tables, receipts and forms are read row by row.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from model.page.elements import Polygon

# In text heights. A side of a gutter is running text if its pieces are this long, ...
_PROSE_WIDTH = 7.0
# ... cover this share of the side's width, row by row, ...
_PROSE_COVER = 0.55
# ... and there are this many rows of them.
_PROSE_ROWS = 3
# White space this wide (in text heights) may be a gutter.
_GUTTER = 0.6


def reading_order(polygons: Sequence[Polygon]) -> list[list[int]]:
    """Rows of indices into ``polygons``, top to bottom, each row from left to right.

    polygons: pieces of text (words, or parts of lines without large gaps) in pixels, corners in reading direction.
    A slant of the whole page is taken out first. The result does not depend on the order of the input.
    """
    if not polygons:
        return []
    corners = _upright(np.asarray(polygons, dtype=np.float64))
    low, high = corners.min(axis=1), corners.max(axis=1)
    boxes = np.concatenate([low, high], axis=1)  # (n, 4): x0, y0, x1, y1
    height = max(float(np.median(boxes[:, 3] - boxes[:, 1])), 1e-6)
    # Equal boxes are interchangeable; any others are put in one order whatever order they came in.
    everything = np.lexsort(boxes.T[::-1])
    return _region(boxes, everything, height)


def _upright(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn (n, 4, 2) by the slant of its lines, the median of their angles weighted by length."""
    direction = corners[:, 1] + corners[:, 2] - corners[:, 0] - corners[:, 3]
    length = np.hypot(direction[:, 0], direction[:, 1])
    angle = np.arctan2(direction[:, 1], direction[:, 0])
    by_angle = np.lexsort((length, angle))
    weight = np.cumsum(length[by_angle])
    slant = float(angle[by_angle][np.searchsorted(weight, weight[-1] / 2)])
    # A page of vertical lines is not slanted.
    if abs(slant) > np.pi / 4:
        return corners
    cosine, sine = np.cos(slant), np.sin(slant)
    turned: NDArray[np.float64] = corners @ np.array([[cosine, -sine], [sine, cosine]])
    return turned


def _region(boxes: NDArray[np.float64], members: NDArray[np.intp], height: float) -> list[list[int]]:
    """Order of one region: cut at the gutter that sets most text in columns, else row by row."""
    rows = _rows(boxes, members)
    best: list[tuple[bool, NDArray[np.intp]]] = []
    most = 0
    for gutter in _gutters(boxes, rows, height):
        zones = _zones(boxes, members, gutter, height)
        in_columns = sum(len(zone) for is_columns, zone in zones if is_columns)
        if in_columns > most:
            best, most, where = zones, in_columns, gutter
    if not best:
        return rows
    ordered: list[list[int]] = []
    for is_columns, zone in best:
        if is_columns:
            left = boxes[zone, 0] + boxes[zone, 2] < 2 * where
            ordered += _region(boxes, zone[left], height)
            ordered += _region(boxes, zone[~left], height)
        else:
            ordered += _region(boxes, zone, height)
    return ordered


def _rows(boxes: NDArray[np.float64], members: NDArray[np.intp]) -> list[list[int]]:
    """Chain every piece to the piece at its left that lies at its height."""
    rows: list[list[int]] = []
    for index in sorted(members.tolist(), key=lambda i: tuple(boxes[i].tolist())):
        x0, y0, x1, y1 = boxes[index]
        best, best_overlap = None, 0.5
        for row in rows:
            last = boxes[row[-1]]
            lower = min(y1 - y0, last[3] - last[1])
            overlap = (min(y1, last[3]) - max(y0, last[1])) / max(lower, 1e-6)
            inside = last[2] - x0 > 0.5 * min(x1 - x0, last[2] - last[0])
            if overlap > best_overlap and not inside:
                best, best_overlap = row, overlap
        if best is None:
            rows.append([index])
        else:
            best.append(index)

    def top(row: list[int]) -> tuple[float, ...]:
        middle = float(np.mean(boxes[row, 1] + boxes[row, 3]))
        return (middle, *boxes[row[0]].tolist())

    return sorted(rows, key=top)


def _gutters(boxes: NDArray[np.float64], rows: list[list[int]], height: float) -> list[float]:
    """Middles of the white spaces between neighbours of a row, distinct to half a text height."""
    middles: set[float] = set()
    for row in rows:
        for left, right in pairwise(row):
            if boxes[right, 0] - boxes[left, 2] >= _GUTTER * height:
                middle = (boxes[right, 0] + boxes[left, 2]) / 2
                middles.add(round(2 * middle / height) * height / 2)
    return sorted(middles)


def _zones(
    boxes: NDArray[np.float64], members: NDArray[np.intp], gutter: float, height: float
) -> list[tuple[bool, NDArray[np.intp]]]:
    """Cut a region, top to bottom, into zones of two columns beside ``gutter`` (True) and the rest (False)."""
    slack = 0.25 * height
    crosses = (boxes[members, 0] < gutter - slack) & (boxes[members, 2] > gutter + slack)
    middle = (boxes[members, 1] + boxes[members, 3]) / 2
    cuts = np.sort(middle[crosses])
    zone_of = np.searchsorted(cuts, middle, side="right")
    zones: list[tuple[bool, NDArray[np.intp]]] = []
    for number in range(len(cuts) + 1):
        inside = members[(zone_of == number) & ~crosses]
        left = boxes[inside, 0] + boxes[inside, 2] < 2 * gutter
        is_columns = _is_prose(boxes, inside[left], height) and _is_prose(boxes, inside[~left], height)
        if is_columns:
            # What crosses stands between zones: the crossing piece that opened this zone belongs to the rest above.
            zones.append((False, members[(zone_of == number) & crosses]))
            zones.append((True, inside))
        else:
            zones.append((False, members[zone_of == number]))
    return _joined(zones)


def _joined(zones: list[tuple[bool, NDArray[np.intp]]]) -> list[tuple[bool, NDArray[np.intp]]]:
    joined: list[tuple[bool, NDArray[np.intp]]] = []
    for is_columns, zone in zones:
        if not len(zone):
            continue
        if joined and not is_columns and not joined[-1][0]:
            joined[-1] = (False, np.concatenate([joined[-1][1], zone]))
        else:
            joined.append((is_columns, zone))
    return joined


def _is_prose(boxes: NDArray[np.float64], side: NDArray[np.intp], height: float) -> bool:
    if len(side) < _PROSE_ROWS:
        return False
    widths = boxes[side, 2] - boxes[side, 0]
    if float(np.median(widths)) < _PROSE_WIDTH * height:
        return False
    rows = _rows(boxes, side)
    full = float(boxes[side, 2].max() - boxes[side, 0].min())
    cover = [float((boxes[row, 2] - boxes[row, 0]).sum()) / full for row in rows]
    return len(rows) >= _PROSE_ROWS and float(np.median(cover)) >= _PROSE_COVER
