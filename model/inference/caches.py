"""Caches of what was computed before: words of pages that were read, logits of windows that were run.

The same pixels, read with the same models and settings, have the same words; the same window has the same logits from
the same model. Every cache is bounded in bytes, and what was used longest ago gives way.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.page import Page, Word

Value = TypeVar("Value")

# Bytes that a word takes beside its text: the objects of a Word with its box and polygon.
_WORD_BYTES = 1100
# Bytes that an entry takes beside its value: key, objects, place in the order.
_ENTRY_BYTES = 200
# Bytes that an array takes beside its numbers.
_ARRAY_BYTES = 120


@dataclass(frozen=True, slots=True)
class ReadWords:
    """Words of a page as it was read, and its turn."""

    words: tuple[Word, ...]
    turn: int


class Cache(Generic[Value]):
    """Values by digest; safe to share between threads.

    ``max_bytes`` bounds the memory of all values, 0 switches the cache off; ``size`` gives the bytes of one. ``hits``
    and ``misses`` count the look-ups of a cache that is on.
    """

    def __init__(self, max_bytes: int, size: Callable[[Value], int]) -> None:
        self.max_bytes = max_bytes
        self._size = size
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[bytes, tuple[Value, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: bytes | None) -> Value | None:
        """Look a value up."""
        if key is None:
            return None
        with self._lock:
            found = self._values.get(key)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: bytes | None, value: Value) -> None:
        """Keep a value, and let others go until all fit; one larger than the cache is not kept."""
        if key is None:
            return
        size = _ENTRY_BYTES + self._size(value)
        if size > self.max_bytes:
            return
        with self._lock:
            _, old = self._values.pop(key, (None, 0))
            self._values[key] = value, size
            self.bytes += size - old
            while self.bytes > self.max_bytes:
                _, (_, freed) = self._values.popitem(last=False)
                self.bytes -= freed


class PageCache(Cache[ReadWords]):
    """Words by the digest of a page."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes, lambda read: sum(_WORD_BYTES + 4 * len(word.text) for word in read.words))

    def key(self, page: Page, reader: str) -> bytes | None:
        """Digest of a page's pixels and of its reader; None when the cache is off, so that nothing is spent."""
        if self.max_bytes <= 0:
            return None
        digest = hashlib.blake2b(f"{reader}\0{page.image.shape}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(page.image).data)
        if page.known is not None:
            digest.update(repr(page.known).encode(errors="surrogatepass"))
        if page.unread is not None:
            digest.update(np.ascontiguousarray(page.unread).data)
        return digest.digest()


class LogitsCache(Cache[Logits]):
    """Logits by the digest of a window: a page that comes again need not be run again, whatever document it is in."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(max_bytes, _bytes_of_logits)

    def key(self, window: Encoding, model: str) -> bytes | None:
        """Digest of all the model sees of a window; None when the cache is off, so that nothing is spent."""
        if self.max_bytes <= 0:
            return None
        digest = hashlib.blake2b(f"{model}\0".encode() + window.image_key, digest_size=16)
        for array in (window.input_ids, window.bbox, window.token_type_ids):
            digest.update(np.ascontiguousarray(array).data)
        return digest.digest()


def _bytes_of_logits(logits: Logits) -> int:
    arrays = (logits.kie, logits.classification, logits.docvqa_start, logits.docvqa_end)
    return sum(_ARRAY_BYTES + array.nbytes for array in arrays if array is not None)
