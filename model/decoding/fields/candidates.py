"""Candidates: what may become a field of a document, and what speaks for it.

Rules (``choose``) go from candidates to candidates: they drop, add and cut them, or leave evidence, which the choice
goes by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

from layoutserve.model.bundle import FieldSpec
from layoutserve.model.decoding.fields import values
from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.entities import Entity, PageEntities
from layoutserve.model.decoding.fields.values import Conventions, Value

# The rank of an entity that the model did not say by itself, behind all that it said.
ADDED = 1 << 30


class Evidence(IntFlag):
    """Evidence for a candidate; each kind outweighs all before it together."""

    NONE = 0
    IN_FIRST_LINES = 1
    NEAR_KEYWORD = 2
    LEGAL_FORM = 4
    SETTLED = 8


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that may become a field.

    page: index of its page in the document. value: the date or amount that the entity says, None where it says none or
    is text. text: what the field would say. rank: place among the entities of its page, as the model said them.
    lines: the entity's words line by line, empty until a rule cuts it into lines.
    """

    entity: Entity
    page: int
    value: Value | None
    text: str
    rank: int = ADDED
    lines: tuple[tuple[int, ...], ...] = ()
    evidence: Evidence = Evidence.NONE


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """A label and the document in which it is looked for.

    spec: what the label is as a field. pages: of the document, in order. labels: of words, in the order of
    ``log_probs``. conventions: how the document writes its values.
    """

    label: str
    spec: FieldSpec
    pages: Sequence[PageEntities]
    labels: Sequence[str]
    conventions: Conventions

    def said(self) -> list[Candidate]:
        """The entities that the model gave this label, page by page."""
        return [
            self.candidate(entity, number, rank)
            for number, page in enumerate(self.pages)
            for rank, entity in enumerate(page.entities)
            if entity.label == self.label
        ]

    def candidate(self, entity: Entity, page: int, rank: int = ADDED) -> Candidate:
        """An entity of a page as a candidate, its value read."""
        return Candidate(entity, page, self.read(entity.text), entity.text, rank)

    def added(self, piece: Piece, page: int) -> Candidate:
        """Words that the model did not make an entity as a candidate."""
        return self.candidate(self.pages[page].entity(piece), page)

    def read(self, text: str) -> Value | None:
        """The date or amount in a text; None if there is none or the field is text."""
        if self.spec.type == "text":
            return None
        return (values.find_date if self.spec.type == "date" else values.find_amount)(text, self.conventions)
