"""``layoutserve export``: a checkpoint becomes a bundle."""

import argparse
import sys
import time
from pathlib import Path

HELP = "Export a LayoutLMv2 checkpoint as a bundle of ONNX graphs, and prove that the numbers are the same."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--checkpoint", required=True, metavar="PATH_OR_HUB_ID", help="a folder, or owner/name")
    parser.add_argument("--output", required=True, type=Path, metavar="DIR", help="where the bundle goes")
    parser.add_argument("--precision", choices=("fp32",), default="fp32", help="of the weights (default: fp32)")
    parser.add_argument(
        "--graph",
        choices=("fused", "portable"),
        default="fused",
        help="ONNX Runtime's own nodes, or standard operators alone (default: fused)",
    )
    parser.add_argument("--tokenizer", type=Path, metavar="PATH", help="a tokenizer.json (default: the checkpoint's)")
    parser.add_argument("--name", help="the bundle's name (default: the folder's)")
    parser.add_argument("--version", default="1", help="the bundle's version (default: 1)")


def run(arguments: argparse.Namespace) -> int:
    """Export, reporting each step on stderr and the bundle's folder on stdout."""
    from model.network import checkpoint, export

    start = time.perf_counter()

    def report(step: str) -> None:
        print(f"[{time.perf_counter() - start:6.1f} s] {step}", file=sys.stderr, flush=True)

    report(f"Loading {arguments.checkpoint}")
    loaded = checkpoint.load(arguments.checkpoint)
    bundle = export.export(
        loaded,
        arguments.output,
        graph=arguments.graph,
        tokenizer=arguments.tokenizer,
        name=arguments.name,
        version=arguments.version,
        report=report,
    )
    worst = max(value for case, value in bundle.manifest.parity.items() if case != "bound")
    report(f"Done: within {worst:.1e} of torch, bound {export.PARITY_BOUND:g}; licence {bundle.manifest.licence}")
    if bundle.tokenizer is None:
        print(
            "Warning: the checkpoint has no tokenizer.json, so the bundle can be run on arrays but not served; "
            "export again with --tokenizer.",
            file=sys.stderr,
        )
    print(bundle.path)
    return 0
