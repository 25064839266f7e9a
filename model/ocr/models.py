"""The folder of a PP-OCR model: ``inference.onnx``, and ``inference.yml`` as PaddleOCR publishes it.

The fast engine goes by these files alone. PaddleOCR itself, which takes 200 MiB and a second to import, need not be in
a process that runs its models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from layoutserve.model.errors import OcrError

GRAPH, SETTINGS = "inference.onnx", "inference.yml"


@dataclass(frozen=True, slots=True)
class DetectionModel:
    """A detector. factor, offset: what a channel's values (0-255) are multiplied by and what is added then.

    reversed_channels: it sees RGB instead of BGR.
    """

    folder: Path
    factor: tuple[float, ...]
    offset: tuple[float, ...]
    reversed_channels: bool


@dataclass(frozen=True, slots=True)
class RecognitionModel:
    """A CTC recognizer. symbols: what it tells apart, the blank first. height, min_width: of its input, in pixels."""

    folder: Path
    symbols: tuple[str, ...]
    height: int
    min_width: int


def detection_model(folder: Path) -> DetectionModel:
    """The detector in ``folder``. Raises OcrError for files that cannot be read or say something else."""
    settings = _settings(folder, "DBPostProcess")
    try:
        steps = _steps(settings)
        norm = steps["NormalizeImage"]
        scale, deviations = _number(norm["scale"]), [float(value) for value in norm["std"]]
        factor = tuple(scale / deviation for deviation in deviations)
        offset = tuple(-float(mean) / deviation for mean, deviation in zip(norm["mean"], deviations, strict=True))
        if len(factor) != 3:
            raise ValueError(f"{len(factor)} channels")
        return DetectionModel(folder, factor, offset, steps["DecodeImage"]["img_mode"] == "RGB")
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _unreadable(folder, error) from error


def recognition_model(folder: Path) -> RecognitionModel:
    """The recognizer in ``folder``. Raises OcrError for files that cannot be read or say something else."""
    settings = _settings(folder, "CTCLabelDecode")
    try:
        _, height, width = _steps(settings)["RecResizeImg"]["image_shape"]
        # As PaddleOCR has it: the blank before, a space behind.
        symbols = ("blank", *settings["PostProcess"]["character_dict"], " ")
        return RecognitionModel(folder, symbols, int(height), int(width))
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(folder, error) from error


def _settings(folder: Path, decoding: str) -> Mapping[str, Any]:
    settings: Mapping[str, Any]
    try:
        # The C loader: a dictionary of 18,000 symbols takes the other one seconds.
        settings = yaml.load(
            (folder / SETTINGS).read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        )
        name = settings["PostProcess"]["name"]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise _unreadable(folder, error) from error
    if name != decoding:
        raise OcrError(f"The OCR model in {folder} is decoded by {name}, not by {decoding}: choose another one.")
    return settings


def _steps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Steps of preparing an image, by name."""
    return {name: values for step in settings["PreProcess"]["transform_ops"] for name, values in step.items()}


def _number(text: float | str) -> float:
    """A number, which may be written as a quotient ("1./255.")."""
    numerator, _, denominator = str(text).partition("/")
    return float(numerator) / float(denominator or 1)


def _unreadable(folder: Path, error: Exception) -> OcrError:
    reason = " ".join(str(error).split())
    return OcrError(
        f"The OCR models could not be loaded ({folder / SETTINGS}: {reason}): check their folder, names or language."
    )
