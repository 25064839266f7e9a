"""Scores of what a model said against what is true: exact match, F1, ANLS, accuracy, calibration.

Definitions as their benchmarks have them: exact match as in SROIE, ANLS as in DocVQA (Biten et al. 2019,
threshold 0.5, case ignored), expected calibration error in ten equal bins (Guo et al. 2017).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of values that are right, said and true. ``f1`` is 0 where nothing is right."""

    right: int = 0
    said: int = 0
    true: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.said + other.said, self.true + other.true)

    @property
    def precision(self) -> float:
        """Share of what was said that is right."""
        return self.right / self.said if self.said else 0.0

    @property
    def recall(self) -> float:
        """Share of what is true that was said."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.right / (self.said + self.true) if self.right else 0.0


def normal(text: str) -> str:
    """Upper case, white space collapsed: two texts with the same form match exactly (``em``)."""
    return " ".join(text.upper().split())


def spaceless(text: str) -> str:
    """Upper case without white space (``em_no_space``)."""
    return "".join(text.upper().split())


def anls(said: str, answers: Sequence[str], threshold: float = 0.5) -> float:
    """Average normalized Levenshtein similarity of one prediction: the best over the answers, 0 below the threshold."""
    best = 0.0
    for answer in answers:
        one, other = " ".join(said.lower().split()), " ".join(answer.lower().split())
        longest = max(len(one), len(other))
        best = max(best, 1.0 if not longest else 1.0 - Levenshtein.distance(one, other) / longest)
    return best if best >= threshold else 0.0


def calibration_error(scores: Iterable[float], right: Iterable[bool], bins: int = 10) -> float:
    """Expected calibration error, 0-1: the mean distance of confidence and accuracy over equal bins of the score."""
    confidence = np.fromiter(scores, dtype=np.float64)
    correct = np.fromiter(right, dtype=np.float64)
    if not len(confidence):
        return 0.0
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        at = index == b
        if at.any():
            error += at.mean() * abs(confidence[at].mean() - correct[at].mean())
    return float(error)


def brier(scores: Iterable[float], right: Iterable[bool]) -> float:
    """Mean squared distance of score and truth, 0-1 (Brier 1950).

    Unlike the calibration error it has no bins, so that a few hundred scores suffice to choose by it.
    """
    confidence, correct = np.fromiter(scores, dtype=np.float64), np.fromiter(right, dtype=np.float64)
    return float(np.mean((confidence - correct) ** 2)) if len(confidence) else 0.0


def macro(rates: Mapping[str, float]) -> float:
    """Unweighted mean."""
    return sum(rates.values()) / len(rates) if rates else 0.0


def confusion(true: Sequence[str], said: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Int64 (labels, labels): rows what is true, columns what was said."""
    index = {label: i for i, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for t, s in zip(true, said, strict=True):
        table[index[t], index[s]] += 1
    return table
