import numpy as np
import pytest

from layoutserve.model.decoding.text_flow import APART, BELOW, CLOSE, joints, line_numbers


def test_words_of_a_line_and_the_line_below_belong_together(words_of):
    assert joints(*words_of("12 Oak Street", "Springfield")).tolist() == [CLOSE, CLOSE, BELOW]


def test_columns_and_paragraphs_are_apart(words_of):
    words, bbox = words_of([(0, "Total"), (300, "9.00")], "", "", "Thank you")
    assert joints(words, bbox).tolist() == [APART, APART, CLOSE]


def test_what_stands_further_up_is_apart(words_of):
    words, bbox = words_of([(0, "Oak"), (300, "Elm")], [(0, "Street"), (300, "Road")])
    order = [0, 2, 1, 3]
    assert joints([words[i] for i in order], bbox[order]).tolist() == [BELOW, APART, BELOW]


@pytest.mark.parametrize("scale", [(1, 1), (5, 1), (1, 5)])
def test_the_scale_of_the_page_does_not_matter(scale, words_of):
    words, bbox = words_of("12 Oak Street", "Springfield", "", [(0, "Total"), (300, "9.00")])
    x, y = scale
    assert joints(words, bbox * np.array([x, y, x, y])).tolist() == [CLOSE, CLOSE, BELOW, APART, APART]


def test_one_word_and_none_have_no_joints(words_of):
    assert joints(*words_of("one")).tolist() == []
    assert joints(*words_of()).tolist() == []


def test_lines_are_numbered_from_the_top():
    bbox = np.array([[0, 50, 10, 60], [0, 0, 10, 10], [20, 2, 30, 12], [0, 20, 10, 30]])
    assert line_numbers(bbox).tolist() == [2, 0, 0, 1]
