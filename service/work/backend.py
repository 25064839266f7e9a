"""The backend of the engine: models, OCR workers and batchers, in this process.

A cluster offers the same face (``Backend``) with its workers elsewhere.
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from layoutserve.model.bundle import Bundle
from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.model.errors import BundleError
from layoutserve.model.inference.caches import LogitsCache, PageCache
from layoutserve.model.inference.session import Session
from layoutserve.model.page import Page
from layoutserve.model.pipeline import Pipeline
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import schemas
from layoutserve.service.work.batching import Batcher
from layoutserve.service.work.loading import (
    CPU_BATCHING,
    MIB,
    Loaded,
    batching,
    default_first,
    find_bundles,
    load,
)
from layoutserve.service.work.ocr_pool import OcrPool, load_ocr, ocr_model, ocr_pools, ocr_workers, pool_for


@dataclass(frozen=True, slots=True)
class Served:
    """A model that is served: its pipeline, and ``native`` or ``portable`` operators."""

    pipeline: Pipeline
    operators: str

    @property
    def bundle(self) -> Bundle:
        """The bundle it came from."""
        return self.pipeline.bundle


class Backend(Protocol):
    """The place where the work that a pipeline yields is done."""

    async def load(self) -> Mapping[str, Served]:
        """Load, warm up and self-test the models; gives them by name, the default first. Raises LayoutServeError."""

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Give the page with its words, and the seconds it waited. Raises RequestError for an unknown language."""

    async def infer(self, model: str, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
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
        self._batchers: dict[str, Batcher] = {}

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

    async def load(self) -> Mapping[str, Served]:
        """Load everything on threads, then open the queues."""
        folders = find_bundles(self._settings)
        with ThreadPoolExecutor(1) as loader:
            loop = asyncio.get_running_loop()
            recognizers = await loop.run_in_executor(loader, load_ocr, self._settings)
            models = await loop.run_in_executor(loader, self._load_models, folders)
        self._ocr = ocr_pools(recognizers, self._telemetry)
        for name, loaded in models.items():
            self._batchers[name] = open_batcher(loaded.session, self._settings, self._telemetry)
        served = {name: Served(loaded.pipeline, loaded.session.operators) for name, loaded in models.items()}
        return default_first(served, self._settings)

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Read a page on the next free worker of its language."""
        return await pool_for(language, self._ocr).recognize(page)

    async def infer(self, model: str, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Run windows in the next batches of their model."""
        return await self._batchers[model].submit(encodings)

    async def close(self) -> None:
        """Stop batchers and OCR workers."""
        await asyncio.gather(*(batcher.close() for batcher in self._batchers.values()))
        await asyncio.gather(*(pool.close() for pool in set(self._ocr.values())))

    def _load_models(self, folders: Sequence[Path]) -> dict[str, Loaded]:
        words, logits = caches(self._settings, self._telemetry)
        models: dict[str, Loaded] = {}
        for folder in folders:
            loaded = load(folder, self._settings, pages_at_once=self.pages_at_once, words=words, logits=logits)
            name = loaded.pipeline.bundle.manifest.name
            if name in models:
                raise BundleError(f"Two bundles have the name {name}; export one of them again with --name.")
            self._telemetry.watch_cache(f"visual:{name}", partial(_visual_cache, loaded.session))
            models[name] = loaded
        return models


def caches(settings: Settings, telemetry: Telemetry) -> tuple[PageCache, LogitsCache]:
    """The caches of pages: half of the memory for words, an eighth for logits and another eighth for tokens."""
    words = PageCache(settings.page_cache_mib * MIB // 2)
    logits = LogitsCache(settings.page_cache_mib * MIB // 8)
    telemetry.watch_cache("words", lambda: (words.hits, words.misses))
    telemetry.watch_cache("logits", lambda: (logits.hits, logits.misses))
    return words, logits


def _visual_cache(session: Session) -> tuple[int, int]:
    return session.cache_info.hits, session.cache_info.misses


def open_batcher(session: Session, settings: Settings, telemetry: Telemetry) -> Batcher:
    """The queue of a model."""
    fitting = batching(session, settings)
    return Batcher(
        session.run,
        max_batch_tokens=fitting.max_batch_tokens,
        max_queue_tokens=settings.max_queue_tokens,
        workers=fitting.workers,
        telemetry=telemetry,
    )
