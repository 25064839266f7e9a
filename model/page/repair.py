"""Repair of image files that lack nothing that can be seen.

What is harmless: faulty metadata, a missing end marker, and the very end of the pixels. A file of which more is lost
is not repaired, so that nobody takes half a page for a whole one.
"""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

# The last rows of a picture may be missing: this share, and in JPEG the last row of blocks in any case.
_LOST = 0.02
_BLOCK_ROWS = 16

_JPEG_END = b"\xff\xd9"
# Bits as they may follow where a JPEG ends too early: what they change was not in the file.
_ANY_BITS = bytes(range(1, 0xF0)) * 64

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks without which the pixels are not what they should be, and how they lie.
_PNG_KEPT = (b"IHDR", b"PLTE", b"IDAT", b"tRNS")
_PNG_OPTIONAL = (b"eXIf",)
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNG_SAME_AS_ABOVE = b"\x02"
# Bytes of pixels that are decompressed at a time.
_AT_ONCE = 2**20


def repaired(data: bytes, kind: str, max_pixels: int) -> bytes | None:
    """The file as it can be decoded; None if more is wrong than what is harmless, or the format is not repaired.

    kind: Pillow's name of the format. max_pixels: limit on width times height; a larger picture is not tried.
    """
    if kind == "JPEG":
        return _repaired_jpeg(data, max_pixels)
    if kind == "PNG":
        return _repaired_png(data, max_pixels)
    return None


def _repaired_jpeg(data: bytes, max_pixels: int) -> bytes | None:
    """The file with an end marker, if what follows its last byte decides next to nothing of the picture."""
    # An escape that was cut in two would make a marker of what follows.
    data = data.rstrip(b"\xff")
    whole = data + _JPEG_END
    with Image.open(io.BytesIO(whole), formats=["JPEG"]) as image:
        if image.width * image.height > max_pixels:
            return None
        found = np.asarray(image)
    with Image.open(io.BytesIO(data + _ANY_BITS + _JPEG_END), formats=["JPEG"]) as image:
        otherwise = np.asarray(image)
    open_rows = np.flatnonzero((found != otherwise).reshape(len(found), -1).any(axis=1))
    lost = len(found) - int(open_rows[0]) if len(open_rows) else 0
    return whole if lost <= max(_LOST * len(found), _BLOCK_ROWS) else None


def _repaired_png(data: bytes, max_pixels: int) -> bytes | None:
    """The file without its metadata, its pixels complete: missing last rows repeat the one above."""
    chunks = [(name, body) for name, body in _png_chunks(data) if name in (*_PNG_KEPT, *_PNG_OPTIONAL)]
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        return None
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if colour not in _PNG_CHANNELS or not 0 < width * height <= max_pixels:
        return None
    row = 1 + -(-width * depth * _PNG_CHANNELS[colour] // 8)
    compressed = [body for name, body in chunks if name == b"IDAT"]
    pixels = b"".join(compressed) if interlaced else _with_all_rows(compressed, row, height)
    if pixels is None:
        return None
    before = [(name, body) for name, body in chunks if name != b"IDAT"]
    return _PNG_SIGNATURE + b"".join(_png_chunk(*chunk) for chunk in (*before, (b"IDAT", pixels), (b"IEND", b"")))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and bodies, the last one cut where the file ends; one that is faulty is left out if it is optional."""
    place = len(_PNG_SIGNATURE)
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + length]
        check = data[place + 8 + length : place + 12 + length]
        if name not in _PNG_OPTIONAL or check == struct.pack(">I", zlib.crc32(name + body)):
            yield name, body
        place += 12 + length


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _with_all_rows(compressed: list[bytes], row: int, height: int) -> bytes | None:
    """Compress rows of pixels again, of ``row`` bytes each, with those that are missing; None if these are many."""
    inflate, deflate = zlib.decompressobj(), zlib.compressobj(1)
    whole, count, out, rest = height * row, 0, [], b""
    for part in compressed:
        full = False
        while (part or full) and count < whole:
            try:
                pixels = inflate.decompress(part, _AT_ONCE)
            except zlib.error:
                return None
            part, full = inflate.unconsumed_tail, len(pixels) == _AT_ONCE
            count += len(pixels)
            pixels = rest + pixels
            cut = len(pixels) - len(pixels) % row
            rest = pixels[cut:]
            out.append(deflate.compress(pixels[:cut]))
    there = min(count, whole) // row
    if not there or height - there > _LOST * height:
        return None
    out.append(deflate.compress((_PNG_SAME_AS_ABOVE + bytes(row - 1)) * (height - there)))
    return b"".join([*out, deflate.flush()])
