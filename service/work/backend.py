"""The backend of the engine: models, OCR workers and batchers, in this process.

A cluster offers the same face (``Backend``) with its workers elsewhere.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.inference.caches import LogitsCache, PageCache
from layoutserve.model.inference.session import Session
from layoutserve.model.page import Page
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import schemas
from layoutserve.service.work.batching import Batcher
from layoutserve.service.work.catalog import Catalog, Served
from layoutserve.service.work.loading import CPU_BATCHING, MIB, Loaded, batching, load
from layoutserve.service.work.ocr_pool import OcrPool, load_ocr, ocr_model, ocr_pools, ocr_workers, pool_for
from layoutserve.service.work.repository import Repository


class Backend(Protocol):
    """The place where the work that a pipeline yields is done."""

    async def load(self) -> Catalog:
        """Load, warm up and self-test the models; the catalog stays as they are. Raises LayoutServeError."""

    async def reload(self) -> None:
        """Serve the bundles that are there now. Raises Conflict where that is not to be had."""

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Give the page with its words, and the seconds it waited. Raises RequestError for an unknown language."""

    async def infer(self, model: Served, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Give the logits of windows in their order, and the seconds they waited."""

    @property
    def full(self) -> bool:
        """True while no more work may wait."""

    @property
    def pages_at_once(self) -> int:
        """Decoded pages that keep it busy; more only take memory."""

    @property
    def ocr_model(self) -> schemas.Model:
        """The OCR model, as answers name it."""

    async def close(self) -> None:
        """Stop; whoever still waits gets an exception."""


class LocalBackend:
    """Sessions and OCR workers on threads of this process."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._ocr: dict[str | None, OcrPool] = {}
        self._batchers: dict[Served, Batcher] = {}
        self._caches = caches(settings, telemetry)
        self._repository: Repository | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """True while no more tokens may wait."""
        return any(batcher.full for batcher in self._batchers.values())

    @property
    def pages_at_once(self) -> int:
        """Pages that are read, one that waits for each worker, and those in batches."""
        batches = self._settings.session_workers or CPU_BATCHING.workers
        return self._settings.max_pages_at_once or 2 * (ocr_workers(self._settings) + batches + 1)

    @property
    def ocr_model(self) -> schemas.Model:
        """The OCR model, as answers name it."""
        return ocr_model(self._settings)

    async def load(self) -> Catalog:
        """Load everything on threads, open the queues, then watch the bundles."""
        self._ocr = ocr_pools(await asyncio.to_thread(load_ocr, self._settings), self._telemetry)
        self._repository = Repository(
            self._settings, self._telemetry, load=self._load, open_=self._open, close=self._close_model
        )
        await self._repository.refresh()
        self._watching = asyncio.create_task(self._repository.watch())
        return self._repository.catalog

    async def reload(self) -> None:
        """Look at the bundles now."""
        if self._repository is not None:
            await self._repository.refresh()

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Read a page on the next free worker of its language."""
        return await pool_for(language, self._ocr).recognize(page)

    async def infer(self, model: Served, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Run windows in the next batches of their model."""
        return await self._batchers[model].submit(encodings)

    async def close(self) -> None:
        """Stop the watch, batchers and OCR workers."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._repository is not None:
            await self._repository.close()
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        await asyncio.gather(*(pool.close() for pool in set(self._ocr.values())))

    def _load(self, folder: Path) -> Loaded:
        words, logits = self._caches
        return load(folder, self._settings, pages_at_once=self.pages_at_once, words=words, logits=logits)

    def _open(self, loaded: Loaded) -> Served:
        served = Served(loaded.pipeline, loaded.session.operators)
        self._batchers[served] = open_batcher(loaded.session, self._settings, self._telemetry, served.address)
        self._telemetry.watch_cache(f"visual:{served.address}", partial(_visual_cache, loaded.session))
        return served

    async def _close_model(self, served: Served) -> None:
        await self._batchers.pop(served).close()
        if all(one.address != served.address for one in self._batchers):
            self._telemetry.forget_model(served.address)


def caches(settings: Settings, telemetry: Telemetry) -> tuple[PageCache, LogitsCache]:
    """The caches of pages: half of the memory for words, an eighth for logits and another eighth for tokens."""
    words = PageCache(settings.page_cache_mib * MIB // 2)
    logits = LogitsCache(settings.page_cache_mib * MIB // 8)
    telemetry.watch_cache("words", lambda: (words.hits, words.misses))
    telemetry.watch_cache("logits", lambda: (logits.hits, logits.misses))
    return words, logits


def _visual_cache(session: Session) -> tuple[int, int]:
    return session.cache_info.hits, session.cache_info.misses


def open_batcher(session: Session, settings: Settings, telemetry: Telemetry, model: str) -> Batcher:
    """The queue of a model."""
    fitting = batching(session, settings)
    return Batcher(
        session.run,
        max_batch_tokens=fitting.max_batch_tokens,
        max_queue_tokens=settings.max_queue_tokens,
        workers=fitting.workers,
        telemetry=telemetry,
        model=model,
    )
