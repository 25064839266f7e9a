"""The PP-OCR models, run by this package or by PaddleOCR itself; an engine belongs to one worker.

The counts behind the constants are in ``benchmarks/LOG.md``, OCR.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import paddle, store
from layoutserve.model.ocr.ctc import Reading
from layoutserve.model.ocr.detection import STRIDE, FastDetector, Places
from layoutserve.model.ocr.lines import cut, is_slanted
from layoutserve.model.ocr.models import detection_model, recognition_model
from layoutserve.model.ocr.parts import joined, parts_of
from layoutserve.model.ocr.recognition import FastRecognizer, Image, go_on
from layoutserve.model.page.geometry import sides

# Pixels of the longer side of what the detector sees: at 960 it finds no more than at 736, in twice the time.
_FAST_SIDE = 736
_SIDE = 960

# Heights of a page's lines as the detector sees them, in pixels: below the first, it looks again to see the second.
_LOW = (11.0, 12.5)
_LOW_WHERE_SLANTED = (11.0, 16.0)

# The most pixels of a second look: each takes 170 bytes, which stay with the process.
_MOST_PIXELS = 1_250_000

# Lines that even the largest look sees lower than this are looked at in parts of the page.
_TOO_LOW = 8.0
# Such parts are at most this many times as long as a square of as many pixels.
_LONGEST_PART = 2
# A page that is looked at in parts whatever was seen on it has not many more than these.
_MOST_PARTS = 16

# A page longer than the first times its width is looked at in parts of the second times its width.
_LONG_PAGE = 4
_PART = 1.5

# A line of a lower mean probability is hardly ever what is written: asterisks, stamps, the edge of a picture.
_MIN_SCORE = 0.7


@dataclass(frozen=True, slots=True)
class OcrConfig:
    """The models that read, and how they do it.

    models: folder with ``detection`` and ``recognition`` (each with inference.onnx and inference.yml), None for the
    folder of the default models. detection_model, recognition_model: PaddleOCR's names, which PaddleOCR then finds
    and downloads in its own way, or with ``models`` the names of what is in the folders. language: PaddleOCR's
    language code instead of names. detection_side: pixels of the longer side of the image the detector sees
    (more where the text is small); None for 736 where ``fast``, and 960 as PaddleOCR's pipeline has it.
    min_score: lines whose characters are on the average less likely (0-1) are left out; None for 0.7 where ``fast``,
    and 0 as PaddleOCR's pipeline has it. threads: CPU threads, None for all cores. engine: ``fast`` runs both models
    itself, lines in threads side by side, in int8 where ``layoutserve ocr-models`` has made that form and the native
    operators are built; ``exact`` leaves detection to PaddleOCR, runs the recognizer in float32 and pads lines as
    PaddleOCR does, so that it reads the same words as ``paddleocr``, which leaves all to PaddleOCR.
    """

    models: Path | None = None
    detection_model: str | None = None
    recognition_model: str | None = None
    language: str | None = None
    detection_side: int | None = None
    min_score: float | None = None
    threads: int | None = None
    engine: Literal["fast", "exact", "paddleocr"] = "fast"


class _Detector(Protocol):
    def detect(self, image: Image, side: int) -> Places:
        """Find the lines of a BGR image."""


class _Recognizer(Protocol):
    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """Read upright lines, BGR pixels each of its own size. Raises OcrError once ``given_up`` is set."""


class Engine:
    """The detector and the recognizer. Raises OcrError when the models are not there or do not fit."""

    def __init__(self, config: OcrConfig) -> None:
        fast = config.engine == "fast"
        self.side = config.detection_side or (_FAST_SIDE if fast else _SIDE)
        self.min_score = (_MIN_SCORE if fast else 0.0) if config.min_score is None else config.min_score
        if not 0 <= self.min_score <= 1:
            raise OcrError(f"The least score of a line is a probability, from 0 to 1, not {self.min_score:g}.")
        threads = config.threads or os.cpu_count() or 1
        detection, recognition = _sources(config)
        self.given_up = Event()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ocr")
        self._detector: _Detector
        self._recognizer: _Recognizer
        if config.engine == "paddleocr":
            self._detector = paddle.PaddleDetector(detection, threads)
            self._recognizer = paddle.PaddleRecognizer(recognition, threads)
            return
        folders = _folders(detection, recognition)
        exact = config.engine == "exact"
        self._recognizer = FastRecognizer(recognition_model(folders[1]), self._pool, exact=exact)
        if exact:
            self._detector = paddle.PaddleDetector(detection, threads)
        else:
            self._detector = FastDetector(detection_model(folders[0]), threads)

    def detect(self, image: Image) -> Places:
        """Where lines of text are on a BGR image, in its pixels. Raises OcrError once ``given_up`` is set."""
        height, width = image.shape[:2]
        if max(height, width) > max(_LONG_PAGE * min(height, width), self.side):
            # Seen as a whole, such a page is so narrow that lines run together.
            length = max(_PART * min(height, width), self.side)
            return self._in_parts(image, length, length, self._detect)
        return self._detect(image)

    def detect_closely(self, image: Image) -> Places:
        """The same from as near as can be, in parts: for a page of which little could be read."""
        ratio = math.sqrt(_MOST_PARTS * _MOST_PIXELS / (image.shape[0] * image.shape[1]))
        return self._in_small_parts(image, min(1.0, ratio))

    def _detect(self, image: Image) -> Places:
        """Look once, and a second time if the lines are low."""
        longer, shorter = max(image.shape[:2]), min(image.shape[:2])
        places = self._detector.detect(image, self.side)
        most = min(longer, math.isqrt(_MOST_PIXELS * longer // shorter), _MOST_PIXELS // STRIDE)
        if most <= self.side:
            return places
        side = self.side
        if not len(places.quads):
            # Nothing, or nothing that can be seen from so far away.
            side, places = most, self._detector.detect(image, most)
            if not len(places.quads):
                return places
        along, across = sides(places.quads)
        seen = float(np.median(np.minimum(along, across))) * side / longer
        low, comfortable = _LOW_WHERE_SLANTED if is_slanted(places.quads) else _LOW
        if seen >= low:
            return places
        wanted = min(longer, round(side * comfortable / seen))
        if wanted <= most or seen * most / side >= _TOO_LOW:
            return places if side == most else self._detector.detect(image, min(most, wanted))
        return self._in_small_parts(image, wanted / longer, upright=bool(along.sum() >= across.sum()))

    def _in_small_parts(self, image: Image, ratio: float, *, upright: bool = True) -> Places:
        """Look at parts of the size of one look, at this share of the image's resolution.

        They are as wide as the page, or as high as one that is not upright, where they can be: lines are then whole.
        """
        square = math.sqrt(_MOST_PIXELS)
        line = image.shape[1 if upright else 0] * ratio
        long, short = (line, _MOST_PIXELS / line) if line <= _LONGEST_PART * square else (square, square)
        rows, columns = (short, long) if upright else (long, short)
        # Rounded up, so that a part that is to be as wide as the page is.
        sizes = (math.ceil(rows / ratio), math.ceil(columns / ratio))
        return self._in_parts(
            image, *sizes, lambda part: self._detector.detect(part, round(max(part.shape[:2]) * ratio))
        )

    def _in_parts(self, image: Image, rows: float, columns: float, look: Callable[[Image], Places]) -> Places:
        found = []
        for part in parts_of(image.shape[0], image.shape[1], rows, columns):
            go_on(self.given_up)
            found.append((part, look(part.of(image))))
        return joined(found, image)

    def cut(self, image: Image, places: NDArray[np.float64]) -> list[Image]:
        """The parts of an image inside quadrilaterals (n, 4, 2), as ``lines.cut`` cuts them."""
        return list(self._pool.map(partial(cut, image), places))

    def read(self, lines: Sequence[Image]) -> list[Reading]:
        """Read upright lines (BGR), each of its own size. Raises OcrError once ``given_up`` is set."""
        return self._recognizer.read(lines, self.given_up)

    def close(self) -> None:
        """Give back the threads."""
        self._pool.shutdown()


def _sources(config: OcrConfig) -> tuple[paddle.Source, paddle.Source]:
    """Name, and folder where it is known, of the detector and of the recognizer."""
    names = (config.detection_model, config.recognition_model)
    by_name = config.language is not None or names != (None, None)
    if config.models is None and by_name:
        if config.language is not None:
            names = paddle.names_for(config.language)
        if names[0] is None or names[1] is None:
            raise OcrError("Name both the detection and the recognition model, or give a language instead.")
        return {"model_name": names[0]}, {"model_name": names[1]}
    folder = config.models or store.default_folder()
    if not store.is_complete(folder):
        raise OcrError(f"The OCR models are not in {folder}: run `layoutserve ocr-models` or name another folder.")
    detection, recognition = names[0] or store.DETECTION.name, names[1] or store.RECOGNITION.name
    return (
        {"model_name": detection, "model_dir": str(folder / store.DETECTION.folder)},
        {"model_name": recognition, "model_dir": str(folder / store.RECOGNITION.folder)},
    )


def _folders(*models: paddle.Source) -> list[Path]:
    """Folders of the models; PaddleOCR finds those of which only the name is known."""
    if all("model_dir" in model for model in models):
        return [Path(model["model_dir"]) for model in models]
    return list(paddle.find(*(model["model_name"] for model in models)))
