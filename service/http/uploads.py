"""Bodies on their way in: at a least rate, and together within a bound, for they have no place yet."""

import asyncio
from collections.abc import AsyncIterator

from layoutserve.service.errors import BodyTimeout, Overloaded

# Longest silence between two pieces, and the rate that a body has after that time, on the whole.
IDLE_S = 10.0
LEAST_BYTES_PER_S = 2048
RETRY_S = 2


class Uploads:
    """Counts the bytes of all bodies that are being received; at most ``most_bytes`` of them are."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    async def received(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Give the pieces of a body. Raises BodyTimeout where it is slow, Overloaded where all together are too much.

        Bytes count until the iteration ends or is closed.
        """
        clock = asyncio.get_running_loop().time
        began, count = clock(), 0
        pieces = aiter(stream)
        try:
            while (piece := await _next(pieces)) is not None:
                count += len(piece)
                self._left -= len(piece)
                if self._left < 0:
                    raise Overloaded("As many bytes of other documents are on their way as are taken.", RETRY_S)
                passed = clock() - began
                if passed > IDLE_S and count < LEAST_BYTES_PER_S * passed:
                    raise BodyTimeout(f"The body came at less than {LEAST_BYTES_PER_S:,} bytes a second.")
                yield piece
        finally:
            self._left += count


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(IDLE_S):
            return await anext(pieces, None)
    except TimeoutError:
        raise BodyTimeout(f"Nothing of the body came for {IDLE_S:g} seconds.") from None
