"""A company and its address on a page: in whole lines, the name with its legal form, numbers apart.

A *cell* is a run of words that follow each other on a line with ordinary spaces; a line may hold several, in columns.
The rules about companies and addresses come first, what they know of cells below.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.fields.bio import Piece
from layoutserve.model.decoding.fields.candidates import Candidate, Evidence, Search
from layoutserve.model.decoding.fields.entities import PageEntities
from layoutserve.model.decoding.text_flow import CLOSE, joints, line_numbers
from layoutserve.model.page import Word

COMPANY_LABELS = frozenset({"company", "seller", "vendor", "store"})
ADDRESS_LABELS = frozenset({"address", "company_address", "seller_address", "vendor_address", "store_address"})
PARTY_LABELS = COMPANY_LABELS | ADDRESS_LABELS
# A letterhead's lines.
_FIRST_LINES = 8
_LEGAL_FORM = re.compile(
    r"(?:\b|(?<=[.\s]))(?:s[du]n\W{0,2}b[hn]d|sdn|bhd|berhad|s/b|ltd|limited|llc|llp|plc|plt|inc|corp|gmbh|kg|ohg|"
    r"s\.?a\.?r\.?l|s\.?a\.?s|s\.?r\.?l|s\.p\.a|b\.v|n\.v|v\.o\.f|enterprises?|trading)\W*(?:\(?[\d-]{5,}\W?[a-z]?\W*)?$",
    re.IGNORECASE,
)
# Share of a line that an entity must hold to hold all of it.
_SHARE = 1 / 3
_SPELT = re.compile(r"[^\W\d_]{2,}")
# Words of a name, or letters where OCR lost the spaces, that need no line above it to be one.
_NAME_WORDS, _NAME_LETTERS = 2, 12
_REGISTRATION = re.compile(r"\(?[a-z]{0,3}\d{5,}\W?[a-z]{1,2}\W*|\([a-z]{0,3}\d{4,}.*|\d{7,}\W*|#\d+\W*", re.IGNORECASE)
_OF_REGISTRATION = re.compile(r"\(\W*(?:co|company|reg|roc|no)\b.*", re.IGNORECASE)
_CONTACT = re.compile(r"\W*(?:tel|telephone|phone|fax|mobile|hp|e-?mail|www\..*|gst)\b.*", re.IGNORECASE)
_KEY = re.compile(r"(?!no\W)[^\W\d]\D*:", re.IGNORECASE)


def in_whole_lines(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Cut each candidate into the whole lines that it holds a good part of."""
    of_page = _cells_of_pages(found, search)
    return [
        replace(one, lines=_lines(whole_lines(one.entity.words, of_page[one.page], search.pages[one.page].words)))
        for one in found
    ]


def named(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Cut each candidate to the line that is a company's name."""
    of_page = _cells_of_pages(found, search)
    result = []
    for one in found:
        lines = one.lines or parts(one.entity.words, of_page[one.page])
        result.append(_of_lines(one, [name_line(lines, search.pages[one.page].words)], search))
    return result


def in_columns(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Part the candidates that run over several columns, and join those that share words: parts of one they were."""
    result: list[Candidate] = []
    for one in found:
        for column in columns(one.lines, search.pages[one.page].bbox):
            _join(result, _of_lines(one, column, search), search)
    return result


def with_legal_form(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Find out which candidates are a name with its legal form."""
    return [
        replace(one, evidence=one.evidence | Evidence.LEGAL_FORM)
        if is_registered_name(one.entity.words, search.pages[one.page].words)
        else one
        for one in found
    ]


def in_first_lines(found: Sequence[Candidate], search: Search) -> list[Candidate]:
    """Find out which candidates begin in the first lines of their page."""
    lines = {number: line_numbers(search.pages[number].bbox) for number in {one.page for one in found}}
    return [
        replace(one, evidence=one.evidence | Evidence.IN_FIRST_LINES)
        if lines[one.page][one.entity.words[0]] < _FIRST_LINES
        else one
        for one in found
    ]


def _cells_of_pages(found: Sequence[Candidate], search: Search) -> dict[int, list[list[int]]]:
    pages: dict[int, PageEntities] = {one.page: search.pages[one.page] for one in found}
    return {number: cells(page.words, page.bbox) for number, page in pages.items()}


def _of_lines(candidate: Candidate, lines: Sequence[Sequence[int]], search: Search) -> Candidate:
    """The candidate with the words of these lines and the score that it had."""
    words = [index for line in lines for index in line]
    return replace(_of_words(candidate, words, candidate.entity.score, search), lines=_lines(lines))


def _of_words(candidate: Candidate, words: Collection[int], score: float, search: Search) -> Candidate:
    chosen = sorted(words)
    if tuple(chosen) == candidate.entity.words and score == candidate.entity.score:
        return candidate
    piece = Piece(candidate.entity.label, chosen, score, False)
    return search.candidate(search.pages[candidate.page].entity(piece), candidate.page, candidate.rank)


def _join(found: list[Candidate], new: Candidate, search: Search) -> None:
    """Add a candidate, or make it one with the candidate that shares words with it."""
    for position, old in enumerate(found):
        if old.page == new.page and set(old.entity.words) & set(new.entity.words):
            score = max(old.entity.score, new.entity.score)
            found[position] = _of_words(old, {*old.entity.words, *new.entity.words}, score, search)
            return
    found.append(new)


def _lines(found: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, found))


def cells(words: Sequence[Word], bbox: NDArray[np.int64]) -> list[list[int]]:
    """Cut a page's words into cells, in reading order; bbox: int64 (words, 4)."""
    ends = np.flatnonzero(joints(words, bbox) != CLOSE) + 1
    return [run.tolist() for run in np.split(np.arange(len(words)), ends) if len(run)]


def body(cell: Sequence[int], words: Sequence[Word]) -> list[int]:
    """Leave out of a cell what is no name and no address: its key, a number of registration, contacts.

    The key ("Address:") with what stands before it; of the others what follows them too.
    """
    texts = [words[index].text for index in cell]
    first = max((i + 1 for i, text in enumerate(texts[:2]) if _KEY.fullmatch(text) and i + 1 < len(texts)), default=0)
    while first < len(texts) and _REGISTRATION.fullmatch(texts[first]):
        first += 1
    kept = first
    while kept < len(texts) and not _ends_name(texts[kept:]):
        kept += 1
    return list(cell[first:kept])


def _ends_name(texts: Sequence[str]) -> bool:
    """Say if a name or an address does not go on with these words."""
    if _CONTACT.fullmatch(texts[0]) or _REGISTRATION.fullmatch(texts[0]):
        return True
    # "(Co. No. 325254-E)", "(139386 X)"
    digits = re.findall(r"\d", " ".join(texts).partition(")")[0])
    return bool(_OF_REGISTRATION.fullmatch(texts[0])) or (texts[0].startswith("(") and len(digits) > 3)


def parts(entity: Sequence[int], of_page: Sequence[Sequence[int]]) -> list[list[int]]:
    """The words of an entity, cell by cell."""
    inside = set(entity)
    return [part for cell in of_page if (part := [index for index in cell if index in inside])]


def whole_lines(entity: Sequence[int], of_page: Sequence[Sequence[int]], words: Sequence[Word]) -> list[list[int]]:
    """The bodies of those cells of which an entity has a good part by letters; its own words if it has of none."""
    inside = set(entity)
    result = []
    for cell in of_page:
        if inside.isdisjoint(cell):
            continue
        kept = body(cell, words)
        letters = [len(words[index].text) for index in kept]
        own = sum(count for index, count in zip(kept, letters, strict=True) if index in inside)
        if kept and own >= _SHARE * sum(letters):
            result.append(kept)
    return result or [list(entity)]


def is_registered_name(cell: Sequence[int], words: Sequence[Word]) -> bool:
    """Say if a cell's body is a company's name with its legal form."""
    text = " ".join(words[index].text for index in cell)
    form = _LEGAL_FORM.search(text)
    if form is None or not text[0].isalnum():
        return False
    name = _SPELT.findall(text[: form.start()])
    return len(name) >= _NAME_WORDS or sum(map(len, name)) >= _NAME_LETTERS


def name_line(cells: Sequence[Sequence[int]], words: Sequence[Word]) -> list[int]:
    """The words of a company's name among the cells of its entity: those of a name with its legal form.

    A legal form below its name belongs to it; of other cells the longest one is the name.
    """
    for cell in cells:
        if is_registered_name(cell, words):
            return list(cell)
    if _LEGAL_FORM.search(" ".join(words[index].text for index in cells[-1])):
        return [index for cell in cells for index in cell]
    return list(max(cells, key=lambda cell: sum(len(words[index].text) for index in cell)))


def columns(cells: Sequence[Sequence[int]], bbox: NDArray[np.int64]) -> list[list[list[int]]]:
    """Part the cells of an entity that stand beside each other, as reading order runs them together.

    A cell belongs to the column whose last cell it stands below; bbox: int64 (words, 4) of the upright page.
    """
    found: list[list[list[int]]] = []
    for cell in map(list, cells):
        left, right = bbox[cell, 0].min(), bbox[cell, 2].max()
        for column in found:
            above = column[-1]
            if bbox[above, 0].min() < right and left < bbox[above, 2].max():
                column.append(cell)
                break
        else:
            found.append([cell])
    return found
