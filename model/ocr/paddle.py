"""PaddleOCR: it finds models by name or language, and can run them itself (the engine ``paddleocr``).

Its objects must not be shared between threads (PaddleOCR#18268): they belong to one worker.
"""

import importlib
import importlib.util
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from importlib.machinery import ModuleSpec
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Lock
from types import ModuleType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr.ctc import Reading, decode
from layoutserve.model.ocr.detection import BOX_THRESHOLD, THRESHOLD, UNCLIP_RATIO, Places, clockwise
from layoutserve.model.ocr.models import recognition_model
from layoutserve.model.ocr.recognition import Image, go_on, likeliest, paddle_widths

Result = TypeVar("Result")

_importing = Lock()

# What PaddleOCR is asked of a model: its name, its folder, or both.
Source = dict[str, str]


class PaddleDetector:
    """PaddleOCR's detector."""

    def __init__(self, source: Source, threads: int) -> None:
        # Pages differ in size by a factor of ten: an arena keeps what the largest needed, and gains no time.
        config = {"intra_op_num_threads": threads, "enable_cpu_mem_arena": False, "enable_mem_pattern": False}
        limits = {"thresh": THRESHOLD, "box_thresh": BOX_THRESHOLD, "unclip_ratio": UNCLIP_RATIO}
        self._detector = _loaded("TextDetection", source, config, limit_type="max", **limits)

    def detect(self, image: Image, side: int) -> Places:
        """Find the lines of a BGR image: none of them is faint."""
        (found,) = self._detector.predict(image, limit_side_len=side)
        quads = clockwise(np.asarray(found["dt_polys"], dtype=np.float64).reshape(-1, 4, 2))
        return Places(quads, np.zeros(len(quads), dtype=np.bool_))


class PaddleRecognizer:
    """PaddleOCR's predictor, line by line: the reference, and what runs models the fast path does not know."""

    def __init__(self, source: Source, threads: int) -> None:
        config = {"intra_op_num_threads": threads, "enable_mem_pattern": False}
        self._predictor = _loaded("TextRecognition", source, config).paddlex_predictor
        self._model = recognition_model(Path(self._predictor.model_dir))
        self._line: Image
        self._reading: Reading
        # Stands in for PaddleOCR's CTC decoder: same place, same input, but keeps columns, scores and spaces.
        self._predictor.post_op = self._keep

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """Read the lines. Raises OcrError once ``given_up`` is set."""
        readings = []
        for line in lines:
            go_on(given_up)
            self._line = line
            list(self._predictor.predict([line]))
            readings.append(self._reading)
        return readings

    def _keep(self, outputs: list[NDArray[np.float32]], **_: object) -> tuple[list[str], list[float]]:
        width, padded = paddle_widths(self._model, self._line)
        self._reading = decode(*likeliest(self._model, outputs[0][0]), self._model.symbols, width / padded)
        # For some models PaddleOCR goes on with the text (it turns Arabic about): it gets none.
        return [""], [0.0]


@cache
def find(detection: str, recognition: str) -> tuple[Path, Path]:
    """The folders of two models of these names, which PaddleOCR downloads where they are not there yet.

    Raises OcrError.
    """
    return _apart(_folders, detection, recognition)


@cache
def names_for(language: str) -> tuple[str, str]:
    """The names of the detector and the recognizer for a language, as PaddleOCR calls it. Raises OcrError."""
    names = _apart(_names, language)
    if None in names:
        raise OcrError(f"PaddleOCR has no models for the language {language!r}: see its list of languages.")
    return names


def _apart(function: Callable[..., Result], *arguments: str) -> Result:
    """Call a function in a process of its own, which takes PaddleOCR with it when it ends."""
    with ProcessPoolExecutor(1, get_context("spawn")) as child:
        try:
            return child.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise OcrError(
                f"PaddleOCR ended while it looked for {', '.join(arguments)}: is there memory left?"
            ) from error


def _folders(detection: str, recognition: str) -> tuple[Path, Path]:
    first = _loaded("TextDetection", {"model_name": detection}, {}).paddlex_predictor
    second = _loaded("TextRecognition", {"model_name": recognition}, {}).paddlex_predictor
    return Path(first.model_dir), Path(second.model_dir)


def _names(language: str) -> tuple[str, str]:
    paddleocr = _imported()
    # PaddleOCR keeps the table of languages behind its pipeline, and building that would load the models twice.
    unbuilt = paddleocr.PaddleOCR.__new__(paddleocr.PaddleOCR)
    names: tuple[str, str] = paddleocr.PaddleOCR._get_ocr_model_names(unbuilt, language, None)
    return names


def _loaded(what: str, source: Source, engine_config: Mapping[str, object], **settings: object) -> Any:  # noqa: ANN401
    try:
        made = getattr(_imported(), what)
        return made(**source, engine="onnxruntime", device="cpu", engine_config=engine_config, **settings)
    except Exception as error:
        # PaddleX raises bare Exception, RuntimeError, AssertionError and more.
        raise OcrError(
            f"The OCR models could not be loaded ({error}): check their folder, names or language."
        ) from error


def _imported() -> ModuleType:
    """PaddleOCR, imported quietly and without torch.

    PaddleX looks for its model hosts when it is imported, and reports everything it does. The hosts' client
    (modelscope) asks whether torch and transformers are installed and imports them if so: seconds and hundreds of
    megabytes that nothing here uses. Meanwhile, it is told that they are not.
    """
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
    # Else transformers, where it is installed, tells everybody that it found no torch.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    find_spec = importlib.util.find_spec

    def find_light(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("torch", "transformers") else find_spec(name, package)

    with _importing:
        importlib.util.find_spec = find_light
        try:
            paddleocr = importlib.import_module("paddleocr")
        finally:
            importlib.util.find_spec = find_spec
    logging.getLogger("paddlex").setLevel(logging.ERROR)
    return paddleocr
