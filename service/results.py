"""What the pipeline found, in the words of the contract: the same JSON for the service and the command line.

Boxes are rounded to tenths of a pixel and scores to a millionth: more digits would only pretend.
"""

from model.bundle import Bundle
from model.classification import DocumentClass
from model.docvqa import Answers
from model.kie import Amount, Entity, Field
from model.page import Box, Polygon, Word
from model.pipeline import DocumentResult, PageInfo
from service import schemas


def model_of(bundle: Bundle) -> schemas.Model:
    """Which model answered."""
    manifest = bundle.manifest
    return schemas.Model(name=manifest.name, version=manifest.version, licence=manifest.licence)


def pages_of(result: DocumentResult) -> list[schemas.Page]:
    """The pages that were read, with their words."""
    return [_page(page) for page in result.pages]


def kie_of(result: DocumentResult) -> schemas.KieResult | None:
    """Key information. None if it was not asked for."""
    if result.kie is None:
        return None
    by_label: dict[str, list[schemas.FieldText]] = {}
    for field in result.kie.fields:
        by_label.setdefault(field.label.lower(), []).append(_field(field))
    for found in by_label.values():
        found.sort(key=lambda field: -field.score)
    return schemas.KieResult(
        entities=[_entity(entity) for entity in result.kie.entities],
        fields={label: schemas.FieldValue(**dict(best), more=more) for label, (best, *more) in by_label.items()},
    )


def classification_of(result: DocumentResult) -> schemas.ClassificationResult | None:
    """Classes, best first. None if they were not asked for."""
    if result.classes is None or result.page_classes is None:
        return None
    return schemas.ClassificationResult(
        classes=_classes(result.classes),
        page_classes=[
            schemas.PageClasses(page=page.number, classes=_classes(classes))
            for page, classes in zip(result.pages, result.page_classes, strict=True)
        ],
    )


def docvqa_of(result: DocumentResult) -> schemas.DocvqaResult | None:
    """Answers in the order of the questions. None if there were none."""
    if result.answers is None:
        return None
    return schemas.DocvqaResult(answers=[_answers(answers) for answers in result.answers])


def _page(page: PageInfo) -> schemas.Page:
    # Through validation, so that the turn is one of the four that the contract knows.
    sizes = {"number": page.number, "width": page.width, "height": page.height, "dpi": page.dpi, "turn": page.turn}
    return schemas.Page.model_validate({**sizes, "words": [_word(word) for word in page.words]})


def _word(word: Word) -> schemas.Word:
    return schemas.Word(
        text=word.text,
        box=_box(word.box),
        polygon=_polygon(word.polygon),
        score=_score(word.score),
        line=word.line,
    )


def _entity(entity: Entity) -> schemas.Entity:
    return schemas.Entity(
        label=entity.label,
        text=entity.text,
        score=_score(entity.score),
        page=entity.page,
        box=_box(entity.box),
        polygon=_polygon(entity.polygon),
        words=list(entity.words),
    )


def _field(field: Field) -> schemas.FieldText:
    value: str | schemas.Amount | None
    if isinstance(field.value, Amount):
        value = schemas.Amount(amount=field.value.amount, currency=field.value.currency)
    else:
        value = field.value
    return schemas.FieldText(
        text=field.text, value=value, score=_score(field.score), page=field.page, box=_box(field.box)
    )


def _classes(classes: tuple[DocumentClass, ...]) -> list[schemas.ClassScore]:
    return [schemas.ClassScore(label=found.label, score=_score(found.score)) for found in classes]


def _answers(answers: Answers) -> schemas.QuestionAnswers:
    return schemas.QuestionAnswers(
        question=answers.question,
        answers=[
            schemas.Answer(
                text=answer.text,
                score=_score(answer.score),
                page=answer.page,
                boxes=[_box(box) for box in answer.boxes],
                words=list(answer.words),
            )
            for answer in answers.answers
        ],
        no_answer_score=_score(answers.no_answer_score),
    )


def _box(box: Box) -> tuple[float, float, float, float]:
    return round(box.x0, 1), round(box.y0, 1), round(box.x1, 1), round(box.y1, 1)


def _polygon(polygon: Polygon) -> Polygon:
    a, b, c, d = ((round(x, 1), round(y, 1)) for x, y in polygon)
    return a, b, c, d


def _score(score: float) -> float:
    return round(min(max(score, 0.0), 1.0), 6)
