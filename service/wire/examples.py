"""Requests and answers as the contract shows them: a small receipt. Made from the schemas, so their form is right."""

from layoutserve.service.wire import schemas
from layoutserve.service.wire.requests import MAX_QUESTIONS
from layoutserve.service.wire.scalars import BoxTuple, PolygonTuple

# The smallest document that stands for any: a white PNG of one pixel.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTX6+QAAAABJRU5ErkJggg=="

_TIMINGS = {"read": 9.1, "ocr": 212.4, "encode": 1.9, "queue": 0.2, "infer": 41.7, "decode": 1.1, "total": 267.0}
_MODEL = schemas.Model(name="starter", version="1.0.0", licence="Apache-2.0")
_OCR = schemas.Model(name="PP-OCRv6_small", version="6", licence="Apache-2.0")
_ID = "2f1c9a7e5b6d4c3f"


def _corners(box: BoxTuple) -> PolygonTuple:
    x0, y0, x1, y1 = box
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)


def _word(text: str, box: BoxTuple, line: int) -> schemas.Word:
    return schemas.Word(text=text, box=box, polygon=_corners(box), score=0.998, line=line, source="ocr")


_TOTAL: BoxTuple = (138.0, 258.5, 205.0, 278.5)
_NAME: BoxTuple = (41.0, 48.5, 243.0, 68.5)
_PAGE = schemas.Page(
    number=1,
    width=480,
    height=360,
    dpi=None,
    turn=0,
    words=[
        _word("ACME", (41.0, 48.5, 118.0, 68.5), 0),
        _word("TRADING", (126.0, 48.5, 243.0, 68.5), 0),
        _word("TOTAL", (41.0, 258.5, 128.0, 278.5), 1),
        _word("12.50", _TOTAL, 1),
    ],
    selection_marks=[],
)
_ANSWERED = schemas.Answered(request_id=_ID, model=_MODEL, pages=[_PAGE], form_fields=[], timings_ms=_TIMINGS)
_SHARED = dict(_ANSWERED)
_KIE = schemas.KieResult(
    entities=[
        schemas.Entity(
            label="COMPANY",
            text="ACME TRADING",
            score=0.97,
            page=1,
            box=_NAME,
            polygon=_corners(_NAME),
            words=[0, 1],
        ),
        schemas.Entity(
            label="TOTAL", text="12.50", score=0.99, page=1, box=_TOTAL, polygon=_corners(_TOTAL), words=[3]
        ),
    ],
    fields={
        "company": schemas.FieldValue(
            text="ACME TRADING", value="ACME TRADING", score=0.97, page=1, box=_NAME, more=[]
        ),
        "total": schemas.FieldValue(
            text="12.50", value=schemas.Amount(amount="12.50", currency=None), score=0.99, page=1, box=_TOTAL, more=[]
        ),
    },
)
_CLASSES = [schemas.ClassScore(label="receipt", score=0.98), schemas.ClassScore(label="invoice", score=0.02)]
_CLASSIFICATION = schemas.ClassificationResult(
    classes=_CLASSES, page_classes=[schemas.PageClasses(page=1, classes=_CLASSES)]
)
_DOCVQA = schemas.DocvqaResult(
    answers=[
        schemas.QuestionAnswers(
            question="What is the total?",
            answers=[schemas.Answer(text="12.50", score=0.93, page=1, boxes=[_TOTAL], words=[3])],
            no_answer_score=0.04,
        ),
        schemas.QuestionAnswers(question="Who is the driver?", answers=[], no_answer_score=0.91),
    ]
)

KIE = schemas.KieResponse(**_SHARED, **dict(_KIE))
CLASSIFICATION = schemas.ClassificationResponse(**_SHARED, **dict(_CLASSIFICATION))
DOCVQA = schemas.DocvqaResponse(**_SHARED, **dict(_DOCVQA))
OCR = schemas.OcrResponse(**(_SHARED | {"model": _OCR}))
ANALYZE = schemas.AnalyzeResponse(**_SHARED, kie=_KIE, classification=None, docvqa=_DOCVQA)
JOB = schemas.Job(
    id="84fd023439eb4cbd91aea0a9e0e80eb6",
    task="kie",
    status="running",
    created_at="2026-01-31T12:00:00.000+00:00",
    started_at="2026-01-31T12:00:00.012+00:00",
    finished_at=None,
    expires_at=None,
    progress=schemas.Progress(pages_done=3, pages_total=10),
    result=None,
    problem=None,
)
MODELS = schemas.Models(
    models=[
        schemas.ModelInfo(
            **dict(_MODEL),
            default=True,
            current=True,
            source="layoutserve",
            tasks=["kie", "classification", "docvqa"],
            labels={"kie": ["TOTAL"], "classification": ["receipt", "invoice"], "docvqa": []},
            fields={"total": "amount"},
            precision="int8",
            operators="native",
            limits=schemas.ModelLimits(
                max_tokens=512,
                max_file_bytes=20_971_520,
                max_pixels=50_000_000,
                max_pages=20,
                max_job_pages=500,
                max_questions=MAX_QUESTIONS,
            ),
            metrics={},
        )
    ],
    quarantined=[],
)
