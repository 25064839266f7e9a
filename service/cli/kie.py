"""``layoutserve kie FILE...``: the key information of documents, in this process."""

import argparse
from typing import TYPE_CHECKING

from layoutserve.service.cli import running

if TYPE_CHECKING:
    from rich.console import RenderableType

    from layoutserve.model.pipeline import DocumentResult

HELP = "Find the key information of documents: fields and entities with their places."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    running.add_arguments(parser)
    running.add_rules(parser)
    parser.add_argument(
        "--date-order",
        choices=("auto", "dmy", "mdy", "ymd"),
        default="auto",
        help="of day, month and year in dates of figures (default: auto, the document decides)",
    )
    parser.add_argument("--locale", help="language and country of the documents, such as en-GB")


def run(arguments: argparse.Namespace) -> int:
    """Print the fields and entities of every file."""
    from layoutserve.model.pipeline import Request

    request = Request(
        tasks=("kie",),
        language=arguments.language,
        rules=running.rules(arguments),
        date_order=None if arguments.date_order == "auto" else arguments.date_order,
        locale=arguments.locale,
    )
    return running.run(arguments, request, "kie", _view)


def _view(result: "DocumentResult") -> "RenderableType":
    from rich.console import Group
    from rich.table import Table

    from layoutserve.model.decoding.kie import Amount

    fields = Table("field", "text", "value", "score", "page", title="Fields", title_justify="left")
    entities = Table("entity", "text", "score", "page", "box", title="Entities", title_justify="left")
    if result.kie is None:
        return Group()
    for field in result.kie.fields:
        value = field.value
        if isinstance(value, Amount):
            value = f"{value.amount} {value.currency or ''}".strip()
        fields.add_row(field.label.lower(), field.text, value or "", f"{field.score:.2f}", str(field.page))
    for entity in result.kie.entities:
        place = running.place(entity.box)
        entities.add_row(entity.label, entity.text, f"{entity.score:.2f}", str(entity.page), place)
    return (
        Group(*(table for table in (fields, entities) if table.row_count)) if entities.row_count else "Nothing found."
    )
