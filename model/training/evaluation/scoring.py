"""Scores of a model on labelled pages: what it says for every task against what is true."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.bundle import Head
from layoutserve.model.training.evaluation import metrics
from layoutserve.model.training.evaluation.inference import Inferred
from layoutserve.model.training.evaluation.metrics import Counts


@dataclass(frozen=True, slots=True, eq=False)
class KieScores:
    """entities: by label, right where label and words are exactly right (of cases with places). fields: by label,
    right where the text is. em, em_no_space: by label, share of the true values that the field's text equals.
    confusion: words by entity label, rows true, of cases with places. ece, brier: of the fields' scores.
    """

    cases: int
    entities: Mapping[str, Counts]
    fields: Mapping[str, Counts]
    em: Mapping[str, float]
    em_no_space: Mapping[str, float]
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    ece: float
    mistakes: tuple[tuple[str, str, str, str], ...] = ()
    brier: float = 0.0

    def metrics(self) -> dict[str, float]:
        """Everything as one flat table; without a label's name: micro-averaged."""
        entities, fields = (sum(c.values(), Counts()) for c in (self.entities, self.fields))
        true = {label: counts.true for label, counts in self.fields.items()}
        result = {"cases": float(self.cases)}
        if entities.true:
            result |= {"precision": entities.precision, "recall": entities.recall, "f1": entities.f1}
        result |= {"value_precision": fields.precision, "value_recall": fields.recall, "value_f1": fields.f1}
        for name, rates in (("em", self.em), ("em_no_space", self.em_no_space)):
            result[name] = _weighted(rates, true)
            result |= {f"{name}_{label.lower()}": rate for label, rate in rates.items()}
        result |= {f"f1_{label.lower()}": counts.f1 for label, counts in self.entities.items() if counts.true}
        return result | {"ece": self.ece}


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """accuracy by true class; confusion: rows true, columns said; ece, brier: of the best class's score."""

    cases: int
    accuracy: Mapping[str, float]
    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    ece: float
    brier: float = 0.0

    def metrics(self) -> dict[str, float]:
        """Everything as one flat table."""
        total = float(np.trace(self.confusion) / max(self.confusion.sum(), 1))
        return {
            "cases": float(self.cases),
            "accuracy": total,
            "macro_accuracy": metrics.macro(self.accuracy),
            **{f"accuracy_{label}": rate for label, rate in self.accuracy.items()},
            "ece": self.ece,
        }


@dataclass(frozen=True, slots=True, eq=False)
class AnswerScores:
    """anls, exact: of the answerable questions, "no answer" counting as wrong. found, refused: share of the
    answerable questions that were answered, and of the others that were not. ece, brier: of the best answer's score.
    """

    questions: int
    anls: float
    exact: float
    found: float
    refused: float
    ece: float
    by_question: Mapping[str, float] = field(default_factory=dict)
    brier: float = 0.0

    def metrics(self) -> dict[str, float]:
        """Everything as one flat table."""
        return {
            "questions": float(self.questions),
            "anls": self.anls,
            "exact": self.exact,
            "answered": self.found,
            "refused": self.refused,
            "no_answer_balanced_accuracy": (self.found + self.refused) / 2,
            "ece": self.ece,
        }


def score_kie(runs: Sequence[Inferred], head: Head, rules: Collection[str] | None = None) -> KieScores:
    """Scores of the cases whose entities are labelled. A case counts the labels that occur in its data set."""
    runs = [run for run in runs if run.case.values is not None]
    asked = sorted({label for run in runs for label in run.case.values or ()})
    known = {label.upper() for label in head.fields}
    labels = [label for label in asked if label in known]
    entities = dict.fromkeys(labels, Counts())
    fields = dict.fromkeys(labels, Counts())
    hits: dict[str, dict[str, int]] = {"em": dict.fromkeys(labels, 0), "em_no_space": dict.fromkeys(labels, 0)}
    scores: list[float] = []
    right: list[bool] = []
    true_words: list[str] = []
    said_words: list[str] = []
    mistakes = []
    for run in runs:
        case = run.case
        result = run.kie(head, rules)
        for label in labels:
            true = (case.values or {}).get(label, ())
            said = [f for f in result.fields if f.label.upper() == label]
            matched = _matched([f.text for f in said], true, metrics.normal)
            fields[label] += Counts(matched, len(said), len(true))
            hits["em"][label] += matched
            hits["em_no_space"][label] += _matched([f.text for f in said], true, metrics.spaceless)
            for found in said:
                scores.append(found.score)
                right.append(metrics.spaceless(found.text) in {metrics.spaceless(t) for t in true})
            if matched < len(true):
                mistakes.append((case.name, label, " | ".join(true), " | ".join(f.text for f in said)))
        if case.spans is not None:
            places = {(label, words) for label, words in case.spans if label in labels}
            said_places = {(e.label.upper(), e.words) for e in result.entities if e.label.upper() in labels}
            for label in labels:
                t, s = ({words for name, words in x if name == label} for x in (places, said_places))
                entities[label] += Counts(len(t & s), len(s), len(t))
            true_words += _by_word(places, len(case.page.words or ()))
            said_words += _by_word(said_places, len(case.page.words or ()))
    names = ("O", *labels)
    rates = {
        name: {label: count / fields[label].true for label, count in of.items() if fields[label].true}
        for name, of in hits.items()
    }
    return KieScores(
        cases=len(runs),
        entities=entities,
        fields=fields,
        em=rates["em"],
        em_no_space=rates["em_no_space"],
        labels=names,
        confusion=metrics.confusion(true_words, said_words, names),
        ece=metrics.calibration_error(scores, right),
        mistakes=tuple(mistakes),
        brier=metrics.brier(scores, right),
    )


def score_classification(runs: Sequence[Inferred], head: Head) -> ClassScores:
    """Scores of the cases whose class is known to the head."""
    true, said, scores = [], [], []
    for run in runs:
        if run.case.document_class in head.labels:
            best = run.classes(head)[0]
            true.append(str(run.case.document_class))
            said.append(best.label)
            scores.append(best.score)
    table = metrics.confusion(true, said, head.labels)
    accuracy = {label: float(table[i, i] / table[i].sum()) for i, label in enumerate(head.labels) if table[i].sum()}
    right = [t == s for t, s in zip(true, said, strict=True)]
    error = metrics.calibration_error(scores, right)
    return ClassScores(len(true), accuracy, head.labels, table, error, metrics.brier(scores, right))


def score_docvqa(runs: Sequence[Sequence[Inferred]], head: Head, *, no_answer: float | None = None) -> AnswerScores:
    """Scores of all questions of all cases. ``no_answer``: by default the head's."""
    head = head if no_answer is None else replace(head, no_answer=no_answer)
    similar: list[float] = []
    exact: list[bool] = []
    answered: dict[bool, list[bool]] = {True: [], False: []}
    confidence: list[float] = []
    right: list[bool] = []
    by_question: dict[str, list[float]] = {}
    for rows in runs:
        for run, (question, answers) in zip(rows, rows[0].case.questions if rows else (), strict=True):
            result = run.answers(head, question)
            said = result.answers[0] if result.answers else None
            answered[bool(answers)].append(said is not None)
            if answers:
                value = 0.0 if said is None else metrics.anls(said.text, answers)
                similar.append(value)
                same = {metrics.spaceless(answer) for answer in answers}
                exact.append(said is not None and metrics.spaceless(said.text) in same)
                by_question.setdefault(question, []).append(value)
            else:
                by_question.setdefault(question, []).append(float(said is None))
            if said is not None:
                confidence.append(said.score)
                right.append(bool(answers) and metrics.anls(said.text, answers) > 0.5)
    return AnswerScores(
        questions=sum(map(len, runs)),
        anls=_mean(similar),
        exact=_mean(exact),
        found=_mean(answered[True]),
        refused=1.0 - _mean(answered[False]) if answered[False] else 1.0,
        ece=metrics.calibration_error(confidence, right),
        by_question={question: _mean(values) for question, values in by_question.items()},
        brier=metrics.brier(confidence, right),
    )


def _matched(said: Iterable[str], true: Iterable[str], form: Callable[[str], str]) -> int:
    """Count the true texts that were said, each said text once."""
    left = [form(text) for text in said]
    count = 0
    for text in map(form, true):
        if text in left:
            left.remove(text)
            count += 1
    return count


def _by_word(places: Iterable[tuple[str, tuple[int, ...]]], count: int) -> list[str]:
    names = ["O"] * count
    for label, words in places:
        for word in words:
            names[word] = label
    return names


def _weighted(rates: Mapping[str, float], weights: Mapping[str, int]) -> float:
    total = sum(weights[label] for label in rates)
    return sum(rate * weights[label] for label, rate in rates.items()) / total if total else 0.0


def _mean(values: Sequence[float] | Sequence[bool]) -> float:
    return float(sum(values) / len(values)) if values else 0.0
