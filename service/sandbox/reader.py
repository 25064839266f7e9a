"""One document read in a process of its own, page by page as they are asked for.

service -> reader   the document's descriptor, then {"read": true} for each page
reader -> service   {"page_count", "numbers"}, then {"page", "shape", "arrays"} for each page, with the descriptors of
                    the arrays that it has of these pixels: its image, and what OCR has to read of it;
                    or {"error", "message"}, a class of ``model/errors.py`` by its name, which ends it
"""

import os
import socket
from dataclasses import fields, is_dataclass
from typing import Any

from layoutserve.model.errors import DocumentTooLarge, LayoutServeError
from layoutserve.model.page import Limits, Page, read_document
from layoutserve.service.sandbox import confinement
from layoutserve.service.sandbox.messages import ARRAYS, Departed, close, receive, send, shared_pixels

# A page's pixels are handed on in memory that counts as a file: three bytes each, and some words.
_BYTES_PER_PIXEL = 3
_SMALL_BYTES = 2**20


def read(end: socket.socket, document: int, order: dict[str, Any]) -> None:
    """Read the document of this descriptor as ``order`` says, and answer on ``end`` until nobody asks any more."""
    limits = Limits(**order["limits"])
    confinement.limit(order["memory_bytes"], max(limits.max_pixels, 1) * _BYTES_PER_PIXEL + _SMALL_BYTES)
    confinement.limit_time(order["page_cpu_s"])
    if order["confined"]:
        confinement.confine(confinement.installed())
    try:
        try:
            data = os.pread(document, os.fstat(document).st_size, 0)
            opened = read_document(data, limits=limits, **order["options"])
            send(end, {"page_count": opened.page_count, "numbers": opened.numbers})
            pages = iter(opened)
            for _ in opened.numbers:
                receive(end)
                confinement.limit_time(order["page_cpu_s"])
                _send_page(end, next(pages))
        except LayoutServeError as error:
            send(end, {"error": type(error).__name__, "message": str(error)})
        except MemoryError:
            mib = order["memory_bytes"] // confinement.MIB
            message = f"Decoding the document takes more than {mib:,} MiB. Send it smaller, or in another format."
            send(end, {"error": DocumentTooLarge.__name__, "message": message})
    except Departed:
        return


def _send_page(end: socket.socket, page: Page) -> None:
    arrays = {name: getattr(page, name) for name in ARRAYS if getattr(page, name) is not None}
    described = {name.name: _plain(getattr(page, name.name)) for name in fields(page) if name.name not in ARRAYS}
    pixels: list[int] = []
    try:
        pixels += map(shared_pixels, arrays.values())
        send(end, {"page": described, "shape": page.image.shape, "arrays": list(arrays)}, pixels)
    finally:
        close(pixels)


def _plain(value: object) -> object:
    """A value in the types of JSON: dataclasses as objects, sequences as arrays."""
    if is_dataclass(value):
        return {name.name: _plain(getattr(value, name.name)) for name in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value.item() if hasattr(value, "item") else value
