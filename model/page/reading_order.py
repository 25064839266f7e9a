"""The order in which a person reads the pieces of text on a page.

A page is cut into columns only where both sides are running text; tables, receipts and forms are read row by row.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.geometry import Polygon

# A side of a gutter is running text if its long pieces are so long (in text heights) ...
_PROSE_WIDTH = 12.0
# ... and hold this share of the side's text, a piece being long from this share of the longest on ...
_PROSE_SHARE = 0.6
_LONG = 0.6
# ... and there are this many of them.
_PROSE_ROWS = 3
# Pieces whose heights differ by more than this factor (text turned sideways, initials) do not share a row.
_SAME_SIZE = 2.5
# White space this high (in text heights) sets a heading apart from the text above.
_HEADING_GAP = 0.6
# White space this wide (in text heights) may be a gutter.
_GUTTER = 0.6


def reading_order(polygons: Sequence[Polygon], *, right_to_left: bool = False) -> list[list[int]]:
    """Rows of indices into ``polygons``, top to bottom, each row from left to right or the other way.

    polygons: pieces of text (words, or parts of lines without large gaps) in pixels, corners clockwise from the top
    left of upright text. A slant of the whole page is taken out first. right_to_left: rows begin at the right, and so
    do columns. The result does not depend on the order of the input.
    """
    if not polygons:
        return []
    corners = _upright(np.asarray(polygons, dtype=np.float64))
    if right_to_left:
        # In a mirror, such a page is read from left to right.
        corners = corners * (-1, 1)
    # Places are counted from the text's own edge: gutters are told apart on a grid, which no margin may move.
    corners = corners - corners.min(axis=(0, 1))
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
    widths = boxes[members, 2] - boxes[members, 0]
    # Twice the middles of pieces as long as those of running text.
    long = boxes[members[widths >= _PROSE_WIDTH * height]][:, [0, 2]].sum(axis=1)
    if len(long) < 2 * _PROSE_ROWS:
        # Too few for two columns, whichever gutter.
        return rows
    best: list[tuple[bool, NDArray[np.intp]]] = []
    most = 0
    for gutter in _gutters(boxes, rows, height):
        at_left = np.count_nonzero(long < 2 * gutter)
        if min(at_left, len(long) - at_left) < _PROSE_ROWS:
            continue
        zones = _zones(boxes, members, rows, gutter, height)
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
    lasts: list[tuple[float, ...]] = []  # box of the last piece of every row
    for box, index in sorted((tuple(boxes[index].tolist()), index) for index in members.tolist()):
        x0, y0, x1, y1 = box
        best, best_overlap = -1, 0.5
        for number, (left, upper, right, lower) in enumerate(lasts):
            if lower <= y0 or upper >= y1:
                continue
            smaller, larger = sorted((y1 - y0, lower - upper))
            overlap = (min(y1, lower) - max(y0, upper)) / max(smaller, 1e-6)
            inside = right - x0 > 0.5 * min(x1 - x0, right - left)
            if overlap > best_overlap and not inside and larger <= _SAME_SIZE * smaller:
                best, best_overlap = number, overlap
        if best < 0:
            rows.append([index])
            lasts.append(box)
        else:
            rows[best].append(index)
            lasts[best] = box

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
    boxes: NDArray[np.float64], members: NDArray[np.intp], rows: list[list[int]], gutter: float, height: float
) -> list[tuple[bool, NDArray[np.intp]]]:
    """Cut a region, top to bottom, into zones of two columns beside ``gutter`` (True) and the rest (False)."""
    slack = 0.25 * height
    over = (boxes[:, 0] < gutter - slack) & (boxes[:, 2] > gutter + slack)
    # What stands in a row with a piece that crosses the gutter is not in a column either.
    crossers = set(np.flatnonzero(over).tolist())
    crossing = [index for row in rows if not crossers.isdisjoint(row) for index in row]
    crosses = np.isin(members, crossing)
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
            heading = _heading_below(boxes, inside[left], inside[~left], height) if number < len(cuts) else []
            zones.append((True, inside[~np.isin(inside, heading)]))
            zones.append((False, np.asarray(heading, dtype=np.intp)))
        else:
            zones.append((False, members[zone_of == number]))
    return _joined(zones)


def _heading_below(
    boxes: NDArray[np.float64], left: NDArray[np.intp], right: NDArray[np.intp], height: float
) -> list[int]:
    """A piece that stands below both columns: a heading of what follows, not the end of the left column."""
    last = left[np.argsort(boxes[left, 1], kind="stable")]
    under_right = boxes[last[-1], 1] > boxes[right, 3].max() - 0.3 * height
    apart = boxes[last[-1], 1] - boxes[last[:-1], 3].max() > _HEADING_GAP * height
    return [int(last[-1])] if under_right and apart else []


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
    widths = np.sort(boxes[side, 2] - boxes[side, 0])
    # The third longest: one headline or one line beside a figure does not tell how wide a column is.
    full = float(widths[-_PROSE_ROWS])
    long = widths >= _LONG * full
    return full >= _PROSE_WIDTH * height and float(widths[long].sum()) >= _PROSE_SHARE * float(widths.sum())
