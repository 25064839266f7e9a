"""Results of the model, written as the contract has them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from layoutserve.model.bundle import Bundle, Task
from layoutserve.model.decoding.classification import DocumentClass
from layoutserve.model.decoding.fields import bio
from layoutserve.model.decoding.kie import Amount
from layoutserve.model.page import Box, FormField, Word
from layoutserve.model.pipeline import DocumentResult, PageInfo
from layoutserve.service.settings import Settings
from layoutserve.service.wire import schemas
from layoutserve.service.wire.requests import MAX_QUESTIONS
from layoutserve.service.wire.scalars import BoxTuple, PolygonTuple

# A tenth of a pixel is finer than any box is right, and keeps answers short.
PIXEL_DIGITS = 1
SCORE_DIGITS = 6


def common(result: DocumentResult, model_: schemas.Model, request_id: str) -> schemas.Answered:
    """The part that all answers have in common."""
    return schemas.Answered(
        request_id=request_id,
        model=model_,
        pages=[_page(page) for page in result.pages],
        form_fields=[_form_field(field, page.number) for page in result.pages for field in page.form_fields],
        timings_ms={stage: round(ms, 2) for stage, ms in result.timings_ms.items()},
        warnings=list(result.warnings),
    )


def model(bundle: Bundle) -> schemas.Model:
    """Say which model answered."""
    manifest = bundle.manifest
    return schemas.Model(name=manifest.name, version=manifest.version, licence=manifest.licence)


def models(
    served: Sequence[tuple[Bundle, str, bool]], quarantined: Sequence[tuple[Path, str, float]], settings: Settings
) -> schemas.Models:
    """Describe the models that are served, the default one first, and the bundles that cannot be.

    served: bundles, which operators run them, and whether their name alone stands for them. quarantined: folders,
    reasons, and since when (seconds since 1970).
    """
    return schemas.Models(
        models=[_info(*one, number == 0, settings) for number, one in enumerate(served)],
        quarantined=[
            schemas.QuarantinedBundle(
                bundle=str(folder),
                reason=reason,
                since=datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds"),
            )
            for folder, reason, since in quarantined
        ],
    )


def _info(bundle: Bundle, operators: str, current: bool, default: bool, settings: Settings) -> schemas.ModelInfo:
    manifest = bundle.manifest
    kie_head = manifest.heads.get("kie")
    return schemas.ModelInfo(
        name=manifest.name,
        version=manifest.version,
        licence=manifest.licence,
        default=default,
        current=current,
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
            max_questions=MAX_QUESTIONS,
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
        selection_marks=[
            schemas.SelectionMark(
                state="selected" if mark.selected else "unselected", box=_box(mark.box), name=mark.name
            )
            for mark in page.selection_marks
        ],
    )


def _form_field(field: FormField, page: int) -> schemas.FormField:
    return schemas.FormField(name=field.name, type=field.kind, value=field.value, page=page, box=_box(field.box))


def _word(word: Word) -> schemas.Word:
    return schemas.Word(
        text=word.text,
        box=_box(word.box),
        polygon=_polygon(word.polygon),
        score=_score(word.score),
        line=word.line,
        source=word.source,
    )


def kie(result: DocumentResult) -> schemas.KieResult | None:
    """Key information; None where it was not asked for."""
    if (found := result.kie) is None:
        return None
    fields: dict[str, schemas.FieldValue] = {}
    for field in sorted(found.fields, key=lambda field: -field.score):
        text = {
            "text": field.text,
            "value": schemas.Amount(amount=field.value.amount, currency=field.value.currency)
            if isinstance(field.value, Amount)
            else field.value,
            "score": _score(field.score),
            "page": field.page,
            "box": _box(field.box),
            "alternatives": [
                schemas.Alternative(value=other.value, score=_score(other.score)) for other in field.alternatives
            ],
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
        for entity in found.entities
    ]
    order = list(dict.fromkeys(field.label.lower() for field in found.fields))
    return schemas.KieResult(entities=entities, fields={label: fields[label] for label in order})


def classification(result: DocumentResult) -> schemas.ClassificationResult | None:
    """Classes; None where they were not asked for."""
    if result.classes is None:
        return None
    pages = zip(result.pages, result.page_classes or (), strict=True)
    return schemas.ClassificationResult(
        classes=_classes(result.classes),
        page_classes=[schemas.PageClasses(page=page.number, classes=_classes(classes)) for page, classes in pages],
    )


def _classes(classes: tuple[DocumentClass, ...]) -> list[schemas.ClassScore]:
    return [schemas.ClassScore(label=found.label, score=_score(found.score)) for found in classes]


def docvqa(result: DocumentResult) -> schemas.DocvqaResult | None:
    """Answers to questions; None where none were asked."""
    if result.answers is None:
        return None
    return schemas.DocvqaResult(
        answers=[
            schemas.QuestionAnswers(
                question=asked.question,
                answers=[
                    schemas.Answer(
                        text=found.text,
                        score=_score(found.score),
                        page=found.page,
                        boxes=[_box(box) for box in found.boxes],
                        words=list(found.words),
                    )
                    for found in asked.answers
                ],
                no_answer_score=_score(asked.no_answer_score),
            )
            for asked in result.answers
        ]
    )


def _box(box: Box) -> BoxTuple:
    return (_pixel(box.x0), _pixel(box.y0), _pixel(box.x1), _pixel(box.y1))


def _polygon(polygon: tuple[tuple[float, float], ...]) -> PolygonTuple:
    first, second, third, fourth = ((_pixel(x), _pixel(y)) for x, y in polygon)
    return first, second, third, fourth


def _pixel(value: float) -> float:
    return round(float(value), PIXEL_DIGITS)


def _score(value: float) -> float:
    return min(max(round(float(value), SCORE_DIGITS), 0.0), 1.0)
