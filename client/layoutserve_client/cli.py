"""``layoutserve-client``: send files to a server from the command line.

Results go to standard output; progress, and files that failed, to standard error. Exit codes: 0 every file has a
result, 1 some files failed, 2 wrong use, 3 the server cannot be reached or refuses the API key, 130 interrupted.
"""

from __future__ import annotations

import argparse
import glob
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast, get_args

from layoutserve_client.batches import Outcome
from layoutserve_client.client import DEFAULT_TIMEOUT_S, Client
from layoutserve_client.connection import API_KEY_VARIABLE, BASE_URL_VARIABLE, DEFAULT_BASE_URL
from layoutserve_client.documents import Document
from layoutserve_client.errors import LayoutServeError, NoAnswer, Unauthorized
from layoutserve_client.formats import FORMATS, Writer
from layoutserve_client.results import Answered, Endpoint

DONE, SOME_FAILED, WRONG_USE, NO_SERVER, INTERRUPTED = 0, 1, 2, 3, 130
# What is taken from a folder; a file that is named is sent whatever it is called.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".avif", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff", ".pdf"}
)
# With files queueing at the server anyway, patience costs nothing.
RETRIES = 10
HELP: dict[Endpoint, str] = {
    "kie": "find labelled entities and typed fields",
    "classification": "tell what kind of document it is",
    "docvqa": "answer questions about each document",
    "ocr": "read the words",
    "analyze": "do several tasks with one reading",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "models":
            return _models(arguments)
        return _documents(arguments, parser)
    except (NoAnswer, Unauthorized) as error:
        print(f"layoutserve-client: {error}", file=sys.stderr)
        return NO_SERVER
    except (LayoutServeError, OSError) as error:
        print(f"layoutserve-client: {error}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="layoutserve-client",
        description="Send documents to a LayoutServe server.",
        epilog="Exit codes: 0 every file has a result, 1 some files failed, 2 wrong use, 3 no server or no access.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('layoutserve-client')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    server = argparse.ArgumentParser(add_help=False)
    server.add_argument(
        "--url", help=f"address of the server; default: ${BASE_URL_VARIABLE}, then {DEFAULT_BASE_URL}", metavar="URL"
    )
    server.add_argument(
        "--timeout", type=float, default=DEFAULT_TIMEOUT_S, metavar="S", help="seconds of silence to bear (%(default)g)"
    )
    for task in cast(tuple[Endpoint, ...], get_args(Endpoint)):
        command = commands.add_parser(
            task, parents=[server], help=HELP[task], description=f"{HELP[task].capitalize()}.",
            epilog=f"The API key, where the server wants one, is read from ${API_KEY_VARIABLE}.",
        )  # fmt: skip
        command.add_argument("files", nargs="+", metavar="FILE", help="files, folders (with all below them) and globs")
        command.add_argument("--format", choices=FORMATS, help="default: table on a terminal, else jsonl")
        command.add_argument("--output", type=Path, metavar="PATH", help="write the results to a file")
        command.add_argument(
            "--concurrency", type=_positive, default=8, metavar="N", help="files at once (%(default)s)"
        )
        command.add_argument("--quiet", action="store_true", help="no progress")
        command.add_argument("--job", action="store_true", help="send as jobs: for documents of many pages")
        command.add_argument("--pages", metavar="LIST", help="such as 1-3,5")
        command.add_argument("--ocr", choices=("auto", "always", "never"), help="where words come from")
        command.add_argument("--dpi", type=_positive, metavar="N", help="resolution at which PDF pages are drawn")
        command.add_argument("--language", metavar="CODE", help="language of the OCR models")
        if task != "ocr":
            command.add_argument("--model", metavar="NAME", help="see the command 'models'")
        if task == "analyze":
            command.add_argument(
                "--task", action="append", choices=("kie", "classification", "docvqa"), dest="tasks", help="repeatable"
            )
        if task in ("docvqa", "analyze"):
            command.add_argument(
                "-q", "--question", action="append", dest="questions", required=task == "docvqa", help="repeatable"
            )
            command.add_argument("--top-k", type=_positive, metavar="N", help="most answers for each question")
    models = commands.add_parser("models", parents=[server], help="list the models that are served")
    models.add_argument("--format", choices=FORMATS, help="default: table on a terminal, else jsonl")
    return parser


def _documents(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    files = list(_files(arguments.files))
    if not files:
        parser.error("no documents there: " + ", ".join(arguments.files))
    failed, unreachable = 0, 0
    with ExitStack() as stack:
        client = stack.enter_context(_client(arguments))
        stream = stack.enter_context(arguments.output.open("w", encoding="utf-8")) if arguments.output else sys.stdout
        writer = stack.enter_context(Writer(arguments.format or _usual(stream.isatty()), arguments.command, stream))
        progress = not arguments.quiet and sys.stderr.isatty()
        for outcome in client.map(
            files, _call(client, arguments), concurrency=arguments.concurrency, progress=progress
        ):
            if outcome.error is not None:
                failed += 1
                unreachable += isinstance(outcome.error, NoAnswer | Unauthorized)
                _complain(outcome)
            writer.write(outcome)
    if unreachable == len(files):
        return NO_SERVER
    return SOME_FAILED if failed else DONE


def _call(client: Client, arguments: argparse.Namespace) -> Callable[[Document], Answered]:
    names = ("pages", "ocr", "dpi", "language", "model", "tasks", "questions", "top_k")
    options: dict[str, Any] = {name: value for name in names if (value := getattr(arguments, name, None)) is not None}
    task = arguments.command
    if arguments.job:
        return lambda file: client.wait(client.submit(task, file, **options))
    method: Callable[..., Answered] = getattr(client, task)
    return lambda file: method(file, **options)


def _models(arguments: argparse.Namespace) -> int:
    with (
        _client(arguments) as client,
        Writer(arguments.format or _usual(sys.stdout.isatty()), "models", sys.stdout) as writer,
    ):
        for model in client.models():
            writer.write(Outcome(model.name, model, None))
    return DONE


def _client(arguments: argparse.Namespace) -> Client:
    return Client(arguments.url, timeout=arguments.timeout, max_retries=RETRIES)


def _complain(outcome: Outcome[Answered]) -> None:
    start = "\r\x1b[K" if sys.stderr.isatty() else ""  # the line the progress bar is on
    print(f"{start}{outcome.name}: {outcome.error}", file=sys.stderr)


def _files(named: Iterable[str]) -> Iterator[Path]:
    for name in named:
        path = Path(name)
        if path.is_dir():
            yield from sorted(
                Path(folder) / file
                for folder, _, files in os.walk(path)
                for file in files
                if Path(file).suffix.lower() in SUFFIXES
            )
        elif not path.exists() and glob.has_magic(name):
            found = glob.glob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
            yield from sorted(path for path in map(Path, found) if path.is_file())
        else:  # a file that is missing is an error of its own, beside the results of the others
            yield path


def _usual(terminal: bool) -> str:
    return "table" if terminal else "jsonl"


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
