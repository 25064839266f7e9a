"""Labelled pages in JSON-lines files, the format in which all pages are kept.

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
    spans       [{"label": "TOTAL", "words": [i, ...], "text": "9.00"}, ...]: values with their place;
                ``"row": 2`` says which item one belongs to, from 0
    class       document class
    questions   [{"question": "...", "answers": ["9.00"], "spans": [[i, ...]]}, ...]; no answers: not on the page
    question    instead of ``questions``: a row that is one question, with its ``answers``; the page's words may then
                stand in another file of the same folder
    links       [[[i, ...], [j, ...]], ...]: the words of a key and of its value
    group       issuer or company, by which splits are made (default: the company among the entities)

A page without ``words`` and ``lines`` has ``words=None`` and must be read (a PDF's text layer, or OCR) first.
Absent is not empty: a page without ``entities`` and ``spans`` says nothing about entities.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from layoutserve.model.errors import DatasetError
from layoutserve.model.page import Word
from layoutserve.model.training.data.example import Example, Question, Span, make_word, split_line

_MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError)


def read(path: Path) -> Iterator[Example]:
    """The pages of a file. Raises DatasetError naming file and line."""
    for number, row in _rows(path):
        try:
            yield from_row(row, path.parent)
        except _MALFORMED as error:
            raise _malformed(path, number, error) from error


def read_with_questions(path: Path) -> Iterator[Example]:
    """The pages of a file; rows that are only a question get their page from the files beside theirs."""
    examples = list(read(path))
    if all(example.words is not None or not example.questions for example in examples):
        yield from examples
        return
    known = {
        (page.path, page.page): page
        for other in sorted(path.parent.glob("*.jsonl"))
        if other != path
        for page in read(other)
        if page.words is not None
    }
    merged: dict[tuple[Path, int], Example] = {}
    for example in examples:
        key = (example.path, example.page)
        page = merged.get(key) or known.get(key) or replace(example, questions=())
        merged[key] = replace(page, questions=(*page.questions, *example.questions))
    yield from merged.values()


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file of any format. Raises DatasetError naming file and line."""
    return (row for _, row in _rows(path))


def write(path: Path, examples: Iterable[Example]) -> None:
    """Write a file of pages, whole or not at all."""
    write_rows(path, (to_row(example, path.parent) for example in examples))


def write_rows(path: Path, rows: Iterable[object]) -> None:
    """Write a file of JSON values, whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(map(_line, rows))
    partial.replace(path)


def append(path: Path, example: Example) -> None:
    """Add a page to a file, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(to_row(example, path.parent)))


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
        spans = tuple(Span(s["label"].upper(), _indices(s["words"]), s["text"], s.get("row")) for s in row["spans"])
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
        links=tuple((_indices(key), _indices(value)) for key, value in row.get("links", ())),
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
        row["spans"] = [
            {"label": s.label, "words": list(s.words), "text": s.text} | ({} if s.row is None else {"row": s.row})
            for s in example.spans
        ]
    if example.document_class is not None:
        row["class"] = example.document_class
    if example.questions:
        row["questions"] = [
            {"question": q.text, "answers": list(q.answers)}
            | ({} if q.spans is None else {"spans": [list(run) for run in q.spans]})
            for q in example.questions
        ]
    if example.links:
        row["links"] = [[list(key), list(value)] for key, value in example.links]
    return row


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with the numbers of their lines."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    for number, text in enumerate(lines, 1):
        if text.strip():
            try:
                yield number, json.loads(text)
            except ValueError as error:
                raise _malformed(path, number, error) from error


def _malformed(path: Path, number: int, error: Exception) -> DatasetError:
    return DatasetError(
        f"{path}, line {number}: not a page in the JSON-lines format of docs/fine-tune.md "
        f"({type(error).__name__}: {error})."
    )


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _indices(words: Iterable[Any]) -> tuple[int, ...]:
    return tuple(int(word) for word in words)


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
        spans = tuple(map(_indices, row["spans"]))
    return Question(row["question"], tuple(row["answers"]), spans)
