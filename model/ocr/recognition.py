"""Reading lines: the recognizer that PaddleOCR has loaded, run by PaddleOCR or, faster, by ourselves.

Both resize, scale and decode alike, and asked to be exact, both give the same words.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import OcrError
from model.ocr import int8
from model.ocr.decoding import Reading, decode

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from paddlex.inference.models.text_recognition.predictor import TextRecRunnerPredictor

Image = NDArray[np.uint8]

# PaddleOCR squeezes longer lines to this width, at the height the recognizer wants.
_MAX_WIDTH = 3200

# Narrow padding: at least so many columns of pixels, up to a multiple of so many, so that lines have company.
_MARGIN = 16
_STEP = 16

# Lines of one padded width are read together while they are not wider than this in all: a run costs half a
# millisecond whatever it reads, and wider ones leave the caches.
_BATCH_WIDTH = 960


class Recognizer(Protocol):
    """Reads upright lines, BGR pixels each of its own size."""

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """What every line says. Raises OcrError once ``given_up`` is set."""

    def close(self) -> None:
        """Give back threads."""


class _Decoder:
    """Stands in for PaddleOCR's CTC decoder: same place, same input, but keeps columns, scores and spaces."""

    def __init__(self, predictor: "TextRecRunnerPredictor") -> None:
        self.character: list[str] = predictor.post_op.character
        if self.character[0] != "blank" or " " not in self.character:
            raise OcrError("The recognition model is not a CTC model of PaddleOCR: choose another one.")
        self.space = self.character.index(" ")
        operations = predictor.config["PreProcess"]["transform_ops"]
        shapes = [operation["RecResizeImg"]["image_shape"] for operation in operations if "RecResizeImg" in operation]
        self.height, self.min_width = int(shapes[0][1]), int(shapes[0][2])

    def widths(self, line: Image) -> tuple[int, int]:
        """Width that a line has at the recognizer's height, and width of the input with its padding."""
        ratio = line.shape[1] / line.shape[0]
        padded = min(_MAX_WIDTH, int(self.height * max(self.min_width / self.height, ratio)))
        return min(padded, int(np.ceil(self.height * ratio))), padded

    def narrow_widths(self, line: Image) -> tuple[int, int]:
        """The same two widths with little padding."""
        width = min(_MAX_WIDTH, int(np.ceil(self.height * line.shape[1] / line.shape[0])))
        return width, -(-(width + _MARGIN) // _STEP) * _STEP

    def decode(self, probabilities: NDArray[np.float32], used: float) -> Reading:
        """Decode the (columns, symbols) of one line, of whose columns the share ``used`` is not padding."""
        best = probabilities.argmax(axis=1)
        scores = np.take_along_axis(probabilities, best[:, None], axis=1)[:, 0]
        return decode(best, scores, probabilities[:, self.space], self.character, used)


class PaddleRecognizer:
    """PaddleOCR's predictor, line by line: the reference, and what runs models the fast path does not know."""

    def __init__(self, predictor: "TextRecRunnerPredictor") -> None:
        self._predictor = predictor
        self._decoder = _Decoder(predictor)
        self._line: Image
        self._reading: Reading
        predictor.post_op = self._keep

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """What every line says."""
        readings = []
        for line in lines:
            _go_on(given_up)
            self._line = line
            list(self._predictor.predict([line]))
            readings.append(self._reading)
        return readings

    def close(self) -> None:
        """Nothing to give back."""

    def _keep(self, outputs: list[NDArray[np.float32]], **_: object) -> tuple[list[str], list[float]]:
        width, padded = self._decoder.widths(self._line)
        self._reading = self._decoder.decode(outputs[0][0], width / padded)
        # For some models PaddleOCR goes on with the text (it turns Arabic about): it gets none.
        return [""], [0.0]


class FastRecognizer:
    """A session of one thread, run for several lines side by side.

    It runs on the thread that calls it: lines of any length then keep every core busy, where several threads on one
    line wait for each other.
    """

    def __init__(
        self,
        predictor: "TextRecRunnerPredictor",
        threads: int,
        session: "InferenceSession | None" = None,
        *,
        exact: bool = False,
    ) -> None:
        """Take over what PaddleOCR has loaded.

        session: runs instead of PaddleOCR's. exact: pad lines as PaddleOCR does, for the same words; else only as far
        as words do not suffer, a quarter less to compute.
        """
        self._decoder = _Decoder(predictor)
        self._session = session or predictor.runner.session
        self._widths = self._decoder.widths if exact else self._decoder.narrow_widths
        names = [value.name for value in self._session.get_inputs()]
        self._input, self._asks_for_symbol = names[0], int8.SYMBOL in names
        self._space = np.array([self._decoder.space], dtype=np.int64)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ocr")

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """What every line says."""
        widths = [self._widths(line) for line in lines]
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

        def read_some(batch: list[int]) -> list[Reading]:
            _go_on(given_up)
            return self._read([lines[i] for i in batch], [widths[i] for i in batch])

        readings: dict[int, Reading] = {}
        for batch, found in zip(batches, self._pool.map(read_some, batches), strict=True):
            readings.update(zip(batch, found, strict=True))
        return [readings[i] for i in range(len(lines))]

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()

    def _read(self, lines: list[Image], widths: list[tuple[int, int]]) -> list[Reading]:
        """Read lines of one padded width."""
        height, padded = self._decoder.height, widths[0][1]
        batch = np.zeros((len(lines), 3, height, padded), dtype=np.float32)
        for place, line, (width, _) in zip(batch, lines, widths, strict=True):
            resized = cv2.resize(line, (width, height)).astype(np.float32)
            # 0-255 becomes -1..1, and the padding is 0, as PaddleOCR has it.
            np.multiply(resized.transpose(2, 0, 1), 1 / 127.5, out=place[:, :, :width])
            place[:, :, :width] -= 1
        used = [width / padded for width, _ in widths]
        if not self._asks_for_symbol:
            (probabilities,) = self._session.run(None, {self._input: batch})
            return [self._decoder.decode(*of_line) for of_line in zip(probabilities, used, strict=True)]
        best, scores, spaces = self._session.run(None, {self._input: batch, int8.SYMBOL: self._space})
        return [
            decode(best[line], scores[line], spaces[line], self._decoder.character, share)
            for line, share in enumerate(used)
        ]


def _go_on(given_up: Event) -> None:
    if given_up.is_set():
        raise OcrError("The page was given up while it was read.")
