"""Windows of many requests in batches.

The queue is bounded by admission (``engine.Engine.admit``) and by tokens: who is admitted waits for room, nobody is
turned away halfway. Who stops waiting (a deadline, a client gone) is dropped before its turn. Whatever happens to a
batch, every window in it gets its logits or an exception of its own.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.service.errors import NotReady
from layoutserve.service.telemetry import Telemetry

Run = Callable[[Sequence[Encoding]], list[Logits]]


@dataclass(slots=True, eq=False)
class _Item:
    encoding: Encoding
    future: "asyncio.Future[Logits]"
    since: float = field(default_factory=time.perf_counter)

    @property
    def tokens(self) -> int:
        """Text and visual tokens."""
        return self.encoding.all_tokens


def next_batch(tokens: Sequence[int], most: int) -> list[int]:
    """Rows of the first window and of those nearest to it in length, as many as ``most`` tokens hold with padding.

    tokens: of each window that waits, one at least; the first is in the batch whatever its length.
    """
    batch, longest = [0], tokens[0]
    for row in sorted(range(1, len(tokens)), key=lambda row: abs(tokens[row] - tokens[0])):
        longest = max(longest, tokens[row])
        if longest * (len(batch) + 1) > most:
            break
        batch.append(row)
    return batch


def run_all(run: Run, encodings: Sequence[Encoding], max_batch_tokens: int) -> list[Logits]:
    """Logits of windows in their order, run in the same batches as a ``Batcher`` makes, one after the other."""
    found: dict[int, Logits] = {}
    waiting = list(range(len(encodings)))
    while waiting:
        rows = [waiting[at] for at in next_batch([encodings[row].all_tokens for row in waiting], max_batch_tokens)]
        found |= zip(rows, run([encodings[row] for row in rows]), strict=True)
        waiting = [row for row in waiting if row not in found]
    return [found[row] for row in range(len(encodings))]


class Batcher:
    """Runs windows in batches on ``workers`` threads.

    run: gives the logits of a batch, in its order; it may fail for a batch in which one window is bad.
    max_batch_tokens: the longest window times their number stays below it, so padding is paid for; a window that is
    longer runs alone. max_queue_tokens: how much may wait. model: its name in the metrics of the queue.
    """

    def __init__(
        self,
        run: Run,
        *,
        max_batch_tokens: int,
        max_queue_tokens: int,
        workers: int,
        telemetry: Telemetry,
        model: str = "",
    ) -> None:
        self._run = run
        self._max_batch_tokens = max_batch_tokens
        self._max_queue_tokens = max_queue_tokens
        self._telemetry = telemetry
        self._queue_tokens = telemetry.queue_tokens.labels(model)
        self._queue_windows = telemetry.queue_windows.labels(model)
        self._waiting: list[_Item] = []
        self._tokens = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="session")
        self._workers = [asyncio.create_task(self._work()) for _ in range(workers)]

    @property
    def full(self) -> bool:
        """True while no more tokens may wait."""
        return self._tokens >= self._max_queue_tokens

    @property
    def waiting(self) -> int:
        """Windows that wait."""
        return len(self._waiting)

    async def submit(self, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Logits of windows in their order, and the longest wait for a batch in seconds; raises what one raised.

        Stop waiting (cancel) and the windows that have not begun are dropped.
        """
        loop = asyncio.get_running_loop()
        items = [_Item(encoding, loop.create_future()) for encoding in encodings]
        tokens = sum(item.tokens for item in items)
        while self._tokens and self._tokens + tokens > self._max_queue_tokens:
            self._room.clear()
            await self._room.wait()
        since = time.perf_counter()
        for item in items:
            item.since = since
        self._waiting += items
        self._count(tokens)
        self._arrived.set()
        try:
            logits = list(await asyncio.gather(*(item.future for item in items)))
        finally:
            for item in items:
                item.future.cancel()
        return logits, max(item.since for item in items) - since

    async def close(self) -> None:
        """Stop; whoever still waits gets NotReady. A batch that runs is seen through."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        for item in self._waiting:
            if not item.future.done():
                item.future.set_exception(NotReady("The service is stopping; repeat the request.", 5))
        self._waiting.clear()
        await asyncio.to_thread(self._executor.shutdown)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            batch = self._take()
            if not batch:
                self._arrived.clear()
                continue
            try:
                outcomes = await loop.run_in_executor(
                    self._executor, _run_isolated, self._run, [item.encoding for item in batch]
                )
            except BaseException as error:
                for item in batch:
                    if not item.future.done():
                        item.future.set_exception(error if isinstance(error, Exception) else NotReady("Stopping.", 5))
                if not isinstance(error, Exception):
                    raise
                continue
            for item, outcome in zip(batch, outcomes, strict=True):
                if item.future.done():
                    continue
                if isinstance(outcome, Logits):
                    item.future.set_result(outcome)
                else:
                    item.future.set_exception(outcome)

    def _take(self) -> list[_Item]:
        """The oldest window and those that wait and are nearest to it in length, as many as the budget holds."""
        if dropped := [item for item in self._waiting if item.future.done()]:
            self._waiting = [item for item in self._waiting if not item.future.done()]
            self._count(-sum(item.tokens for item in dropped))
        if not self._waiting:
            return []
        rows = next_batch([item.tokens for item in self._waiting], self._max_batch_tokens)
        batch, taken = [self._waiting[row] for row in rows], set(rows)
        self._waiting = [item for row, item in enumerate(self._waiting) if row not in taken]
        tokens = sum(item.tokens for item in batch)
        self._count(-tokens)
        self._observe(batch, tokens, max(item.tokens for item in batch) * len(batch))
        return batch

    def _count(self, tokens: int) -> None:
        self._tokens += tokens
        self._queue_tokens.set(self._tokens)
        self._queue_windows.set(len(self._waiting))
        if tokens < 0:
            self._room.set()

    def _observe(self, batch: list[_Item], tokens: int, padded: int) -> None:
        now = time.perf_counter()
        for item in batch:
            self._telemetry.queue_seconds.observe(now - item.since)
            item.since = now
        self._telemetry.batch_windows.observe(len(batch))
        self._telemetry.batch_tokens.observe(padded)
        self._telemetry.padding_ratio.observe(1 - tokens / padded)


def _run_isolated(run: Run, encodings: Sequence[Encoding]) -> list[Logits | Exception]:
    """Run a batch; if it fails, its halves, until only the windows that are to blame have failed."""
    try:
        logits = run(encodings)
        if len(logits) != len(encodings):
            raise RuntimeError(f"{len(encodings)} windows gave {len(logits)} results.")
        return list(logits)
    except Exception as error:
        if len(encodings) == 1:
            return [error]
    middle = len(encodings) // 2
    return _run_isolated(run, encodings[:middle]) + _run_isolated(run, encodings[middle:])
