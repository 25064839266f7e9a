"""Answers: what comes back over the wire. Every name here is part of the HTTP contract.

Boxes are ``[x0, y0, x1, y1]`` in pixels of the page as sent (PDF pages at the stated dpi), origin top left.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from layoutserve.service.wire.problems import Problem
from layoutserve.service.wire.scalars import BoxTuple, PageNumber, PolygonTuple, Score

Task = Literal["kie", "classification", "docvqa"]
JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class Model(BaseModel):
    """The model that answered."""

    name: str = Field(examples=["starter"])
    version: str = Field(examples=["1.0.0"])
    licence: str = Field(examples=["Apache-2.0"])


class Word(BaseModel):
    """A word, parted from others by white space, with its place."""

    text: str = Field(examples=["TOTAL"])
    box: BoxTuple
    polygon: PolygonTuple
    score: Score
    line: int = Field(ge=0, description="Number of the text line in reading order, from 0")
    source: Literal["text_layer", "ocr", "given"] = Field(
        description="Where the word is from: a PDF's own text, our OCR, or the request"
    )


class SelectionMark(BaseModel):
    """A checkbox or a radio button of a PDF."""

    state: Literal["selected", "unselected"]
    box: BoxTuple
    name: str = Field(description="Name of its form field; empty where it is written and no field", examples=["member"])


class Page(BaseModel):
    """One page that was read, with its words in reading order."""

    number: PageNumber
    width: int = Field(ge=1, description="Pixels", examples=[932])
    height: int = Field(ge=1, description="Pixels", examples=[1430])
    dpi: float | None = Field(description="Resolution at which a PDF page was drawn, else null")
    turn: Literal[0, 90, 180, 270] = Field(
        description="Degrees clockwise the page was turned to be read; boxes are not"
    )
    words: list[Word]
    selection_marks: list[SelectionMark] = Field(description="Checkboxes and radio buttons of a PDF")


class Entity(BaseModel):
    """A labelled span of words."""

    label: str = Field(examples=["TOTAL"])
    text: str = Field(examples=["9.00"])
    score: Score
    page: PageNumber
    box: BoxTuple
    polygon: PolygonTuple
    words: list[int] = Field(description="Indices into the words of that page")


class Amount(BaseModel):
    """An amount of money."""

    amount: str = Field(description="Decimal number with a point", examples=["9.00"])
    currency: str | None = Field(description="ISO 4217 code, if the text tells it", examples=["MYR"])


class Alternative(BaseModel):
    """Another value that a text may have."""

    value: str = Field(description="ISO date", examples=["2017-04-07"])
    score: Score


class FieldText(BaseModel):
    """A text that a document gives for a label, with its value normalised by type."""

    text: str = Field(description="As it stands on the page", examples=["RM 9.00"])
    value: str | Amount | None = Field(description="Text, ISO date or amount; null if the text does not parse")
    score: Score
    page: PageNumber
    box: BoxTuple
    alternatives: list[Alternative] = Field(
        [],
        description="Other days that a date in figures may mean, most probable first, where the document does not "
        "decide between them; they share the probability",
    )


class FieldValue(FieldText):
    """The best text that a document gives for a label."""

    more: list[FieldText] = Field(description="Further ones, best first, of a label a document may have several of")


class ClassScore(BaseModel):
    """A class and its probability."""

    label: str = Field(examples=["receipt"])
    score: Score


class PageClasses(BaseModel):
    """The classes of one page, best first."""

    page: PageNumber
    classes: list[ClassScore]


class Answer(BaseModel):
    """An answer found on a page."""

    text: str = Field(examples=["9.00"])
    score: Score
    page: PageNumber
    boxes: list[BoxTuple] = Field(description="One box for each line of the answer")
    words: list[int] = Field(description="Indices into the words of that page")


class QuestionAnswers(BaseModel):
    """The ranked answers to one question; none if the document does not hold one."""

    question: str
    answers: list[Answer]
    no_answer_score: Score


class KieResult(BaseModel):
    """Key information."""

    entities: list[Entity] = Field(description="In reading order")
    fields: dict[str, FieldValue] = Field(description="By label in lower case")


class ClassificationResult(BaseModel):
    """Classes of the document and of its pages, best first."""

    classes: list[ClassScore]
    page_classes: list[PageClasses]


class DocvqaResult(BaseModel):
    """Answers in the order of the questions."""

    answers: list[QuestionAnswers]


class FormField(BaseModel):
    """A field of a PDF's form (AcroForm) that is seen on a page."""

    name: str = Field(description="Fully qualified, its parts joined by points", examples=["applicant.surname"])
    type: Literal["text", "checkbox", "radio", "choice", "signature"]
    value: str | None = Field(
        description="Text typed or chosen; of a checkbox or radio button the name of the state that is on; null if none"
    )
    page: PageNumber
    box: BoxTuple


class Answered(BaseModel):
    """The part that all answers have in common."""

    request_id: str
    model: Model
    pages: list[Page]
    form_fields: list[FormField] = Field(description="Fields of a PDF's form, page by page")
    timings_ms: dict[str, float] = Field(
        description="Milliseconds by stage (read, ocr, encode, queue, infer, decode), pages added up; total is elapsed",
        examples=[
            {"read": 9.1, "ocr": 512.4, "encode": 3.0, "queue": 0.2, "infer": 81.7, "decode": 1.1, "total": 610.3}
        ],
    )

    warnings: list[str] = Field(
        [], description="What the caller should know of, such as boxes that reach beyond the page"
    )


class OcrResponse(Answered):
    """The words of a document; ``model`` is the OCR's."""


class KieResponse(KieResult, Answered):
    """Key information of a document."""


class ClassificationResponse(ClassificationResult, Answered):
    """The class of a document."""


class DocvqaResponse(DocvqaResult, Answered):
    """Answers to questions about a document."""


class AnalyzeResponse(Answered):
    """The results of several tasks; null where a task was not asked for."""

    kie: KieResult | None = None
    classification: ClassificationResult | None = None
    docvqa: DocvqaResult | None = None


class Progress(BaseModel):
    """Progress of a job."""

    pages_done: int = Field(ge=0)
    pages_total: int | None = Field(description="null until the document has been opened")


class Job(BaseModel):
    """A document answered later."""

    id: str
    task: str
    status: JobStatus
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    started_at: str | None = Field(json_schema_extra={"format": "date-time"})
    finished_at: str | None = Field(json_schema_extra={"format": "date-time"})
    expires_at: str | None = Field(
        json_schema_extra={"format": "date-time"}, description="When a finished job and its result are deleted"
    )
    progress: Progress
    result: dict[str, Any] | None = Field(
        description="What the task's own path would have answered, once the status is succeeded"
    )
    problem: Problem | None = Field(description="Why it failed, once the status is failed")


class ModelLimits(BaseModel):
    """Limits of a request."""

    max_tokens: int = Field(description="Text tokens of one window; longer pages are read in several")
    max_file_bytes: int
    max_pixels: int
    max_pages: int = Field(description="Pages of a document answered at once")
    max_job_pages: int = Field(description="Pages of a document answered as a job")
    max_questions: int


class ModelInfo(Model):
    """A model and what it can do."""

    default: bool = Field(description="Whether it answers requests that name no model")
    current: bool = Field(description="Whether its name alone stands for it; name@version does so always")
    source: str = Field(description="What it was exported from")
    tasks: list[Task]
    labels: dict[str, list[str]] = Field(
        description="By task: of kie what its entities may be labelled, of classification the classes"
    )
    fields: dict[str, Literal["text", "date", "amount"]] = Field(description="Types of the fields of kie")
    precision: str = Field(examples=["int8"])
    operators: str = Field(description="native: the operator library; portable: function bodies", examples=["native"])
    limits: ModelLimits
    metrics: dict[str, dict[str, float]] = Field(description="Measured scores by data set")


class QuarantinedBundle(BaseModel):
    """A bundle that cannot be served as it is."""

    bundle: str = Field(description="Its folder", examples=["/bundles/receipts"])
    reason: str = Field(examples=["encoder.onnx is missing from the bundle /bundles/receipts; export it again."])
    since: str = Field(json_schema_extra={"format": "date-time"})


class Models(BaseModel):
    """The models that are served."""

    models: list[ModelInfo]
    quarantined: list[QuarantinedBundle] = Field(description="Bundles that cannot be served until they are mended")


class Health(BaseModel):
    """State of the service."""

    status: Literal["live", "ready"]
