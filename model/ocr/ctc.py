"""Greedy CTC decoding of the recognizer's probabilities, with the place of every character and half-seen spaces.

The counts behind the constants are in ``benchmarks/LOG.md``, OCR.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page.scripts import is_unspaced

BLANK = 0

# A space is believed from this probability on, although a blank is likelier: the recognizer was trained on few spaces.
_SPACE = 0.1

# Full-width forms (U+FF01 to U+FF5E) of the printable ASCII characters, which a Chinese model likes to read.
_FULL_WIDTH = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One line as the recognizer reads it.

    positions: float32 (n,), where along the line (0-1) each character of the text stands. scores: float32 (n,), its
    probability, 1 for a space. gaps: float32 (letters - 1,), the probability of a space between one letter and the
    next, a letter being whatever is no space. doubt: 0-1, how near the least certain choice was to another one.
    """

    text: str
    positions: NDArray[np.float32]
    scores: NDArray[np.float32]
    gaps: NDArray[np.float32]
    doubt: float

    @property
    def score(self) -> float:
        """Mean probability of the characters, 0 for an empty line."""
        return float(self.scores.mean()) if len(self.scores) else 0.0

    @property
    def letters(self) -> str:
        """The text without its spaces."""
        return self.text.replace(" ", "")

    def spaced(self, gaps: NDArray[np.float32]) -> "Reading":
        """The same letters with the spaces that these probabilities (letters - 1,) make."""
        letters = np.array([character != " " for character in self.text], dtype=bool)
        return _spaced(self.letters, self.positions[letters], self.scores[letters], gaps, self.doubt)


def decode(
    best: NDArray[np.intp],
    scores: NDArray[np.float32],
    spaces: NDArray[np.float32],
    symbols: Sequence[str],
    used: float,
) -> Reading:
    """Characters of one line from what is likeliest in every column.

    best, scores: (columns,), the likeliest symbol of a column and its probability. spaces: (columns,), probability of
    a space. symbols: the recognizer's, the CTC blank first. used: share of the columns that the line fills, the rest
    being padding.
    """
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(starts[1:], len(best))
    peaks = np.maximum.reduceat(scores, starts) if len(starts) else scores
    seen = best[starts] != BLANK
    characters = [symbols[symbol] for symbol in best[starts[seen]].tolist()]
    white = np.array([character.isspace() for character in characters], dtype=bool)
    if white.any():
        # White space of any kind is a space, and as likely as it was seen.
        firsts = starts[seen][white]
        spaces = spaces.copy()
        spaces[firsts] = scores[firsts]
        seen[seen] = ~white
    starts, ends, peaks = starts[seen], ends[seen], peaks[seen]
    letters = "".join(character for character in characters if not character.isspace())
    if not letters.isascii() and not any(is_unspaced(character) for character in letters):
        letters = letters.translate(_FULL_WIDTH)
    gaps = _gaps(starts, ends, spaces)
    positions = (starts + ends) / (2 * len(best) * used) if len(starts) else np.empty(0)
    return _spaced(letters, positions.astype(np.float32).clip(0, 1), scores[starts], gaps, _doubt(peaks, gaps))


def _spaced(
    letters: str, positions: NDArray[np.float32], scores: NDArray[np.float32], gaps: NDArray[np.float32], doubt: float
) -> Reading:
    """A reading of letters, with a space half way between two of them wherever one is believed."""
    apart = np.flatnonzero(gaps > _SPACE)
    text = letters
    if len(apart):
        cuts = [0, *(apart + 1).tolist(), len(letters)]
        text = " ".join(letters[first:last] for first, last in pairwise(cuts))
        positions = np.insert(positions, apart + 1, (positions[apart] + positions[apart + 1]) / 2)
        scores = np.insert(scores, apart + 1, np.float32(1))
    return Reading(text, positions, scores, gaps, doubt)


def _gaps(starts: NDArray[np.intp], ends: NDArray[np.intp], spaces: NDArray[np.float32]) -> NDArray[np.float32]:
    """The likeliest space in the columns between each letter and the next, 0 where there are none."""
    if len(starts) < 2:
        return np.empty(0, dtype=np.float32)
    # Pairs (end of one, start of the next); every second segment of the reduction lies between two letters.
    bounds = np.stack([ends[:-1], starts[1:]], axis=1).ravel()
    gaps: NDArray[np.float32] = np.maximum.reduceat(spaces, bounds)[::2]
    gaps[starts[1:] == ends[:-1]] = 0
    return gaps


def _doubt(peaks: NDArray[np.float32], gaps: NDArray[np.float32]) -> float:
    """Doubt of a line (0-1): nearness of its least certain choice to another one.

    peaks: how likely each letter was in the column that shows it best. The first column of a letter, which gives its
    score, is often half the letter before it, and tells much less of what a second reading would say.
    """
    # A space as likely as the limit may as well not be one; twice or half as likely, it is half as doubtful.
    nearness = np.minimum(gaps / _SPACE, _SPACE / np.maximum(gaps, np.float32(1e-6)))
    return max(1 - float(peaks.min(initial=1)), float(nearness.max(initial=0)))
