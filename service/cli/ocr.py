"""``layoutserve ocr FILE``: the words of a document, in reading order, with their places."""

import argparse
import json
import sys
import time
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layoutserve.model.page import Box, Page
    from layoutserve.model.page.elements import Source

HELP = "read a document: its words in reading order, with their places"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("file", type=Path, help="image, TIFF or PDF; - for standard input")
    parser.add_argument("--pages", help="which pages, such as 1-3,5 (default: all)")
    parser.add_argument("--dpi", type=int, default=200, help="resolution at which PDF pages are rendered")
    parser.add_argument(
        "--ocr",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: only for what a PDF's own text leaves out",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--lines", action="store_true", help="print the text alone, line by line")
    parser.add_argument("--draw", type=Path, metavar="OUT", help="draw words to OUT.png or OUT.svg, coloured by source")
    parser.add_argument("--models", type=Path, help="folder of OCR models (default: those of `layoutserve ocr-models`)")
    parser.add_argument("--detection-model", help="name of one of PaddleOCR's detection models")
    parser.add_argument("--recognition-model", help="name of one of PaddleOCR's recognition models")
    parser.add_argument("--language", help="PaddleOCR's code of a language, instead of model names")
    parser.add_argument("--engine", choices=("fast", "exact", "paddleocr"), default="fast", help="who runs the models")
    parser.add_argument(
        "--min-score", type=float, help="leave out lines with less mean probability (default: 0.7 where fast, else 0)"
    )
    parser.add_argument("--threads", type=int, help="CPU threads (default: one a core)")


def run(arguments: argparse.Namespace) -> int:
    """Read the document, print its words and draw them if asked."""
    from layoutserve.model.allocator import keep_freed_memory
    from layoutserve.model.errors import RequestError
    from layoutserve.model.ocr.reader import Ocr, OcrConfig
    from layoutserve.model.page import read_document

    if arguments.draw and arguments.draw.suffix not in (".png", ".svg"):
        raise RequestError(f"--draw makes .png or .svg, not {arguments.draw}.")
    try:
        data = sys.stdin.buffer.read() if str(arguments.file) == "-" else arguments.file.read_bytes()
    except OSError as error:
        raise RequestError(f"{arguments.file} cannot be read ({error.strerror}).") from error
    keep_freed_memory()
    document = read_document(data, pages=arguments.pages, dpi=arguments.dpi, ocr=arguments.ocr)
    ocr: Ocr | None = None
    read: list[Page] = []
    for page in document:
        start = time.perf_counter()
        if page.words is None:
            # Made when the first page needs it: a born-digital PDF does without.
            ocr = ocr or Ocr(
                OcrConfig(
                    models=arguments.models,
                    detection_model=arguments.detection_model,
                    recognition_model=arguments.recognition_model,
                    language=arguments.language,
                    min_score=arguments.min_score,
                    threads=arguments.threads,
                    engine=arguments.engine,
                )
            )
            start = time.perf_counter()
            page = ocr.recognize(page)
        seconds = time.perf_counter() - start
        print(
            f"page {page.number}: {page.width} x {page.height} pixels, turn {page.turn},"
            f" {_counts(page)} in {seconds:.2f} s",
            file=sys.stderr,
        )
        if not page.words:
            print(f"page {page.number}: no words were found; --ocr always reads all that is seen", file=sys.stderr)
        read.append(page)
        if arguments.draw:
            _draw(page, arguments.draw, len(document) > 1)
    if arguments.json:
        print(json.dumps({"pages": [_as_json(page) for page in read]}, ensure_ascii=False))
    elif arguments.lines:
        for page in read:
            for _, words in groupby(page.words or (), key=lambda word: word.line):
                print(" ".join(word.text for word in words))
    else:
        _print_table(read)
    return 0


def _draw(page: "Page", path: Path, several: bool) -> None:
    from layoutserve.model.page.drawing import draw_png, draw_svg

    if several:
        path = path.with_name(f"{path.stem}-{page.number}{path.suffix}")
    if path.suffix == ".svg":
        path.write_text(draw_svg(page), encoding="utf-8")
    else:
        path.write_bytes(draw_png(page))
    print(f"drawn: {path}", file=sys.stderr)


def _as_json(page: "Page") -> dict[str, object]:
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "dpi": page.dpi,
        "turn": page.turn,
        "words": [
            {
                "text": word.text,
                "box": _numbers(word.box),
                "polygon": [[round(x, 1), round(y, 1)] for x, y in word.polygon],
                "score": round(word.score, 4),
                "line": word.line,
                "source": word.source,
            }
            for word in page.words or ()
        ],
        "selection_marks": [
            {"state": "selected" if mark.selected else "unselected", "box": _numbers(mark.box), "name": mark.name}
            for mark in page.selection_marks
        ],
        "form_fields": [
            {"name": field.name, "type": field.kind, "value": field.value, "box": _numbers(field.box)}
            for field in page.form_fields
        ],
    }


def _numbers(box: "Box") -> list[float]:
    return [round(side, 1) for side in (box.x0, box.y0, box.x1, box.y1)]


def _counts(page: "Page") -> str:
    """The numbers of words from each source."""
    sources = Counter(word.source for word in page.words or ())
    parts = [f"{sources[source]} by {name}" for source, name in _SOURCES.items() if sources[source]]
    return f"{sources.total()} words" + (f" ({', '.join(parts)})" if parts else "")


_SOURCES: "dict[Source, str]" = {"text_layer": "text layer", "ocr": "OCR"}


def _print_table(pages: "list[Page]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("page", "line", "word", "x0", "y0", "x1", "y1", "score", "source")
    for page in pages:
        for word in page.words or ():
            box = (word.box.x0, word.box.y0, word.box.x1, word.box.y1)
            place = [f"{side:.0f}" for side in box]
            table.add_row(str(page.number), str(word.line), word.text, *place, f"{word.score:.2f}", word.source)
    Console().print(table)
