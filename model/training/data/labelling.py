"""Labels from values: the one place on a page where a value stands, or none.

Data sets such as SROIE and Kleister give values without their place. A value is looked for as a run of words by
edit distance on letters and digits alone, so that white space, punctuation and a misread letter do not matter;
lines that interrupt it (a telephone number inside an address) are left out. Of several places the one is taken
that its surroundings speak for: a total on the row of a word like "total" and not of "cash" or "sub total", a date
near "date", a company at the top. What is not found well enough is counted as missing and never guessed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz import fuzz

from layoutserve.model.page import Word
from layoutserve.model.training.data.example import Example, Question, Span

# Below this similarity (0-100, normalized edit distance on letters and digits) a run of words is not the value.
_THRESHOLD = {"DATE": 90.0, "TOTAL": 100.0}
_DEFAULT_THRESHOLD = 80.0

_TOTAL = re.compile(r"TOTAL|AMOUNT|AMT|DUE|PAYABLE|JUMLAH|NETT?\b|BALANCE|GRAND")
_GOOD_TOTAL = re.compile(r"GRAND|ROUND(?!ING)|PAYABLE|DUE|INCL|NETT?\b|AFTER|TOTAL AMOUNT|TOTAL SALES")
_NOT_TOTAL = re.compile(
    r"SUB|CASH|CHANGE|TENDER|PAID|PAYMENT|VISA|MASTER|CARD|EXCL|BEFORE|TAX AMOUNT|SUMMARY|QTY|QUANTITY|ITEMS?\b"
    r"|DISC|GST @|ROUNDING|SAVING|DEBIT|CREDIT"
)


@dataclass(slots=True)
class Report:
    """Numbers of values by label that were placed, and those that were not: (label, value, path) each."""

    placed: Counter[str] = field(default_factory=Counter)
    missing: list[tuple[str, str, str]] = field(default_factory=list)

    def __str__(self) -> str:
        lost = Counter(label for label, _, _ in self.missing)
        parts = [
            f"{label} {self.placed[label]} of {self.placed[label] + lost[label]}"
            for label in sorted({*self.placed, *lost})
        ]
        return "Values placed on their pages: " + (", ".join(parts) if parts else "none asked for") + "."


def label(examples: Iterable[Example]) -> tuple[list[Example], Report]:
    """The examples with ``spans`` (and the places of answers) filled in from values; read words are required."""
    report, labelled = Report(), []
    for example in examples:
        if example.words is None:
            labelled.append(example)
            continue
        spans = example.spans
        if spans is None and example.values is not None:
            spans = tuple(_spans(example, report))
        questions = tuple(_place_answers(q, example.words) for q in example.questions)
        labelled.append(replace(example, spans=spans, questions=questions))
    return labelled, report


def _spans(example: Example, report: Report) -> Iterable[Span]:
    assert example.words is not None
    taken: set[int] = set()
    for name, texts in (example.values or {}).items():
        for value in texts:
            words = place(value, example.words, name, taken)
            if words is None:
                report.missing.append((name, value, str(example.path)))
            else:
                report.placed[name] += 1
                taken.update(words)
                yield Span(name, words, " ".join(example.words[i].text for i in words))


def _place_answers(question: Question, words: Sequence[Word]) -> Question:
    if question.spans is not None:
        return question
    found = [run for answer in question.answers if (run := place(answer, words, "")) is not None]
    return replace(question, spans=tuple(dict.fromkeys(found)))


def place(value: str, words: Sequence[Word], label: str = "", taken: Iterable[int] = ()) -> tuple[int, ...] | None:
    """Indices of the words that are ``value``, or None. ``taken`` words belong to another value already."""
    form = _amount if label == "TOTAL" else _plain
    wanted = form(value)
    if not wanted:
        return None
    gone = set(taken)
    plain = ["" if i in gone else form(word.text) for i, word in enumerate(words)]
    threshold = _THRESHOLD.get(label, _DEFAULT_THRESHOLD)
    runs = _runs(wanted, plain, threshold, _inside(value, words))
    if not runs:
        return None
    best = max(score for _, _, score in runs)
    near = _apart([run for run in runs if run[2] >= best - 3.0])
    prefer = _PREFERENCES.get(label)
    order = sorted(near, key=lambda run: (-(prefer(run[:2], words) if prefer else 0.0), -run[2], run[0]))
    start, end, score = order[0]
    kept = tuple(i for i in range(start, end) if plain[i] or words[i].text)
    return _without_interruption(kept, wanted, plain, words, score)


def _plain(text: str) -> str:
    """Letters and digits, upper-cased; the decimal point is kept so that 9.00 is not 900."""
    return re.sub(r"[^A-Z0-9.]|\.(?!\d)|(?<!\d)\.", "", text.upper())


def _amount(text: str) -> str:
    """An amount with two decimals, without currency and thousands separators; another text as ``_plain`` has it."""
    match = re.fullmatch(r"\W*(?:[A-Z]{1,3})?\W*(\d[\d,]*)\.(\d{1,2})\W*", text.upper())
    return f"{match[1].replace(',', '')}.{match[2]:0<2}" if match else _plain(text)


def _inside(value: str, words: Sequence[Word]) -> set[int]:
    """The words that hold the value and more, such as ``DATE:25/12/2018``, with no letter or digit touching it."""
    if len(value) < 4:
        return set()
    pattern = re.compile(rf"(?<![A-Z0-9]){re.escape(value.upper())}(?![A-Z0-9])")
    return {i for i, word in enumerate(words) if pattern.search(word.text.upper())}


def _apart(runs: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """The best of the runs that overlap each other."""
    kept: list[tuple[int, int, float]] = []
    for run in sorted(runs, key=lambda r: (-r[2], r[0])):
        if all(run[1] <= other[0] or other[1] <= run[0] for other in kept):
            kept.append(run)
    return kept


def _runs(wanted: str, plain: Sequence[str], threshold: float, inside: set[int]) -> list[tuple[int, int, float]]:
    """All (start, end, similarity) runs of words at least ``threshold`` like ``wanted``, the best per start.

    A word of ``inside`` holds the value and more; it counts as nearly equal.
    """
    found = []
    slack = max(2, len(wanted) // 3)
    for start in range(len(plain)):
        if not plain[start]:
            continue
        text, best = "", (0, 0.0)
        for end in range(start, len(plain)):
            text += plain[end]
            if len(text) > len(wanted) + slack and end > start:
                break
            score = fuzz.ratio(wanted, text) if plain[end] else 0.0
            if end == start and start in inside:
                score = max(score, 100.0)
            if score > best[1]:
                best = (end + 1, score)
        if best[1] >= threshold:
            found.append((start, best[0], best[1]))
    return found


def _without_interruption(
    run: tuple[int, ...], wanted: str, plain: Sequence[str], words: Sequence[Word], score: float
) -> tuple[int, ...]:
    """The run without the one interior line whose absence makes it clearly more like the value."""
    lines = list(dict.fromkeys(words[i].line for i in run))
    best, gain = run, 4.0
    for line in lines[1:-1]:
        shorter = tuple(i for i in run if words[i].line != line)
        better = fuzz.ratio(wanted, "".join(plain[i] for i in shorter)) - score
        if better > gain:
            best, gain = shorter, better
    return best


def _row_text(run: tuple[int, int], words: Sequence[Word]) -> tuple[str, str]:
    """(text left of the run on its row and in its line, text of the row above), upper-cased."""
    first = words[run[0]]
    middle, height = (first.box.y0 + first.box.y1) / 2, max(first.box.height, 1.0)
    row, above = [], []
    for i, word in enumerate(words):
        if run[0] <= i < run[1]:
            continue
        centre = (word.box.y0 + word.box.y1) / 2
        if abs(centre - middle) < 0.6 * height and word.box.x0 < first.box.x0 + 1:
            row.append((word.box.x0, word.text))
        elif 0.6 * height <= middle - centre < 2.0 * height and word.box.x0 < words[run[1] - 1].box.x1:
            above.append((word.box.x0, word.text))
    return " ".join(text for _, text in sorted(row)).upper(), " ".join(text for _, text in sorted(above)).upper()


def _prefer_total(run: tuple[int, int], words: Sequence[Word]) -> float:
    row, above = _row_text(run, words)
    score = 0.0
    if _TOTAL.search(row):
        score += 4.0 + (1.5 if _GOOD_TOTAL.search(row) else 0.0)
    elif not re.search(r"[A-Z]{3}", row) and _TOTAL.search(above):
        score += 2.0
    if _NOT_TOTAL.search(row):
        score -= 3.0
    # Among equals the later one: what stands below has taken in more of the bill.
    return score + 0.5 * run[0] / max(len(words), 1)


def _prefer_date(run: tuple[int, int], words: Sequence[Word]) -> float:
    row, above = _row_text(run, words)
    near = row + " " + words[run[0]].text.upper()
    return 2.0 * ("DATE" in near or "TARIKH" in near) + 0.5 * ("DATE" in above) - run[0] / max(len(words), 1)


def _prefer_first(run: tuple[int, int], words: Sequence[Word]) -> float:
    return -run[0] / max(len(words), 1)


_PREFERENCES: dict[str, Callable[[tuple[int, int], Sequence[Word]], float]] = {
    "TOTAL": _prefer_total,
    "DATE": _prefer_date,
    "COMPANY": _prefer_first,
    "ADDRESS": _prefer_first,
}
