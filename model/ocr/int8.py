"""The int8 form of a recognizer, beside the models: ``layoutserve ocr-models`` writes it, and the fast engine reads it.

It runs on the native operators alone: without their library the float32 graph is faster, and is what runs.
"""

import hashlib
import logging
from pathlib import Path

import onnxruntime

from model.ops import LIBRARY

# In a model's folder, beside inference.onnx.
FILE = "inference.int8.onnx"
# Where its metadata says which float32 graph it was made from.
SOURCE = "layoutserve_source_sha256"

_log = logging.getLogger(__name__)


def session_for(folder: Path) -> onnxruntime.InferenceSession | None:
    """A session of one thread for the recognizer in ``folder``; None, and a warning, where float32 has to do."""
    path = folder / FILE
    if not path.is_file():
        _log.info("Lines are read in float32, at half the speed: %s is not there. Run layoutserve ocr-models.", path)
        return None
    options = onnxruntime.SessionOptions()
    # Every line is read on the thread that asks, and every line has another shape to keep a pattern of.
    options.intra_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    try:
        options.register_custom_ops_library(str(LIBRARY))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        _log.warning("Lines are read in float32, at half the speed: the native operators cannot be used (%s).", error)
        return None
    source = hashlib.sha256((folder / "inference.onnx").read_bytes()).hexdigest()
    if session.get_modelmeta().custom_metadata_map.get(SOURCE) != source:
        _log.warning("Lines are read in float32: %s was made from another model. Run layoutserve ocr-models.", path)
        return None
    return session
