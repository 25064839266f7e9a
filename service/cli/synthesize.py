"""``layoutserve synthesize``: write labelled pages drawn in code."""

import argparse
import os
from pathlib import Path

HELP = "Draw labelled documents (words, boxes, entities, links, questions) to train and to measure on."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for pages.jsonl and images/")
    parser.add_argument("--count", type=_positive, required=True, metavar="N", help="how many pages")
    parser.add_argument(
        "--kind", action="append", default=[], metavar="KIND", help="document class, may be repeated; all where absent"
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
    from layoutserve.model.training.synthesis import KINDS
    from layoutserve.model.training.synthesis.writing import write_pages

    for kind in arguments.kind:
        if kind not in KINDS:
            raise DatasetError(f"There is no kind {kind!r}; choose one of {', '.join(KINDS)}.")
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("pages", total=arguments.count)
        path = write_pages(
            arguments.output,
            arguments.count,
            seed=arguments.seed,
            kinds=arguments.kind,
            layouts=arguments.layouts,
            workers=arguments.workers,
            progress=lambda done: bar.update(task, completed=done),
        )
    print(path)
    return 0


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
