"""The int8 form of an OCR model, beside the model: ``layoutserve ocr-models`` writes it, and the fast engine reads it.

It runs on the native operators alone: without their library the float32 graph is faster, and is what runs.
"""

import hashlib
import logging
from pathlib import Path

import onnxruntime

from model.ops import LIBRARY

# In a model's folder, beside inference.onnx.
FILE = "inference.int8.onnx"
# A recognizer's second input, the place of a space among the symbols. Its outputs are the likeliest symbol of every
# column, the probability of that, and the probability of a space (``model/ops/best_symbols.py``).
SYMBOL = "symbol"
# Where its metadata says what it was made from.
SOURCE = "layoutserve_source"
# Counts the forms this file has had: one of an older version of LayoutServe is not used.
_FORM = 2

_log = logging.getLogger(__name__)


def source(content: bytes) -> str:
    """What the metadata says of a graph that was made from ``content``, the float32 file."""
    return f"{_FORM} {hashlib.sha256(content).hexdigest()}"


def session_for(folder: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession | None:
    """A session of the int8 form in ``folder``; None, and a line in the log, where float32 has to do.

    ``options`` know the native operators afterwards, which changes nothing for a float32 graph.
    """
    path = folder / FILE
    if not path.is_file():
        _log.info("OCR runs in float32, at half the speed: %s is not there. Run layoutserve ocr-models.", path)
        return None
    try:
        options.register_custom_ops_library(str(LIBRARY))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        _log.warning("OCR runs in float32, at half the speed: the native operators cannot be used (%s).", error)
        return None
    expected = source((folder / "inference.onnx").read_bytes())
    if session.get_modelmeta().custom_metadata_map.get(SOURCE) != expected:
        _log.warning(
            "OCR runs in float32: %s was made from another model or by another version of LayoutServe. Run"
            " layoutserve ocr-models.",
            path,
        )
        return None
    return session
