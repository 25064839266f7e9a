"""Key information: per-token logits become entities on the page, and entities the fields a document has.

Each word is labelled by its first sub-token, as in training; ``bio`` makes entities of the labels of a page, over line
breaks and beside other columns. Fields are chosen among the entities of all pages of a document.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model import bio, values
from model import rules as decoding
from model.bio import Piece
from model.bundle import FieldSpec, Head
from model.page import Box, Page, Polygon, Word
from model.tensors import Encoding, Logits
from model.values import Conventions
from model.windows import merge_words


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled span of words.

    text: its words, joined by spaces. score: probability that all its words are labelled right, as sure as the
    least sure of them. page: number from 1. box, polygon: page pixels. words: indices on the page, ascending.
    """

    label: str
    text: str
    score: float
    page: int
    box: Box
    polygon: Polygon
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money: a decimal number ("1234.50") and its ISO 4217 currency, if the document tells."""

    amount: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """What a document says for a label of the schema.

    text: as it stands on the page. value: an ISO date, an amount, or the text again; None if it does not parse.
    """

    label: str
    text: str
    value: str | Amount | None
    score: float
    page: int
    box: Box
    words: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class KieResult:
    """entities: in reading order. fields: in the order of the schema; of a single label at most one."""

    entities: tuple[Entity, ...]
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PageEntities:
    """What one page contributes: its entities, and what the rules look at.

    words: the page's. bbox: int64 (words, 4), 0-1000 of the upright page. log_probs: float32 (words, C), what each
    word is labelled. number, turn: the page's.
    """

    entities: tuple[Entity, ...]
    words: tuple[Word, ...]
    bbox: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    number: int = 1
    turn: int = 0


def decode_page(windows: Sequence[Encoding], logits: Sequence[Logits], page: Page, head: Head) -> PageEntities:
    """Find the entities of one page from all its windows."""
    words = page.words or ()
    rows = [found.kie for found in logits if found.kie is not None]
    if not words:
        nothing = np.zeros((0, len(head.labels)), dtype=np.float32)
        return PageEntities((), (), np.zeros((0, 4), dtype=np.int64), nothing, page.number, page.turn)
    log_probs = bio.log_softmax(merge_words(windows, rows, len(words)) / head.temperature)
    bbox = merge_words(windows, [window.bbox.astype(np.float32) for window in windows], len(words)).astype(np.int64)
    pieces = bio.entities(log_probs, bbox, head.labels)
    entities = tuple(_entity(piece, page.number, page.turn, words) for piece in pieces)
    return PageEntities(entities, words, bbox, log_probs, page.number, page.turn)


def decode_document(pages: Sequence[PageEntities], head: Head, rules: Collection[str] | None = None) -> KieResult:
    """Choose the fields of a document from the entities of its pages.

    ``rules`` are the decoding rules that are on, the manifest's by default. Raises RequestError for an unknown one.
    """
    active = decoding.check_rules(head.rules if rules is None else rules)
    found = [(entity, page) for page in pages for entity in page.entities]
    conventions = values.conventions(word.text for page in pages for word in page.words)
    fields: list[Field] = []
    dropped: set[int] = set()
    for label, spec in head.fields.items():
        of_label = [(entity, page) for entity, page in found if entity.label == label]
        candidates = _allowed(label, spec, of_label, conventions, active)
        if not candidates and spec.single and decoding.GUESS_MISSING in active:
            candidates = _allowed(label, spec, _guesses(label, pages, head), conventions, active)
        if spec.single:
            candidates = sorted(candidates, key=lambda pair: -pair[0].score)[:1]
            if decoding.SINGLE_VALUED in active:
                kept = {id(entity) for entity, _ in candidates}
                dropped |= {id(entity) for entity, _ in of_label} - kept
        fields += [_field(label, spec, entity, conventions, active) for entity, _ in candidates]
    return KieResult(tuple(entity for entity, _ in found if id(entity) not in dropped), tuple(fields))


def _guesses(label: str, pages: Sequence[PageEntities], head: Head) -> list[tuple[Entity, PageEntities]]:
    """What might be a label without any entity, on each page that has something that is not too improbable."""
    guesses = ((bio.guess(label, page.log_probs, head.labels), page) for page in pages)
    return [
        (_entity(piece, page.number, page.turn, page.words), page)
        for piece, page in guesses
        if piece is not None and piece.score >= decoding.LEAST_GUESS
    ]


def _entity(piece: Piece, number: int, turn: int, words: Sequence[Word]) -> Entity:
    chosen = [words[index] for index in piece.words]
    box = Box.around(point for word in chosen for point in ((word.box.x0, word.box.y0), (word.box.x1, word.box.y1)))
    return Entity(
        label=piece.name,
        text=" ".join(word.text for word in chosen),
        score=min(max(piece.score, 0.0), 1.0),
        page=number,
        box=box,
        polygon=_polygon(chosen, box, turn),
        words=tuple(piece.words),
    )


def _polygon(words: Sequence[Word], box: Box, turn: int) -> Polygon:
    """Corners in reading direction: along the words on one line, of the box over several."""
    first, last = words[0], words[-1]
    if all(word.line == first.line for word in words):
        return first.polygon[0], last.polygon[1], last.polygon[2], first.polygon[3]
    corners = ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))
    # Turning the page clockwise brings its bottom left corner to the top left, where reading begins.
    start = -(turn // 90) % 4
    return corners[start], corners[(start + 1) % 4], corners[(start + 2) % 4], corners[(start + 3) % 4]


def _allowed(
    label: str,
    spec: FieldSpec,
    candidates: list[tuple[Entity, PageEntities]],
    conventions: Conventions,
    rules: Collection[str],
) -> list[tuple[Entity, PageEntities]]:
    if decoding.VALUES_PARSE in rules:
        candidates = [pair for pair in candidates if _found(spec, pair[0].text, conventions) or spec.type == "text"]
    preferred = []
    if decoding.TOTAL_NEAR_KEYWORD in rules and label.lower() in decoding.TOTAL_LABELS:
        for entity, page in candidates:
            keywords = page.bbox[decoding.total_keywords(page.words)]
            if decoding.near_keyword(_bounds(page.bbox[list(entity.words)]), keywords):
                preferred.append((entity, page))
    if decoding.COMPANY_IN_FIRST_LINES in rules and label.lower() in decoding.COMPANY_LABELS:
        for entity, page in candidates:
            if decoding.line_numbers(page.bbox)[entity.words[0]] < decoding.FIRST_LINES:
                preferred.append((entity, page))
    return preferred or candidates


def _bounds(bbox: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate((bbox[:, :2].min(axis=0), bbox[:, 2:].max(axis=0)))


def _field(label: str, spec: FieldSpec, entity: Entity, conventions: Conventions, rules: Collection[str]) -> Field:
    text, value = entity.text, _found(spec, entity.text, conventions)
    if decoding.TRIM_VALUES in rules:
        text = value.text if value else text.strip(" :;|*") or text
    normal: str | Amount | None = value.value if value else None
    if spec.type == "text":
        normal = " ".join(text.split())
    elif value and spec.type == "amount":
        normal = Amount(value.value, value.currency or conventions.currency)
    return Field(label, text, normal, entity.score, entity.page, entity.box, entity.words)


def _found(spec: FieldSpec, text: str, conventions: Conventions) -> values.Value | None:
    if spec.type == "text":
        return None
    return (values.find_date if spec.type == "date" else values.find_amount)(text, conventions)
