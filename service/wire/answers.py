"""Between the wire and the model: requests as the pipeline wants them, results as the contract has them."""

from collections.abc import Sequence
from typing import cast

from layoutserve.model.bundle import Bundle, Task
from layoutserve.model.decoding import classification, docvqa, kie
from layoutserve.model.decoding.fields import bio
from layoutserve.model.page import Box, Word
from layoutserve.model.page.given_words import GivenWord
from layoutserve.model.pipeline import DocumentResult, PageInfo, Pipeline, Request
from layoutserve.service.settings import Settings
from layoutserve.service.wire import schemas

# A tenth of a pixel is finer than any box is right, and keeps answers short.
PIXEL_DIGITS = 1
SCORE_DIGITS = 6


def request(endpoint: schemas.Endpoint, body: schemas.ReadRequest, pipeline: Pipeline) -> Request:
    """Say what is wanted of a document as the pipeline wants it."""
    if not isinstance(body, schemas.DocumentRequest):
        return Request(language=body.language)
    questions = tuple(getattr(body, "question", ()))
    tasks: tuple[Task, ...]
    if isinstance(body, schemas.AnalyzeRequest):
        able = pipeline.bundle.manifest.tasks
        tasks = cast(tuple[Task, ...], tuple(dict.fromkeys(body.task or able)))
        if body.task is None and not questions:
            tasks = tuple(task for task in tasks if task != "docvqa")
    else:
        tasks = (cast(Task, endpoint),)
    return Request(
        tasks=tasks,
        questions=questions,
        top_k=getattr(body, "top_k", 1),
        language=body.language,
        words=None if body.words is None else tuple(GivenWord(w.text, w.box, w.page, w.score) for w in body.words),
        words_unit=body.words_unit,
        rules=() if getattr(body, "rules", "model") == "none" else None,
    )


def answer(
    endpoint: schemas.Endpoint, result: DocumentResult, model_: schemas.Model, request_id: str
) -> schemas.Answered:
    """Write the result of a document as the answer of an endpoint."""
    common = schemas.Answered(
        request_id=request_id,
        model=model_,
        pages=[_page(page) for page in result.pages],
        timings_ms={stage: round(ms, 2) for stage, ms in result.timings_ms.items()},
        warnings=list(result.warnings),
    )
    shared = {name: getattr(common, name) for name in schemas.Answered.model_fields}
    found = None if result.kie is None else _kie(result.kie)
    classes = None if result.classes is None else _classification(result)
    answers = None if result.answers is None else _docvqa(result.answers)
    match endpoint:
        case "ocr":
            return schemas.OcrResponse(**shared)
        case "kie" if found is not None:
            return schemas.KieResponse(**shared, entities=found.entities, fields=found.fields)
        case "classification" if classes is not None:
            return schemas.ClassificationResponse(**shared, classes=classes.classes, page_classes=classes.page_classes)
        case "docvqa" if answers is not None:
            return schemas.DocvqaResponse(**shared, answers=answers.answers)
        case _:
            return schemas.AnalyzeResponse(**shared, kie=found, classification=classes, docvqa=answers)


def model(bundle: Bundle) -> schemas.Model:
    """Say which model answered."""
    manifest = bundle.manifest
    return schemas.Model(name=manifest.name, version=manifest.version, licence=manifest.licence)


def models(served: Sequence[tuple[Bundle, str]], settings: Settings) -> schemas.Models:
    """Describe the models that are served, the default one first: bundles, and which operators run them."""
    return schemas.Models(models=[_info(*one, number == 0, settings) for number, one in enumerate(served)])


def _info(bundle: Bundle, operators: str, default: bool, settings: Settings) -> schemas.ModelInfo:
    manifest = bundle.manifest
    kie_head = manifest.heads.get("kie")
    return schemas.ModelInfo(
        name=manifest.name,
        version=manifest.version,
        licence=manifest.licence,
        default=default,
        source=manifest.source,
        tasks=[cast(Task, task) for task in manifest.tasks],
        labels={
            task: list(bio.names(head.labels) if task == "kie" else head.labels)
            for task, head in manifest.heads.items()
        },
        fields={label.lower(): spec.type for label, spec in kie_head.fields.items()} if kie_head else {},
        precision=manifest.precision,
        operators=operators,
        limits=schemas.ModelLimits(
            max_tokens=manifest.max_tokens,
            max_file_bytes=settings.max_file_bytes,
            max_pixels=settings.max_pixels,
            max_pages=settings.max_pages,
            max_job_pages=settings.max_job_pages,
            max_questions=schemas.MAX_QUESTIONS,
        ),
        metrics={name: dict(scores) for name, scores in manifest.metrics.items()},
    )


def _page(page: PageInfo) -> schemas.Page:
    return schemas.Page(
        number=page.number,
        width=page.width,
        height=page.height,
        dpi=page.dpi,
        turn=page.turn,
        words=[_word(word) for word in page.words],
    )


def _word(word: Word) -> schemas.Word:
    return schemas.Word(
        text=word.text, box=_box(word.box), polygon=_polygon(word.polygon), score=_score(word.score), line=word.line
    )


def _kie(result: kie.KieResult) -> schemas.KieResult:
    fields: dict[str, schemas.FieldValue] = {}
    for field in sorted(result.fields, key=lambda field: -field.score):
        text = {
            "text": field.text,
            "value": schemas.Amount(amount=field.value.amount, currency=field.value.currency)
            if isinstance(field.value, kie.Amount)
            else field.value,
            "score": _score(field.score),
            "page": field.page,
            "box": _box(field.box),
        }
        if (best := fields.get(field.label.lower())) is None:
            fields[field.label.lower()] = schemas.FieldValue.model_validate(text | {"more": []})
        else:
            best.more.append(schemas.FieldText.model_validate(text))
    entities = [
        schemas.Entity(
            label=entity.label,
            text=entity.text,
            score=_score(entity.score),
            page=entity.page,
            box=_box(entity.box),
            polygon=_polygon(entity.polygon),
            words=list(entity.words),
        )
        for entity in result.entities
    ]
    order = list(dict.fromkeys(field.label.lower() for field in result.fields))
    return schemas.KieResult(entities=entities, fields={label: fields[label] for label in order})


def _classification(result: DocumentResult) -> schemas.ClassificationResult:
    pages = zip(result.pages, result.page_classes or (), strict=True)
    return schemas.ClassificationResult(
        classes=_classes(result.classes or ()),
        page_classes=[schemas.PageClasses(page=page.number, classes=_classes(classes)) for page, classes in pages],
    )


def _classes(classes: tuple[classification.DocumentClass, ...]) -> list[schemas.ClassScore]:
    return [schemas.ClassScore(label=found.label, score=_score(found.score)) for found in classes]


def _docvqa(results: tuple[docvqa.Answers, ...]) -> schemas.DocvqaResult:
    return schemas.DocvqaResult(
        answers=[
            schemas.QuestionAnswers(
                question=result.question,
                answers=[
                    schemas.Answer(
                        text=found.text,
                        score=_score(found.score),
                        page=found.page,
                        boxes=[_box(box) for box in found.boxes],
                        words=list(found.words),
                    )
                    for found in result.answers
                ],
                no_answer_score=_score(result.no_answer_score),
            )
            for result in results
        ]
    )


def _box(box: Box) -> schemas.BoxTuple:
    return (_pixel(box.x0), _pixel(box.y0), _pixel(box.x1), _pixel(box.y1))


def _polygon(polygon: tuple[tuple[float, float], ...]) -> schemas.PolygonTuple:
    first, second, third, fourth = ((_pixel(x), _pixel(y)) for x, y in polygon)
    return first, second, third, fourth


def _pixel(value: float) -> float:
    return round(float(value), PIXEL_DIGITS)


def _score(value: float) -> float:
    return min(max(round(float(value), SCORE_DIGITS), 0.0), 1.0)
