"""Documents through a bundle in this process: what ``kie``, ``classification`` and ``docvqa`` share."""

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from layoutserve.model.errors import LayoutServeError, RequestError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layoutserve.model.ocr.reader import Ocr
    from layoutserve.model.page import Box, Page
    from layoutserve.model.pipeline import DocumentResult, Recognize, Request
    from layoutserve.service.settings import Settings

View = Callable[["DocumentResult"], "RenderableType"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that the commands have in common."""
    parser.add_argument("file", nargs="+", type=Path, metavar="FILE", help="image, TIFF or PDF; - for standard input")
    parser.add_argument(
        "--bundle", default="starter", metavar="NAME_OR_DIR", help="what layoutserve export made (default: starter)"
    )
    parser.add_argument("--pages", help="which pages, such as 1-3,5 (default: all)")
    parser.add_argument("--dpi", type=int, default=200, help="resolution at which PDF pages are drawn (default: 200)")
    parser.add_argument(
        "--ocr",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: not where a PDF's own text covers the page (default: auto)",
    )
    parser.add_argument("--language", help="language of the OCR models, as PaddleOCR calls it")
    parser.add_argument("--threads", type=int, help="CPU threads (default: one for each core)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a file instead of tables")


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Declare the argument of the commands that decode with rules."""
    parser.add_argument(
        "--rules",
        metavar="NAMES",
        help="decoding rules that are on, separated by commas, or none (default: those of the bundle)",
    )


def rules(arguments: argparse.Namespace) -> tuple[str, ...] | None:
    """The decoding rules that ``--rules`` names; None for those of the bundle."""
    if arguments.rules is None:
        return None
    names = (name.strip() for name in arguments.rules.split(","))
    return tuple(name for name in names if name and name != "none")


def run(arguments: argparse.Namespace, request: "Request", endpoint: str, view: View) -> int:
    """Answer ``request`` for every file, as a table or as the endpoint of that name would.

    A file that fails never stops the others. Gives the exit code: 0 if every file was answered, else 2. Raises
    LayoutServeError for what concerns all files.
    """
    from rich.console import Console

    from layoutserve.model import bundle, pipeline
    from layoutserve.model.page import read_document
    from layoutserve.service import settings
    from layoutserve.service.wire import answers
    from layoutserve.service.wire.endpoints import ENDPOINTS
    from layoutserve.service.work import loading

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    given = (
        {} if arguments.threads is None else {"session_threads": arguments.threads, "ocr_threads": arguments.threads}
    )
    chosen = settings.load(ocr_workers=1, **given)
    loaded = loading.load(bundle.locate(arguments.bundle), chosen)
    loaded.pipeline.check(request)
    reader = _Reader(chosen)
    failed = 0
    for path in arguments.file:
        try:
            document = read_document(_read(path), pages=arguments.pages, dpi=arguments.dpi, ocr=arguments.ocr)
            found = pipeline.run(
                loaded.pipeline,
                document,
                request,
                recognize=reader,
                infer=loaded.infer,
                progress=_progress(path, len(document)),
            )
        except LayoutServeError as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        for warning in found.warnings:
            print(f"{path}: {warning}", file=sys.stderr)
        if arguments.json:
            body = ENDPOINTS[endpoint].answer(found, answers.model(loaded.pipeline.bundle), request_id="")
            print(json.dumps({"file": str(path), **body.model_dump(exclude={"request_id"})}, ensure_ascii=False))
        else:
            console = Console()
            console.rule(str(path), align="left")
            console.print(view(found))
            spent = ", ".join(f"{stage} {value:.0f}" for stage, value in found.timings_ms.items())
            print(f"{path}: {_count(len(found.pages))}; milliseconds: {spent}", file=sys.stderr)
    return 2 if failed else 0


class _Reader:
    """Reads pages; the OCR models are loaded when the first page needs them, a PDF with text does without."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._readers: dict[str | None, Ocr] = {}

    def __call__(self, work: "Recognize") -> "Page":
        from layoutserve.service.work.ocr_pool import open_ocr

        if work.language not in self._readers:
            self._readers[work.language] = open_ocr(self._settings, work.language)
        return self._readers[work.language].recognize(work.page)


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise RequestError(f"the file cannot be read ({error.strerror}).") from error


def _progress(path: Path, pages: int) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if pages > 1:
            print(f"{path}: {done} of {pages} pages", file=sys.stderr)

    return tell


def place(box: "Box") -> str:
    """A box as a table shows it."""
    return f"{box.x0:.0f} {box.y0:.0f} {box.x1:.0f} {box.y1:.0f}"


def _count(pages: int) -> str:
    return "1 page" if pages == 1 else f"{pages} pages"
