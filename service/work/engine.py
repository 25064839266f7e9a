"""The engine: admits documents, drives their pages through the model's pipeline, and gives the answer.

A page is a generator (``model.pipeline``) that yields work: *recognize* goes to the OCR workers, *infer* to the
batcher. Decoding, encoding and everything else that computes runs on a pool of threads, so that the event loop is
free. How many documents are admitted and how many pages are decoded at once is bounded; pages of all documents take
turns. When a deadline passes or a client departs, whatever of its work has not begun is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from layoutserve.model.encoding.tensors import Logits
from layoutserve.model.errors import DocumentTooLarge, LayoutServeError
from layoutserve.model.page import Limits, Page
from layoutserve.model.pipeline import DocumentResult, PageResult, Recognize, Request, Steps, Work
from layoutserve.service import tracing
from layoutserve.service.errors import DeadlineExceeded, NotReady, Overloaded
from layoutserve.service.sandbox.confinement import MIB
from layoutserve.service.sandbox.documents import SandboxedDocument
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.wire import answers, schemas
from layoutserve.service.wire.endpoints import Endpoint
from layoutserve.service.wire.requests import DocumentRequest, ReadRequest
from layoutserve.service.work.backend import Backend, LocalBackend
from layoutserve.service.work.catalog import Catalog, Served
from layoutserve.service.work.cores import cores
from layoutserve.service.work.reading import Reading
from layoutserve.service.work.retry_after import Pace
from layoutserve.service.work.turns import Party, Room, party_var

P = ParamSpec("P")
T = TypeVar("T")
OnPage = Callable[[int, int], None]

_BYTES_PER_WORD = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """A request that was checked: answer it at once, or keep its body as a job."""

    endpoint: Endpoint
    body: ReadRequest
    served: Served
    request: Request


class Engine:
    """Answers documents; one for each app. ``start`` it in a running event loop."""

    def __init__(self, settings: Settings, telemetry: Telemetry, backend: Backend | None = None) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._backend = backend or LocalBackend(settings, telemetry)
        self._catalog = Catalog(settings)
        self._documents = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._pace = Pace(1.0, 1)
        self._threads = ThreadPoolExecutor(max(cores(), 4), thread_name_prefix="pages")
        self._pages = Room(self._backend.pages_at_once)
        documents = settings.max_documents + settings.job_workers
        self._reading = Reading(settings, turns=self._backend.pages_at_once, documents=documents)
        self._draining = False
        self._not_ready: NotReady | None = NotReady("The service is starting: its models are loading.", 5)

    async def start(self) -> None:
        """Load, warm up and self-test the models; ready after that. Raises LayoutServeError."""
        try:
            self._catalog, _ = await asyncio.gather(self._backend.load(), self._reading.start())
        except LayoutServeError:
            self._not_ready = NotReady("The models cannot be loaded; the log says why.", 60)
            raise
        if not self._draining:
            self._not_ready = None
            self._telemetry.ready.set_function(self._ready)

    def _ready(self) -> int:
        try:
            self.check_ready()
        except NotReady:
            return 0
        return 1

    async def drain(self, timeout_s: float) -> bool:
        """Admit no more documents and wait for those admitted; False when that took too long."""
        self._draining = True
        self._not_ready = NotReady("The service is stopping; another instance may answer.", 5)
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Stop; whoever still waits gets an exception."""
        await self._backend.close()
        await self._reading.close()
        await asyncio.to_thread(self._threads.shutdown)

    def check_ready(self) -> None:
        """Raise NotReady while starting or draining, and where there is no model that can be served."""
        if self._not_ready is not None:
            raise self._not_ready
        self._catalog.check()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Take one of the places for documents. Raises NotReady, Overloaded."""
        self.check_room()
        began = time.monotonic()
        self._count(+1)
        try:
            yield
        finally:
            # Documents in work side by side share the time.
            self._pace.record((time.monotonic() - began) / self._documents)
            self._count(-1)

    def check_room(self) -> None:
        """Raise NotReady or Overloaded where ``admit`` would."""
        self.check_ready()
        if self._documents >= self._settings.max_documents or self._backend.full:
            raise Overloaded(
                f"{self._documents} documents are worked on or wait; more are not accepted now.",
                self._pace.retry_after_s(self._documents),
            )

    def _count(self, more: int) -> None:
        self._documents += more
        self._telemetry.documents.set(self._documents)
        self._idle.set() if self._documents == 0 else self._idle.clear()

    def models(self) -> schemas.Models:
        """Describe the models that are served, and the bundles that cannot be. Raises NotReady."""
        if self._not_ready is not None:
            raise self._not_ready
        catalog = self._catalog
        served = [(one.bundle, one.operators, catalog.current(one)) for one in catalog.served]
        quarantined = [(one.folder, one.reason, one.since) for one in catalog.quarantined]
        return answers.models(served, quarantined, self._settings)

    async def reload(self) -> schemas.Models:
        """Serve the bundles that are there now. Raises NotReady, Conflict."""
        if self._not_ready is not None:
            raise self._not_ready
        await self._backend.reload()
        return self.models()

    def prepare(self, endpoint: Endpoint, body: ReadRequest) -> Order:
        """Check a request before any work. Raises NotFound for the model, RequestError."""
        served = self._catalog.find(body.model if isinstance(body, DocumentRequest) else None)
        request = body.wanted(served.bundle)
        served.pipeline.check(request)
        return Order(endpoint, body, served, request)

    async def answer(
        self,
        order: Order,
        *,
        request_id: str,
        deadline: float,
        max_pages: int,
        on_page: OnPage | None = None,
    ) -> schemas.Answered:
        """Answer an order until ``deadline``, a time of the loop; ``on_page`` is told pages done and their total.

        Raises what the document, the request or the model got wrong, and DeadlineExceeded.
        """
        began = time.perf_counter()
        if order.served.closed:
            # It gave way while the order waited.
            order = self.prepare(order.endpoint, order.body)
        party_var.set(Party(later=on_page is not None))
        try:
            async with asyncio.timeout_at(deadline) as limit:
                with order.served.in_use():
                    result = await self._document(order, max_pages, on_page)
        except TimeoutError as error:
            if not limit.expired():
                raise
            seconds = time.perf_counter() - began
            raise DeadlineExceeded(f"The document was not done after {seconds:.1f} seconds.") from error
        total = (time.perf_counter() - began) * 1000
        result = replace(result, timings_ms={**result.timings_ms, "total": total})
        if on_page is None and 0 < self._settings.slow_request_s < total / 1000:
            fields = {"pages": len(result.pages), "timings_ms": {k: round(v) for k, v in result.timings_ms.items()}}
            _log.warning("slow request", extra={"fields": fields})
        model = self._backend.ocr_model if order.endpoint.by_ocr else answers.model(order.served.bundle)
        return await self._thread(order.endpoint.answer, result, model, request_id)

    async def _document(self, order: Order, max_pages: int, on_page: OnPage | None) -> DocumentResult:
        settings, body, served, request = self._settings, order.body, order.served, order.request
        limits = Limits(settings.max_file_bytes, settings.max_pixels, max_pages)
        began = time.perf_counter()
        async with AsyncExitStack() as stack:
            with tracing.span("read"):
                document = await stack.enter_async_context(
                    self._reading.document(
                        body.file,
                        pages=body.pages,
                        dpi=body.dpi or settings.pdf_dpi,
                        limits=limits,
                        ocr=body.ocr,
                    )
                )
            opened_s = time.perf_counter() - began
            results, reading_s = await self._pages_of(document, served, request, on_page)
        with tracing.span("decode document"):
            result = await self._thread(served.pipeline.document, results, request)
        return replace(result, timings_ms={"read": (opened_s + reading_s) * 1000, **result.timings_ms})

    async def _pages_of(
        self, document: SandboxedDocument, served: Served, request: Request, on_page: OnPage | None
    ) -> tuple[list[PageResult], float]:
        """Work on the pages of a document side by side; gives them in order, and the seconds their decoding took."""
        total, done, reading_s, answer_bytes = len(document), 0, 0.0, 0
        results: dict[int, PageResult] = {}

        async def work(page: Page, index: int) -> None:
            nonlocal done, answer_bytes
            try:
                with tracing.span("page", number=page.number):
                    results[index] = await self._page(served, page, index, request)
            finally:
                self._pages.release()
            answer_bytes += _written_bytes(results[index])
            if answer_bytes > self._settings.max_answer_mib * MIB:
                raise DocumentTooLarge(
                    f"The answer would be larger than {self._settings.max_answer_mib:,} MiB after {done + 1} of {total}"
                    " pages. Ask for fewer pages at once."
                )
            done += 1
            if on_page is not None:
                on_page(done, total)

        if on_page is not None:
            on_page(0, total)
        try:
            async with asyncio.TaskGroup() as group:
                for index in range(total):
                    began = time.perf_counter()
                    with tracing.span("read page"):
                        page = await self._reading.next_page(document, self._pages)
                    reading_s += time.perf_counter() - began
                    group.create_task(work(page, index))
                    del page
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [results[index] for index in range(total)], reading_s

    async def _page(self, served: Served, page: Page, index: int, request: Request) -> PageResult:
        """Drive one page: do what it yields, send it what came out."""
        source = "given" if request.words is not None else "text layer" if page.words is not None else "cache"
        steps = served.pipeline.page(page, index, request)
        waits = {"ocr": 0.0, "infer": 0.0}
        del page
        with tracing.span("look up or encode"):
            step = await self._thread(_advance, steps, None)
        while not isinstance(step, PageResult):
            sent: Page | Sequence[Logits]
            if isinstance(step, Recognize):
                source = "ocr"
                with tracing.span("ocr"):
                    sent, waits["ocr"] = await self._backend.recognize(step.page, step.language)
            else:
                with tracing.span("infer", windows=len(step.encodings)):
                    sent, waits["infer"] = await self._backend.infer(served, step.encodings)
            with tracing.span("encode" if isinstance(step, Recognize) else "decode"):
                step = await self._thread(_advance, steps, sent)
        self._telemetry.pages.labels(source).inc()
        timings = {stage: ms - waits.get(stage, 0.0) * 1000 for stage, ms in step.timings_ms.items()}
        timings["queue"] = sum(waits.values()) * 1000
        for stage, ms in timings.items():
            self._telemetry.stage_seconds.labels(stage).observe(max(ms, 0.0) / 1000)
        return replace(step, timings_ms=timings)

    async def _thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))


def _written_bytes(result: PageResult) -> int:
    """Bytes of a page's words in an answer, about: each has a box, a polygon, a score and names."""
    return sum(len(word.text) + _BYTES_PER_WORD for word in result.page.words)


def _advance(steps: Steps, sent: Page | Sequence[Logits] | None) -> Work | PageResult:
    """Go on with a page until it needs something, or is done."""
    try:
        return steps.send(sent)  # type: ignore[arg-type]  # a generator is begun with None
    except StopIteration as done:
        result: PageResult = done.value
        return result
