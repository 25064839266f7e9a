"""Pages of documents, decoded in processes that may die, in fair turns.

Pages wait until there is memory for what their headers say. A document whose page takes longer than ``PATIENCE_S``
gives up its turn, and goes on after all others if that was its own doing. It is ended when the page has taken
``page_cpu_s`` of processor time, or the request's time is up. A document that ended its process is refused for
``REFUSED_S`` without being tried.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from layoutserve.model.page import Limits, OcrMode, Page
from layoutserve.service.errors import DocumentNotProcessable
from layoutserve.service.sandbox.confinement import MIB
from layoutserve.service.sandbox.documents import Allowance, Readers, SandboxedDocument
from layoutserve.service.settings import Settings
from layoutserve.service.work.turns import Room

T = TypeVar("T")

PATIENCE_S = 1.0
REFUSED_S = 600.0
# Documents refused that are remembered.
REFUSED_MOST = 1000
WATCH_S = 0.1


class Memory:
    """Memory for decoding, granted in the order in which it is asked for; small pages do not wait for large ones.

    A quarter of it is for small pages alone, an eighth of all of it being small, and the rest for large ones. A page
    that needs more than that is decoded alone: the limit of its process may end it.
    """

    def __init__(self, total_bytes: int) -> None:
        self._small = _Share(total_bytes // 4)
        self._large = _Share(total_bytes - total_bytes // 4)
        self._small_bytes = total_bytes // 8

    @asynccontextmanager
    async def granted(self, document: SandboxedDocument, count: int) -> AsyncIterator[None]:
        """Grant a document this number of bytes until the block ends."""
        share = self._small if count <= self._small_bytes else self._large
        count = min(count, share.total)
        await share.acquire(count)
        document.granted_bytes = count
        try:
            yield
        finally:
            document.granted_bytes = 0
            share.release(count)


class _Share:
    """Bytes for whoever comes first."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._left = total
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def acquire(self, count: int) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((count, granted))
        self._grant()
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self.release(count)
            else:
                self._grant()
            raise

    def release(self, count: int) -> None:
        self._left += count
        self._grant()

    def _grant(self) -> None:
        while self._waiting:
            count, granted = self._waiting[0]
            if not granted.cancelled():
                if count > self._left:
                    return
                self._left -= count
                granted.set_result(None)
            self._waiting.popleft()


class Reading:
    """Opens documents and gives their pages; one for each engine.

    turns: pages decoded side by side. documents: most documents there can be at once, each of which waits on a thread.
    """

    def __init__(self, settings: Settings, *, turns: int, documents: int) -> None:
        self._settings = settings
        self._readers = Readers(Allowance(settings.decoding_memory_mib * MIB, settings.page_cpu_s))
        self._turns = asyncio.Semaphore(turns)
        self._memory = Memory(settings.decoding_memory_mib * MIB)
        self._threads = ThreadPoolExecutor(documents, thread_name_prefix="readers")
        self._refused: OrderedDict[bytes, float] = OrderedDict()
        self._open = 0
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start what readers are forked from."""
        await self._thread(self._readers.start)

    async def close(self) -> None:
        """End all readers."""
        if self._watching is not None:
            self._watching.cancel()
        await asyncio.to_thread(self._readers.close)
        await asyncio.to_thread(self._threads.shutdown)

    @asynccontextmanager
    async def document(
        self, data: bytes, *, pages: str | None, dpi: int, limits: Limits, ocr: OcrMode
    ) -> AsyncIterator[SandboxedDocument]:
        """Open a document until the block ends. Raises what the document got wrong, and DocumentNotProcessable."""
        digest = hashlib.blake2b(data, digest_size=16).digest()
        self._refuse_known(digest)
        document = await self._thread(
            lambda: self._readers.read_document(data, pages=pages, dpi=dpi, limits=limits, ocr=ocr),
            undo=SandboxedDocument.close,
        )
        self._open += 1
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            async with self._turn() as turn:
                await self._work(document, document.open, turn)
            yield document
        finally:
            self._open -= 1
            await asyncio.shield(self._thread(document.close))
            if document.failed:
                self._refused[digest] = time.monotonic() + REFUSED_S
                while len(self._refused) > REFUSED_MOST:
                    self._refused.popitem(last=False)

    async def next_page(self, document: SandboxedDocument, room: Room) -> Page:
        """Decode the next page, and take it once there is ``room``, which is the caller's to give back.

        Raises as ``document``.
        """
        async with self._turn() as turn:
            needed = await self._work(document, document.ask, turn)
        async with self._memory.granted(document, needed), self._turn() as turn:
            await self._work(document, document.wait, turn)
            turn()
            await room.acquire()
            try:
                return await self._work(document, document.take, turn)
            except BaseException:
                room.release()
                raise

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Callable[[], None]]:
        """Take a turn until the block ends, or until what it gives is called."""
        await self._turns.acquire()
        held = True

        def give_up() -> None:
            nonlocal held
            if held:
                held = False
                self._turns.release()

        try:
            yield give_up
        finally:
            give_up()

    async def _work(self, document: SandboxedDocument, work: Callable[[], T], give_up_turn: Callable[[], None]) -> T:
        """Wait for a document's process; after a while others have their turn."""
        task = asyncio.ensure_future(self._thread(work))
        try:
            while not (await asyncio.wait({task}, timeout=PATIENCE_S))[0]:
                give_up_turn()
                document.demote(PATIENCE_S)
            return await task
        except asyncio.CancelledError:
            # Whoever waits on a thread is woken by it.
            await asyncio.shield(asyncio.to_thread(document.close))
            task.cancel()
            raise

    def _refuse_known(self, digest: bytes) -> None:
        if (until := self._refused.get(digest)) is not None:
            if time.monotonic() < until:
                raise DocumentNotProcessable("The document cannot be decoded: trying it has just ended a process.")
            del self._refused[digest]

    async def _watch(self) -> None:
        """End the reader most beyond its grant when all together take too much memory, as long as there is one."""
        while self._open:
            await asyncio.sleep(WATCH_S)
            await asyncio.to_thread(self._readers.limit_memory, self._settings.decoding_memory_mib * MIB)

    async def _thread(self, work: Callable[[], T], undo: Callable[[T], object] | None = None) -> T:
        """Work on a thread; what comes of it after the caller was cancelled is undone."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if undo is not None:
                future.add_done_callback(lambda done: done.exception() or undo(done.result()))
            else:
                future.add_done_callback(lambda done: done.exception())
            raise
