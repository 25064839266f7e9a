"""Answers from the logits of all windows and pages of a document, with scores that compare.

A window's start and end logits only compare within the window. What compares across windows is how much better a
span is than the window's own "not here" (both at CLS)::

    s(span) = start + end - (start at CLS + end at CLS)

If windows are judged independently and the answer stands in at most one place, the probability of that place is
P(span | its window) x P(not here | every other window), and that of no answer the product of all P(not here). Divide
by the latter: the odds are exp(s) against 1, so one softmax over all spans of all windows and pages together with a
single 0 for "no answer" gives the probabilities. With one window it is the usual softmax exactly. A span that stands
in two windows is the same hypothesis and counted once, from the window in which it has most context.

Spans begin and end with whole words; a word's start (end) is the sum of the probabilities of its tokens. Places that
spell the same answer share its score: the sum of theirs.

Start and end are predicted apart from each other. Where an answer stands twice, a span from its first place to its
second is as probable as each alone, though nobody would mark it. The decoding rules are the prior that the model has
not: logarithms of how rare such spans are, added to s.
"""

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding import rules as decoding
from layoutserve.model.decoding.text_flow import APART, BELOW, CLOSE, joints
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.encoding.windows import WindowWords, merge_words, window_words
from layoutserve.model.page import Box, Page, Word

MAX_ANSWER_WORDS = 64
NO_ANSWER = 0.5
# Spans of a page that may become answers: the best, and of these what is no millionth of the best one's probability.
_CANDIDATES = 64
_HOPELESS = float(np.log(1e6))
# What the rules take from s: for going on in another place, for every line break, for beginning behind a word on its
# line, for ending before one. Answers that people marked do the first never, the third once in a hundred times.
_ELSEWHERE, _NEXT_LINE, _BEHIND_WORD, _BEFORE_WORD = 8.0, 0.5, 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A place that answers the question.

    score: probability of this answer among all others and none. page: number from 1. boxes: page pixels, one for
    each text line. words: indices on the page, a run without gaps.
    """

    text: str
    score: float
    page: int
    boxes: tuple[Box, ...]
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of a document to a question.

    answers: best first, without two that overlap or say the same; empty if it holds none. no_answer_score:
    probability that it holds none.
    """

    question: str
    answers: tuple[Answer, ...]
    no_answer_score: float


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a page, from the word ``first`` on, that may answer a question, and s of the span (above)."""

    weight: float
    page: int
    first: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Their text."""
        return " ".join(word.text for word in self.words)

    def answer(self, score: float) -> Answer:
        """The answer that they are, with the probability of it."""
        lines: dict[int, list[Box]] = {}
        for word in self.words:
            lines.setdefault(word.line, []).append(word.box)
        boxes = tuple(Box.union(line) for line in lines.values())
        places = tuple(range(self.first, self.first + len(self.words)))
        return Answer(self.text, score, self.page, boxes, places)

    def overlaps(self, other: "Span") -> bool:
        """Say if both share a word."""
        return (
            self.page == other.page
            and self.first < other.first + len(other.words)
            and other.first < self.first + len(self.words)
        )


@dataclass(frozen=True, slots=True)
class PageAnswers:
    """A page's part in a question: its best spans and the logarithm of the sum over all of its spans."""

    log_mass: float
    best: tuple[Span, ...]


def decode_page(
    windows: Sequence[Encoding],
    logits: Sequence[Logits],
    page: Page,
    temperature: float = 1.0,
    rules: Collection[str] = (),
) -> PageAnswers:
    """Weigh the spans of one page for one question, from all its windows, with these decoding rules on."""
    words = page.words or ()
    spans = np.full((len(words), min(MAX_ANSWER_WORDS, len(words))), -np.inf)
    most = np.full(spans.shape, -1.0)
    for placed, found in zip(window_words(windows), logits, strict=True):
        if found.docvqa_start is not None and found.docvqa_end is not None and len(placed.words):
            _weigh(spans, most, placed, found.docvqa_start / temperature, found.docvqa_end / temperature)
    if not np.isfinite(spans).any():
        return PageAnswers(-np.inf, ())
    if set(rules) & set(decoding.ANSWER_RULES):
        bbox = merge_words(windows, [window.bbox.astype(np.float32) for window in windows], len(words))
        spans -= _implausibility(words, bbox.astype(np.int64), spans.shape[1], rules)
    flat = spans.ravel()
    count = min(_CANDIDATES, int(np.isfinite(flat).sum()))
    best = np.argpartition(-flat, count - 1)[:count]
    best = best[np.argsort(-flat[best], kind="stable")]
    best = best[flat[best] > flat[best[0]] - _HOPELESS]
    chosen = []
    for index in best.tolist():
        first, more = divmod(index, spans.shape[1])
        chosen.append(Span(float(flat[index]), page.number, first, words[first : first + more + 1]))
    return PageAnswers(_log_sum(flat), tuple(chosen))


def decode_document(
    question: str, pages: Sequence[PageAnswers], *, top_k: int = 1, no_answer: float = NO_ANSWER
) -> Answers:
    """Rank the answers of all pages; none if the probability of no answer exceeds ``no_answer``.

    An answer that is less probable than no answer is not given either, unless ``no_answer`` is 1: answers at any price.
    """
    log_total = _log_sum(np.array([0.0, *(page.log_mass for page in pages)]))
    none = float(np.exp(-log_total))
    if none > no_answer:
        return Answers(question, (), none)
    least = none if no_answer < 1 else 0.0
    scores: dict[str, float] = {}
    places: dict[str, Span] = {}
    for span in heapq.merge(*(page.best for page in pages), key=lambda span: -span.weight):
        key = " ".join(span.text.casefold().split())
        scores[key] = scores.get(key, 0.0) + float(np.exp(span.weight - log_total))
        places.setdefault(key, span)
    chosen: list[Span] = []
    answers: list[Answer] = []
    for key in sorted(scores, key=lambda key: -scores[key]):
        if len(chosen) == top_k or scores[key] < least:
            break
        if not any(place.overlaps(places[key]) for place in chosen):
            chosen.append(places[key])
            answers.append(places[key].answer(min(scores[key], 1.0)))
    return Answers(question, tuple(answers), none)


def _weigh(
    spans: NDArray[np.float64],
    most: NDArray[np.float64],
    placed: WindowWords,
    start: NDArray[np.float32],
    end: NDArray[np.float32],
) -> None:
    """Write s of a window's spans where no window with more context has: spans[first, last - first]."""
    not_here = float(start[0]) + float(end[0])
    # The tokens of the words stand side by side: from the first word's first to the last word's last.
    end_of_words = int(placed.last[-1]) + 1
    starts = np.logaddexp.reduceat(start[:end_of_words].astype(np.float64), placed.first)
    ends = np.logaddexp.reduceat(end[:end_of_words].astype(np.float64), placed.first)
    for more in range(min(spans.shape[1], len(starts))):
        kept = len(starts) - more
        first = placed.words[:kept]
        context = np.minimum(placed.left[:kept], placed.right[more:])
        better = context > most[first, more]
        weight = starts[:kept] + ends[more:] - not_here
        spans[first[better], more] = weight[better]
        most[first[better], more] = context[better]


def _implausibility(
    words: Sequence[Word], bbox: NDArray[np.int64], most: int, rules: Collection[str]
) -> NDArray[np.float64]:
    """The rules' costs to s of each span: float64 (words, most), by first word and number of further ones."""
    follows = joints(words, bbox)
    within = np.zeros(len(words))
    start, end = np.zeros(len(words)), np.zeros(len(words))
    if decoding.ANSWER_IN_ONE_PLACE in rules:
        within[1:][follows == APART] = _ELSEWHERE
    if decoding.ANSWER_OF_WHOLE_LINES in rules:
        within[1:][follows == BELOW] += _NEXT_LINE
        in_words = np.array([word.text[-1:].isalnum() for word in words])
        start[1:][(follows == CLOSE) & in_words[:-1]] = _BEHIND_WORD
        end[:-1][follows == CLOSE] = _BEFORE_WORD
    passed = within.cumsum()
    last = np.minimum(np.arange(len(words))[:, None] + np.arange(most), len(words) - 1)
    cost: NDArray[np.float64] = passed[last] - passed[:, None] + start[:, None] + end[last]
    return cost


def _log_sum(values: NDArray[np.floating]) -> float:
    highest = float(values.max())
    if not np.isfinite(highest):
        return highest
    return highest + float(np.log(np.exp(values.astype(np.float64) - highest).sum()))
