"""Messages between the service and its readers: JSON with a length before it, file descriptors beside it, and pixels.

JSON and not pickle: what a reader sends may be what a hostile document made of it, and must be data alone.
"""

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Members of a page that are pixels, all of one shape: they follow its message.
ARRAYS = ("image", "unread")
MAX_MESSAGE_BYTES = 64 * 2**20
_LENGTH = struct.Struct("!I")
# Bytes on their way: a page goes through in some ten turns of the two processes.
_BUFFER_BYTES = 2**20


class Departed(Exception):
    """The other process closed its end, or died."""


def widen(end: socket.socket) -> None:
    """Let a socket hold as much as the system allows, up to ``_BUFFER_BYTES``."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)


def send(end: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send a message and duplicates of file descriptors. Raises Departed."""
    body = json.dumps(message).encode()
    try:
        socket.send_fds(end, [_LENGTH.pack(len(body))], list(descriptors))
        end.sendall(body)
    except OSError as error:
        raise Departed from error


def receive(end: socket.socket, descriptors: int = 0) -> tuple[dict[str, Any], list[int]]:
    """Wait for a message and at most ``descriptors`` descriptors, which are the caller's to close. Raises Departed."""
    found: list[int] = []
    try:
        head, found, _, _ = socket.recv_fds(end, _LENGTH.size, descriptors)
        head += _exactly(end, _LENGTH.size - len(head)) if head else b""
        if not head or (length := _LENGTH.unpack(head)[0]) > MAX_MESSAGE_BYTES:
            raise Departed
        message = json.loads(_exactly(end, length))
    except (OSError, ValueError) as error:
        close(found)
        raise Departed from error
    except Departed:
        close(found)
        raise
    if not isinstance(message, dict):
        close(found)
        raise Departed
    return message, found


def close(descriptors: Sequence[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def _exactly(end: socket.socket, count: int) -> bytes:
    parts = bytearray(count)
    _fill(end, memoryview(parts))
    return bytes(parts)


def _fill(end: socket.socket, view: memoryview) -> None:
    while view:
        got = end.recv_into(view)
        if not got:
            raise Departed
        view = view[got:]


def send_pixels(end: socket.socket, image: NDArray[np.uint8]) -> None:
    """Send an array; whoever gets it knows its shape. Raises Departed."""
    try:
        end.sendall(np.ascontiguousarray(image).data.cast("B"))
    except OSError as error:
        raise Departed from error


def receive_pixels(end: socket.socket, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Wait for an array, uint8 of this shape. Raises Departed.

    Copied, and not shared: new pages of memory at both ends cost three times as much as the copy into old ones does.
    """
    pixels = np.empty(shape, dtype=np.uint8)
    try:
        _fill(end, pixels.data.cast("B"))
    except OSError as error:
        raise Departed from error
    return pixels
