"""Labelled pages: words, values and their places, class, questions; what every source of pages becomes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.errors import DatasetError, DocumentError, RequestError
from layoutserve.model.page import Box, Limits, OcrMode, Page, Word, read_document

# Of one's own files no page is too many.
_LIMITS = Limits(max_bytes=2**40, max_pages=2**40)

Indices = tuple[int, ...]
"""Indices into a page's words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled value: which words it consists of (ascending indices, gaps allowed) and its text.

    ``row``: which item (or which rate of tax) it belongs to, from 0; None where that is unknown or there is none.
    """

    label: str
    words: Indices
    text: str
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a page; no answers means that the page does not answer it.

    ``spans`` are runs of consecutive words, one for each place where an answer stands; None where unknown.
    """

    text: str
    answers: tuple[str, ...]
    spans: tuple[Indices, ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One labelled page; the picture stays on disk until ``read_image``.

    words: None until read. values: label in upper case to texts; None when the source says nothing of entities.
    spans: values with their place, None when not placed yet. document_class: None when unknown.
    links: the words of a key and of its value, pair by pair. group: issuer; pages of a group never stand on both sides
    of a split.
    """

    path: Path
    page: int = 1
    width: float = 0.0
    height: float = 0.0
    words: tuple[Word, ...] | None = None
    values: Mapping[str, tuple[str, ...]] | None = None
    spans: tuple[Span, ...] | None = None
    document_class: str | None = None
    questions: tuple[Question, ...] = field(default=())
    group: str = ""
    links: tuple[tuple[Indices, Indices], ...] = ()

    def read_image(self) -> NDArray[np.uint8]:
        """The page's picture, uint8 (height, width, 3) RGB, as the service sees it."""
        return self.read_page(ocr="always").image

    def read_page(self, *, dpi: int = 100, ocr: OcrMode = "auto") -> Page:
        """The page as ``model.page`` reads it, with a PDF's own words where it has a trusted text layer."""
        try:
            data = self.path.read_bytes()
            document = read_document(data, dpi=dpi, ocr=ocr, limits=_LIMITS)
            if document.page_count > 1:
                # A file that holds one page is that page, whatever number it has in the document it came from.
                document = read_document(data, pages=str(self.page), dpi=dpi, ocr=ocr, limits=_LIMITS)
            (page,) = document
        except OSError as error:
            raise DatasetError(f"{self.path} cannot be read: {error.strerror or error}.") from error
        except (DocumentError, RequestError) as error:
            raise DatasetError(f"{self.path} cannot be read: {error}") from error
        return page


def split_line(text: str, box: Box, line: int, score: float = 1.0) -> list[Word]:
    """The words of a line whose box is known only as a whole; widths in proportion to the characters."""
    unit = box.width / max(len(text), 1)
    words, start = [], 0
    for part in text.split():
        start = text.index(part, start)
        place = Box(box.x0 + unit * start, box.y0, box.x0 + unit * (start + len(part)), box.y1)
        words.append(Word.from_box(part, place, score=score, line=line))
        start += len(part)
    return words


def scaled(word: Word, x: float, y: float, dx: float = 0.0, dy: float = 0.0) -> Word:
    """The word with its place scaled, then shifted."""
    box = word.box.scaled(x, y, dx, dy)
    a, b, c, d = ((px * x + dx, py * y + dy) for px, py in word.polygon)
    return replace(word, box=box, polygon=(a, b, c, d))


def make_word(text: str, box: Sequence[float], line: int, score: float = 1.0) -> Word:
    """An upright word from four numbers in any corner order."""
    x0, x1 = sorted((float(box[0]), float(box[2])))
    y0, y1 = sorted((float(box[1]), float(box[3])))
    return Word.from_box(text, Box(x0, y0, x1, y1), score=score, line=line)


def split_by_group(examples: Sequence[Example], fraction: float, seed: int = 42) -> tuple[list[Example], list[Example]]:
    """(training, held out): whole groups are drawn by hash until about ``fraction`` of the pages is held out.

    No group contributes more than a quarter of the held-out pages where smaller ones are there, so that one large
    issuer does not decide.
    """
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.group, []).append(example)
    wanted = fraction * len(examples)
    order = sorted(groups, key=lambda g: hashlib.blake2b(f"{seed}/{g}".encode(), digest_size=8).digest())
    held: set[str] = set()
    limit = max(wanted / 4, min(map(len, groups.values()), default=0))
    count = 0
    for group in order:
        if count >= wanted:
            break
        if len(groups[group]) <= limit:
            held.add(group)
            count += len(groups[group])
    return [e for e in examples if e.group not in held], [e for e in examples if e.group in held]
