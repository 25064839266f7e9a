"""The joints between the words of a page in reading order: on a line, from line to line, or not at all.

What people would mark as one thing, an answer or a name, stands in one place: its words follow each other with
ordinary spaces, and its lines right below each other. Reading order alone does not tell: the next word may stand in
another column, or an inch further down.

Distances are measured in characters across and in line heights down, so that the page may be scaled unevenly, as
the 0-1000 of an encoding is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page import Word

# Spaces wider than this, in characters, are a column's or a form's; gaps larger than this, in heights, a paragraph's.
_SPACE = 3.0
_LEADING = 1.0

CLOSE, BELOW, APART = 0, 1, 2


def joints(words: Sequence[Word], bbox: NDArray[np.int64]) -> NDArray[np.int64]:
    """Say for each word but the last how the next one follows it: ``CLOSE``, ``BELOW`` or ``APART``.

    bbox: int64 (words, 4), of the upright page in any scale. The result is int64 (words - 1,).
    """
    if len(words) < 2:
        return np.zeros(0, dtype=np.int64)
    box = bbox.astype(np.float64)
    width, height = box[:, 2] - box[:, 0], np.maximum(box[:, 3] - box[:, 1], 1.0)
    letters = np.array([max(len(word.text), 1) for word in words], dtype=np.float64)
    character = np.maximum((width[:-1] + width[1:]) / (letters[:-1] + letters[1:]), 1.0)
    lower = np.minimum(height[:-1], height[1:])
    overlap = np.minimum(box[:-1, 3], box[1:, 3]) - np.maximum(box[:-1, 1], box[1:, 1])
    gap = box[1:, 0] - box[:-1, 2]
    beside = (overlap > 0.5 * lower) & (gap > -2.0 * character) & (gap < _SPACE * character)
    down = box[1:, 1] - box[:-1, 3]
    line = np.array([word.line for word in words])
    below = (down > -lower) & (down < _LEADING * lower) & (line[1:] != line[:-1])
    return np.where(beside, CLOSE, np.where(below, BELOW, APART))


def line_numbers(bbox: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the text lines from the top, int64 (words,), for word boxes (words, 4) of the upright page."""
    numbers = np.zeros(len(bbox), dtype=np.int64)
    line, bottom = -1, -np.inf
    middles = (bbox[:, 1] + bbox[:, 3]) / 2
    for index in np.argsort(middles, kind="stable"):
        if middles[index] >= bottom:
            line, bottom = line + 1, float(bbox[index, 3])
        numbers[index] = line
    return numbers
