"""Key information: per-token logits become entities on the page, and entities the fields a document has.

Each word is labelled by its first sub-token, as in training; ``bio`` makes entities of the labels of a page, over line
breaks and beside other columns. Fields are chosen among the entities of all pages of a document.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from layoutserve.model.bundle import FieldSpec, Head
from layoutserve.model.decoding.fields import bio, choose, reconcile
from layoutserve.model.decoding.fields.candidates import Candidate, Search
from layoutserve.model.decoding.fields.conventions import NO_PREFERENCE, Preference, conventions
from layoutserve.model.decoding.fields.entities import Entity, PageEntities, entity_of
from layoutserve.model.decoding.rules import SINGLE_VALUED, SUMS_HOLD, check_rules
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.encoding.windows import merge_words
from layoutserve.model.page import Box, Page

__all__ = ["Alternative", "Amount", "Entity", "Field", "KieResult", "PageEntities", "decode_document", "decode_page"]


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of money: a decimal number ("1234.50") and its ISO 4217 currency, if the document tells."""

    amount: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another day that the text of a date may mean, and the probability that it does."""

    value: str
    score: float


@dataclass(frozen=True, slots=True)
class Field:
    """A document's value for a label of the schema.

    text: as it stands on the page. value: an ISO date, an amount, or the text again; None if it does not parse.
    score: probability that the document says this and that it was read right; a date's or an amount's places on its
    pages add up. alternatives: what the same text means in other orders of day and month, where the document does not
    decide; they share the probability.
    """

    label: str
    text: str
    value: str | Amount | None
    score: float
    page: int
    box: Box
    words: tuple[int, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


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


def decode_document(
    pages: Sequence[PageEntities],
    head: Head,
    rules: Collection[str] | None = None,
    preference: Preference = NO_PREFERENCE,
) -> KieResult:
    """Choose the fields of a document from the entities of its pages.

    ``rules`` are the decoding rules that are on, the manifest's by default; ``preference`` is what the caller knows of
    how the document writes. Raises RequestError for an unknown rule.
    """
    active = check_rules(head.rules if rules is None else rules)
    written = conventions(_lines(pages), preference)
    said = (entity.label for page in pages for entity in page.entities)
    labels = dict.fromkeys((*head.fields, *said))
    searches = {
        label: Search(label, head.fields.get(label, FieldSpec()), pages, head.labels, written) for label in labels
    }
    entities = {label: choose.entities(search, active) for label, search in searches.items()}
    chosen: dict[str, reconcile.Chosen] = {
        label: choose.fields(entities[label], searches[label], active) for label in head.fields
    }
    if SUMS_HOLD in active:
        chosen = reconcile.summed(chosen, searches)
    fields: list[Field] = []
    for label, best in chosen.items():
        fields += [_field(candidate, score, searches[label]) for candidate, score in best]
        if head.fields[label].single and SINGLE_VALUED in active:
            entities[label] = [candidate for candidate, _ in best]
    found = [one for label in labels for one in entities[label]]
    found.sort(key=lambda one: (one.page, one.entity.words, one.rank))
    return KieResult(tuple(one.entity for one in found), tuple(fields))


def _field(candidate: Candidate, score: float, search: Search) -> Field:
    """Make a candidate a field."""
    entity, text, value, spec = candidate.entity, candidate.text, candidate.value, search.spec
    normal: str | Amount | None = value.value if value else None
    if spec.type == "text":
        normal = " ".join(text.split())
    elif value and spec.type == "amount":
        normal = Amount(value.value, value.currency or search.conventions.currency)
    words = search.pages[candidate.page].words
    right = _share_right(score, spec) * math.prod(words[index].score for index in entity.words)
    others = tuple(Alternative(other, right * share) for other, share in value.others) if value else ()
    if value:
        right *= value.share
    return Field(entity.label, text, normal, right, entity.page, entity.box, entity.words, others)


def _lines(pages: Sequence[PageEntities]) -> list[str]:
    """The text lines of all pages."""
    return [
        " ".join(word.text for word in line)
        for page in pages
        for _, line in groupby(page.words, key=lambda word: word.line)
    ]


def _share_right(score: float, spec: FieldSpec) -> float:
    """The share of the fields with this score that are right, as the field's calibration has it."""
    odds = min(max(score, 1e-9), 1 - 1e-9)
    return 1 / (1 + math.exp(-(spec.slope * math.log(odds / (1 - odds)) + spec.shift)))
