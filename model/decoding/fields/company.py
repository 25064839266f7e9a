"""How a company and its address stand on a page: in whole lines, the name with its legal form, numbers apart.

A *cell* is a run of words that follow each other on a line with ordinary spaces; a line may hold several, in columns.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.decoding.text_flow import CLOSE, joints
from layoutserve.model.page import Word

_LEGAL_FORM = re.compile(
    r"(?:\b|(?<=[.\s]))(?:s[du]n\W{0,2}b[hn]d|sdn|bhd|berhad|s/b|ltd|limited|llc|llp|plc|plt|inc|corp|gmbh|kg|ohg|"
    r"s\.?a\.?r\.?l|s\.?a\.?s|s\.?r\.?l|s\.p\.a|b\.v|n\.v|v\.o\.f|enterprises?|trading)\W*(?:\(?[\d-]{5,}\W?[a-z]?\W*)?$",
    re.IGNORECASE,
)
# Of so much of a line an entity must hold to hold all of it.
_SHARE = 1 / 3
_SPELT = re.compile(r"[^\W\d_]{2,}")
# A name of so many words, or letters where OCR lost the spaces, needs no line above it to be one.
_NAME_WORDS, _NAME_LETTERS = 2, 12
_REGISTRATION = re.compile(r"\(?[a-z]{0,3}\d{5,}\W?[a-z]{1,2}\W*|\([a-z]{0,3}\d{4,}.*|\d{7,}\W*|#\d+\W*", re.IGNORECASE)
_OF_REGISTRATION = re.compile(r"\(\W*(?:co|company|reg|roc|no)\b.*", re.IGNORECASE)
_CONTACT = re.compile(r"\W*(?:tel|telephone|phone|fax|mobile|hp|e-?mail|www\..*|gst)\b.*", re.IGNORECASE)
_KEY = re.compile(r"(?!no\W)[^\W\d]\D*:", re.IGNORECASE)


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
    """Whether a name or an address does not go on with these words."""
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
    """Whether a cell's body is a company's name with its legal form."""
    text = " ".join(words[index].text for index in cell)
    form = _LEGAL_FORM.search(text)
    if form is None or not text[0].isalnum():
        return False
    name = _SPELT.findall(text[: form.start()])
    return len(name) >= _NAME_WORDS or sum(map(len, name)) >= _NAME_LETTERS


def name_line(cells: Sequence[list[int]], words: Sequence[Word]) -> list[int]:
    """The words of a company's name among the cells of its entity: those of a name with its legal form.

    A legal form below its name belongs to it; of other cells the longest one is the name.
    """
    for cell in cells:
        if is_registered_name(cell, words):
            return cell
    if _LEGAL_FORM.search(" ".join(words[index].text for index in cells[-1])):
        return [index for cell in cells for index in cell]
    return max(cells, key=lambda cell: sum(len(words[index].text) for index in cell))


def columns(cells: Sequence[list[int]], bbox: NDArray[np.int64]) -> list[list[list[int]]]:
    """Part the cells of an entity that stand beside each other, as reading order runs them together.

    A cell belongs to the column whose last cell it stands below; bbox: int64 (words, 4) of the upright page.
    """
    found: list[list[list[int]]] = []
    for cell in cells:
        left, right = bbox[cell, 0].min(), bbox[cell, 2].max()
        for column in found:
            above = column[-1]
            if bbox[above, 0].min() < right and left < bbox[above, 2].max():
                column.append(cell)
                break
        else:
            found.append([cell])
    return found
