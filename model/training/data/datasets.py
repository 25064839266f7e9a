"""Labelled pages: the type, and the JSON-lines format they are kept in.

One JSON object a line, UTF-8, one line a page. Boxes are pixels of the page, origin top left::

    image       path of the picture relative to the file, or
    document    path of a PDF relative to the file, with ``page`` (from 1; 1 when absent)
    width       size of the picture the boxes refer to (a PDF without words needs neither)
    height
    lines       [{"text": "TOTAL: 9.00", "box": [x0, y0, x1, y1]}, ...]; or
    words       [{"text": "9.00", "box": [...]}, ...] in reading order: what white space separates; with ``"score"``
                where it was read with less than certainty; beside it ``lines`` may carry ``"words": [i, ...]``, which
                word stands in which line
    entities    {"total": "9.00", "party": ["A", "B"]}: values, with no place; the keys in any case
    spans       [{"label": "TOTAL", "words": [i, ...], "text": "9.00"}, ...]: values with their place
    class       document class
    questions   [{"question": "...", "answers": ["9.00"], "spans": [[i, ...]]}, ...]; no answers: not on the page
    question    instead of ``questions``: a row that is one question, with its ``answers``; the page's words may then
                stand in another file of the same folder
    group       issuer or company, by which splits are made (default: the company among the entities)

A page without ``words`` and ``lines`` has ``words=None`` and must be read (a PDF's text layer, or OCR) first.
Absent is not empty: a page without ``entities`` and ``spans`` says nothing about entities.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Box, Page, Word, read_document


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled value: which words it consists of (ascending indices, gaps allowed) and its text."""

    label: str
    words: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a page; no answers means that the page does not answer it.

    ``spans`` are runs of consecutive words, one for each place where an answer stands; None where unknown.
    """

    text: str
    answers: tuple[str, ...]
    spans: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One labelled page; the picture stays on disk until ``read_image``.

    words: None until read. values: label in upper case to texts; None when the source says nothing of entities.
    spans: values with their place, None when not placed yet. document_class: None when unknown.
    group: issuer; pages of a group never stand on both sides of a split.
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

    def read_image(self) -> NDArray[np.uint8]:
        """The page's picture, uint8 (height, width, 3) RGB."""
        if self.path.suffix.lower() == ".pdf":
            return self.read_page().image
        try:
            with Image.open(self.path) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, ValueError) as error:
            raise DatasetError(f"The picture {self.path} cannot be read: {error}.") from error

    def read_page(self, *, dpi: int = 100) -> Page:
        """The page as ``model.page`` reads it, with a PDF's own words where it has a trusted text layer."""
        for page in read_document(self.path.read_bytes(), pages=str(self.page), dpi=dpi):
            return page
        raise DatasetError(f"{self.path} has no page {self.page}.")


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


def make_word(text: str, box: Sequence[float], line: int, score: float = 1.0) -> Word:
    """An upright word from four numbers in any corner order."""
    x0, x1 = sorted((float(box[0]), float(box[2])))
    y0, y1 = sorted((float(box[1]), float(box[3])))
    return Word.from_box(text, Box(x0, y0, x1, y1), score=score, line=line)


def read_jsonl(path: Path) -> Iterator[Example]:
    """The pages of a JSON-lines file in the format above. Raises DatasetError naming file and line."""
    try:
        rows = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    for number, text in enumerate(rows, 1):
        if not text.strip():
            continue
        try:
            yield from_row(json.loads(text), path.parent)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise DatasetError(
                f"{path}, line {number}: not a page in the JSON-lines format of docs/fine-tune.md "
                f"({type(error).__name__}: {error})."
            ) from error


def from_row(row: Mapping[str, Any], folder: Path) -> Example:
    """One page from its JSON object; paths in it are relative to ``folder``."""
    location = row["image"] if "image" in row else row["document"]
    values = None
    if "entities" in row:
        values = {
            label.upper(): tuple(v if isinstance(v, list) else [v])
            for label, v in row["entities"].items()
            if v not in ("", None, [])
        }
    spans = None
    if "spans" in row:
        spans = tuple(Span(s["label"].upper(), tuple(int(w) for w in s["words"]), s["text"]) for s in row["spans"])
    company = values.get("COMPANY", ("",))[0] if values else ""
    questions = [_question(question) for question in row.get("questions", ())]
    if "question" in row:
        questions.append(_question(row))
    return Example(
        path=folder / location,
        page=int(row.get("page", 1)),
        width=float(row.get("width", 0)),
        height=float(row.get("height", 0)),
        words=_words(row),
        values=values,
        spans=spans,
        document_class=row.get("class"),
        questions=tuple(questions),
        group=row.get("group") or row.get("layout") or company or Path(location).stem,
    )


def to_row(example: Example, folder: Path) -> dict[str, Any]:
    """The example as a JSON object of the format above; its path is written relative to ``folder`` where it can be."""
    path = example.path.resolve()
    location = path.relative_to(folder.resolve()) if path.is_relative_to(folder.resolve()) else path
    key = "document" if path.suffix.lower() == ".pdf" else "image"
    row: dict[str, Any] = {key: str(location), "group": example.group}
    if example.page != 1:
        row["page"] = example.page
    if example.width:
        row |= {"width": example.width, "height": example.height}
    if example.words is not None:
        row["words"] = [
            {"text": w.text, "box": [round(v, 1) for v in (w.box.x0, w.box.y0, w.box.x1, w.box.y1)], "line": w.line}
            | ({"score": round(w.score, 3)} if w.score < 1 else {})
            for w in example.words
        ]
    if example.values is not None:
        row["entities"] = {label.lower(): list(texts) for label, texts in example.values.items()}
    if example.spans is not None:
        row["spans"] = [{"label": s.label, "words": list(s.words), "text": s.text} for s in example.spans]
    if example.document_class is not None:
        row["class"] = example.document_class
    if example.questions:
        row["questions"] = [
            {"question": q.text, "answers": list(q.answers)}
            | ({} if q.spans is None else {"spans": [list(run) for run in q.spans]})
            for q in example.questions
        ]
    return row


def _words(row: Mapping[str, Any]) -> tuple[Word, ...] | None:
    lines = row.get("lines")
    if "words" in row:
        line_of = {int(w): i for i, line in enumerate(lines or ()) for w in line.get("words", ())}
        return tuple(
            make_word(
                word["text"], word["box"], int(word.get("line", line_of.get(i, 0))), float(word.get("score", 1.0))
            )
            for i, word in enumerate(row["words"])
        )
    if lines is None:
        return None
    return tuple(
        word for i, line in enumerate(lines) for word in split_line(line["text"], make_word("", line["box"], i).box, i)
    )


def _question(row: Mapping[str, Any]) -> Question:
    spans = None
    if "spans" in row:
        spans = tuple(tuple(int(w) for w in span) for span in row["spans"])
    return Question(row["question"], tuple(row["answers"]), spans)


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
