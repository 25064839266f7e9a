"""From the entities of a document to its fields: the decoding rules in their order, and the choice.

A rule is a function from candidates to candidates. To add one, write it beside what it knows (``company``, ``total``),
give it a name (``decoding.rules``) and a line in the list below.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from layoutserve.model.decoding import rules
from layoutserve.model.decoding.fields import bio, company, total
from layoutserve.model.decoding.fields.candidates import Candidate, Search

# A guess less probable than this says nothing.
LEAST_GUESS = 0.1
# Words less probable than this add nothing to a value's score that counts.
_WORTH_READING = 0.01
# Figures that are no part of a code.
_FIGURES = re.compile(r"(?<![^\W_])\d")

Apply = Callable[[Sequence[Candidate], Search], list[Candidate]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of decoding.

    name: what switches it on; a name may stand for several steps. labels: in lower case, those it concerns; empty for
    all. apply: gives the candidates of a label after this step from those before it.
    """

    name: str
    labels: frozenset[str]
    apply: Apply

    def concerns(self, label: str) -> bool:
        """Say if the rule is about this label."""
        return not self.labels or label.lower() in self.labels


def _readable(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Drop the dates and amounts that cannot be read as one; where none can, keep those with figures but no rates."""
    if search.spec.type == "text" or any(one.value for one in found):
        return [one for one in found if search.spec.type == "text" or one.value]
    return [one for one in found if _FIGURES.search(one.text) and "%" not in one.text]


def _guessed(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Add the most probable words of each page for a single field that has no candidate."""
    if found or not search.spec.single:
        return list(found)
    pieces = (
        (bio.guess(search.label, page.log_probs, search.labels), number) for number, page in enumerate(search.pages)
    )
    return [search.added(piece, number) for piece, number in pieces if piece and piece.score >= LEAST_GUESS]


def _trimmed(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Cut each text to its value, or free it of the signs around it."""
    return [replace(one, text=one.value.text if one.value else one.text.strip(" :;|*") or one.text) for one in found]


_EVERY: frozenset[str] = frozenset()
ENTITY_RULES = (
    Rule(rules.WHOLE_LINES, company.PARTY_LABELS, company.in_whole_lines),
    Rule(rules.COMPANY_WITH_LEGAL_FORM, company.COMPANY_LABELS, company.named),
    # Behind the name, which may be taken from a line of either column.
    Rule(rules.WHOLE_LINES, company.PARTY_LABELS, company.in_columns),
)
"""Rules for the entities of a label, in the order in which they apply."""
FIELD_RULES = (
    Rule(rules.PAID_LESS_CHANGE, total.LABELS, total.settled_by_change),
    Rule(rules.ROUNDED_TOTAL, total.LABELS, total.settled_by_rounding),
    Rule(rules.VALUES_PARSE, _EVERY, _readable),
    Rule(rules.GUESS_MISSING, _EVERY, _guessed),
    # A guess has to be readable, too.
    Rule(rules.VALUES_PARSE, _EVERY, _readable),
    Rule(rules.COMPANY_WITH_LEGAL_FORM, company.COMPANY_LABELS, company.with_legal_form),
    Rule(rules.TOTAL_NEAR_KEYWORD, total.LABELS, total.beside_keyword),
    Rule(rules.COMPANY_IN_FIRST_LINES, company.COMPANY_LABELS, company.in_first_lines),
    Rule(rules.TRIM_VALUES, _EVERY, _trimmed),
)
"""Rules for the one that becomes its field, in the order in which they apply."""


def entities(search: Search, active: Collection[str]) -> list[Candidate]:
    """The entities of a label, tidied by the rules that are on."""
    return _applied(ENTITY_RULES, search.said(), search, active)


def fields(found: Sequence[Candidate], search: Search, active: Collection[str]) -> list[tuple[Candidate, float]]:
    """The candidates that become fields, with their scores: of a single label at most one."""
    found = _applied(FIELD_RULES, found, search, active)
    strongest = max((one.evidence for one in found), default=0)
    best = [one for one in found if one.evidence == strongest]
    if not search.spec.single:
        return [(one, one.entity.score) for one in best]
    scored = [(one, score_of_value(one, search)) for one in best]
    return sorted(scored, key=lambda pair: (-pair[1], -pair[0].entity.score))[:1]


def score_of_value(candidate: Candidate, search: Search) -> float:
    """Probability that a field has this value: what the candidate says, and what other words that say the same add.

    A value may stand in several places of which one is labelled, as they do in training; their probabilities add up.
    """
    entity, score = candidate.entity, candidate.entity.score
    if candidate.value is None:
        return score
    columns = bio.columns(entity.label, search.labels)
    for number, page in enumerate(search.pages):
        own = entity.words if number == candidate.page else ()
        probabilities = np.exp(page.log_probs[:, columns].astype(np.float64)).sum(axis=1)
        for index in np.flatnonzero(probabilities > _WORTH_READING).tolist():
            if index not in own:
                value = search.read(page.words[index].text)
                if value and value.value == candidate.value.value:
                    score += float(probabilities[index])
    return min(score, 1.0)


def _applied(
    ordered: Sequence[Rule], found: Sequence[Candidate], search: Search, active: Collection[str]
) -> list[Candidate]:
    for rule in ordered:
        if rule.name in active and rule.concerns(search.label):
            found = rule.apply(found, search)
    return list(found)
