"""``layoutserve run``: arrays through a bundle, without a service."""

import argparse
import sys
from pathlib import Path

HELP = "Run a bundle on arrays in an .npz file, under Hugging Face's input and output names."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bundle", required=True, type=Path, metavar="DIR", help="what layoutserve export made")
    parser.add_argument(
        "--inputs",
        required=True,
        type=Path,
        metavar="IN.npz",
        help="input_ids (B, L), bbox (B, L, 4), image uint8 (B, 3, 224, 224) where the network looks at one, "
        "attention_mask, token_type_ids (B, L); for a head of relations entity_start, entity_label (B, E)",
    )
    parser.add_argument("--output", required=True, type=Path, metavar="OUT.npz", help="where the logits go")
    parser.add_argument(
        "--ops",
        choices=("native", "portable"),
        default="native",
        help="the native operators where they are built, or their ONNX functions (default: native)",
    )
    parser.add_argument("--threads", type=int, help="threads of ONNX Runtime (default: one for each core)")


def run(arguments: argparse.Namespace) -> int:
    """Run the arrays and write the outputs."""
    import logging
    import zipfile

    import numpy as np

    from layoutserve.model import bundle
    from layoutserve.model.errors import ArrayError
    from layoutserve.service import settings
    from layoutserve.service.work import loading

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    loaded = bundle.load(arguments.bundle)
    try:
        # Opened here, because numpy leaves a broken file open.
        with arguments.inputs.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise ArrayError(f"There is no file {arguments.inputs}.") from None
    except (OSError, ValueError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ArrayError(f"{arguments.inputs} is not an .npz file of arrays: {error}") from error
    given = {} if arguments.threads is None else {"session_threads": arguments.threads}
    chosen = settings.load(native_ops=arguments.ops == "native", **given)
    session = loading.open_session(loaded, chosen, pages_at_once=1)
    outputs = session.infer(arrays)
    with arguments.output.open("wb") as file:
        np.savez(file, allow_pickle=False, **outputs)
    shapes = ", ".join(f"{name} {value.shape}" for name, value in outputs.items())
    print(f"{arguments.output}: {shapes}; {session.operators} operators", file=sys.stderr)
    return 0
