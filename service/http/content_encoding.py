"""Bodies that were compressed for their way, made whole again piece by piece."""

import zlib
from collections.abc import AsyncIterator

from layoutserve.service.errors import MalformedBody, UnsupportedMediaType

# A megabyte of zeros is a kilobyte of gzip: no more than this is made of a piece before its bytes are counted.
PIECE_BYTES = 2**16
GZIP = ("gzip", "x-gzip")


async def decoded(stream: AsyncIterator[bytes], coding: str | None) -> AsyncIterator[bytes]:
    """Give the bytes that a ``Content-Encoding`` stands for, in pieces of at most 64 KiB where it is gzip.

    Raises UnsupportedMediaType for a coding that is not read here, MalformedBody where the body is not what it says.
    """
    name = (coding or "identity").strip().lower()
    if name in ("identity", ""):
        async for chunk in stream:
            yield chunk
        return
    if name not in GZIP:
        raise UnsupportedMediaType(
            "The body may be compressed with gzip alone: send it so, or without Content-Encoding."
        )
    inflating = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        async for chunk in stream:
            while chunk:
                if inflating.eof:
                    # Members one after the other are one file.
                    inflating = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
                yield inflating.decompress(chunk, PIECE_BYTES)
                chunk = inflating.unused_data if inflating.eof else inflating.unconsumed_tail
        while piece := inflating.decompress(inflating.unconsumed_tail, PIECE_BYTES):
            yield piece
    except zlib.error:
        raise MalformedBody("The body is not the gzip that its Content-Encoding says.") from None
    if not inflating.eof:
        raise MalformedBody("The body in gzip ends before its end: it was cut off.")
