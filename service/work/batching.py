"""Windows of many requests in batches.

The queue is bounded by admission (``engine.Engine.admit``) and by tokens: who is admitted waits for room, nobody is
turned away halfway. Documents take turns; one makes the queue full only up to its share, and a job not at all. Who
stops waiting (a deadline, a client gone) is dropped before its turn. Whatever happens to a batch, every window in it
gets its logits or an exception of its own.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from layoutserve.model.encoding.tensors import Encoding, Logits
from layoutserve.service.errors import NotReady
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.turns import Party, Turns, party

# One document alone makes the queue full by at most this share of it.
FULL_BY = 4
# Windows among which the nearest in length are looked for.
NEAR = 256

Run = Callable[[Sequence[Encoding]], list[Logits]]


@dataclass(slots=True, eq=False)
class _Item:
    encoding: Encoding
    future: "asyncio.Future[Logits]"
    party: Party
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
        self._waiting: Turns[_Item] = Turns()
        self._tokens = 0
        self._tokens_of: Counter[Party] = Counter()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="session")
        self._workers = [asyncio.create_task(self._work()) for _ in range(workers)]

    @property
    def full(self) -> bool:
        """True while no more tokens may wait, those of jobs and what goes beyond a document's share left out."""
        share = max(self._max_queue_tokens // FULL_BY, 1)
        counted = sum(min(tokens, share) for party, tokens in self._tokens_of.items() if not party.later)
        return counted >= self._max_queue_tokens

    @property
    def waiting(self) -> int:
        """Windows that wait."""
        return len(self._waiting)

    async def submit(self, encodings: Sequence[Encoding]) -> tuple[list[Logits], float]:
        """Logits of windows in their order, and the longest wait for a batch in seconds; raises what one raised.

        Stop waiting (cancel) and the windows that have not begun are dropped.
        """
        loop = asyncio.get_running_loop()
        own = party()
        items = [_Item(encoding, loop.create_future(), own) for encoding in encodings]
        tokens = sum(item.tokens for item in items)
        while self.full or (self._tokens_of[own] and self._tokens_of[own] + tokens > self._max_queue_tokens):
            self._room.clear()
            await self._room.wait()
        since = time.perf_counter()
        for item in items:
            item.since = since
            self._waiting.add(item, own)
        self._count(items)
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
        for _, item in self._waiting.keep(lambda _: False):
            if not item.future.done():
                item.future.set_exception(NotReady("The service is stopping; repeat the request.", 5))
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
        """The window whose turn it is and those nearest to it in length, as many as the budget holds."""
        first: _Item | None = None
        while first is None and self._waiting:
            item = self._waiting.take()
            if item.future.done():
                self._count([item], -1)
            else:
                first = item
        if first is None:
            return []
        near = [item for _, item in self._waiting.first(NEAR) if not item.future.done()]
        rows = next_batch([first.tokens, *(item.tokens for item in near)], self._max_batch_tokens)
        batch = [first, *(near[row - 1] for row in rows[1:])]
        taken = set(map(id, batch))
        if len(batch) > 1:
            self._waiting.keep(lambda item: id(item) not in taken)
        tokens = sum(item.tokens for item in batch)
        self._count(batch, -1)
        self._observe(batch, tokens, max(item.tokens for item in batch) * len(batch))
        return batch

    def _count(self, items: Sequence[_Item], sign: int = 1) -> None:
        for item in items:
            self._tokens += sign * item.tokens
            self._tokens_of[item.party] += sign * item.tokens
            if not self._tokens_of[item.party]:
                del self._tokens_of[item.party]
        self._queue_tokens.set(self._tokens)
        self._queue_windows.set(len(self._waiting))
        if sign < 0:
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
