"""OCR workers: recognizers by language, each on a thread of its own, behind a queue of pages."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from layoutserve.model.errors import RequestError
from layoutserve.model.ocr.reader import Ocr, OcrConfig
from layoutserve.model.page import Page
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import schemas
from layoutserve.service.work.cores import cores
from layoutserve.service.work.turns import Room

# The languages of PP-OCRv6's one dictionary, as PaddleOCR calls them: Chinese, English, Japanese and Latin scripts.
DEFAULT_LANGUAGES = frozenset({
    "ch", "chinese_cht", "en", "japan", "af", "az", "bs", "ca", "cs", "cy", "da", "de", "es", "et", "eu", "fi",
    "fr", "french", "ga", "german", "gl", "hr", "hu", "id", "is", "it", "ku", "la", "lb", "lt", "lv", "mi", "ms",
    "mt", "nl", "no", "oc", "pl", "pt", "qu", "rm", "ro", "rs_latin", "sk", "sl", "sq", "sv", "sw", "tl", "tr",
    "uz", "vi",
})  # fmt: skip


class Recognizer(Protocol):
    """A reader of pages; one for each worker, never used by two threads."""

    def recognize(self, page: Page, given_up: Event) -> Page:
        """Give the page with its words, unless it is given up meanwhile."""


class OcrPool:
    """Reads pages on OCR workers, each a thread with a recognizer of its own."""

    def __init__(self, recognizers: Sequence[Recognizer], telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._waiting = 0
        self._executors = [ThreadPoolExecutor(1, thread_name_prefix="ocr") for _ in recognizers]
        self._idle: list[tuple[ThreadPoolExecutor, Recognizer]] = list(zip(self._executors, recognizers, strict=True))
        self._room = Room(len(recognizers))

    async def recognize(self, page: Page) -> tuple[Page, float]:
        """Give the page with its words, and the seconds it waited.

        Stop waiting (cancel) and a page that has not begun is dropped, one that is being read is given up.
        """
        since = time.perf_counter()
        self._wait(1)
        try:
            await self._room.acquire()
        finally:
            self._wait(-1)
        worker = executor, recognizer = self._idle.pop()
        waited = time.perf_counter() - since
        given_up = Event()
        reading = executor.submit(recognizer.recognize, page, given_up)
        loop = asyncio.get_running_loop()
        # The worker is free when its thread is, which may be after its page has been given up.
        reading.add_done_callback(lambda _: loop.call_soon_threadsafe(self._free, worker))
        try:
            return await asyncio.wrap_future(reading), waited
        except asyncio.CancelledError:
            given_up.set()
            raise

    def _free(self, worker: tuple[ThreadPoolExecutor, Recognizer]) -> None:
        self._idle.append(worker)
        self._room.release()

    async def close(self) -> None:
        """Stop the workers; pages that are being read are seen through."""
        for executor in self._executors:
            await asyncio.to_thread(executor.shutdown)

    def _wait(self, more: int) -> None:
        self._waiting += more
        self._telemetry.ocr_queue_pages.set(self._waiting)


def ocr_model(settings: Settings) -> schemas.Model:
    """The OCR model, as answers name it."""
    if settings.ocr_models is not None:
        return schemas.Model(name=settings.ocr_models.name, version="custom", licence="unknown")
    return schemas.Model(name="PP-OCRv6_small", version="6", licence="Apache-2.0")


def ocr_workers(settings: Settings) -> int:
    """Workers of one process.

    A page's lines are read side by side, so few workers with several threads each answer a lone client soonest.
    """
    return settings.ocr_workers or max(cores() // 4, 1)


def open_ocr(settings: Settings, language: str | None) -> Ocr:
    """Load one recognizer with the models of a language, None for the default ones. Raises OcrError."""
    return Ocr(
        OcrConfig(
            models=settings.ocr_models,
            language=language,
            min_score=settings.ocr_min_score,
            threads=settings.ocr_threads or max(cores() // ocr_workers(settings), 1),
        )
    )


def load_ocr(settings: Settings) -> dict[str | None, list[Ocr]]:
    """Load the recognizers of every language and warm them up. Raises OcrError."""
    recognizers: dict[str | None, list[Ocr]] = {}
    for language in settings.ocr_languages or (None,):
        recognizers[language] = [open_ocr(settings, language) for _ in range(ocr_workers(settings))]
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
