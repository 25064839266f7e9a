"""The words of a page in its windows.

A page longer than one window is read in several that overlap, and the words in the overlap are predicted more than
once. Of those predictions the one made with the most context is taken, not their mean: a word at the edge of a window
has seen half of its line, and averaging would let that guess spoil the informed one. What is taken is also exactly what
the model said, so it stays calibrated. The real beginning and end of a page are no cut: nothing is missing there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.encoding.tensors import Encoding


@dataclass(frozen=True, slots=True, eq=False)
class WindowWords:
    """The words of one window, in order: n of them.

    words: int64 (n,), their indices on the page. first, last: int64 (n,), the positions of their first and last
    token in the window. left, right: float64 (n,), tokens of context before and after the word until the window
    cuts the page off; infinite where it does not.
    """

    words: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]


def window_words(windows: Sequence[Encoding]) -> list[WindowWords]:
    """Say for each window which words it holds; ``windows`` are all windows of one page (and one question)."""
    found = []
    for window in windows:
        tokens = np.flatnonzero(window.word_index >= 0)
        index = window.word_index[tokens].astype(np.int64)
        words, first, counts = np.unique(index, return_index=True, return_counts=True)
        found.append((words, tokens[first], tokens[first + counts - 1]))
    held = [words for words, _, _ in found if len(words)]
    page_first = min((int(words[0]) for words in held), default=0)
    page_last = max((int(words[-1]) for words in held), default=0)
    result = []
    for words, first, last in found:
        left, right = np.full(len(words), np.inf), np.full(len(words), np.inf)
        if len(words) and words[0] > page_first:
            left = (first - first[0]).astype(np.float64)
        if len(words) and words[-1] < page_last:
            right = (last[-1] - last).astype(np.float64)
        result.append(WindowWords(words, first, last, left, right))
    return result


def merge_words(windows: Sequence[Encoding], rows: Sequence[NDArray[np.float32]], count: int) -> NDArray[np.float32]:
    """Take for each of the page's ``count`` words the row of its first token, from the window with most context.

    ``rows`` holds float32 (L, C) per window; the result is float32 (count, C). A word that stands in no window has
    a row of zeros; ``Encoder`` leaves no word out.
    """
    merged = np.zeros((count, rows[0].shape[1] if rows else 0), dtype=np.float32)
    most = np.full(count, -1.0)
    for placed, row in zip(window_words(windows), rows, strict=True):
        context = np.minimum(placed.left, placed.right)
        better = context > most[placed.words]
        merged[placed.words[better]] = row[placed.first[better]]
        most[placed.words[better]] = context[better]
    return merged
