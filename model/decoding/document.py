"""One order of decoding for all tasks: from what the heads said of a document's windows to what was asked.

The service, evaluation and tuning all decode here, so that what is measured is what is served.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.bundle import Head
from layoutserve.model.decoding import classification, docvqa, kie
from layoutserve.model.decoding.classification import DocumentClass
from layoutserve.model.decoding.docvqa import Answers, PageAnswers
from layoutserve.model.decoding.fields.conventions import NO_PREFERENCE, Preference
from layoutserve.model.decoding.kie import KieResult, PageEntities
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.page import Page


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The windows of a page, with or without a question, and the logits of each."""

    windows: Sequence[Encoding]
    logits: Sequence[Logits]


@dataclass(frozen=True, slots=True, eq=False)
class PageFindings:
    """Findings on one page; None for tasks that were not asked for.

    classes: float64 (C,), probabilities. answers: one for each question.
    """

    entities: PageEntities | None
    classes: NDArray[np.float64] | None
    answers: tuple[PageAnswers, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """Findings in a document; None for tasks that were not asked for.

    classes: of the document, best first; page_classes: of each page. answers: one for each question, in their order.
    """

    kie: KieResult | None
    classes: tuple[DocumentClass, ...] | None
    page_classes: tuple[tuple[DocumentClass, ...], ...] | None
    answers: tuple[Answers, ...] | None


def decode_page(
    heads: Mapping[str, Head],
    page: Page,
    plain: Run | None = None,
    asked: Sequence[Run] = (),
    rules: Collection[str] | None = None,
) -> PageFindings:
    """Decode one page. The heads are those of the tasks that are asked for.

    plain: the page without a question, for kie and classification. asked: the page with each question, for docvqa.
    rules: decoding rules that are on, None for each head's own.
    """
    entities = classes = None
    if plain is not None and "kie" in heads:
        entities = kie.decode_page(plain.windows, plain.logits, page, heads["kie"])
    if plain is not None and "classification" in heads:
        classes = classification.page_probabilities(plain.logits, heads["classification"])
    answers: tuple[PageAnswers, ...] = ()
    if "docvqa" in heads:
        head = heads["docvqa"]
        active = head.rules if rules is None else rules
        answers = tuple(docvqa.decode_page(run.windows, run.logits, page, head.temperature, active) for run in asked)
    return PageFindings(entities, classes, answers)


def decode_document(
    heads: Mapping[str, Head],
    pages: Sequence[PageFindings],
    questions: Sequence[str] = (),
    rules: Collection[str] | None = None,
    *,
    top_k: int = 1,
    preference: Preference = NO_PREFERENCE,
) -> Findings:
    """Put the pages of a document together, in their order, with at most ``top_k`` answers to each question.

    preference: what the caller knows of how the document writes. Raises RequestError for a rule that there is not.
    """
    found = classes = page_classes = answers = None
    if "kie" in heads:
        found = kie.decode_document([page.entities for page in pages if page.entities], heads["kie"], rules, preference)
    if "classification" in heads:
        head, rows = heads["classification"], [page.classes for page in pages if page.classes is not None]
        page_classes = tuple(classification.ranked(row, head) for row in rows)
        classes = classification.ranked(classification.document_probabilities(rows), head) if rows else ()
    if "docvqa" in heads:
        none = heads["docvqa"].no_answer
        answers = tuple(
            docvqa.decode_document(question, [page.answers[number] for page in pages], top_k=top_k, no_answer=none)
            for number, question in enumerate(questions)
        )
    return Findings(found, classes, page_classes, answers)
