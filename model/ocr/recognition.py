"""Reading lines: the recognizer that PaddleOCR has loaded, run by PaddleOCR or, faster, by ourselves.

Both give the same words: the same resizing and scaling, the same graph, the same decoding.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from model.errors import OcrError
from model.ocr.decoding import Reading, decode

if TYPE_CHECKING:
    from paddlex.inference.models.text_recognition.predictor import TextRecRunnerPredictor

Image = NDArray[np.uint8]

# PaddleOCR squeezes longer lines to this width, at the height the recognizer wants.
_MAX_WIDTH = 3200


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
        self._space = self.character.index(" ")
        operations = predictor.config["PreProcess"]["transform_ops"]
        shapes = [operation["RecResizeImg"]["image_shape"] for operation in operations if "RecResizeImg" in operation]
        self.height, self.min_width = int(shapes[0][1]), int(shapes[0][2])

    def widths(self, line: Image) -> tuple[int, int]:
        """Width that a line has at the recognizer's height, and width of the input with its padding."""
        ratio = line.shape[1] / line.shape[0]
        padded = min(_MAX_WIDTH, int(self.height * max(self.min_width / self.height, ratio)))
        return min(padded, int(np.ceil(self.height * ratio))), padded

    def decode(self, probabilities: NDArray[np.float32], line: Image) -> Reading:
        """Decode the (columns, symbols) of one line."""
        best = probabilities.argmax(axis=1)
        scores = np.take_along_axis(probabilities, best[:, None], axis=1)[:, 0]
        used, padded = self.widths(line)
        return decode(best, scores, probabilities[:, self._space], self.character, used / padded)


class PaddleRecognizer:
    """PaddleOCR's predictor, line by line: the reference, and what runs models the fast path does not know."""

    def __init__(self, predictor: "TextRecRunnerPredictor") -> None:
        self._predictor = predictor
        self._decoder = _Decoder(predictor)
        self._line: Image
        predictor.post_op = self._keep

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """What every line says."""
        readings = []
        for line in lines:
            _go_on(given_up)
            self._line = line
            (result,) = self._predictor.predict([line])
            readings.append(result["rec_text"])
        return readings

    def close(self) -> None:
        """Nothing to give back."""

    def _keep(self, outputs: list[NDArray[np.float32]], **_: object) -> tuple[list[Reading], list[float]]:
        reading = self._decoder.decode(outputs[0][0], self._line)
        return [reading], [reading.score]


class FastRecognizer:
    """PaddleOCR's session, run for several lines side by side.

    The session has one thread, and runs on the thread that calls it: lines of any length then keep every core busy,
    where several threads on one line wait for each other.
    """

    def __init__(self, predictor: "TextRecRunnerPredictor", threads: int) -> None:
        self._decoder = _Decoder(predictor)
        self._session = predictor.runner.session
        self._input = self._session.get_inputs()[0].name
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ocr")

    def read(self, lines: Sequence[Image], given_up: Event) -> list[Reading]:
        """What every line says."""

        def read_one(index: int) -> Reading:
            _go_on(given_up)
            return self._read(lines[index])

        # The longest first, so that no thread is left alone with one in the end.
        order = sorted(range(len(lines)), key=lambda i: -lines[i].shape[1] / lines[i].shape[0])
        readings = dict(zip(order, self._pool.map(read_one, order), strict=True))
        return [readings[i] for i in range(len(lines))]

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown()

    def _read(self, line: Image) -> Reading:
        width, padded = self._decoder.widths(line)
        resized = cv2.resize(line, (width, self._decoder.height)).astype(np.float32)
        batch = np.zeros((1, 3, self._decoder.height, padded), dtype=np.float32)
        # 0-255 becomes -1..1, and the padding is 0, as PaddleOCR has it.
        np.multiply(resized.transpose(2, 0, 1), 1 / 127.5, out=batch[0, :, :, :width])
        batch[0, :, :, :width] -= 1
        (probabilities,) = self._session.run(None, {self._input: batch})
        return self._decoder.decode(probabilities[0], line)


def _go_on(given_up: Event) -> None:
    if given_up.is_set():
        raise OcrError("The page was given up while it was read.")
