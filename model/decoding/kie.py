"""Key information: per-token logits become entities on the page, and entities the fields a document has.

Each word is labelled by its first sub-token, as in training; ``bio`` makes entities of the labels of a page, over line
breaks and beside other columns. Fields are chosen among the entities of all pages of a document.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding import rules as decoding
from layoutserve.model.decoding.fields import bio, candidates, values
from layoutserve.model.decoding.fields.candidates import Candidate, Parse
from layoutserve.model.decoding.fields.entities import Entity, PageEntities, entity_of
from layoutserve.model.decoding.fields.values import Conventions
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.encoding.windows import merge_words
from layoutserve.model.page import Box, Page

__all__ = ["Amount", "Entity", "Field", "KieResult", "PageEntities", "decode_document", "decode_page"]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money: a decimal number ("1234.50") and its ISO 4217 currency, if the document tells."""

    amount: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """What a document says for a label of the schema.

    text: as it stands on the page. value: an ISO date, an amount, or the text again; None if it does not parse.
    score: probability that the document says this and that it was read right; a date's or an amount's places on its
    pages add up.
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
    entities = tuple(entity_of(piece, words, page.number, page.turn) for piece in pieces)
    return PageEntities(entities, words, bbox, log_probs, page.number, page.turn)


def decode_document(pages: Sequence[PageEntities], head: Head, rules: Collection[str] | None = None) -> KieResult:
    """Choose the fields of a document from the entities of its pages.

    ``rules`` are the decoding rules that are on, the manifest's by default. Raises RequestError for an unknown one.
    """
    active = decoding.check_rules(head.rules if rules is None else rules)
    conventions = values.conventions(word.text for page in pages for word in page.words)
    document = _Document(pages, head, active, conventions)
    found = [(entity, page) for page in pages for entity in candidates.tidied(page, active)]
    fields: list[Field] = []
    dropped: set[int] = set()
    for label, spec in head.fields.items():
        of_label = [(entity, page) for entity, page in found if entity.label == label]
        chosen = document.choose(label, spec, of_label)
        fields += [document.field(spec, pair, score) for pair, score in chosen]
        if spec.single and decoding.SINGLE_VALUED in active:
            known, kept = {id(entity) for entity, _ in of_label}, {id(entity) for (entity, _), _ in chosen}
            dropped |= known - kept
            found += [pair for pair, _ in chosen if id(pair[0]) not in known]
    order = {id(page): number for number, page in enumerate(pages)}
    kept_entities = [(entity, page) for entity, page in found if id(entity) not in dropped]
    kept_entities.sort(key=lambda pair: (order[id(pair[1])], pair[0].words))
    return KieResult(tuple(entity for entity, _ in kept_entities), tuple(fields))


@dataclass(frozen=True, slots=True, eq=False)
class _Document:
    pages: Sequence[PageEntities]
    head: Head
    rules: frozenset[str]
    conventions: Conventions

    def choose(self, label: str, spec: FieldSpec, entities: list[Candidate]) -> list[tuple[Candidate, float]]:
        """The candidates that become fields, with their scores: of a single label the best one."""
        if not spec.single:
            return [(pair, pair[0].score) for pair in self._allowed(label, spec, entities)]
        found = entities
        if spec.type == "amount" and label.lower() in decoding.TOTAL_LABELS:
            found = candidates.settled(label, entities, self.pages, self.head, self._parser(spec), self.rules) or found
        best = self._allowed(label, spec, found)
        if not best and decoding.GUESS_MISSING in self.rules:
            best = self._allowed(label, spec, candidates.guesses(label, self.pages, self.head))
        scored = [(pair, self._score(spec, pair)) for pair in best]
        return sorted(scored, key=lambda pair: (-pair[1], -pair[0][0].score))[:1]

    def field(self, spec: FieldSpec, candidate: Candidate, score: float) -> Field:
        """What an entity says as a field."""
        entity, page = candidate
        text, value = entity.text, self._value(spec, entity.text)
        if decoding.TRIM_VALUES in self.rules:
            text = value.text if value else text.strip(" :;|*") or text
        normal: str | Amount | None = value.value if value else None
        if spec.type == "text":
            normal = " ".join(text.split())
        elif value and spec.type == "amount":
            normal = Amount(value.value, value.currency or self.conventions.currency)
        share = _share_right(score, spec) * math.prod(page.words[index].score for index in entity.words)
        return Field(entity.label, text, normal, share, entity.page, entity.box, entity.words)

    def _allowed(self, label: str, spec: FieldSpec, found: list[Candidate]) -> list[Candidate]:
        if decoding.VALUES_PARSE in self.rules and spec.type != "text":
            found = [pair for pair in found if self._value(spec, pair[0].text)]
        return candidates.preferred(label, found, self.rules)

    def _score(self, spec: FieldSpec, candidate: Candidate) -> float:
        value = self._value(spec, candidate[0].text)
        if value is None:
            return candidate[0].score
        return candidates.score_of_value(value.value, candidate, self.pages, self.head, self._parser(spec))

    def _parser(self, spec: FieldSpec) -> Parse:
        def parse(text: str) -> str | None:
            value = self._value(spec, text)
            return value.value if value else None

        return parse

    def _value(self, spec: FieldSpec, text: str) -> values.Value | None:
        if spec.type == "text":
            return None
        return (values.find_date if spec.type == "date" else values.find_amount)(text, self.conventions)


def _share_right(score: float, spec: FieldSpec) -> float:
    """The share of the fields with this score that are right, as the field's calibration has it."""
    odds = min(max(score, 1e-9), 1 - 1e-9)
    return 1 / (1 + math.exp(-(spec.slope * math.log(odds / (1 - odds)) + spec.shift)))
