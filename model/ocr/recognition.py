"""Reading lines: PP-OCR's recognizer (CTC) on ONNX Runtime, several lines side by side.

Lines are resized, scaled and decoded as PaddleOCR does it; where ``exact``, the words are the same too. The counts
behind the constants are in ``benchmarks/LOG.md``, OCR.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from threading import Event
from typing import TypeAlias

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from layoutserve.model.allocator import share_arena
from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import int8
from layoutserve.model.ocr.ctc import Reading, decode
from layoutserve.model.ocr.models import RecognitionModel

Image = NDArray[np.uint8]

# Of each column of a line (columns,): the likeliest symbol, its probability, and that of a space.
Columns: TypeAlias = tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.float32]]

# PaddleOCR squeezes longer lines to this width, at the height the recognizer wants.
_MAX_WIDTH = 3200

# 0-255 becomes -1..1, and the padding is 0, as PaddleOCR has it.
_SCALED = np.arange(256, dtype=np.float32) * np.float32(1 / 127.5) - np.float32(1)

# Width of a line that need not be exact, as a share of what its height asks for: 4 % less to compute, words as good.
_NARROWED = 0.93

# Narrow padding, in columns of pixels: at least the first, up to a multiple of the second, so that lines have company.
_MARGIN = 16
_STEP = 16

# Lines of one padded width are read together while they are not wider than this in all: a run costs half a
# millisecond whatever it reads, and wider ones leave the caches.
_BATCH_WIDTH = 960


class FastRecognizer:
    """A session of one thread, run for several lines side by side.

    It runs on the thread that calls it: lines of any length then keep every core busy, where several threads on one
    line wait for each other.
    """

    def __init__(self, model: RecognitionModel, pool: Executor, *, exact: bool = False) -> None:
        """Open the session, in int8 where that form is there.

        pool: threads that read lines side by side. exact: float32, and lines padded as PaddleOCR pads them, for the
        same words; else only as far as words do not suffer, a quarter less to compute. Raises OcrError for files that
        cannot be loaded.
        """
        self._model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Lines have any width: patterns would be kept for each.
        options.enable_mem_pattern = False
        share_arena(options)
        self._session = int8.open_either(model.folder, options, exact=exact)
        self._widths = paddle_widths if exact else _narrow_widths
        names = [value.name for value in self._session.get_inputs()]
        self._input, self._asks_for_symbol = names[0], int8.SYMBOL in names
        self._space = np.array([model.symbols.index(" ")], dtype=np.int64)
        self._pool = pool

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """Read the lines. Raises OcrError once ``given_up`` is set."""
        widths = [self._widths(self._model, line) for line in lines]
        # The longest first, so that no thread is left alone with one in the end.
        order = sorted(range(len(lines)), key=lambda i: -widths[i][1])
        batches: list[list[int]] = []
        for i in order:
            last = batches[-1] if batches else []
            padded = widths[i][1]
            if last and widths[last[0]][1] == padded and (len(last) + 1) * padded <= _BATCH_WIDTH:
                last.append(i)
            else:
                batches.append([i])

        def see_some(batch: list[int]) -> list[Columns]:
            go_on(given_up)
            return self._see([lines[i] for i in batch], [widths[i] for i in batch])

        seen: dict[int, Columns] = {}
        for batch, found in zip(batches, self._pool.map(see_some, batches), strict=True):
            seen.update(zip(batch, found, strict=True))
        # All at once: between two runs, which leave nothing of it in the caches, decoding takes four times as long.
        return [decode(*seen[i], self._model.symbols, widths[i][0] / widths[i][1]) for i in range(len(lines))]

    def _see(self, lines: list[Image], widths: list[tuple[int, int]]) -> list[Columns]:
        """Run lines of one padded width, and give what their columns show."""
        height, padded = self._model.height, widths[0][1]
        batch = np.zeros((len(lines), 3, height, padded), dtype=np.float32)
        for place, line, (width, _) in zip(batch, lines, widths, strict=True):
            for channel, values in zip(place, cv2.split(cv2.resize(line, (width, height))), strict=True):
                channel[:, :width] = cv2.LUT(values, _SCALED)
        if not self._asks_for_symbol:
            (probabilities,) = self._session.run(None, {self._input: batch})
            return [likeliest(self._model, of_line) for of_line in probabilities]
        best, scores, spaces = self._session.run(None, {self._input: batch, int8.SYMBOL: self._space})
        return list(zip(best, scores, spaces, strict=True))


def paddle_widths(model: RecognitionModel, line: Image) -> tuple[int, int]:
    """Width that a line has at the recognizer's height, and width of the input with PaddleOCR's padding."""
    ratio = line.shape[1] / line.shape[0]
    padded = min(_MAX_WIDTH, int(model.height * max(model.min_width / model.height, ratio)))
    return min(padded, int(np.ceil(model.height * ratio))), padded


def _narrow_widths(model: RecognitionModel, line: Image) -> tuple[int, int]:
    """The same two widths, of narrower lines with little padding."""
    width = min(_MAX_WIDTH, int(np.ceil(_NARROWED * model.height * line.shape[1] / line.shape[0])))
    return width, -(-(width + _MARGIN) // _STEP) * _STEP


def likeliest(model: RecognitionModel, probabilities: NDArray[np.float32]) -> Columns:
    """The likeliest symbols of one line's (columns, symbols), their probabilities, and those of spaces."""
    best = probabilities.argmax(axis=1)
    scores = np.take_along_axis(probabilities, best[:, None], axis=1)[:, 0]
    return best, scores, probabilities[:, model.symbols.index(" ")].copy()


def go_on(given_up: Event) -> None:
    """Raise OcrError if nobody wants the words any more."""
    if given_up.is_set():
        raise OcrError("The page was given up while it was read.")
