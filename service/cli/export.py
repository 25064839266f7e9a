"""``layoutserve export``: a checkpoint becomes a bundle."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from layoutserve.model.bundle import Channels
from layoutserve.model.errors import CheckpointError, DocumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Scales settle after a few dozen pages; more only take time.
_CALIBRATION_PAGES = 64

HELP = (
    "Export a checkpoint of LayoutLMv2 or a relative as a bundle of ONNX graphs, and prove that they compute the same."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--checkpoint", required=True, metavar="PATH_OR_HUB_ID", help="a folder, or owner/name")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="where the bundle goes")
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16", "int8"),
        default="fp32",
        help="fp16 for GPUs, int8 for CPUs (default: fp32)",
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        metavar="DIR",
        help="documents of the kind to be served, on which int8 is calibrated (default: pages drawn by layoutserve)",
    )
    parser.add_argument(
        "--graph",
        choices=("fused", "portable"),
        default="fused",
        help="ONNX Runtime's own nodes, or standard operators alone (default: fused)",
    )
    parser.add_argument("--tokenizer", type=Path, metavar="PATH", help="a tokenizer (default: the checkpoint's)")
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument("--version", default="1", help="the bundle's version (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Export, reporting each step on stderr and the bundle's folder on stdout."""
    from layoutserve.model.network import checkpoint, export

    start = time.perf_counter()

    def report(step: str) -> None:
        print(f"[{time.perf_counter() - start:6.1f} s] {step}", file=sys.stderr, flush=True)

    report(f"Loading {arguments.checkpoint}")
    loaded = checkpoint.load(arguments.checkpoint)
    channels = loaded.inputs.channels
    bundle = export.export(
        loaded,
        arguments.output,
        graph=arguments.graph,
        precision=arguments.precision,
        calibration=_pages(arguments.calibration, channels) if arguments.precision == "int8" and channels else (),
        tokenizer=arguments.tokenizer,
        name=arguments.name,
        version=arguments.version,
        report=report,
    )
    parity = dict(bundle.manifest.parity)
    bound = parity.pop("bound")
    kind = "" if arguments.precision == "fp32" else " (relative)"
    report(
        f"Done: within {max(parity.values()):.1e}{kind} of torch, bound {bound:g}; licence {bundle.manifest.licence}"
    )
    if bundle.tokenizer is None:
        print(
            "Warning: the checkpoint has no tokenizer, so the bundle can be run on arrays but not served; export again "
            "with --tokenizer.",
            file=sys.stderr,
        )
    print(bundle.path)
    return 0


def _pages(folder: Path | None, channels: Channels) -> "list[NDArray[np.uint8]]":
    """The pages int8 is calibrated on: those of a folder's documents, or drawn ones; uint8 (3, 224, 224)."""
    from layoutserve.model.encoding.encoder import model_image
    from layoutserve.model.page import Page, read_document
    from layoutserve.model.training.synthesis import generate

    if folder is None:
        return [model_image(Page(generate(index, seed=0).image), channels) for index in range(_CALIBRATION_PAGES)]
    pages: list[NDArray[np.uint8]] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            pages.extend(model_image(page, channels) for page in read_document(path.read_bytes(), ocr="never"))
        except DocumentError as error:
            print(f"Not used for calibration: {path}: {error}", file=sys.stderr)
        if len(pages) >= _CALIBRATION_PAGES:
            break
    if not pages:
        raise CheckpointError(f"{folder} holds no document that can be read; int8 needs pages to calibrate on.")
    return pages[:_CALIBRATION_PAGES]
