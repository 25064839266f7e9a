"""What the engine drives: models, OCR workers and batchers, in this process.

A cluster offers the same face (``Backend``) with its workers elsewhere.
"""

import asyncio
import logging
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from layoutserve.model import bundle
from layoutserve.model.bundle import Bundle
from layoutserve.model.encoding.tensors import VISUAL_TOKENS, Encoding, Logits
from layoutserve.model.errors import BundleError, RequestError
from layoutserve.model.inference.caches import LogitsCache, PageCache
from layoutserve.model.inference.session import CPU, Session
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Page
from layoutserve.model.pipeline import Pipeline
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import schemas
from layoutserve.service.work.batching import Batcher, OcrPool

MIB = 2**20
STARTER = "starter"
# What a container was given of the processors' time, as "microseconds of every so many"; Linux, cgroup 2.
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")
# Another processor rounds otherwise; a wrong graph is wrong by more.
SELFTEST_BOUND = 1e-3


@dataclass(frozen=True, slots=True)
class Batching:
    """How windows run: most tokens of a batch, and batches side by side."""

    max_batch_tokens: int
    workers: int


# A CPU core works on what its caches hold: at base size six windows together cost a fifth more than one after the
# other (139 ms of processor time a window, 113 alone). What one window leaves idle, between operators and where one
# thread waits for another, a second one fills. A GPU wants large batches.
CPU_BATCHING = Batching(512, 2)
GPU_BATCHING = Batching(2048, 1)

# What PP-OCRv6's one dictionary covers, as PaddleOCR calls it: Chinese, English, Japanese and Latin scripts.
DEFAULT_LANGUAGES = frozenset(
    [
        "ch",
        "chinese_cht",
        "en",
        "japan",
        "af",
        "az",
        "bs",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "es",
        "et",
        "eu",
        "fi",
        "fr",
        "french",
        "ga",
        "german",
        "gl",
        "hr",
        "hu",
        "id",
        "is",
        "it",
        "ku",
        "la",
        "lb",
        "lt",
        "lv",
        "mi",
        "ms",
        "mt",
        "nl",
        "no",
        "oc",
        "pl",
        "pt",
        "qu",
        "rm",
        "ro",
        "rs_latin",
        "sk",
        "sl",
        "sq",
        "sv",
        "sw",
        "tl",
        "tr",
        "uz",
        "vi",
    ]
)

_log = logging.getLogger(__name__)


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
    """Where the work that a pipeline yields is done."""

    async def load(self) -> Mapping[str, Served]:
        """Load, warm up and self-test the models; gives them by name, the default first. Raises LayoutServeError."""

    async def recognize(self, page: Page, language: str | None) -> tuple[Page, float]:
        """Give the page with its words, and the seconds it waited. Raises RequestError for an unknown language."""

    async def infer(self, model: str, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Give the logits of windows in their order, and the seconds they waited."""

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""

    @property
    def pages_at_once(self) -> int:
        """How many decoded pages keep it busy; more only take memory."""

    @property
    def ocr_model(self) -> schemas.Model:
        """What reads the words."""

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
        """Whether as many tokens wait as may."""
        return any(batcher.full for batcher in self._batchers.values())

    @property
    def pages_at_once(self) -> int:
        """Pages that are read, one that waits for each worker, and those in batches."""
        batches = self._settings.session_workers or CPU_BATCHING.workers
        return self._settings.max_pages_at_once or 2 * (ocr_workers(self._settings) + batches + 1)

    @property
    def ocr_model(self) -> schemas.Model:
        """What reads the words."""
        return ocr_model(self._settings)

    async def load(self) -> Mapping[str, Served]:
        """Load everything on threads, then open the queues."""
        folders = find_bundles(self._settings)
        with ThreadPoolExecutor(1) as loader:
            loop = asyncio.get_running_loop()
            recognizers = await loop.run_in_executor(loader, load_ocr, self._settings)
            models = await loop.run_in_executor(loader, self._load_models, folders)
        self._ocr = ocr_pools(recognizers, self._telemetry)
        for name, (_, session) in models.items():
            self._batchers[name] = open_batcher(session, self._settings, self._telemetry)
        served = {name: Served(pipeline, session.operators) for name, (pipeline, session) in models.items()}
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

    def _load_models(self, folders: Sequence[Path]) -> dict[str, tuple[Pipeline, Session]]:
        settings, telemetry = self._settings, self._telemetry
        words, logits = caches(settings, telemetry)
        models: dict[str, tuple[Pipeline, Session]] = {}
        for folder in folders:
            found = bundle.load(folder)
            name = found.manifest.name
            if name in models:
                raise BundleError(f"Two bundles have the name {name}; export one of them again with --name.")
            session = open_session(found, settings, self.pages_at_once)
            telemetry.watch_cache(f"visual:{name}", partial(_visual_cache, session))
            pipeline = Pipeline(
                found,
                pages=words,
                logits=logits,
                reader=self.ocr_model.name,
                window_tokens=session.window_tokens,
            )
            models[name] = pipeline, session
        return models


def caches(settings: Settings, telemetry: Telemetry) -> tuple[PageCache, LogitsCache]:
    """What is kept of pages: their words half of the memory, logits an eighth of it, and tokens as much."""
    words = PageCache(settings.page_cache_mib * MIB // 2)
    logits = LogitsCache(settings.page_cache_mib * MIB // 8)
    telemetry.watch_cache("words", lambda: (words.hits, words.misses))
    telemetry.watch_cache("logits", lambda: (logits.hits, logits.misses))
    return words, logits


def _visual_cache(session: Session) -> tuple[int, int]:
    return session.cache_info.hits, session.cache_info.misses


def ocr_model(settings: Settings) -> schemas.Model:
    """What reads the words."""
    if settings.ocr_models is not None:
        return schemas.Model(name=settings.ocr_models.name, version="custom", licence="unknown")
    return schemas.Model(name="PP-OCRv6_small", version="6", licence="Apache-2.0")


def cores(limit: Path = CPU_LIMIT) -> int:
    """Cores this process can keep busy: those it may run on, or as many as its container's share of time makes up."""
    allowed = len(os.sched_getaffinity(0))
    try:
        quota, period = map(int, limit.read_text().split())
    except (OSError, ValueError):
        # No such control group, or no limit ("max").
        return allowed
    return max(min(allowed, math.ceil(quota / period)), 1)


def ocr_workers(settings: Settings) -> int:
    """Workers of one process.

    A page's lines are read side by side, so few workers with several threads each answer a lone client soonest.
    """
    return settings.ocr_workers or max(cores() // 4, 1)


def load_ocr(settings: Settings) -> dict[str | None, list[Ocr]]:
    """Load the recognizers of every language and warm them up. Raises OcrError."""
    workers = ocr_workers(settings)
    threads = settings.ocr_threads or max(cores() // workers, 1)
    recognizers: dict[str | None, list[Ocr]] = {}
    for language in settings.ocr_languages or (None,):
        config = OcrConfig(
            models=settings.ocr_models, language=language, min_score=settings.ocr_min_score, threads=threads
        )
        recognizers[language] = [Ocr(config) for _ in range(workers)]
        for recognizer in recognizers[language]:
            recognizer.recognize(_warm_up_page())
    return recognizers


def ocr_pools(recognizers: Mapping[str | None, Sequence[Ocr]], telemetry: Telemetry) -> dict[str | None, OcrPool]:
    """A queue for each language; who names none gets the first, and the default models read many with one."""
    pools: dict[str | None, OcrPool] = {language: OcrPool(found, telemetry) for language, found in recognizers.items()}
    first = next(iter(pools.values()))
    return (dict.fromkeys(DEFAULT_LANGUAGES, first) if None in pools else {}) | pools | {None: first}


def pool_for(language: str | None, pools: Mapping[str | None, OcrPool]) -> OcrPool:
    """The queue of a language. Raises RequestError where there is none."""
    if (pool := pools.get(language)) is None:
        known = ", ".join(sorted(filter(None, pools)))
        raise RequestError(f"The language {language} is not served here; the languages are {known}.")
    return pool


def open_session(found: Bundle, settings: Settings, pages_at_once: int) -> Session:
    """Load the graphs of a bundle and repeat its golden input. Raises BundleError when the numbers are others."""
    manifest = found.manifest
    page_bytes = VISUAL_TOKENS * int(manifest.config.get("hidden_size", 768)) * 4
    session = Session(
        found,
        providers=settings.providers or None,
        threads=settings.session_threads or cores(),
        native_ops=settings.native_ops,
        # The rest of the memory for pages. Windows of a page that is worked on share its visual embeddings even where
        # nothing is kept.
        visual_cache_pages=max(pages_at_once, settings.page_cache_mib * MIB // 4 // page_bytes),
    )
    difference = session.selftest()
    bound = max(manifest.parity.get("bound", 0.0), SELFTEST_BOUND)
    if not difference <= bound:
        raise BundleError(
            f"The model {manifest.name} fails its self-test: its outputs differ by {difference:.2g} from those it was "
            f"exported with, more than {bound:.2g}. Export it again on this machine, or use another precision."
        )
    fields = {"model": manifest.name, "precision": manifest.precision, "operators": session.operators}
    _log.info("model ready", extra={"fields": fields | {"licence": manifest.licence}})
    return session


def open_batcher(session: Session, settings: Settings, telemetry: Telemetry) -> Batcher:
    """The queue of a model, with batches that fit what it runs on where the settings leave it open."""
    fitting = CPU_BATCHING if session.providers[0] == CPU else GPU_BATCHING
    return Batcher(
        session.run,
        max_batch_tokens=settings.max_batch_tokens or fitting.max_batch_tokens,
        max_queue_tokens=settings.max_queue_tokens,
        workers=settings.session_workers or fitting.workers,
        telemetry=telemetry,
    )


def default_first(served: Mapping[str, Served], settings: Settings) -> Mapping[str, Served]:
    """The models by name, beginning with the one that answers who names none. Raises BundleError."""
    default = settings.model or next(iter(served))
    if default not in served:
        raise BundleError(f"The setting model is {default}, but the models are {', '.join(served)}.")
    return {default: served[default]} | dict(served)


def find_bundles(settings: Settings) -> list[Path]:
    """Folders of the bundles to serve, the starter bundle first. Raises BundleError when there is none."""
    folders: list[Path] = []
    if settings.starter:
        try:
            folders.append(bundle.locate(STARTER))
        except BundleError as error:
            if not settings.bundles:
                raise
            _log.warning("The starter bundle is not served: %s", error)
    for path in map(Path.expanduser, settings.bundles):
        if (path / bundle.MANIFEST).is_file():
            folders.append(path)
        elif inside := sorted(found.parent for found in path.glob(f"*/{bundle.MANIFEST}")):
            folders += inside
        else:
            raise BundleError(f"{path} is no bundle and holds none; make one with layoutserve export.")
    if not folders:
        raise BundleError("There is no model to serve: name a bundle in LAYOUTSERVE_BUNDLES.")
    return folders


def _warm_up_page() -> Page:
    """A drawn page on which the OCR models run once before the first request does.

    A scan of A4 at 200 dpi in type of ten points, at which the detector looks twice: the memory that most pages need is
    then there before anybody counts on it, and what is resident at the start is what is resident after a week.
    """
    image = Image.new("RGB", (1654, 2339), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(28)
    for row in range(8):
        draw.text(
            (100, 100 + 280 * row), "LayoutServe 2024-01-31 Total 12.50 " * (1 + row % 3), fill="black", font=font
        )
    return Page(np.asarray(image))
