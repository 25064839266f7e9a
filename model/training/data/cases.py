"""Evaluation cases: labelled pages in the form in which a model is measured on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from layoutserve.model.page import Page
from layoutserve.model.training.data.example import Example, Indices, Question


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One labelled page.

    page: with words. values: label in upper case to its true texts, None where entities are not labelled. spans:
    (label, word indices) where their places are known. questions: (question, answers), no answers where the page
    holds none.
    """

    page: Page
    values: Mapping[str, tuple[str, ...]] | None = None
    spans: tuple[tuple[str, Indices], ...] | None = None
    document_class: str | None = None
    questions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    name: str = ""


def case_of(example: Example, page: Page | None = None, questions: Sequence[Question] | None = None) -> Case:
    """A labelled page as a case: with its whole picture and its own questions, unless others are given.

    Its values are the texts of its spans where they are not given.
    """
    values = example.values
    if values is None and example.spans is not None:
        grouped: dict[str, tuple[str, ...]] = {}
        for span in example.spans:
            grouped[span.label] = (*grouped.get(span.label, ()), span.text)
        values = grouped
    asked = example.questions if questions is None else questions
    return Case(
        page=Page(example.read_image(), words=example.words) if page is None else page,
        values=values,
        spans=None if example.spans is None else tuple((span.label, span.words) for span in example.spans),
        document_class=example.document_class,
        questions=tuple((question.text, question.answers) for question in asked),
        name=f"{example.path.name}#{example.page}",
    )
