"""What the recognizer's probabilities say: greedy CTC, with the place of every character and the spaces it half saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.page.scripts import is_unspaced

BLANK = 0

# A space between two characters is believed from this probability on, although a blank was likelier: the recognizer
# was trained on text that has few spaces and sees them late. Word F1 on 30 SROIE training receipts, none of them a
# benchmark page: 0.894 without, 0.916 at 0.2, 0.922 at 0.1, 0.923 at 0.05.
_SPACE = 0.1

# Full-width forms (U+FF01 to U+FF5E) of the printable ASCII characters, which a Chinese model likes to read.
_FULL_WIDTH = {code + 0xFEE0: chr(code) for code in range(0x21, 0x7F)}


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the recognizer reads on one line.

    positions: float32 (n,), where along the line (0-1) each character stands. scores: float32 (n,), its probability.
    """

    text: str
    positions: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def score(self) -> float:
        """Mean probability of the characters, 0 for an empty line."""
        return float(self.scores.mean()) if len(self.scores) else 0.0


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
    kept = best[starts] != BLANK
    starts, ends = starts[kept], ends[kept]
    text = [symbols[symbol] for symbol in best[starts]]
    middles = (starts + ends) / 2
    probabilities = scores[starts]
    missed = _missed_spaces(text, starts, ends, spaces)
    if len(missed):
        between = (ends[missed] + starts[missed + 1]) / 2
        middles = np.insert(middles, missed + 1, between)
        probabilities = np.insert(probabilities, missed + 1, 1.0)
        for index in missed[::-1].tolist():
            text.insert(index + 1, " ")
    line = "".join(text)
    if not any(is_unspaced(character) for character in text):
        line = line.translate(_FULL_WIDTH)
    return Reading(line, (middles / (len(best) * used)).astype(np.float32).clip(0, 1), probabilities)


def _missed_spaces(
    text: list[str], starts: NDArray[np.intp], ends: NDArray[np.intp], spaces: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Characters after which a space was likely enough in the blank columns before the next one."""
    if len(text) < 2:
        return np.empty(0, dtype=np.intp)
    # Pairs (end of one, start of the next); every second segment of the reduction lies between two characters.
    bounds = np.stack([ends[:-1], starts[1:]], axis=1).ravel()
    between = np.maximum.reduceat(spaces, bounds)[::2]
    letters = np.array([not character.isspace() for character in text])
    apart = (starts[1:] > ends[:-1]) & letters[:-1] & letters[1:]
    return np.flatnonzero(apart & (between > _SPACE))
