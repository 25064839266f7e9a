"""Results: the answers of the service, with the names of its contract.

Boxes are pixels of the page as sent (PDF pages at the stated dpi), origin top left. A member that a newer server adds
is kept as it came, so printing a result as JSON loses nothing.
"""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from PIL.Image import Image

    from layoutserve_client.documents import Document

Task: TypeAlias = Literal["kie", "classification", "docvqa"]
Endpoint: TypeAlias = Literal["kie", "classification", "docvqa", "ocr", "analyze"]
JobStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Box(NamedTuple):
    """A rectangle in page pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.y1 - self.y0


class Point(NamedTuple):
    """A point in page pixels."""

    x: float
    y: float


Polygon: TypeAlias = tuple[Point, Point, Point, Point]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())


class Model(_Wire):
    """The model that answered, and the licence of its weights."""

    name: str
    version: str
    licence: str


class Word(_Wire):
    """A word, parted from others by white space, with its place; ``line`` numbers its text line in reading order.

    ``source``: ``text_layer`` for a PDF's own text, ``ocr``, or ``given`` with the request; None from an older server.
    """

    text: str
    box: Box
    polygon: Polygon
    score: float
    line: int
    source: Literal["text_layer", "ocr", "given"] | None = None


class SelectionMark(_Wire):
    """A checkbox or a radio button of a PDF; ``name`` is its field's, empty where it is written and no field."""

    state: Literal["selected", "unselected"]
    box: Box
    name: str = ""

    @property
    def selected(self) -> bool:
        """True if it is on."""
        return self.state == "selected"


class FormField(_Wire):
    """A field of a PDF's form (AcroForm) that is seen on a page.

    ``value``: the text typed or chosen; of a checkbox or radio button the name of the state that is on.
    """

    name: str
    type: Literal["text", "checkbox", "radio", "choice", "signature"]
    value: str | None
    page: int
    box: Box


class Page(_Wire):
    """One page that was read, with its words in reading order; ``turn`` in degrees clockwise, boxes not turned."""

    number: int
    width: int
    height: int
    dpi: float | None
    turn: Literal[0, 90, 180, 270]
    words: list[Word]
    selection_marks: list[SelectionMark] = []

    @property
    def text(self) -> str:
        """The page's words, one text line a line."""
        lines: dict[int, list[str]] = {}
        for word in self.words:
            lines.setdefault(word.line, []).append(word.text)
        return "\n".join(" ".join(words) for words in lines.values())


class Entity(_Wire):
    """A labelled span of words; ``words`` are indices into the words of its page."""

    label: str
    text: str
    score: float
    page: int
    box: Box
    polygon: Polygon
    words: list[int]


class Amount(_Wire):
    """An amount of money; ``currency`` is an ISO 4217 code, if the text tells it."""

    amount: Decimal
    currency: str | None = None


class Alternative(_Wire):
    """Another day that the text of a date may mean, as an ISO date, and its probability."""

    value: str
    score: float


class FieldText(_Wire):
    """A text that a document gives for a label, as it stands on the page; ``value``: normalised by the field's type.

    ``alternatives``: the other days that a date in figures may mean, where the document does not decide.
    """

    text: str
    value: str | Amount | None
    score: float
    page: int
    box: Box
    alternatives: list[Alternative] = []

    @property
    def amount(self) -> Decimal | None:
        """The amount, where the field is one."""
        return self.value.amount if isinstance(self.value, Amount) else None

    @property
    def date(self) -> datetime.date | None:
        """The date, where the field is one."""
        if isinstance(self.value, str):
            try:
                return datetime.date.fromisoformat(self.value)
            except ValueError:
                return None
        return None


class FieldValue(FieldText):
    """The best text that a document gives for a label; ``more`` are further ones, best first, where it has several."""

    more: list[FieldText] = []


class ClassScore(_Wire):
    """A class and its probability."""

    label: str
    score: float


class PageClasses(_Wire):
    """The classes of one page, best first."""

    page: int
    classes: list[ClassScore]


class Answer(_Wire):
    """An answer found on a page; one box for each line of it."""

    text: str
    score: float
    page: int
    boxes: list[Box]
    words: list[int]


class QuestionAnswers(_Wire):
    """The ranked answers to one question; none if the document does not hold one."""

    question: str
    answers: list[Answer]
    no_answer_score: float

    @property
    def best(self) -> Answer | None:
        """The best answer, or None where the document holds none."""
        return self.answers[0] if self.answers else None


class KieResult(_Wire):
    """Key information: ``entities`` in reading order, ``fields`` by label in lower case."""

    entities: list[Entity]
    fields: dict[str, FieldValue]

    def of(self, label: str) -> list[Entity]:
        """The entities of a label, in any case, in reading order."""
        return [entity for entity in self.entities if entity.label.lower() == label.lower()]


class ClassificationResult(_Wire):
    """Classes of the document and of its pages, best first."""

    classes: list[ClassScore]
    page_classes: list[PageClasses]

    @property
    def best(self) -> ClassScore:
        """The most probable class of the document."""
        return self.classes[0]


class DocvqaResult(_Wire):
    """Answers in the order of the questions."""

    answers: list[QuestionAnswers]

    @property
    def best(self) -> Answer | None:
        """The best answer to the first question, or None where the document holds none."""
        return self.answers[0].best


class Answered(_Wire):
    """The part that all answers have in common: the model, the pages with their words, the time of each stage."""

    request_id: str
    model: Model
    pages: list[Page]
    timings_ms: dict[str, float]
    warnings: list[str] = []
    form_fields: list[FormField] = []

    @property
    def text(self) -> str:
        """The words of all pages, a blank line between pages."""
        return "\n\n".join(page.text for page in self.pages)

    def draw(self, image: Document, page: int = 1) -> Image:
        """Draw what was found on a page over its picture, and return a new Pillow image.

        ``image`` is the picture that was sent, or for a PDF a drawing of the page in any size. Needs Pillow
        (``pip install 'layoutserve-client[draw]'``); raises DocumentUnreadable where it is not a picture.
        """
        from layoutserve_client.drawing import draw

        return draw(self, image, page)


class OcrResponse(Answered):
    """The words of a document; ``model`` is the OCR's."""


class KieResponse(KieResult, Answered):
    """Key information of a document."""


class ClassificationResponse(ClassificationResult, Answered):
    """The class of a document."""


class DocvqaResponse(DocvqaResult, Answered):
    """Answers to questions about a document."""


class AnalyzeResponse(Answered):
    """The results of several tasks; None where a task was not asked for."""

    kie: KieResult | None = None
    classification: ClassificationResult | None = None
    docvqa: DocvqaResult | None = None


RESPONSES: dict[Endpoint, type[Answered]] = {
    "ocr": OcrResponse,
    "kie": KieResponse,
    "classification": ClassificationResponse,
    "docvqa": DocvqaResponse,
    "analyze": AnalyzeResponse,
}


class Progress(_Wire):
    """Progress of a job; ``pages_total`` is None until the document has been opened."""

    pages_done: int
    pages_total: int | None


R = TypeVar("R", bound=Answered)


class Job(_Wire, Generic[R]):
    """A document answered later. ``result`` is there once the status is ``succeeded``."""

    id: str
    task: Endpoint
    status: JobStatus
    created_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    expires_at: datetime.datetime | None
    progress: Progress
    result: R | None
    problem: dict[str, object] | None = Field(description="Why it failed, after RFC 9457")

    @property
    def done(self) -> bool:
        """True once it has ended, in whatever way."""
        return self.status in ("succeeded", "failed", "cancelled")


class ModelLimits(_Wire):
    """Limits of a request."""

    max_tokens: int
    max_file_bytes: int
    max_pixels: int
    max_pages: int
    max_job_pages: int
    max_questions: int


class ModelInfo(Model):
    """A model that is served, and what it can do."""

    default: bool
    current: bool = True
    source: str
    tasks: list[Task]
    labels: dict[str, list[str]]
    fields: dict[str, str]
    precision: str
    operators: str
    limits: ModelLimits
    metrics: dict[str, dict[str, float]]

    @property
    def entity_labels(self) -> list[str]:
        """Labels that the entities of kie may have."""
        return self.labels.get("kie", [])
