"""Messages between the service and its readers: JSON with a length before it, and file descriptors beside it.

JSON and not pickle: what a reader sends may be what a hostile document made of it, and must be data alone.
"""

import fcntl
import json
import mmap
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# The members of a page that are pixels: they are handed on in shared memory, all of one shape.
ARRAYS = ("image", "unread")
MAX_MESSAGE_BYTES = 64 * 2**20
_LENGTH = struct.Struct("!I")
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Departed(Exception):
    """The other process closed its end, or died."""


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
    view = memoryview(parts)
    while view:
        got = end.recv_into(view)
        if not got:
            raise Departed
        view = view[got:]
    return bytes(parts)


def shared_pixels(image: NDArray[np.uint8]) -> int:
    """Put an array into memory that can be handed on, sealed: its descriptor, the caller's to close."""
    descriptor = os.memfd_create("page", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = np.ascontiguousarray(image).data.cast("B")
    while view:
        view = view[os.write(descriptor, view) :]
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
    return descriptor


def mapped_pixels(descriptor: int, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Map what ``shared_pixels`` made: uint8 of this shape, not writable. The descriptor may be closed after it.

    Raises Departed when the memory is smaller, or is not sealed: whoever could still cut it off could end this process.
    """
    size = shape[0] * shape[1] * shape[2]
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS != _SEALS or os.fstat(descriptor).st_size != size:
            raise Departed
        mapped = mmap.mmap(descriptor, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)
    except (OSError, ValueError) as error:
        raise Departed from error
    return np.frombuffer(mapped, dtype=np.uint8).reshape(shape)
