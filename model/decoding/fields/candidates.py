"""What may be a field of a document: entities, cut and chosen as the decoding rules say (``rules``).

A rule that none of the candidates of a field follows is no use for it and left out.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from layoutserve.model.bundle import Head
from layoutserve.model.decoding import rules
from layoutserve.model.decoding.fields import bio, company, total
from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.entities import Entity, PageEntities
from layoutserve.model.decoding.text_flow import line_numbers

Candidate = tuple[Entity, PageEntities]
# Reads a text as the value of a field: a decimal number or an ISO date; None if it is none.
Parse = Callable[[str], str | None]
# Words less probable than this add nothing to a value's score that counts.
_WORTH_READING = 0.01


def tidied(page: PageEntities, active: Collection[str]) -> list[Entity]:
    """The entities of a page, companies and addresses as these stand on a page."""
    if not page.entities or not {rules.WHOLE_LINES, rules.COMPANY_WITH_LEGAL_FORM} & set(active):
        return list(page.entities)
    cells = company.cells(page.words, page.bbox)
    result: list[Entity] = []
    for entity in page.entities:
        label = entity.label.lower()
        if label not in rules.COMPANY_LABELS | rules.ADDRESS_LABELS:
            result.append(entity)
            continue
        lines = company.parts(entity.words, cells)
        columns = [lines]
        if rules.WHOLE_LINES in active:
            lines = company.whole_lines(entity.words, cells, page.words)
            columns = company.columns(lines, page.bbox)
        if rules.COMPANY_WITH_LEGAL_FORM in active and label in rules.COMPANY_LABELS:
            columns = [[company.name_line(lines, page.words)]]
        for column in columns:
            _add(result, replace_words(entity, [word for line in column for word in line], page), page)
    return result


def _add(entities: list[Entity], new: Entity, page: PageEntities) -> None:
    """Add an entity, or make it one with an entity of its label that shares words with it: both were parts of one."""
    for position, old in enumerate(entities):
        if old.label == new.label and set(old.words) & set(new.words):
            both = replace_words(old, {*old.words, *new.words}, page)
            entities[position] = replace(both, score=max(old.score, new.score))
            return
    entities.append(new)


def replace_words(entity: Entity, words: Collection[int], page: PageEntities) -> Entity:
    """The entity with other words and the score that it had."""
    chosen = sorted(words)
    return entity if tuple(chosen) == entity.words else page.entity(Piece(entity.label, chosen, entity.score, False))


def guesses(label: str, pages: Sequence[PageEntities], head: Head) -> list[Candidate]:
    """What might be a label without any entity, on each page that has something that is not too improbable."""
    found = ((bio.guess(label, page.log_probs, head.labels), page) for page in pages)
    return [(page.entity(piece), page) for piece, page in found if piece and piece.score >= rules.LEAST_GUESS]


def settled(
    label: str,
    entities: Sequence[Candidate],
    pages: Sequence[PageEntities],
    head: Head,
    parse: Parse,
    active: Collection[str],
) -> list[Candidate]:
    """The entities and the other words that say the total that a page's own arithmetic settles, if it settles one."""
    found = []
    for page in pages:
        sums = total.Sums(page.words, page.bbox, parse)
        amounts = sums.paid_less_change() if rules.PAID_LESS_CHANGE in active else frozenset()
        if not amounts and rules.ROUNDED_TOTAL in active:
            amounts = sums.rounded()
        if amounts:
            of_page = [entity for entity, other in entities if other is page]
            taken = {index for entity in of_page for index in entity.words}
            right = [index for index in sums.places(amounts) if index not in taken]
            of_page += [page.entity(bio.piece(label, [index], page.log_probs, head.labels)) for index in right]
            found += [(entity, page) for entity in of_page if _amount(parse(entity.text)) in amounts]
    return found


def _amount(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def preferred(label: str, candidates: Sequence[Candidate], active: Collection[str]) -> list[Candidate]:
    """The candidates that stand where a field of this label stands."""
    name = label.lower()
    chosen = list(candidates)
    if rules.COMPANY_WITH_LEGAL_FORM in active and name in rules.COMPANY_LABELS:
        chosen = [(e, page) for e, page in chosen if company.is_registered_name(e.words, page.words)] or chosen
    if rules.TOTAL_NEAR_KEYWORD in active and name in rules.TOTAL_LABELS:
        chosen = [pair for pair in chosen if _is_near_keyword(*pair)] or chosen
    if rules.COMPANY_IN_FIRST_LINES in active and name in rules.COMPANY_LABELS:
        chosen = [pair for pair in chosen if _is_in_first_lines(*pair)] or chosen
    return chosen


def _is_near_keyword(entity: Entity, page: PageEntities) -> bool:
    boxes = page.bbox[list(entity.words)]
    around = np.concatenate((boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)))
    return total.near_keyword(around, page.bbox[total.total_keywords(page.words)])


def _is_in_first_lines(entity: Entity, page: PageEntities) -> bool:
    return bool(line_numbers(page.bbox)[entity.words[0]] < rules.FIRST_LINES)


def score_of_value(value: str, candidate: Candidate, pages: Sequence[PageEntities], head: Head, parse: Parse) -> float:
    """Probability that a field has this value: what the candidate says, and what other words that say the same add.

    A value may stand in several places of which one is labelled, as they do in training; their probabilities add up.
    """
    entity, own_page = candidate
    columns = bio.columns(entity.label, head.labels)
    total = entity.score
    for page in pages:
        probabilities = np.exp(page.log_probs[:, columns].astype(np.float64)).sum(axis=1)
        for index in np.flatnonzero(probabilities > _WORTH_READING).tolist():
            if (page is not own_page or index not in entity.words) and parse(page.words[index].text) == value:
                total += float(probabilities[index])
    return min(total, 1.0)
