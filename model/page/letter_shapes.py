"""The suspicion that a text layer's letters are not those of its glyphs, told from the glyphs' sizes alone.

Fonts agree on what is tall, what hangs below the line and what is wide. A layer that says otherwise, as one whose map
from glyphs to characters is shifted, is compared with OCR; one of small capitals is too, and proves right.
"""

import string

import numpy as np
from numpy.typing import NDArray

# Share of neighbouring letters that must stand to each other as their names ask for.
_AS_NAMED = 0.8
# Correlation of the widths of at least so many letters with those of their names.
_WIDTHS_ALIKE = 0.5
_FEWEST_WIDTHS = 8
# Neighbours that must be seen for a judgement.
_FEWEST_PAIRS = 12
# Share of a line's height by which tops or bottoms of neighbours differ.
_STEP = 0.06
# A digit this much narrower than the others is a one.
_NARROW = 0.8

_TALL = frozenset("ABCDEFGHIKLMNOPRSTUVWXYZbdfhkl0123456789")
_LOW = frozenset("acemnorsuvwxz")
_HANGING = frozenset("gpqy")
_DIGITS = "0123456789"
# Advance widths of Helvetica, in thousandths of its size, of A to Z and a to z (Adobe's Core 14 metrics).
_ADVANCES = """
    667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611
    556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500
"""
_WIDTHS = dict(zip(string.ascii_uppercase + string.ascii_lowercase, map(int, _ADVANCES.split()), strict=True))


def are_doubtful(texts: list[str], ink: NDArray[np.float64], line: NDArray[np.float64]) -> bool:
    """Tell whether the glyphs of n characters have other sizes than those of the characters they are said to be.

    texts: of the upright characters that are seen, in content order. ink, line: float64 (n, 4), boxes of the glyphs and
    of their fonts' lines, in pixels.
    """
    return _heights_disagree(texts, ink, line) or _widths_disagree(texts, line) or _digits_disagree(texts, ink, line)


def _heights_disagree(texts: list[str], ink: NDArray[np.float64], line: NDArray[np.float64]) -> bool:
    """Compare tops and bottoms of neighbours on one line of one size."""
    if len(texts) < 2:
        return False
    kinds = np.array([1 if t in _TALL else 2 if t in _LOW else 3 if t in _HANGING else 0 for t in texts])
    one, other = kinds[:-1], kinds[1:]
    size = line[:, 3] - line[:, 1]
    beside = (
        (one > 0)
        & (other > 0)
        & (np.abs(line[1:, 1] - line[:-1, 1]) < 0.02 * size[:-1])
        & (np.abs(size[1:] - size[:-1]) < 0.02 * size[:-1])
        & (np.abs(line[1:, 0] - line[:-1, 2]) < 0.5 * size[:-1])
    )
    if np.count_nonzero(beside) < _FEWEST_PAIRS:
        return False
    step = _STEP * size[:-1]
    higher = np.where(ink[1:, 1] - ink[:-1, 1] > step, 1, np.where(ink[:-1, 1] - ink[1:, 1] > step, -1, 0))
    deeper = np.where(ink[:-1, 3] - ink[1:, 3] > step, 1, np.where(ink[1:, 3] - ink[:-1, 3] > step, -1, 0))
    expected_higher = (one == 1).astype(int) - (other == 1).astype(int)
    expected_deeper = (one == 3).astype(int) - (other == 3).astype(int)
    right = (higher == expected_higher) & (deeper == expected_deeper)
    return bool(right[beside].mean() < _AS_NAMED)


def _widths_disagree(texts: list[str], line: NDArray[np.float64]) -> bool:
    """Compare the mean advance of each letter, as a share of its line's height, with Helvetica's."""
    size = np.maximum(line[:, 3] - line[:, 1], 1e-6)
    measured: dict[str, list[float]] = {}
    for text, width in zip(texts, ((line[:, 2] - line[:, 0]) / size).tolist(), strict=True):
        if text in _WIDTHS:
            measured.setdefault(text, []).append(width)
    if len(measured) < _FEWEST_WIDTHS:
        return False
    found = np.array([np.median(widths) for widths in measured.values()])
    named = np.array([_WIDTHS[text] for text in measured], dtype=np.float64)
    # In a typewriter's font all are as wide.
    if found.std() < 0.1 * found.mean() or named.std() == 0:
        return False
    return bool(np.corrcoef(found, named)[0, 1] < _WIDTHS_ALIKE)


def _digits_disagree(texts: list[str], ink: NDArray[np.float64], line: NDArray[np.float64]) -> bool:
    """Find the digit whose glyph is much narrower than the others', and ask whether it is the one."""
    size = np.maximum(line[:, 3] - line[:, 1], 1e-6)
    measured: dict[str, list[float]] = {}
    for text, width in zip(texts, ((ink[:, 2] - ink[:, 0]) / size).tolist(), strict=True):
        if text in _DIGITS:
            measured.setdefault(text, []).append(width)
    if len(measured) < 4:
        return False
    middle = {text: float(np.median(widths)) for text, widths in measured.items()}
    narrowest = min(middle, key=lambda text: middle[text])
    return narrowest != "1" and middle[narrowest] < _NARROW * float(np.median(list(middle.values())))
