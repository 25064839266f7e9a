import numpy as np
import pytest

from layoutserve.model.bundle import Head
from layoutserve.model.decoding.classification import document_probabilities, page_probabilities, ranked
from layoutserve.model.encoding.tensors import Logits

HEAD = Head(labels=("receipt", "invoice", "letter"))


def logits(*rows):
    return [Logits(classification=np.array(row, np.float32)) for row in rows]


def test_one_window_is_a_softmax_with_temperature():
    warm = Head(labels=HEAD.labels, temperature=2.0)
    assert page_probabilities(logits([2.0, 0.0, 0.0]), HEAD) == pytest.approx([0.786986, 0.106507, 0.106507], abs=1e-5)
    assert page_probabilities(logits([4.0, 0.0, 0.0]), warm) == pytest.approx([0.786986, 0.106507, 0.106507], abs=1e-5)


def test_windows_of_a_page_weigh_alike():
    assert page_probabilities(logits([4, 0, 0], [0, 4, 0]), HEAD)[:2] == pytest.approx([0.468311] * 2, abs=1e-5)


def test_a_document_is_the_mean_of_its_pages_best_first():
    pages = [np.array([0.9, 0.1, 0.0]), np.array([0.0, 0.4, 0.6]), np.array([0.0, 0.7, 0.3])]
    classes = ranked(document_probabilities(pages), HEAD)
    assert classes[0].label == "invoice"
    assert [c.score for c in classes] == pytest.approx([0.4, 0.3, 0.3])
    assert sum(c.score for c in classes) == pytest.approx(1.0)


def test_extreme_logits_stay_probabilities():
    assert page_probabilities(logits([1e4, -1e4, 0.0]), HEAD) == pytest.approx([1.0, 0.0, 0.0])
