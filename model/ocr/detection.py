"""Finding lines: PP-OCR's detector (differentiable binarization, arXiv 1911.08947) on ONNX Runtime.

The network gives every pixel the probability that it lies in the shrunken heart of a line. Likely pixels that hang
together are one line; its rectangle, grown back by what was shrunk away, is its place. The counts behind the constants
are in ``benchmarks/LOG.md``, OCR.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from layoutserve.model.allocator import share_arena
from layoutserve.model.ocr import int8
from layoutserve.model.ocr.models import DetectionModel
from layoutserve.model.ocr.recognition import Image

Quads = NDArray[np.float64]

# The values of PaddleOCR's pipeline, whatever the model's own folder says.
THRESHOLD = 0.3
BOX_THRESHOLD = 0.6
UNCLIP_RATIO = 1.5

# Pixels of the side of the squares that the network sees: it halves its input five times.
STRIDE = 32
# Rectangles whose shorter side is less, in pixels of the map, before and after they are grown, are no lines to
# PaddleOCR.
_SMALLEST, _SMALLEST_GROWN = 3, 5

# Below those limits, and down to these, a place is kept as faint: it may be a digit that stands alone, a quantity.
_FAINT = 0.5
_FAINTEST, _FAINTEST_GROWN = 1.5, 3

# Outlines are found on an interpolated map this many times as fine, where they are wider by this many of its pixels.
_FINER = 2
_FINER_IS_WIDER = 0.5

# Only what is this many times as long as high, and fills this share of its smallest rectangle, is measured by its area.
_LONG, _FULL = 1.5, 0.6


class Places(NamedTuple):
    """Places of lines, and of what may be lines.

    quads: float64 (n, 4, 2), clockwise from the top left. faint: bool (n,), of those that PaddleOCR passes over, since
    they are small or not likely enough: lines only if they can be read.
    """

    quads: Quads
    faint: NDArray[np.bool_]


class FastDetector:
    """The detector in a session of several threads."""

    def __init__(self, model: DetectionModel, threads: int) -> None:
        """Open the session, in int8 where that form is there. Raises OcrError for files that cannot be loaded."""
        self._model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Pages have any size: patterns would be kept for each.
        options.enable_mem_pattern = False
        share_arena(options)
        # Threads wait for each other by spinning, but not beyond the run: they would take as much processor time again
        # as the detector itself, from what runs beside it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self._session = int8.open_either(model.folder, options)
        self._input = self._session.get_inputs()[0].name

    def detect(self, image: Image, side: int) -> Places:
        """Find the lines of a BGR image, in its pixels.

        side: pixels of the longer side of what the network sees; smaller images are seen as they are.
        """
        height, width = image.shape[:2]
        if height + width < 2 * STRIDE:
            image = np.pad(image, ((0, max(STRIDE - height, 0)), (0, max(STRIDE - width, 0)), (0, 0)))
        seen = self._seen(image, side)
        (found,) = self._session.run(None, {self._input: seen})
        rows, columns = seen.shape[2:]
        quads, faint = places_of(found[0, 0])
        quads = quads * (image.shape[1] / columns, image.shape[0] / rows)
        return Places(np.clip(quads, 0.0, np.array([width, height], dtype=np.float64)), faint)

    def _seen(self, image: Image, side: int) -> NDArray[np.float32]:
        height, width = image.shape[:2]
        ratio = min(1.0, side / max(height, width))
        rows, columns = (max(round(int(length * ratio) / STRIDE), 1) * STRIDE for length in (height, width))
        if (rows, columns) != (height, width):
            image = np.asarray(cv2.resize(image, (columns, rows)), dtype=np.uint8)
        seen = np.empty((1, 3, rows, columns), dtype=np.float32)
        for channel in range(3):
            source = 2 - channel if self._model.reversed_channels else channel
            np.multiply(image[:, :, source], np.float32(self._model.factor[channel]), out=seen[0, channel])
            seen[0, channel] += np.float32(self._model.offset[channel])
        return seen


def places_of(chances: NDArray[np.float32]) -> Places:
    """Find the lines in a map (height, width) of probabilities, in its pixels.

    As PaddleOCR's DBPostProcess does, but steadier, since a recognizer reads a faded line differently when its
    rectangle moves by a twentieth of its height: outlines are those of a finer map, rectangles are not the smallest
    ones (``_rectangle``), and nothing is rounded.
    """
    rows, columns = chances.shape
    likely = (cv2.resize(chances, (columns * _FINER, rows * _FINER)) > THRESHOLD).view(np.uint8)
    contours, _ = cv2.findContours(likely, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    quads, faint = [], []
    for contour in contours:
        (x, y), sides, angle = _rectangle(np.asarray(contour, dtype=np.int32))
        # A contour counts pixels of the finer map, in whose middles its points are; PaddleOCR's, those of the map.
        x, y = (x + 0.5) / _FINER, (y + 0.5) / _FINER
        width, height = ((side + 1) / _FINER - 1 for side in sides)
        shorter = min(width, height)
        if shorter < _FAINTEST:
            continue
        chance = _mean(chances, _corners(x - 0.5, y - 0.5, width, height, angle))
        if chance < _FAINT:
            continue
        # What is grown evenly on all sides, with round corners, has the grown rectangle around it.
        grow = UNCLIP_RATIO * width * height / (width + height) - _FINER_IS_WIDER
        if shorter + grow < _FAINTEST_GROWN:
            continue
        faint.append(chance < BOX_THRESHOLD or shorter < _SMALLEST or shorter + grow < _SMALLEST_GROWN)
        quads.append(_corners(x, y, width + grow, height + grow, angle))
    return Places(clockwise(np.array(quads, dtype=np.float64).reshape(-1, 4, 2)), np.array(faint, dtype=np.bool_))


def _rectangle(contour: NDArray[np.int32]) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Middle, sides and angle in degrees of a rectangle that stands for an outline (points, 1, 2).

    Of what is long and fills its smallest rectangle well, the rectangle has the direction, the middle and the mean
    height, to which every point contributes; the smallest one hangs on the outermost points, and is higher where
    the outline's steps are those of a slanted line.
    """
    smallest, (first, second), angle = cv2.minAreaRect(contour)
    moments = cv2.moments(contour)
    area = moments["m00"]
    if max(first, second) <= _LONG * min(first, second) or area <= _FULL * first * second:
        return (smallest[0], smallest[1]), (first, second), angle
    direction = math.atan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"]) / 2
    along = np.array([math.cos(direction), math.sin(direction)])
    middle = np.array([moments["m10"], moments["m01"]]) / area
    reach = (contour[:, 0] - middle) @ along
    low, high = float(reach.min()), float(reach.max())
    x, y = (middle + (low + high) / 2 * along).tolist()
    return (x, y), (high - low, area / (high - low)), math.degrees(direction)


def _corners(x: float, y: float, width: float, height: float, angle: float) -> NDArray[np.float32]:
    """Corners (4, 2) of a rectangle around a point, turned by degrees."""
    return np.asarray(cv2.boxPoints(((x, y), (width, height), angle)), dtype=np.float32)


def _mean(chances: NDArray[np.float32], quad: NDArray[np.float32]) -> float:
    """Mean probability inside a quadrilateral."""
    rows, columns = chances.shape
    left, top = (
        max(0, min(math.floor(low), end - 1)) for low, end in zip(quad.min(axis=0), (columns, rows), strict=True)
    )
    right, bottom = (
        max(0, min(math.ceil(high), end - 1)) for high, end in zip(quad.max(axis=0), (columns, rows), strict=True)
    )
    mask = np.zeros((bottom - top + 1, right - left + 1), dtype=np.uint8)
    cv2.fillPoly(mask, [(quad - (left, top)).astype(np.int32)], (1,))
    return cv2.mean(chances[top : bottom + 1, left : right + 1], mask)[0]


def clockwise(quads: Quads) -> Quads:
    """The corners (n, 4, 2), clockwise, from the top left on: from where the side begins that runs most to the right.

    PaddleOCR begins at the upper of the two leftmost corners; those of a long line that runs down the page with a
    slant are both at one of its ends, and it would be read along its length, the right way up or the wrong one.
    """
    sides = np.roll(quads, -1, axis=1) - quads
    to_the_right = sides[..., 0] / np.maximum(np.linalg.norm(sides, axis=2), 1e-9)
    corners = (to_the_right.argmax(axis=1)[:, None] + np.arange(4)) % 4
    return np.take_along_axis(quads, corners[..., None], axis=1)
