"""The PP-OCR models: PaddleOCR finds, configures and defines them; lines are recognized on its ONNX Runtime sessions.

An engine belongs to one worker: PaddleOCR's objects must not be shared between threads (PaddleOCR#18268).
"""

import logging
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.errors import OcrError
from model.ocr import store

Image = NDArray[np.uint8]
Quads = NDArray[np.float64]

# PaddleOCR squeezes longer lines to this width, at the height the recognizer wants.
_MAX_WIDTH = 3200


@dataclass(frozen=True, slots=True)
class OcrConfig:
    """Which models read, and how.

    models: folder with ``detection`` and ``recognition`` (each with inference.onnx and inference.yml), None for the
    folder of the default models. detection_model, recognition_model: PaddleOCR's names, which PaddleOCR then finds
    and downloads in its own way, or with ``models`` the names of what is in the folders. language: PaddleOCR's
    language code instead of names. detection_side: pixels of the longer side of the image the detector sees.
    threads: CPU threads, None for all cores. engine: ``fast`` runs the recognizer in threads side by side,
    ``paddleocr`` leaves everything to PaddleOCR.
    """

    models: Path | None = None
    detection_model: str | None = None
    recognition_model: str | None = None
    language: str | None = None
    detection_side: int = 960
    threads: int | None = None
    engine: Literal["fast", "paddleocr"] = "fast"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the recognizer reads on one line.

    positions: float32 (n,), where along the line (0-1) each character stands. scores: float32 (n,), its probability.
    """

    text: str
    positions: NDArray[np.float32]
    scores: NDArray[np.float32]

    @property
    def score(self) -> float:
        """Mean probability of the characters, 0 for an empty line."""
        return float(self.scores.mean()) if len(self.scores) else 0.0


class Engine:
    """The detector and the recognizer. Raises OcrError when the models are not there or do not fit."""

    def __init__(self, config: OcrConfig) -> None:
        self._threads = config.threads or os.cpu_count() or 1
        detection, recognition = _sources(config)
        # PaddleX looks for its model hosts when it is imported, and reports everything it does.
        os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
        from paddleocr import TextDetection, TextRecognition

        logging.getLogger("paddlex").setLevel(logging.ERROR)
        common = {"engine": "onnxruntime", "device": "cpu"}
        fast = config.engine == "fast"
        try:
            self._detector = TextDetection(
                **detection,
                **common,
                engine_config={"intra_op_num_threads": self._threads},
                limit_side_len=config.detection_side,
                limit_type="max",
            )
            self._recognizer = TextRecognition(
                **recognition,
                **common,
                # One thread a session and several lines side by side beat one line on several threads.
                engine_config={"intra_op_num_threads": 1 if fast else self._threads},
            ).paddlex_predictor
        except Exception as error:
            # PaddleX raises bare Exception, RuntimeError, AssertionError and more.
            raise OcrError(
                f"The OCR models could not be loaded ({error}): check their folder, names or language."
            ) from error
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="ocr") if fast else None

    def detect(self, image: Image) -> Quads:
        """Quadrilaterals (n, 4, 2) around lines of text on a BGR image, in its pixels, clockwise from the top left."""
        (found,) = self._detector.predict(image)
        return np.asarray(found["dt_polys"], dtype=np.float64).reshape(-1, 4, 2)

    def read(self, crops: Sequence[Image]) -> list[Reading]:
        """Read upright lines (BGR), each of its own size."""
        if self._pool is None:
            return [self._read_by_paddleocr(crop) for crop in crops]
        # The longest first, so that no thread is left alone with one in the end.
        order = sorted(range(len(crops)), key=lambda i: -crops[i].shape[1] / crops[i].shape[0])
        readings = dict(zip(order, self._pool.map(self._read_one, (crops[i] for i in order)), strict=True))
        return [readings[i] for i in range(len(crops))]

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def _read_one(self, crop: Image) -> Reading:
        (batch,) = self._recognizer.pre_tfs["ToBatch"](imgs=self._recognizer.pre_tfs["ReisizeNorm"](imgs=[crop]))
        (probabilities,) = self._recognizer.runner(x=[batch])
        height, width = batch.shape[2:]
        used = min(width, _MAX_WIDTH, height * crop.shape[1] / crop.shape[0])
        return decode(probabilities[0], self._recognizer.post_op.character, used / width)

    def _read_by_paddleocr(self, crop: Image) -> Reading:
        (result,) = self._recognizer.predict([crop], return_word_box=True)
        text, (columns, _, columns_of_words, _) = result["rec_text"]
        positions = (np.array([c for word in columns_of_words for c in word], dtype=np.float32) + 0.5) / columns
        return Reading(text, positions.clip(0, 1), np.full(len(text), result["rec_score"], dtype=np.float32))


def decode(probabilities: NDArray[np.float32], symbols: Sequence[str], used: float) -> Reading:
    """Greedy CTC: the best symbol of every column, repetitions and blanks (symbol 0) left out.

    probabilities: (columns, symbols). used: share of the columns that the line fills, the rest being padding.
    """
    best = probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(starts[1:], len(best))
    kept = best[starts] != 0
    starts, ends = starts[kept], ends[kept]
    positions = (starts + ends) / 2 / (len(best) * used)
    text = "".join(symbols[symbol] for symbol in best[starts])
    return Reading(text, positions.astype(np.float32).clip(0, 1), probabilities[starts, best[starts]])


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
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")
    from paddleocr import PaddleOCR

    # PaddleOCR keeps the table of languages behind its pipeline, and building that would load the models twice.
    names = PaddleOCR._get_ocr_model_names(PaddleOCR.__new__(PaddleOCR), language, None)
    if None in names:
        raise OcrError(f"PaddleOCR has no models for the language {language!r}: see its list of languages.")
    return names[0], names[1]
