import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layoutserve.model.decoding.docvqa import MAX_ANSWER_WORDS, decode_document, decode_page
from layoutserve.model.decoding.rules import ANSWER_RULES
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.page import Box, Page, Word

IMAGE = np.zeros((3, 224, 224), np.uint8)


def page_of(*texts, number=1, per_line=4):
    words = tuple(
        Word.from_box(
            t,
            Box(50.0 * (i % per_line), 20.0 * (i // per_line), 50.0 * (i % per_line) + 45, 20.0 * (i // per_line) + 15),
            line=i // per_line,
        )
        for i, t in enumerate(texts)
    )
    return Page(np.zeros((100, 300, 3), np.uint8), number=number, words=words)


def window(first, last, tokens=1):
    """CLS, question, SEP, the words first..last of ``tokens`` tokens each, SEP."""
    index = np.array([-1, -1, -1, *np.repeat(np.arange(first, last + 1), tokens), -1], np.int32)
    return Encoding(
        np.ones(len(index), np.int64), np.zeros((len(index), 4), np.int64), np.zeros(len(index), np.int64), index, IMAGE
    )


def logits(windows, spans=(), *, none=0.0, noise=-20.0):
    """Logits per window: ``none`` at CLS, ``weight`` shared between the ends of each (first, last, weight)."""
    found = []
    for one in windows:
        start = np.full(len(one), noise, np.float32)
        end = start.copy()
        start[0] = end[0] = none / 2
        for first, last, weight in spans:
            if first in one.word_index and last in one.word_index:
                start[np.flatnonzero(one.word_index == first)[0]] = weight / 2
                end[np.flatnonzero(one.word_index == last)[-1]] = weight / 2
        found.append(Logits(docvqa_start=start, docvqa_end=end))
    return found


def ask(page, windows, found, *, top_k=1, no_answer=0.5, temperature=1.0):
    return decode_document("?", [decode_page(windows, found, page, temperature)], top_k=top_k, no_answer=no_answer)


def softmax(values):
    weights = np.exp(np.asarray(values) - max(values))
    return weights / weights.sum()


def test_one_window_is_the_usual_softmax():
    rng = np.random.default_rng(3)
    page, windows = page_of(*"abcdef"), [window(0, 5)]
    start, end = rng.normal(0, 2, (2, len(windows[0]))).astype(np.float32)
    words = range(3, 9)
    spans = [(i, j) for i in words for j in words if i <= j]
    expected = softmax([start[0] + end[0], *(start[i] + end[j] for i, j in spans)])
    answers = ask(page, windows, [Logits(docvqa_start=start, docvqa_end=end)], no_answer=1.0)
    assert answers.no_answer_score == pytest.approx(expected[0], rel=1e-5)
    i, j = spans[int(expected[1:].argmax())]
    assert answers.answers[0].words == tuple(range(i - 3, j - 2))
    assert answers.answers[0].score == pytest.approx(expected[1:].max(), rel=1e-5)


def test_answers_stand_on_words_with_a_box_for_each_line():
    page, windows = page_of("Oak", "Street", "9", "Springfield", "USA", "x"), [window(0, 5, tokens=3)]
    (answer,) = ask(page, windows, logits(windows, [(2, 4, 8.0)])).answers
    assert answer.text == "9 Springfield USA"
    assert answer.words == (2, 3, 4)
    assert answer.boxes == (Box(100, 0, 195, 15), Box(0, 20, 45, 35))
    assert answer.page == 1


def test_no_answer_is_an_outcome_with_a_score():
    page, windows = page_of(*"abc"), [window(0, 2)]
    nothing = ask(page, windows, logits(windows, [(1, 1, 2.0)], none=5.0))
    assert nothing.answers == ()
    assert nothing.no_answer_score == pytest.approx(1 / (1 + np.exp(-3)), rel=1e-3)
    something = ask(page, windows, logits(windows, [(1, 1, 5.0)], none=2.0))
    assert something.answers[0].text == "b"
    assert something.no_answer_score == pytest.approx(1 / (1 + np.exp(3)), rel=1e-3)


def test_a_page_without_words_holds_no_answer():
    page = Page(np.zeros((10, 10, 3), np.uint8), words=())
    windows = [
        Encoding(
            np.ones(4, np.int64), np.zeros((4, 4), np.int64), np.zeros(4, np.int64), np.full(4, -1, np.int32), IMAGE
        )
    ]
    answers = ask(page, windows, logits(windows))
    assert (answers.answers, answers.no_answer_score) == ((), 1.0)


def test_windows_compare_by_their_own_no_answer():
    # The second page's logits are all higher, its "not here" too: its weaker claim must not win.
    first, second = page_of(*"abc"), page_of(*"xyz", number=2)
    windows = [window(0, 2)]
    pages = [
        decode_page(windows, logits(windows, [(0, 0, 4.0)], none=0.0), first),
        decode_page(windows, logits(windows, [(0, 0, 12.0)], none=10.0, noise=-10.0), second),
    ]
    answers = decode_document("?", pages, top_k=2)
    assert [a.text for a in answers.answers] == ["a", "x"]
    expected = softmax([0.0, 4.0, 2.0])
    assert answers.no_answer_score == pytest.approx(expected[0], rel=1e-3)
    assert [a.score for a in answers.answers] == pytest.approx(expected[1:], rel=1e-3)


def test_a_span_in_two_windows_counts_once_and_from_the_better_one():
    page = page_of(*"abcdefgh")
    windows = [window(0, 5), window(3, 7)]
    one, two = logits(windows, [(4, 4, 6.0)])
    # At the left edge of the second window word 3 looks right; the first window, which saw what precedes it, says no.
    two.docvqa_start[3] = two.docvqa_end[3] = 9.0
    answers = ask(page, windows, [one, two], top_k=3)
    assert answers.answers[0].text == "e"
    assert answers.answers[0].score == pytest.approx(1 / (1 + np.exp(-6)), rel=1e-2)


def test_the_same_words_in_two_places_share_their_score():
    page, windows = page_of("9.00", "cash", "9.00", "change"), [window(0, 3)]
    answers = ask(page, windows, logits(windows, [(0, 0, 5.0), (2, 2, 4.0), (1, 1, 4.5)], noise=-30), top_k=5)
    assert [a.text for a in answers.answers][:2] == ["9.00", "cash"]
    assert answers.answers[0].words == (0,)
    expected = softmax([0.0, 5.0, 4.0, 4.5])
    # Ends of different places combine too ("9.00 cash"), less probable each; the places alone are compared here.
    assert answers.answers[0].score / answers.answers[1].score == pytest.approx(
        (expected[1] + expected[2]) / expected[3], rel=1e-3
    )


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(1, 40),
    size=st.integers(3, 12),
    overlap=st.integers(0, 2),
    pages=st.integers(1, 3),
    top_k=st.integers(1, 6),
    seed=st.integers(0, 999),
)
def test_answers_are_probabilities_that_neither_overlap_nor_repeat(count, size, overlap, pages, top_k, seed):
    rng = np.random.default_rng(seed)
    spread = []
    for number in range(1, pages + 1):
        page = page_of(*(rng.choice(list("abcdefg"), count)), number=number)
        starts = range(0, max(count - overlap, 1), size - overlap)
        windows = [window(a, min(a + size, count) - 1, tokens=int(rng.integers(1, 4))) for a in starts]
        found = [
            Logits(docvqa_start=s, docvqa_end=e)
            for s, e in (rng.normal(0, 3, (2, len(w))).astype(np.float32) for w in windows)
        ]
        spread.append(decode_page(windows, found, page))
    answers = decode_document("?", spread, top_k=top_k, no_answer=1.0)
    assert 0 <= answers.no_answer_score <= 1
    assert 1 <= len(answers.answers) <= top_k
    assert sum(a.score for a in answers.answers) + answers.no_answer_score <= 1 + 1e-6
    assert [a.score for a in answers.answers] == sorted((a.score for a in answers.answers), reverse=True)
    places = [(a.page, word) for a in answers.answers for word in a.words]
    assert len(places) == len(set(places))
    assert len({a.text for a in answers.answers}) == len(answers.answers)


def test_the_last_words_of_a_long_page_can_answer():
    page, windows = page_of(*map(str, range(300))), [window(0, 150), window(130, 299)]
    (answer,) = ask(page, windows, logits(windows, [(299, 299, 9.0)])).answers
    assert answer.text == "299"


def test_spans_are_bounded():
    page, windows = page_of(*map(str, range(100))), [window(0, 99)]
    found = logits(windows, [(0, 99, 30.0)], none=0.0)
    assert (
        ask(page, windows, found).answers == () or len(ask(page, windows, found).answers[0].words) <= MAX_ANSWER_WORDS
    )


def test_temperature_flattens():
    page, windows = page_of(*"abc"), [window(0, 2)]
    found = logits(windows, [(1, 1, 5.0)])
    cold, warm = (ask(page, windows, found, temperature=t, no_answer=1.0).no_answer_score for t in (1.0, 3.0))
    assert warm > cold


def flowing_page(*lines):
    """Words ten pixels a letter; a line is a text, or texts with their left ends."""
    words = []
    for row, line in enumerate(lines):
        for left, text in [(0, line)] if isinstance(line, str) else line:
            x = float(left)
            for word in text.split():
                place = Box(x, 20.0 * row, x + 10 * len(word), 20.0 * row + 16)
                words.append(Word.from_box(word, place, line=row))
                x += 10 * (len(word) + 1)
    return Page(np.zeros((1000, 1000, 3), np.uint8), words=tuple(words))


def best_with(page, spans, rules, **weights):
    boxes = [[w.box.x0, w.box.y0, w.box.x1, w.box.y1] for w in page.words]
    bbox = np.array([*[[0, 0, 0, 0]] * 3, *boxes, [1000] * 4]).astype(np.int64)
    index = np.array([-1, -1, -1, *range(len(boxes)), -1], np.int32)
    windows = [Encoding(np.ones(len(index), np.int64), bbox, np.zeros(len(index), np.int64), index, IMAGE)]
    found = logits(windows, spans, **weights)
    answers = decode_document("?", [decode_page(windows, found, page, rules=rules)], no_answer=1.0)
    return answers.answers[0]


def test_an_answer_stays_in_one_place():
    # Both places of the total are likely; start and end of different places combine into a span that nobody marks.
    page = flowing_page([(0, "Total"), (300, "9.00")], [(0, "Rounding"), (300, "0.00")], [(0, "Net"), (300, "9.00")])
    spans = [(1, 1, 5.0), (1, 5, 6.0)]
    assert best_with(page, spans, ()).text == "9.00 Rounding 0.00 Net 9.00"
    answer = best_with(page, spans, ["answer-in-one-place"])
    assert (answer.text, answer.words) == ("9.00", (1,))
    assert answer.score == pytest.approx(1.0, abs=0.02)


def test_an_answer_may_go_on_in_the_next_line():
    page = flowing_page("12 Oak Street", "Springfield")
    for rules in ((), ANSWER_RULES):
        assert best_with(page, [(0, 3, 8.0)], rules).text == "12 Oak Street Springfield"


def test_an_answer_rather_begins_with_its_line_or_behind_its_key():
    page = flowing_page("C W KHOO HARDWARE", "Date: 1.5.2020 8:13")
    spans = [(2, 3, 6.0), (0, 3, 5.5)]
    assert best_with(page, spans, ()).text == "KHOO HARDWARE"
    assert best_with(page, spans, ["answer-of-whole-lines"]).text == "C W KHOO HARDWARE"
    # A date behind its key and before a time costs only its end.
    assert best_with(page, [(5, 6, 3.5), (5, 5, 6.0)], ["answer-of-whole-lines"]).text == "1.5.2020"


def test_rules_keep_the_answers_probabilities():
    page = flowing_page("C W KHOO HARDWARE", [(0, "Date: 1.5.2020"), (400, "8:13")])
    answer = best_with(page, [(0, 3, 2.0)], ANSWER_RULES, none=1.0, noise=-3.0)
    assert 0 < answer.score < 1


def test_an_answer_less_likely_than_none_is_not_given():
    page, windows = page_of(*"abc"), [window(0, 2)]
    # Neither an answer nor none is likelier than not; none is the likeliest.
    asked = logits(windows, [(0, 0, 1.0), (1, 1, 0.9), (2, 2, 0.8)], none=1.2)
    doubtful = ask(page, windows, asked, top_k=3)
    assert doubtful.answers == () and doubtful.no_answer_score < 0.5
    likelier = logits(windows, [(0, 0, 2.5), (1, 1, 0.2)], none=1.2)
    assert [answer.text for answer in ask(page, windows, likelier, top_k=3).answers] == ["a"]
