"""Formats of the command line's results: a table for people; JSON, JSON lines or CSV for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, TextIO

from pydantic import BaseModel

from layoutserve_client.batches import Outcome
from layoutserve_client.errors import LayoutServeError, StatusError
from layoutserve_client.results import (
    Amount,
    AnalyzeResponse,
    Answered,
    Box,
    ClassificationResult,
    DocvqaResult,
    KieResult,
    ModelInfo,
)

FORMATS: Final = ("table", "json", "jsonl", "csv")
_PLACE: Final = ("page", "x0", "y0", "x1", "y1")
COLUMNS: Final = {
    "kie": ("file", "label", "text", "value", "currency", "score", *_PLACE),
    "classification": ("file", "label", "score"),
    "docvqa": ("file", "question", "answer", "score", *_PLACE),
    "ocr": ("file", "line", "text", "score", *_PLACE),
    "analyze": ("file", "task", "name", "text", "score", *_PLACE),
    "models": ("name", "version", "licence", "tasks", "precision", "operators", "default"),
}
Row = dict[str, str | int | float | None]


class Writer:
    """Writes outcomes one after the other; JSON lines and CSV at once, table and JSON when it is closed."""

    def __init__(self, form: str, command: str, stream: TextIO) -> None:
        self._form = form
        self._command = command
        self._stream = stream
        self._kept: list[Outcome[Any]] = []
        self._csv = csv.DictWriter(stream, COLUMNS[command])
        if form == "table":
            _rich()  # say at once that it is missing, not after the work

    def __enter__(self) -> Writer:
        if self._form == "csv":
            self._csv.writeheader()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._form == "table" and self._kept:
            self._table()
        elif self._form == "json":
            json.dump([_object(outcome) for outcome in self._kept], self._stream, ensure_ascii=False, indent=2)
            self._stream.write("\n")

    def write(self, outcome: Outcome[Any]) -> None:
        """Write what became of a file."""
        if self._form == "jsonl":
            self._stream.write(json.dumps(_object(outcome), ensure_ascii=False) + "\n")
        elif self._form == "csv" and outcome.result is not None:
            for row in _rows(outcome.name, self._command, outcome.result):
                self._csv.writerow({name: _plain(value) for name, value in row.items()})
        else:
            self._kept.append(outcome)
        self._stream.flush()

    def _table(self) -> None:
        rich = _rich()
        from rich.text import Text

        shown = [name for name in COLUMNS[self._command] if name not in ("x0", "y0", "x1", "y1")]
        table = rich.Table(*shown)
        for outcome in self._kept:
            rows = [] if outcome.result is None else list(_rows(outcome.name, self._command, outcome.result))
            for index, row in enumerate(rows):
                cells = [_cell(name, row.get(name)) for name in shown]
                table.add_row(*(Text(cell) for cell in cells), end_section=index == len(rows) - 1)
            if not rows:
                told = Text("failed: see above" if outcome.error else "nothing found", style="dim")
                table.add_row(Text(outcome.name), told, end_section=True)
        rich.Console(file=self._stream).print(table)


def _rich() -> Any:  # noqa: ANN401 - the module, which is optional
    try:
        import rich.console
        import rich.table
    except ImportError:
        raise LayoutServeError(
            "A table needs rich: pip install 'layoutserve-client[cli]'. Or choose --format json, jsonl or csv."
        ) from None

    class Rich:
        Console = rich.console.Console
        Table = rich.table.Table

    return Rich


def _cell(name: str, value: str | int | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if name == "score" else str(value)


def _plain(value: str | int | float | None) -> str | int | float | None:
    """A number as tables of all kinds read it: 0.000094 instead of 9.4e-05."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def _object(outcome: Outcome[Any]) -> dict[str, object]:
    """An outcome as JSON: the file, and either what the server answered or what went wrong."""
    if isinstance(outcome.result, BaseModel):
        return {"file": outcome.name, **outcome.result.model_dump(mode="json")}
    error: dict[str, object] = {"message": str(outcome.error), "kind": type(outcome.error).__name__}
    if isinstance(outcome.error, StatusError):
        error |= {"status": outcome.error.status, "type": outcome.error.type, "request_id": outcome.error.request_id}
    return {"file": outcome.name, "error": error}


def _rows(file: str, command: str, result: object) -> Iterator[Row]:
    if isinstance(result, ModelInfo):
        yield {
            "name": result.name,
            "version": result.version,
            "licence": result.licence,
            "tasks": " ".join(result.tasks),
            "precision": result.precision,
            "operators": result.operators,
            "default": "yes" if result.default else "",
        }
    elif isinstance(result, AnalyzeResponse):
        for task in ("kie", "classification", "docvqa"):
            for row in _rows(file, task, getattr(result, task)):
                text = row.pop("answer", None) or row.pop("text", None)
                name = row.pop("label", None) or row.pop("question", None)
                kept = {key: value for key, value in row.items() if key in COLUMNS["analyze"]}
                yield {**kept, "task": task, "name": name, "text": text}
    elif isinstance(result, KieResult):
        fields = {(field.page, field.box): field for field in result.fields.values()}
        for entity in result.entities:
            field = fields.get((entity.page, entity.box))
            value = field.value if field else None
            typed: Row = {"value": value if isinstance(value, str) else None, "currency": None}
            if isinstance(value, Amount):
                typed = {"value": str(value.amount), "currency": value.currency}
            found: Row = {"file": file, "label": entity.label, "text": entity.text, "score": entity.score}
            yield {**found, **typed, **_place(entity.page, entity.box)}
    elif isinstance(result, ClassificationResult):
        for best in result.classes:
            yield {"file": file, "label": best.label, "score": best.score}
    elif isinstance(result, DocvqaResult):
        for asked in result.answers:
            none: Row = {"file": file, "question": asked.question, "score": asked.no_answer_score}
            for answer in asked.answers:
                row = {"file": file, "question": asked.question, "answer": answer.text, "score": answer.score}
                yield {**row, **_place(answer.page, _around(answer.boxes))}
            if not asked.answers:
                yield none
    elif isinstance(result, Answered):
        for page in result.pages:
            for word in page.words:
                row = {"file": file, "line": word.line, "text": word.text, "score": word.score}
                yield {**row, **_place(page.number, word.box)}


def _place(page: int, box: Box) -> Row:
    return {"page": page, **box._asdict()}


def _around(boxes: list[Box]) -> Box:
    x0, y0, x1, y1 = zip(*boxes, strict=True)
    return Box(min(x0), min(y0), max(x1), max(y1))
