"""Visual embeddings of the pages used last: a page is looked at once, however many windows and questions it has.

A page that one thread computes, others wait for.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

# A page's visual embeddings: an array (V, D), or a value on a device.
Features = TypeVar("Features")


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """Counts of look-ups answered (hits) and computed (misses), of pages held, and the most that are held."""

    hits: int
    misses: int
    pages: int
    capacity: int


class VisualCache(Generic[Features]):
    """Visual embeddings of the pages used last; safe to share between threads.

    capacity: most pages held; 0 keeps none. compute: images uint8 (B, 3, 224, 224) -> B pages' embeddings, none of
    which keeps the others in memory.
    """

    def __init__(self, capacity: int, compute: Callable[[NDArray[np.uint8]], Sequence[Features]]) -> None:
        self._capacity = capacity
        self._compute = compute
        self._pages: OrderedDict[bytes, Future[Features]] = OrderedDict()
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    def get(self, images: Mapping[bytes, NDArray[np.uint8]]) -> dict[bytes, Features]:
        """Images (3, 224, 224) by key -> embeddings by key, those not held computed in one call.

        What computing raises is raised here and to every thread that waits for one of its pages.
        """
        found: dict[bytes, Future[Features]] = {}
        with self._lock:
            for key in images:
                if key in self._pages:
                    self._pages.move_to_end(key)
                    found[key] = self._pages[key]
            own = [key for key in images if key not in found]
            for key in own:
                found[key] = self._pages[key] = Future()
            self._hits += len(images) - len(own)
            self._misses += len(own)
            while len(self._pages) > self._capacity:
                self._pages.popitem(last=False)
        if own:
            self._fill(own, images, found)
        return {key: future.result() for key, future in found.items()}

    def _fill(
        self,
        own: list[bytes],
        images: Mapping[bytes, NDArray[np.uint8]],
        futures: Mapping[bytes, Future[Features]],
    ) -> None:
        try:
            computed = self._compute(np.stack([images[key] for key in own]))
        except BaseException as error:
            # Those who wait must learn of it, and the next to ask must be able to try again.
            with self._lock:
                for key in own:
                    self._pages.pop(key, None)
            for key in own:
                futures[key].set_exception(error)
            raise
        for key, embeddings in zip(own, computed, strict=True):
            futures[key].set_result(embeddings)

    def info(self) -> CacheInfo:
        """Counts so far."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, len(self._pages), self._capacity)
