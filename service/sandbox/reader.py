"""One document read in a process of its own, page by page as they are asked for.

service -> reader   an order with the document's descriptor, then {"read": true} twice for each page
reader -> service   {"page_count", "numbers"}, then for each page {"memory_bytes"}, what decoding it may take, and
                    once that is granted {"page", "shape", "arrays"} and the pixels of these;
                    or {"error", "message"}, a class of ``model/errors.py`` by its name, which ends it
"""

import os
import socket
from dataclasses import fields, is_dataclass
from typing import Any

from layoutserve.model.errors import DocumentTooLarge, LayoutServeError
from layoutserve.model.page import Limits, Page, read_document
from layoutserve.service.sandbox import confinement
from layoutserve.service.sandbox.messages import ARRAYS, Departed, receive, send, send_pixels, widen

# Nothing is written to files.
_FILE_BYTES = 2**16


def wait(end: socket.socket, memory_bytes: int, page_cpu_s: int, confined: bool) -> None:
    """Give up rights, then wait for one order with its document and read that; what it may use is settled before.

    All this is done ahead, so that a document waits for none of it.
    """
    held = confinement.held_bytes()
    widen(end)
    if confined:
        confinement.confine(confinement.installed())
    try:
        order, documents = receive(end, 1)
        limits = Limits(**order["limits"])
        confinement.limit(memory_bytes, _FILE_BYTES, held)
        confinement.limit_time(page_cpu_s)
        try:
            _read(end, documents[0], limits, order["options"], page_cpu_s)
        except LayoutServeError as error:
            send(end, {"error": type(error).__name__, "message": str(error)})
        except MemoryError:
            mib = memory_bytes // confinement.MIB
            message = f"Decoding the document takes more than {mib:,} MiB. Send it smaller, or in another format."
            send(end, {"error": DocumentTooLarge.__name__, "message": message})
    except Departed:
        return


def _read(end: socket.socket, document: int, limits: Limits, options: dict[str, Any], page_cpu_s: int) -> None:
    data = os.pread(document, os.fstat(document).st_size, 0)
    os.close(document)
    opened = read_document(data, limits=limits, **options)
    send(end, {"page_count": opened.page_count, "numbers": opened.numbers})
    pages = iter(opened)
    for number in opened.numbers:
        receive(end)
        confinement.limit_time(page_cpu_s)
        send(end, {"memory_bytes": opened.memory_bytes(number)})
        receive(end)
        _send_page(end, next(pages))
        confinement.give_back_memory()


def _send_page(end: socket.socket, page: Page) -> None:
    members = {member.name: getattr(page, member.name) for member in fields(page)}
    arrays = {name: members[name] for name in ARRAYS if members.get(name) is not None}
    described = {name: _plain(value) for name, value in members.items() if name not in ARRAYS}
    send(end, {"page": described, "shape": page.image.shape, "arrays": list(arrays)})
    for array in arrays.values():
        send_pixels(end, array)


def _plain(value: object) -> object:
    """A value in the types of JSON: dataclasses as objects, sequences as arrays."""
    if is_dataclass(value):
        return {name.name: _plain(getattr(value, name.name)) for name in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value.item() if hasattr(value, "item") else value
