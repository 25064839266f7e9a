"""``layoutserve api-key NAME``: make an API key."""

import argparse
import sys

HELP = "Make an API key: the key on stdout, and on stderr the line for the service's file of keys."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("name", help="whose key it is; the log names it")


def run(arguments: argparse.Namespace) -> int:
    """Print a new key."""
    from layoutserve.model.errors import LayoutServeError
    from layoutserve.service.http.auth import NAME, NAME_FORM, new_key

    if not NAME.fullmatch(arguments.name):
        raise LayoutServeError(f"The name of a key must be {NAME_FORM}.")
    key, digest = new_key()
    print(key)
    # Both lines may go into the file as they are.
    print(f"# for the file that LAYOUTSERVE_API_KEYS_FILE names\n{arguments.name}:{digest}", file=sys.stderr)
    return 0
