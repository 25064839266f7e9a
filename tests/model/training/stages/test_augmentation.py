import random

import numpy as np

from layoutserve.model.training.stages.augmentation import Augmentation, drop_lines, noisy_words, shift, swap_values
from layoutserve.model.training.stages.batches import sheet


def value(page, name):
    return [" ".join(page.words[i].text for i in words) for label, words in page.spans if label == name]


def test_a_swapped_value_keeps_its_label_and_its_line(page):
    other = swap_values(page, random.Random(0), {"COMPANY": ["NEW NAME OF THREE WORDS"]}, 1.0)
    assert value(other, "COMPANY") == ["NEW NAME OF THREE WORDS"]
    assert value(other, "DATE") == value(page, "DATE")
    assert {other.words[i].line for i in other.spans[0][1]} == {0}
    assert all(0 <= w.box.x0 <= w.box.x1 <= 224 for w in other.words)


def test_answers_follow_a_swapped_value(page):
    other = swap_values(page, random.Random(0), {"TOTAL": ["77.10"]}, 1.0)
    question = other.questions[0]
    assert question.answers == ("77.10",)
    assert [other.words[i].text for i in question.spans[0]] == ["77.10"]


def test_lines_with_labels_are_never_dropped(page):
    other = drop_lines(page, random.Random(0), 1.0)
    assert {w.line for w in other.words} == {0, 2, 5}
    assert [value(other, name) for name in ("COMPANY", "DATE", "TOTAL")] == [["ACME TRADING"], ["25/12/2018"], ["9.00"]]
    assert other.questions[0].answers == ("9.00",)


def test_noise_changes_letters_and_no_places(page):
    other = noisy_words(page, random.Random(0), 1.0)
    changed = sum(a.text != b.text for a, b in zip(page.words, other.words, strict=True))
    assert changed > len(page.words) / 2
    assert [w.box for w in other.words] == [w.box for w in page.words]
    assert other.spans == page.spans


def test_words_move_with_their_picture(page):
    other = shift(page, random.Random(3), 0.0)

    def ink(p, i):
        box = p.words[i].box
        return p.page.image[int(box.y0) : int(box.y1) + 1, int(box.x0) : int(box.x1) + 1].min()

    assert other.words[0].box != page.words[0].box
    assert all(ink(other, i) < 200 for i in range(len(other.words)) if ink(page, i) < 120)


def test_the_same_seed_gives_the_same_page(page):
    one, two = (Augmentation()(page, random.Random(5), {"COMPANY": ["A B", "C D"]}) for _ in range(2))
    assert one.words == two.words
    assert np.array_equal(one.page.image, two.page.image)


def test_labels_survive_any_augmentation(receipt):
    always = Augmentation(swap=0, words=0, lines=1, shift=1, picture=1)
    page = sheet(receipt())
    for seed in range(20):
        other = always(page, random.Random(seed), {})
        assert {label: value(other, label) for label, _ in other.spans} == {
            "COMPANY": ["ACME TRADING"],
            "DATE": ["25/12/2018"],
            "TOTAL": ["9.00"],
        }
        assert all(0 <= w.box.x0 <= w.box.x1 <= 224 and 0 <= w.box.y0 <= w.box.y1 <= 224 for w in other.words)
