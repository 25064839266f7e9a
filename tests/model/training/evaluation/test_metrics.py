import numpy as np
import pytest

from layoutserve.model.training.evaluation.metrics import (
    Counts,
    anls,
    brier,
    calibration_error,
    confusion,
    macro,
    normal,
    spaceless,
)


def test_forms():
    assert normal("  Sdn  bhd ") == "SDN BHD"
    assert spaceless("Sdn bhd ") == "SDNBHD"


def test_anls_takes_the_nearest_answer_and_nothing_below_a_half():
    assert anls("9.00", ["8", "9.00"]) == 1.0
    assert anls("ABCD", ["abce"]) == 0.75
    assert anls("ABCD", ["axyz"]) == 0.0
    assert anls("", ["x"]) == 0.0
    # An exchange of two letters is two edits; case and white space do not count.
    assert anls("Total  ab", ["total ba"]) == 1 - 2 / 8


def test_counts_add_up():
    total = Counts(1, 2, 4) + Counts(1, 2, 0)
    assert (total.precision, total.recall, total.f1) == (0.5, 0.5, 0.5)
    assert Counts().f1 == Counts().precision == Counts().recall == 0.0


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    assert calibration_error([0.9] * 10, [True] * 9 + [False]) == pytest.approx(0.0)
    assert calibration_error([0.95] * 4, [True, True, False, False]) == pytest.approx(0.45)
    assert calibration_error([1.0, 0.0], [True, False]) == pytest.approx(0.0)
    assert calibration_error([], []) == 0.0


def test_confusion_has_rows_of_what_is_true():
    table = confusion(["a", "a", "b"], ["a", "b", "b"], ["a", "b"])
    assert np.array_equal(table, [[1, 1], [0, 1]])


def test_brier_score_is_the_mean_squared_distance():
    assert brier([1.0, 0.5, 0.0], [True, True, True]) == pytest.approx((0.25 + 1.0) / 3)
    assert brier([], []) == 0.0


def test_macro():
    assert macro({"a": 1.0, "b": 0.0}) == 0.5
    assert macro({}) == 0.0
