"""``layoutserve docvqa FILE... --question ...``: answers found in documents, in this process."""

import argparse
from typing import TYPE_CHECKING

from layoutserve.service.cli import running

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layoutserve.model.pipeline import DocumentResult

HELP = "Answer questions from documents, with the places of the answers."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    running.add_arguments(parser)
    parser.add_argument("--question", "-q", action="append", required=True, help="may be given several times")
    parser.add_argument("--top-k", type=int, default=1, help="most answers to a question (default: 1)")
    running.add_rules(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the answers of every file to every question."""
    from layoutserve.model.pipeline import Request

    request = Request(
        tasks=("docvqa",),
        questions=tuple(arguments.question),
        top_k=arguments.top_k,
        language=arguments.language,
        rules=running.rules(arguments),
    )
    return running.run(arguments, request, "docvqa", _view)


def _view(result: "DocumentResult") -> "RenderableType":
    from rich.table import Table

    table = Table("question", "answer", "score", "page", "boxes")
    for asked in result.answers or ():
        for number, answer in enumerate(asked.answers):
            places = "\n".join(running.place(box) for box in answer.boxes)
            question = "" if number else asked.question
            table.add_row(question, answer.text, f"{answer.score:.2f}", str(answer.page), places)
        if not asked.answers:
            table.add_row(asked.question, "(no answer)", f"{asked.no_answer_score:.2f}", "", "")
    return table
