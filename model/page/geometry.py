"""Places on a page: boxes, polygons, and what quarter turns make of them.

Coordinates are pixels, x grows to the right and y downwards; turns are clockwise as one sees them. A polygon has four
corners in reading direction: top left, top right, bottom right, bottom left as its text is read. A quadrilateral is the
same as an array (4, 2). ``bbox`` is a box in thousandths of the page, as the model knows it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Polygon = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in page pixels, ``x0 <= x1`` and ``y0 <= y1``."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def around(cls, points: Iterable[Point]) -> "Box":
        """The smallest box around at least one point."""
        xs, ys = zip(*points, strict=True)
        return cls(min(xs), min(ys), max(xs), max(ys))

    @classmethod
    def union(cls, boxes: Iterable["Box"]) -> "Box":
        """The smallest box around at least one box."""
        x0, y0, x1, y1 = zip(*((box.x0, box.y0, box.x1, box.y1) for box in boxes), strict=True)
        return cls(min(x0), min(y0), max(x1), max(y1))

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def corners(self) -> Polygon:
        """Corners from the top left on, clockwise."""
        return (self.x0, self.y0), (self.x1, self.y0), (self.x1, self.y1), (self.x0, self.y1)

    def overlap(self, other: "Box") -> float:
        """Area in square pixels that both boxes cover."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)

    def meets(self, width: float, height: float) -> bool:
        """True for a box that a page of this size shares at least a point with."""
        return self.x1 >= 0 and self.y1 >= 0 and self.x0 <= width and self.y0 <= height

    def scaled(self, x: float, y: float, dx: float = 0.0, dy: float = 0.0) -> "Box":
        """The box with its coordinates multiplied by ``x`` and ``y``, then shifted by ``dx`` and ``dy``."""
        return Box(self.x0 * x + dx, self.y0 * y + dy, self.x1 * x + dx, self.y1 * y + dy)


def turned(polygon: Polygon, degrees: int) -> Polygon:
    """Turn a polygon clockwise around the origin, by a multiple of 90 degrees."""
    corners = list(polygon)
    for _ in range(degrees // 90 % 4):
        corners = [(-y, x) for x, y in corners]
    return _four(corners)


def turned_back(polygon: Polygon, width: float, height: float, degrees: int) -> Polygon:
    """The place on a page (width, height) of a polygon on the page turned clockwise by 0, 90, 180 or 270 degrees."""
    match degrees:
        case 90:
            return _four((y, height - x) for x, y in polygon)
        case 180:
            return _four((width - x, height - y) for x, y in polygon)
        case 270:
            return _four((width - y, x) for x, y in polygon)
    return polygon


def clipped(polygon: Polygon, width: float, height: float) -> Polygon:
    """The polygon with corners beyond a page of this size moved to its edge."""
    return _four((min(max(x, 0.0), width), min(max(y, 0.0), height)) for x, y in polygon)


def turned_boxes(
    boxes: NDArray[np.float64], width: float, height: float, degrees: int
) -> tuple[NDArray[np.float64], float, float]:
    """Boxes (n, 4) of a page, and its size, once the page is turned clockwise by 0, 90, 180 or 270 degrees."""
    x0, y0, x1, y1 = boxes.T
    match degrees:
        case 90:
            return np.stack((height - y1, x0, height - y0, x1), axis=1), height, width
        case 180:
            return np.stack((width - x1, height - y1, width - x0, height - y0), axis=1), width, height
        case 270:
            return np.stack((y0, width - x1, y1, width - x0), axis=1), height, width
    return boxes, width, height


def turned_image(image: NDArray[np.uint8], degrees: int) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) turned clockwise by 0, 90, 180 or 270 degrees, in one piece."""
    return np.ascontiguousarray(np.rot90(image, k=-(degrees // 90)) if degrees else image)


def thousandths(boxes: NDArray[np.float64], width: float, height: float) -> tuple[NDArray[np.int64], int]:
    """Boxes (n, 4) of a page as bbox int64 (n, 4), 0-1000, and how many of them reached beyond the page."""
    scaled = 1000.0 * (boxes / np.array([width, height, width, height]))
    # Rounding at the page's very edge is not beyond it.
    beyond = int(((scaled < -1.0) | (scaled > 1001.0)).any(axis=1).sum())
    bbox = np.clip(scaled, 0.0, 1000.0).astype(np.int64)
    bbox[:, 2:] = np.maximum(bbox[:, :2], bbox[:, 2:])
    return bbox, beyond


def reading_corners(box: Box, turn: int) -> Polygon:
    """Corners of a box in the reading direction of a page that is read once it is turned clockwise by ``turn``."""
    corners = box.corners
    # Turning the page clockwise brings its bottom left corner to the top left, where reading begins.
    start = -(turn // 90) % 4
    return _four(corners[(start + number) % 4] for number in range(4))


def reading_direction(polygon: Polygon) -> int:
    """Direction in which a polygon is read, to the nearest of 0 (to the right), 90 (down), 180 and 270 (up)."""
    (x0, y0), (x1, y1) = polygon[:2]
    if abs(x1 - x0) >= abs(y1 - y0):
        return 0 if x1 >= x0 else 180
    return 90 if y1 > y0 else 270


def from_first_to_last(polygons: Sequence[Polygon]) -> Polygon:
    """The polygon from the beginning of the first to the end of the last of polygons that follow each other."""
    first, last = polygons[0], polygons[-1]
    return first[0], last[1], last[2], first[3]


def middle(polygon: Polygon) -> Point:
    """Mean of the four corners."""
    return sum(x for x, _ in polygon) / 4, sum(y for _, y in polygon) / 4


def sides(quads: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lengths (n,), (n,) along and across the reading direction of quadrilaterals (n, 4, 2)."""
    edges = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)
    return np.maximum(edges[:, 0], edges[:, 2]), np.maximum(edges[:, 1], edges[:, 3])


def read_turned(quads: NDArray[np.float64], quarters: int) -> NDArray[np.float64]:
    """The same quadrilaterals (..., 4, 2) read as if their text were turned clockwise by this number of quarters."""
    return np.roll(quads, -quarters, axis=-2)


def slices(quad: NDArray[np.float64], edges: Sequence[tuple[float, float]], top: float, bottom: float) -> list[Polygon]:
    """Parts of a quadrilateral (4, 2) between shares (0-1) of its length, one for each pair, and of its height."""
    along = np.array(edges)[:, [0, 1, 1, 0], None]
    across = np.array([top, top, bottom, bottom])[:, None]
    upper = quad[0] + along * (quad[1] - quad[0])
    lower = quad[3] + along * (quad[2] - quad[3])
    parts: list[Polygon] = [
        ((ax, ay), (bx, by), (cx, cy), (dx, dy))
        for (ax, ay), (bx, by), (cx, cy), (dx, dy) in (upper + across * (lower - upper)).tolist()
    ]
    return parts


def word_boxes(text: str, box: Box) -> list[tuple[str, Box]]:
    """The words of a text whose place is known as a whole, each with its share of the box by its characters."""
    parts: list[tuple[str, Box]] = []
    step = box.width / max(len(text), 1)
    position = 0
    for part in text.split():
        position = text.index(part, position)
        x0 = box.x0 + position * step
        position += len(part)
        # The last word ends where the box does, free of rounding.
        x1 = box.x1 if position == len(text) else box.x0 + position * step
        parts.append((part, Box(x0, box.y0, x1, box.y1)))
    return parts


def _four(points: Iterable[Point]) -> Polygon:
    first, second, third, fourth = points
    return first, second, third, fourth
