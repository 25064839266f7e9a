"""Document classes with their probabilities, best first, per page and for the document."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.bundle import Head
from layoutserve.model.encoding.tensors import Logits


@dataclass(frozen=True, slots=True)
class DocumentClass:
    """A class and its probability; over all classes the scores add up to one."""

    label: str
    score: float


def page_probabilities(logits: Sequence[Logits], head: Head) -> NDArray[np.float64]:
    """Probabilities of one page's classes, float64 (C,): the softmax of the mean logits of its windows.

    All windows see the same image and a part of the text; the mean weighs them alike.
    """
    rows = [found.classification for found in logits if found.classification is not None]
    mean = np.mean(np.stack(rows), axis=0, dtype=np.float64) / head.temperature
    weights = np.exp(mean - mean.max())
    probabilities: NDArray[np.float64] = weights / weights.sum()
    return probabilities


def document_probabilities(pages: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Probabilities of a document's classes, float64 (C,): the mean of its pages'.

    A mean, not a product: the pages of a document are no independent witnesses, and a product of many is always sure.
    """
    mean: NDArray[np.float64] = np.mean(np.stack(pages), axis=0)
    return mean


def ranked(probabilities: NDArray[np.float64], head: Head) -> tuple[DocumentClass, ...]:
    """All classes, best first."""
    order = np.argsort(-probabilities, kind="stable")
    return tuple(DocumentClass(head.labels[index], float(probabilities[index])) for index in order.tolist())
