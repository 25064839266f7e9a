"""Whatever a document is in a user's program, as bytes to send.

The service tells the type from the content, so a name is only for the log. Pillow and numpy are not needed here: their
objects are recognised by what they can do.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, TypeAlias, runtime_checkable

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
    """A numpy array: (height, width), (height, width, 3) RGB or (height, width, 4) RGBA, uint8."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> object:
        """Type of the elements."""

    def tobytes(self) -> bytes:
        """Give the elements row by row."""


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
        return Upload("image.png", _png_of_picture(document))
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


def _upload(name: str, data: bytes) -> Upload:
    if not data:
        raise DocumentUnreadable(f"{name} is empty. A file object that was read before must be rewound: seek(0).")
    return Upload(name, data)


def _png_of_picture(picture: Picture) -> bytes:
    # As the picture is seen in the program: Pillow has not applied an EXIF orientation, and neither does this.
    if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        picture = picture.convert("RGB")
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format="PNG", compress_level=1, exif=b"")
    except (OSError, ValueError) as error:
        raise DocumentUnreadable(f"The Pillow image cannot be encoded: {error}.") from error
    return buffer.getvalue()


def _png_of_array(array: Array) -> bytes:
    """Encode an array as PNG (W3C Portable Network Graphics, third edition): no filter, quick compression."""
    shape = array.shape
    channels = 1 if len(shape) == 2 else shape[2] if len(shape) == 3 else 0
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}.get(channels)
    if str(array.dtype) != "uint8" or colour_type is None or 0 in shape:
        raise DocumentUnreadable(
            f"An array of shape {shape} and dtype {array.dtype} is not a picture. Give uint8 of shape "
            "(height, width), (height, width, 3) in RGB or (height, width, 4) in RGBA."
        )
    height, stride = shape[0], shape[1] * channels
    pixels = array.tobytes()
    rows = b"".join(b"\0" + pixels[row * stride : (row + 1) * stride] for row in range(height))
    header = struct.pack(">IIBBBBB", shape[1], height, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
