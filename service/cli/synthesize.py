"""``layoutserve synthesize``: write labelled pages drawn in code."""

import argparse
import os
from pathlib import Path

HELP = "Draw labelled documents (words, boxes, entities, rows, links, questions) to train and to measure on."
_KINDS = "receipt, invoice, order, form, letter, resume, report, other, contract, email, scientific_article"
_LOCALES = "us, gb, in, au, ca, sg, de, at, ch, fr, be, es, mx, it, nl, pt, br, pl, se, dk"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for pages.jsonl and images/")
    parser.add_argument("--count", type=_positive, required=True, metavar="N", help="how many pages")
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="KIND",
        help=f"document class, may be repeated; all where absent: {_KINDS}",
    )
    parser.add_argument(
        "--locale",
        metavar="COUNTRY",
        help=f"only pages of this country, such as fr or de-CH; any where absent: {_LOCALES}",
    )
    parser.add_argument(
        "--collection",
        choices=("world", "first"),
        default="world",
        help="layouts of many countries, or those of the first release exactly as they were (default world)",
    )
    parser.add_argument(
        "--thumbnail",
        type=_positive,
        metavar="PIXELS",
        help="keep pictures no longer than this (training looks at 224); boxes stay those of the whole page",
    )
    parser.add_argument("--seed", type=int, default=42, help="the same seed draws the same pages (default 42)")
    parser.add_argument(
        "--layouts",
        choices=("train", "heldout"),
        default="train",
        help="layouts to train on, or those kept out of training to measure on (default train)",
    )
    parser.add_argument("--workers", type=_positive, default=os.cpu_count() or 1, metavar="W", help="processes")


def run(arguments: argparse.Namespace) -> int:
    """Write the pages and print the path of the JSON-lines file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    from layoutserve.model.errors import DatasetError
    from layoutserve.model.training.synthesis import KINDS, WORLD_KINDS
    from layoutserve.model.training.synthesis.writing import write_pages

    known = WORLD_KINDS if arguments.collection == "world" else KINDS
    for kind in arguments.kind:
        if kind not in known:
            raise DatasetError(f"There is no kind {kind!r}; choose one of {', '.join(known)}.")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pages", total=arguments.count)
        try:
            path = write_pages(
                arguments.output,
                arguments.count,
                seed=arguments.seed,
                kinds=arguments.kind,
                layouts=arguments.layouts,
                collection=arguments.collection,
                locale=arguments.locale,
                thumbnail=arguments.thumbnail,
                workers=arguments.workers,
                progress=lambda done: bar.update(task, completed=done),
            )
        except ValueError as error:
            raise DatasetError(str(error)) from error
    print(path)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
