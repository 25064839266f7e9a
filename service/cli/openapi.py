"""``layoutserve openapi``: the HTTP contract."""

import argparse
import sys

HELP = "Write the HTTP contract as OpenAPI 3.1 in YAML to stdout."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Print the contract of this version."""
    from layoutserve.service.http.app import create_app
    from layoutserve.service.http.openapi import as_yaml
    from layoutserve.service.settings import Settings

    sys.stdout.write(as_yaml(create_app(Settings()).openapi()))
    return 0
