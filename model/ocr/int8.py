"""The int8 form of an OCR model, beside the model: ``layoutserve ocr-models`` writes it, and the fast engine reads it.

It runs on the native operators alone: without their library the float32 graph is faster, and is what runs.
"""

import hashlib
import logging
from pathlib import Path

import onnxruntime

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr.models import GRAPH
from layoutserve.model.ops import LIBRARY

# In a model's folder, beside inference.onnx.
FILE = "inference.int8.onnx"
# A recognizer's second input, the place of a space among the symbols. Its outputs are the likeliest symbol of every
# column, the probability of that, and the probability of a space (``model/ops/best_symbols.py``).
SYMBOL = "symbol"
# Where its metadata says what it was made from.
SOURCE = "layoutserve_source"
# Counts the forms this file has had: one of an older version of LayoutServe is not used.
_FORM = 4

_log = logging.getLogger(__name__)


def source(content: bytes) -> str:
    """The metadata's entry for a graph that was made from ``content``, the float32 file."""
    return f"{_FORM} {hashlib.sha256(content).hexdigest()}"


class Unusable(Exception):
    """The int8 form of a model does not run; the message says what to do."""


def open_session(folder: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """A session of the int8 form in ``folder``, whose ``options`` know the native operators afterwards.

    Raises Unusable.
    """
    path = folder / FILE
    if not path.is_file():
        raise Unusable(f"{path} is not there: run layoutserve ocr-models (--own FOLDER for other models).")
    try:
        options.register_custom_ops_library(str(LIBRARY))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise Unusable(f"the native operators cannot be used ({error}): make ops builds them.") from error
    expected = source((folder / GRAPH).read_bytes())
    if session.get_modelmeta().custom_metadata_map.get(SOURCE) != expected:
        raise Unusable(
            f"{path} was made from another model or by another version of LayoutServe: run layoutserve ocr-models."
        )
    return session


def open_either(
    folder: Path, options: onnxruntime.SessionOptions, *, exact: bool = False
) -> onnxruntime.InferenceSession:
    """A session of the int8 form, or where it does not do, with a line in the log, or if ``exact``, of the float32 one.

    Raises OcrError.
    """
    if not exact:
        try:
            return open_session(folder, options)
        except Unusable as reason:
            # Models of one's own need not have the form; one that is there and does not run is a fault.
            level = logging.WARNING if (folder / FILE).exists() else logging.INFO
            _log.log(level, "OCR runs in float32, at half the speed: %s", reason)
    try:
        return onnxruntime.InferenceSession(folder / GRAPH, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise OcrError(
            f"The OCR models could not be loaded ({error}): check their folder, names or language."
        ) from error
