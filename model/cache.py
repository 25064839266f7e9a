"""Pages already read: the same pixels, read with the same models and settings, have the same words."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from model.page import Page, Word

# What a word takes in memory beside its text, in bytes: the objects of a Word with its box and polygon.
_WORD_BYTES = 1100


@dataclass(frozen=True, slots=True)
class ReadWords:
    """What reading a page found."""

    words: tuple[Word, ...]
    turn: int


class PageCache:
    """Words by the digest of a page; the pages used longest ago give way. Safe to share between threads.

    ``max_bytes`` bounds the memory of all words, 0 switches the cache off. ``hits`` and ``misses`` count the look-ups
    of a cache that is on.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._lock = threading.Lock()
        self._pages: OrderedDict[bytes, tuple[ReadWords, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pages)

    def key(self, page: Page, reader: str) -> bytes | None:
        """Digest of a page's pixels and of who reads it; None when the cache is off, so that nothing is spent."""
        if self.max_bytes <= 0:
            return None
        digest = hashlib.blake2b(f"{reader}\0{page.image.shape}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(page.image).data)
        return digest.digest()

    def get(self, key: bytes | None) -> ReadWords | None:
        """Look a page up."""
        if key is None:
            return None
        with self._lock:
            found = self._pages.get(key)
            if found is None:
                self.misses += 1
                return None
            self.hits += 1
            self._pages.move_to_end(key)
            return found[0]

    def put(self, key: bytes | None, read: ReadWords) -> None:
        """Keep a page, and let others go until all fit; a page larger than the cache is not kept."""
        if key is None:
            return
        size = 200 + sum(_WORD_BYTES + 4 * len(word.text) for word in read.words)
        if size > self.max_bytes:
            return
        with self._lock:
            _, old = self._pages.pop(key, (None, 0))
            self._pages[key] = read, size
            self.bytes += size - old
            while self.bytes > self.max_bytes:
                _, (_, freed) = self._pages.popitem(last=False)
                self.bytes -= freed
