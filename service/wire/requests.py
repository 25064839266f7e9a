"""Bodies of requests for documents: what may be asked, and what the model's pipeline is asked for then."""

import base64
import binascii
from dataclasses import replace
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, FailFast, Field, WithJsonSchema

from layoutserve.model.bundle import Bundle, Task
from layoutserve.model.errors import FORMATS
from layoutserve.model.page.document import MAX_DPI, MIN_DPI
from layoutserve.model.page.given_words import GivenWord
from layoutserve.model.pipeline import Request
from layoutserve.service.wire.scalars import BoxTuple, PageNumber, Score, Whole

MAX_QUESTIONS = 50
MAX_WORDS = 100_000
BASE64_PATTERN = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
PAGES_PATTERN = "^[0-9]{1,9}(-([0-9]{1,9})?)?(,[0-9]{1,9}(-([0-9]{1,9})?)?)*$"


def _document(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be the document in base64 (RFC 4648, section 4, without line breaks)") from None


# A part of a multipart body comes as bytes, a member of a JSON body as base64.
DocumentBytes = Annotated[
    bytes,
    BeforeValidator(_document),
    WithJsonSchema({"type": "string", "format": "byte", "contentEncoding": "base64", "pattern": BASE64_PATTERN}),
]


class Strict(BaseModel):
    """A part of a request: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FirstFault(FailFast):
    """A list is looked at up to its first fault: there may be a hundred thousand."""

    # An optional type has to be hashed.
    __hash__ = object.__hash__


class InputWord(Strict):
    """A word of the caller's own OCR."""

    text: str = Field(min_length=1, max_length=1000, description="What white space separates", examples=["TOTAL"])
    box: BoxTuple
    page: PageNumber = 1
    score: Score = 1.0


class ReadRequest(Strict):
    """A document and how it is read."""

    file: DocumentBytes = Field(description=f"{FORMATS}; told from the content")
    pages: str | None = Field(
        None, pattern=PAGES_PATTERN, max_length=1000, description="Which pages; all by default", examples=["1-3,5"]
    )
    ocr: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Where words come from: what a person sees of a PDF's own text, and our OCR for the rest (auto), "
        "always our OCR, or never our OCR (pages without a text layer then have no words)",
    )
    dpi: Annotated[int, Field(ge=MIN_DPI, le=MAX_DPI), Whole] | None = Field(
        None,
        description="Resolution at which PDF pages are drawn, dots an inch; the server's by default",
        examples=[200],
    )
    language: str | None = Field(
        None, pattern="^[A-Za-z_-]{2,24}$", description="Language of the OCR models, where the server has a choice"
    )

    def wanted(self, bundle: Bundle) -> Request:
        """The request as the pipeline of a bundle takes it."""
        return Request(language=self.language)


class DocumentRequest(ReadRequest):
    """A document for a model."""

    model: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Name of the model, or name@version; see /v1/models",
        examples=["starter"],
    )
    words: Annotated[list[InputWord], FirstFault()] | None = Field(
        None, max_length=MAX_WORDS, description="Your own words and boxes, which are used instead of our OCR"
    )
    words_unit: Literal["pixels", "fractions"] = Field(
        "pixels", description="Unit of the boxes in 'words': pixels of the page, or fractions of its size from 0 to 1"
    )

    def wanted(self, bundle: Bundle) -> Request:
        """The request as the pipeline of a bundle takes it, still without tasks."""
        words = None if self.words is None else tuple(GivenWord(w.text, w.box, w.page, w.score) for w in self.words)
        return replace(super().wanted(bundle), words=words, words_unit=self.words_unit)


class OcrRequest(ReadRequest):
    """A document whose words are wanted."""


Rules = Annotated[
    Literal["model", "none"],
    Field(description="Decoding rules: those the model comes with, or none"),
]


def _rules(rules: Rules) -> tuple[str, ...] | None:
    return () if rules == "none" else None


class WritingRequest(DocumentRequest):
    """A document, and how it writes its dates and amounts."""

    date_order: Literal["auto", "dmy", "mdy", "ymd"] = Field(
        "auto", description="Order of day, month and year in dates of figures; auto: the document decides"
    )
    locale: str | None = Field(
        None,
        pattern="^[A-Za-z]{2,3}([-_][A-Za-z]{4})?([-_][A-Za-z]{2})?$",
        description="Language and country of the document, which decide what its dates and amounts mean",
        examples=["en-GB"],
    )

    def wanted(self, bundle: Bundle) -> Request:
        """The request as the pipeline of a bundle takes it, still without tasks."""
        order = None if self.date_order == "auto" else self.date_order
        return replace(super().wanted(bundle), date_order=order, locale=self.locale)


class KieRequest(WritingRequest):
    """A document whose key information is wanted."""

    rules: Rules = "model"

    def wanted(self, bundle: Bundle) -> Request:
        """Key information."""
        return replace(super().wanted(bundle), tasks=("kie",), rules=_rules(self.rules))


class ClassificationRequest(DocumentRequest):
    """A document whose class is wanted."""

    def wanted(self, bundle: Bundle) -> Request:
        """Classes."""
        return replace(super().wanted(bundle), tasks=("classification",))


Question = Annotated[str, Field(min_length=1, max_length=1000, examples=["What is the total?"])]
TopK = Annotated[int, Field(ge=1, le=20, description="Most answers for each question"), Whole]


class DocvqaRequest(DocumentRequest):
    """A document and questions about it."""

    question: list[Question] = Field(
        min_length=1, max_length=MAX_QUESTIONS, description="Questions; in a form, repeat the part"
    )
    top_k: TopK = 1
    rules: Rules = "model"

    def wanted(self, bundle: Bundle) -> Request:
        """Answers to the questions."""
        asked = replace(super().wanted(bundle), questions=tuple(self.question), top_k=self.top_k)
        return replace(asked, tasks=("docvqa",), rules=_rules(self.rules))


class AnalyzeRequest(WritingRequest):
    """A document for several tasks with one reading."""

    task: list[Task] | None = Field(
        None, min_length=1, max_length=3, description="Tasks; by default all the model has, docvqa only with questions"
    )
    question: list[Question] = Field(
        [], max_length=MAX_QUESTIONS, description="Questions for docvqa; in a form, repeat the part"
    )
    top_k: TopK = 1
    rules: Rules = "model"

    def wanted(self, bundle: Bundle) -> Request:
        """The tasks that are named, or all the model has; docvqa only with questions."""
        able = cast(tuple[Task, ...], tuple(bundle.manifest.tasks))
        tasks = self.task or [task for task in able if task != "docvqa" or self.question]
        asked = replace(super().wanted(bundle), questions=tuple(self.question), top_k=self.top_k)
        return replace(asked, tasks=tuple(dict.fromkeys(tasks)), rules=_rules(self.rules))
