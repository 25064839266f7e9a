"""The console script ``layoutserve``: one sub-command for each module of ``service/cli`` that is one.

A command module has ``HELP`` (one sentence), ``add_arguments(parser)`` and ``run(arguments) -> exit code``.
Its name is the module's with ``_`` as ``-``, or ``NAME``. Everything heavy is imported inside ``run``: so
``layoutserve --help`` answers at once and the service never pulls in the build side.

Exit codes: 0 done, 1 done and the answer is no (a failed check), 2 refused with a sentence on stderr,
130 interrupted.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Protocol, cast

from layoutserve.model.errors import LayoutServeError
from layoutserve.service import cli

NO_COMMANDS = ("main", "running")


class Command(Protocol):
    """A module with a command."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do the work and return the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``argv`` defaults to the process's arguments."""
    arguments = build_parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command.run(arguments)
    except LayoutServeError as error:
        print(f"layoutserve {arguments.command_name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Build the parser with every command in it."""
    parser = argparse.ArgumentParser(prog="layoutserve", description="Self-hosted document understanding.")
    parser.add_argument("--version", action="version", version=f"layoutserve {version('layoutserve')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in _commands():
        subparser = subparsers.add_parser(name, help=command.HELP, description=command.HELP)
        command.add_arguments(subparser)
        subparser.set_defaults(command=command, command_name=name)
    return parser


def _commands() -> Iterator[tuple[str, Command]]:
    for found in pkgutil.iter_modules(cli.__path__):
        if found.name in NO_COMMANDS:
            continue
        module = importlib.import_module(f"{cli.__name__}.{found.name}")
        yield getattr(module, "NAME", found.name.replace("_", "-")), cast(Command, module)
