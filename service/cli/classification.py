"""``layoutserve classification FILE...``: the class of documents, in this process."""

import argparse
from typing import TYPE_CHECKING

from layoutserve.service.cli import running

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layoutserve.model.pipeline import DocumentResult

HELP = "Tell what kind of document each file is."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    running.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the classes of every file, best first."""
    from layoutserve.model.pipeline import Request

    request = Request(tasks=("classification",), language=arguments.language)
    return running.run(arguments, request, "classification", _view)


def _view(result: "DocumentResult") -> "RenderableType":
    from rich.table import Table

    table = Table("class", "document", *(f"page {page.number}" for page in result.pages[:8]))
    for best in result.classes or ():
        by_page = (
            next(f"{found.score:.2f}" for found in classes if found.label == best.label)
            for classes in (result.page_classes or ())[:8]
        )
        table.add_row(best.label, f"{best.score:.2f}", *by_page)
    return table
