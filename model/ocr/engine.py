"""The PP-OCR models: PaddleOCR finds, configures and defines them; lines are recognized on its ONNX Runtime sessions.

An engine belongs to one worker: PaddleOCR's objects must not be shared between threads (PaddleOCR#18268).
"""

import importlib
import importlib.util
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from threading import Event, Lock
from types import ModuleType
from typing import TYPE_CHECKING, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from model.allocator import share_arena
from model.errors import OcrError
from model.ocr import int8, store
from model.ocr.decoding import Reading
from model.ocr.lines import sides
from model.ocr.recognition import FastRecognizer, Image, PaddleRecognizer, Recognizer

if TYPE_CHECKING:
    from paddlex.inference.models.runners.onnxruntime_runner import ONNXRuntimeRunner

Quads = NDArray[np.float64]

_importing = Lock()

# Longer side of what the detector sees. Word F1 on 40 SROIE training receipts, none of them a benchmark page: 0.852 at
# 480, 0.908 at 608, 0.919 at 736 and 0.920 at 960, which takes twice as long as 736.
_FAST_SIDE = 736
_SIDE = 960

# A page whose lines are lower than this in the detector's eyes, in pixels, is looked at again so large that they are
# that high, but not larger than this side.
_SMALL = 12.0
_COMFORTABLE = 16.0
_MAX_SIDE = 1600

# So is a page whose lines slant by more than this, in radians, at PaddleOCR's own side: on 12 SROIE training receipts
# turned by 5 degrees, none of them a benchmark page, word F1 0.858 instead of 0.848, as much as upright.
_SLANTED = 0.02


@dataclass(frozen=True, slots=True)
class OcrConfig:
    """Which models read, and how.

    models: folder with ``detection`` and ``recognition`` (each with inference.onnx and inference.yml), None for the
    folder of the default models. detection_model, recognition_model: PaddleOCR's names, which PaddleOCR then finds
    and downloads in its own way, or with ``models`` the names of what is in the folders. language: PaddleOCR's
    language code instead of names. detection_side: pixels of the longer side of the image the detector sees
    (more where the text is small); None for 736 where ``fast``, and 960 as PaddleOCR's pipeline has it.
    threads: CPU threads, None for all cores. engine: ``fast`` runs the recognizer in threads side by side, in int8
    where ``layoutserve ocr-models`` has made that form and the native operators are built; ``exact`` does so in float32
    and pads lines as PaddleOCR does, so that it reads the same words as ``paddleocr``, which leaves all to PaddleOCR.
    """

    models: Path | None = None
    detection_model: str | None = None
    recognition_model: str | None = None
    language: str | None = None
    detection_side: int | None = None
    threads: int | None = None
    engine: Literal["fast", "exact", "paddleocr"] = "fast"


class Engine:
    """The detector and the recognizer. Raises OcrError when the models are not there or do not fit."""

    def __init__(self, config: OcrConfig) -> None:
        self._side = config.detection_side or (_FAST_SIDE if config.engine == "fast" else _SIDE)
        threads = config.threads or os.cpu_count() or 1
        detection, recognition = _sources(config)
        paddleocr = _paddleocr()
        common = {"engine": "onnxruntime", "device": "cpu"}
        # Patterns are kept for every shape ever seen, and every line has another width: memory would grow for good.
        options = {"enable_mem_pattern": False}
        ours = config.engine != "paddleocr"
        try:
            self._detector = paddleocr.TextDetection(
                **detection,
                **common,
                # Pages differ in size by a factor of ten: an arena keeps what the largest needed, and gains no time.
                engine_config={"intra_op_num_threads": threads, "enable_cpu_mem_arena": False, **options},
                limit_type="max",
                # What PaddleOCR's pipeline sets, whatever the model's own folder says.
                thresh=0.3,
                box_thresh=0.6,
                unclip_ratio=1.5,
            )
            reader = paddleocr.TextRecognition(
                **recognition,
                **common,
                # One thread a session and several lines side by side beat one line on several threads.
                engine_config={"intra_op_num_threads": 1 if ours else threads, **options},
            ).paddlex_predictor
        except Exception as error:
            # PaddleX raises bare Exception, RuntimeError, AssertionError and more.
            raise OcrError(
                f"The OCR models could not be loaded ({error}): check their folder, names or language."
            ) from error
        if ours:
            _replace_session(self._detector.paddlex_predictor.runner, threads, in_int8=config.engine == "fast")
        self.given_up = Event()
        self._recognizer: Recognizer
        if config.engine == "fast":
            one_thread = _session_options(1)
            share_arena(one_thread)
            self._recognizer = FastRecognizer(reader, threads, int8.session_for(Path(reader.model_dir), one_thread))
        elif config.engine == "exact":
            self._recognizer = FastRecognizer(reader, threads, exact=True)
        else:
            self._recognizer = PaddleRecognizer(reader)

    def detect(self, image: Image) -> Quads:
        """Quadrilaterals (n, 4, 2) around lines of text on a BGR image, in its pixels, clockwise from the top left."""
        longer = max(image.shape[:2])
        quads = self._detect(image, self._side)
        if longer <= self._side:
            return quads
        if not len(quads):
            # Nothing, or nothing that can be seen from so far away.
            return self._detect(image, min(longer, _MAX_SIDE))
        along, across = sides(quads)
        seen = float(np.median(np.minimum(along, across))) * self._side / longer
        if seen < _SMALL:
            return self._detect(image, round(min(longer, _MAX_SIDE, self._side * _COMFORTABLE / seen)))
        if self._side < _SIDE and _slant(quads) > _SLANTED:
            return self._detect(image, min(longer, _SIDE))
        return quads

    def _detect(self, image: Image, side: int) -> Quads:
        (found,) = self._detector.predict(image, limit_side_len=side)
        return np.asarray(found["dt_polys"], dtype=np.float64).reshape(-1, 4, 2)

    def read(self, lines: Sequence[Image]) -> list[Reading]:
        """Read upright lines (BGR), each of its own size. Raises OcrError once ``given_up`` is set."""
        return self._recognizer.read(lines, self.given_up)

    def close(self) -> None:
        """Give back the threads."""
        self._recognizer.close()


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Pages and lines have any size: patterns would be kept for each.
    options.enable_mem_pattern = False
    return options


def _replace_session(runner: "ONNXRuntimeRunner", threads: int, *, in_int8: bool) -> None:
    """Give PaddleOCR's detector the int8 form if there is one, and threads that sleep when they wait.

    Spinning, which PaddleX cannot stop, they take as much processor time again as the detector itself, from the lines
    and models beside it.
    """
    options = _session_options(threads)
    # Pages differ in size by a factor of ten: an arena would keep what the largest needed, beside all the others.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    folder = Path(runner.model_dir)
    session = int8.session_for(folder, options) if in_int8 else None
    runner.session = session or onnxruntime.InferenceSession(
        folder / f"{runner.model_file_prefix}.onnx", options, providers=["CPUExecutionProvider"]
    )


def _slant(quads: Quads) -> float:
    """By how much the longer half of the lines slants, in radians away from the nearest of the two axes."""
    edges = quads[:, 1] - quads[:, 0]
    along, across = sides(quads)
    longer = np.maximum(along, across) >= np.median(np.maximum(along, across))
    quarter = np.pi / 2
    angles = np.arctan2(edges[longer, 1], edges[longer, 0])
    return float(np.median(np.abs((angles + quarter / 2) % quarter - quarter / 2)))


def _paddleocr() -> ModuleType:
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


def _sources(config: OcrConfig) -> tuple[dict[str, str], dict[str, str]]:
    """Name and folder of the detector and of the recognizer, as PaddleOCR's constructors want them."""
    names = (config.detection_model, config.recognition_model)
    by_name = config.language is not None or names != (None, None)
    if config.models is None and by_name:
        if config.language is not None:
            names = _names_for(config.language)
        if None in names:
            raise OcrError("Name both the detection and the recognition model, or give a language instead.")
        return {"model_name": str(names[0])}, {"model_name": str(names[1])}
    folder = config.models or store.default_folder()
    if not store.is_complete(folder):
        raise OcrError(f"The OCR models are not in {folder}: run `layoutserve ocr-models` or name another folder.")
    detection, recognition = names[0] or store.DETECTION.name, names[1] or store.RECOGNITION.name
    return (
        {"model_name": detection, "model_dir": str(folder / store.DETECTION.folder)},
        {"model_name": recognition, "model_dir": str(folder / store.RECOGNITION.folder)},
    )


def _names_for(language: str) -> tuple[str | None, str | None]:
    paddleocr = _paddleocr()
    # PaddleOCR keeps the table of languages behind its pipeline, and building that would load the models twice.
    names = paddleocr.PaddleOCR._get_ocr_model_names(paddleocr.PaddleOCR.__new__(paddleocr.PaddleOCR), language, None)
    if None in names:
        raise OcrError(f"PaddleOCR has no models for the language {language!r}: see its list of languages.")
    return names[0], names[1]
