"""Candidates: what may become a field of a document, and what speaks for it.

Rules (``choose``) go from candidates to candidates: they drop, add and cut them, or leave evidence, which the choice
goes by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag

from layoutserve.model.bundle import FieldSpec
from layoutserve.model.decoding.fields.amounts import find_amount
from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.conventions import Conventions
from layoutserve.model.decoding.fields.dates import find_date
from layoutserve.model.decoding.fields.entities import Entity, PageEntities
from layoutserve.model.decoding.fields.values import Value

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

    page: index of its page in the document. value: the date or amount that the entity says, with what stands beside it
    on its line, None where it says none or is text. text: what the field would say. rank: place among the entities of
    its page, as the model said them. lines: the entity's words line by line, empty until a rule cuts it into lines.
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
    known: dict[tuple[str, tuple[int, int] | None], Value | None] = field(default_factory=dict)

    def said(self) -> list[Candidate]:
        """The entities that the model gave this label, page by page; parts of one value once."""
        found: dict[tuple[int, tuple[int, ...]], Candidate] = {}
        for number, page in enumerate(self.pages):
            for rank, entity in enumerate(page.entities):
                if entity.label == self.label:
                    one = self.candidate(entity, number, rank)
                    known = found.setdefault((number, one.entity.words), one)
                    if known.entity.score < one.entity.score:
                        found[number, one.entity.words] = replace(one, rank=known.rank)
        return list(found.values())

    def candidate(self, entity: Entity, page: int, rank: int = ADDED) -> Candidate:
        """An entity of a page as a candidate, its value read with what stands beside it."""
        if self.spec.type == "text":
            return Candidate(entity, page, None, entity.text, rank)
        around = Surroundings.of(entity, self.pages[page])
        alone = self.read(entity.text)
        value = self.read(around.text, (around.start, around.end))
        if value is None and alone is None and not any(map(str.isdigit, entity.text)):
            # The label has caught what announces the value.
            value = self.read(around.text, (around.end, len(around.text)))
            others = {word for other in self.pages[page].entities if other is not entity for word in other.words}
            if value and others.intersection(around.between(*value.core)):
                value = None
        if value is None or (alone and not _is_whole(value, around)):
            return Candidate(entity, page, alone, entity.text, rank)
        start = min(value.core[0], max(value.span[0], around.start))
        end = max(value.core[1], min(value.span[1], around.end))
        value = replace(value, text=around.text[start:end])
        words = sorted({*entity.words, *around.between(start, end)})
        if tuple(words) != entity.words:
            entity = self.pages[page].entity(Piece(entity.label, words, entity.score, False))
        return Candidate(entity, page, value, entity.text, rank)

    def added(self, piece: Piece, page: int) -> Candidate:
        """Words that the model did not make an entity as a candidate."""
        return self.candidate(self.pages[page].entity(piece), page)

    def read(self, text: str, within: tuple[int, int] | None = None) -> Value | None:
        """The date or amount in a text that touches the part ``within``; None if there is none or the field is text."""
        if self.spec.type == "text":
            return None
        if (text, within) not in self.known:
            find = find_date if self.spec.type == "date" else find_amount
            self.known[text, within] = find(text, self.conventions, within)
        return self.known[text, within]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An entity and what stands beside it on its lines, as a text.

    words: those of the page that are in it; starts: where each begins. start, end: place of the entity.
    """

    text: str
    words: tuple[int, ...]
    starts: tuple[int, ...]
    start: int
    end: int

    @classmethod
    def of(cls, entity: Entity, page: PageEntities) -> "Surroundings":
        """What stands beside an entity: the words before its first and behind its last one in their cells."""
        first, last = entity.words[0], entity.words[-1]
        words = (*range(page.cells[first][0], first), *entity.words, *range(last + 1, page.cells[last][1]))
        text, starts = "", []
        for place, word in enumerate(words):
            # Two spaces where the gap is wider than one: no number goes on behind it.
            own = entity.words[0] < word <= entity.words[-1]
            text += "" if not place else " " if own or page.tight[word] else "  "
            starts.append(len(text))
            text += page.words[word].text
        of_word = dict(zip(words, starts, strict=True))
        return cls(text, words, tuple(starts), of_word[first], of_word[last] + len(page.words[last].text))

    def between(self, start: int, end: int) -> list[int]:
        """The words that this part of the text touches."""
        ends = (*self.starts[1:], len(self.text) + 1)
        return [
            word
            for word, begun, ended in zip(self.words, self.starts, ends, strict=True)
            if begun < end and start < ended - 1
        ]


def _is_whole(value: Value, around: Surroundings) -> bool:
    """Say if a number that begins before the entity is one: "2 310.00" is rather a count and an amount."""
    if around.start <= value.core[0]:
        return True
    number = around.text[slice(*value.core)]
    return not (" " in number and "." in number and value.currency is None)
