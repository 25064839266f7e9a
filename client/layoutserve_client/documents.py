"""Whatever a document is in a user's program, as bytes to send.

The service tells the type from the content, so a name is only for the log. Pillow and numpy are not needed here: their
objects are recognised by what they can do.
"""

from __future__ import annotations

import io
import math
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, TypeAlias, cast, runtime_checkable

from layoutserve_client.errors import DocumentUnreadable


@runtime_checkable
class Readable(Protocol):
    """A file object opened for reading bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Read the rest, or ``size`` bytes."""


@runtime_checkable
class Picture(Protocol):
    """A Pillow image."""

    @property
    def mode(self) -> str:
        """Pillow's name of the pixel format."""

    def convert(self, mode: str) -> Picture:
        """Give a copy in another pixel format."""

    def save(self, fp: IO[bytes], format: str | None = None, **params: object) -> None:  # noqa: A002 - as Pillow calls it
        """Write it in a file format."""


@runtime_checkable
class Array(Protocol):
    """A numpy array: (height, width), (height, width, 3) RGB or (height, width, 4) RGBA, of any number type."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> object:
        """Type of the elements."""

    def tobytes(self) -> bytes:
        """Give the elements row by row."""


_NUMBERS = re.compile("bool|u?int(8|16|32|64)|float(16|32|64)")
# Largest values of the ranges that are in use: 8, 10, 12, 14 and 16 bits.
_WHITES = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)

Document: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Readable | Picture | Array


@dataclass(frozen=True, slots=True)
class Upload:
    """A document ready to send. It is held in memory, so that it can be sent again."""

    name: str
    data: bytes


def read(document: Document) -> Upload:
    """Read a document: a path, bytes, a file object, a Pillow image or a numpy array. Raises DocumentUnreadable."""
    if isinstance(document, str | os.PathLike):
        path = Path(document)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DocumentUnreadable(f"{path} cannot be read: {error.strerror or error}.") from error
        return _upload(path.name, data)
    if isinstance(document, bytes | bytearray | memoryview):
        return _upload("document", bytes(document))
    if isinstance(document, Picture):
        return Upload("image.png", _file_of_picture(document))
    if isinstance(document, Array):
        return Upload("array.png", _png_of_array(document))
    if isinstance(document, Readable):
        try:
            data = document.read()
        except (OSError, ValueError) as error:
            raise DocumentUnreadable(f"The file object cannot be read: {error}.") from error
        if not isinstance(data, bytes):
            raise DocumentUnreadable("The file object gives text. Open the file in binary mode: open(path, 'rb').")
        name = getattr(document, "name", None)
        return _upload(Path(name).name if isinstance(name, str) else "document", data)
    raise DocumentUnreadable(
        f"A value of type {type(document).__name__} is not a document. Give a path, bytes, a binary file object, "
        "a Pillow image or a numpy array."
    )


def _in_8_bits(array: Array) -> Array:
    """Numbers of any type as uint8, by the range that they use, as the server does it for greys of more than 8 bits."""
    kind, numbers = str(array.dtype), cast(Any, array)
    if kind == "uint8":
        return array
    if kind == "bool":
        return cast(Array, numbers.astype("uint8") * 255)
    numbers = numbers.astype("float64")
    # Neither infinite nor no number at all.
    finite = numbers[abs(numbers) < math.inf]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    black, white = _range(low, high, kind)
    if white > black:
        numbers = (numbers - black) * (255 / (white - black)) + 0.5
    # What is no number is white, like paper.
    numbers[numbers != numbers] = 255
    return cast(Array, numbers.clip(0, 255).astype("uint8"))


def _range(low: float, high: float, kind: str) -> tuple[float, float]:
    """Which numbers are black and white: the ends of the smallest range in use, else what is there."""
    if low == high and kind == "uint16":
        return 0.0, 65535.0
    beyond = 0.1 if kind.startswith("float") else 0.0
    if low >= -beyond * high:
        for white in (1.0, *_WHITES) if beyond else _WHITES:
            if high <= (1 + beyond) * white:
                return 0.0, white
    return low, high


def _upload(name: str, data: bytes) -> Upload:
    if not data:
        raise DocumentUnreadable(f"{name} is empty. A file object that was read before must be rewound: seek(0).")
    return Upload(name, data)


def _file_of_picture(picture: Picture) -> bytes:
    # As the picture is seen in the program: Pillow has not applied an EXIF orientation, and neither does this. Greys of
    # more than 8 bits go as they are: the server reads them by the range that they use.
    kind, options = "PNG", dict[str, object](compress_level=1)
    if picture.mode in ("I", "F"):
        kind, options = "TIFF", {"compression": "tiff_adobe_deflate"}
    elif picture.mode in ("La", "PA", "RGBa"):
        picture = picture.convert("RGBA")
    elif picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA") and not picture.mode.startswith("I;16"):
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format=kind, exif=b"", **options)
    except (OSError, ValueError) as error:
        raise DocumentUnreadable(f"The Pillow image cannot be encoded: {error}.") from error
    return buffer.getvalue()


def _png_of_array(array: Array) -> bytes:
    """Encode an array as PNG (W3C Portable Network Graphics, third edition): no filter, quick compression."""
    shape = array.shape
    channels = 1 if len(shape) == 2 else shape[2] if len(shape) == 3 else 0
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}.get(channels)
    if not _NUMBERS.match(str(array.dtype)) or colour_type is None or 0 in shape:
        raise DocumentUnreadable(
            f"An array of shape {shape} and dtype {array.dtype} is not a picture. Give numbers of shape "
            "(height, width), (height, width, 3) in RGB or (height, width, 4) in RGBA."
        )
    array = _in_8_bits(array)
    height, stride = shape[0], shape[1] * channels
    pixels = array.tobytes()
    rows = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    header = struct.pack(">IIBBBBB", shape[1], height, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
