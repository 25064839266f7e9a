"""What a drawn page carries, and its form in a JSON-lines file."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.page import Box, Word
from layoutserve.model.training.data.example import Indices, Question, Span


@dataclass(frozen=True, slots=True)
class Selection:
    """A box to tick: its place, its state, the words of its text and of the question it answers (maybe none)."""

    box: Box
    checked: bool
    words: Indices
    key: Indices


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's heading, and the places in ``keys`` of the page of the keys below it."""

    words: Indices
    keys: Indices


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticPage:
    """One drawn page.

    ``image`` is uint8 (height, width, 3) RGB; ``words`` are in reading order, their boxes in its pixels.
    ``spans`` is None where the page was not labelled for key information. ``entities`` maps a label in lower case
    to the value as printed. ``links`` pairs the words of a key with the words of its value; a key with several
    answers is in several. ``keys`` are all keys, those that nobody answered, too; ``heads`` the heads of an item
    table's columns by label. Pages of the older layouts have none of the last four.
    """

    image: NDArray[np.uint8]
    words: tuple[Word, ...]
    document_class: str
    layout: str
    spans: tuple[Span, ...] | None
    entities: Mapping[str, str]
    links: tuple[tuple[Indices, Indices], ...]
    questions: tuple[Question, ...]
    keys: tuple[Indices, ...] = ()
    selections: tuple[Selection, ...] = ()
    headings: tuple[Heading, ...] = ()
    heads: tuple[Span, ...] = ()

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])

    def record(self, image: str) -> dict[str, object]:
        """Return this page as one row of a JSON-lines file, its picture stored at ``image``."""
        lines: dict[int, list[int]] = {}
        for index, word in enumerate(self.words):
            lines.setdefault(word.line, []).append(index)
        row: dict[str, object] = {
            "image": image,
            "width": self.width,
            "height": self.height,
            "class": self.document_class,
            "layout": self.layout,
            "words": [{"text": word.text, "box": _numbers(word.box)} for word in self.words],
            "lines": [
                {
                    "text": " ".join(self.words[i].text for i in line),
                    "box": _numbers(Box.union([self.words[i].box for i in line])),
                    "words": line,
                }
                for line in lines.values()
            ],
            "entities": dict(self.entities),
            "links": [[list(key), list(value)] for key, value in self.links],
            "questions": [
                {"question": q.text, "answers": list(q.answers), "spans": [list(s) for s in q.spans or ()]}
                for q in self.questions
            ],
        }
        if self.spans is not None:
            row["spans"] = [_labelled(span) for span in self.spans]
        if self.keys:
            row["keys"] = [list(key) for key in self.keys]
        if self.selections:
            row["selections"] = [
                {"box": _numbers(s.box), "checked": s.checked, "words": list(s.words), "key": list(s.key)}
                for s in self.selections
            ]
        if self.headings:
            row["headings"] = [{"words": list(h.words), "keys": list(h.keys)} for h in self.headings]
        if self.heads:
            row["heads"] = [_labelled(head) for head in self.heads]
        return row


def _labelled(span: Span) -> dict[str, object]:
    told: dict[str, object] = {"label": span.label, "words": list(span.words), "text": span.text}
    return told if span.row is None else told | {"row": span.row}


def _numbers(box: Box) -> list[float]:
    return [round(value, 1) for value in (box.x0, box.y0, box.x1, box.y1)]
