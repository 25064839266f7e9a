from layoutserve.model.page import Box
from layoutserve.model.training.data.example import split_by_group, split_line


def test_a_line_is_split_in_proportion_to_its_characters():
    first, second = split_line("AB CDEF", Box(0, 10, 70, 20), 3)
    assert (first.text, first.box) == ("AB", Box(0, 10, 20, 20))
    assert (second.text, second.box) == ("CDEF", Box(30, 10, 70, 20))
    assert {first.line, second.line} == {3}


def test_repeated_words_of_a_line_keep_their_own_places():
    one, two = split_line("1 1", Box(0, 0, 30, 10), 0)
    assert (one.box.x0, two.box.x0) == (0, 20)


def test_no_group_stands_on_both_sides_of_a_split(receipt):
    pages = [receipt(company=f"C{i // 3}", name=f"r{i}") for i in range(30)]
    training, held = split_by_group(pages, 0.2)
    assert {e.group for e in training}.isdisjoint({e.group for e in held})
    assert 6 <= len(held) <= 8
    assert split_by_group(pages, 0.2) == (training, held)
