"""Many files: a window of them under way, outcomes in the order of the files, errors beside results."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from layoutserve_client.documents import Document
from layoutserve_client.errors import LayoutServeError
from layoutserve_client.progress import Bar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The outcome of one file: a result, or the error that kept it from one."""

    file: Document
    result: T | None
    error: LayoutServeError | None

    def unwrap(self) -> T:
        """Give the result, or raise the error."""
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result

    @property
    def name(self) -> str:
        """The file's path, or what kind of object it is."""
        if isinstance(self.file, str | os.PathLike):
            return os.fspath(self.file)
        return str(getattr(self.file, "name", f"({type(self.file).__name__})"))


def run_in_threads(
    files: Iterable[Document], call: Callable[[Document], T], concurrency: int, progress: bool
) -> Iterator[Outcome[T]]:
    """Call for every file in threads. At most ``2 * concurrency`` files are taken ahead of the outcome given."""

    def attempt(file: Document) -> Outcome[T]:
        try:
            return Outcome(file, call(file), None)
        except LayoutServeError as error:
            return Outcome(file, None, error)
        finally:
            bar.advance()

    pool = ThreadPoolExecutor(_positive(concurrency), thread_name_prefix="layoutserve")
    try:
        with Bar(len(files) if isinstance(files, Sized) else None, shown=progress) as bar:
            waiting: deque[Future[Outcome[T]]] = deque()
            for file in files:
                if len(waiting) >= 2 * concurrency:
                    yield waiting.popleft().result()
                waiting.append(pool.submit(attempt, file))
            while waiting:
                yield waiting.popleft().result()
    finally:  # also when the caller stops half-way: what has not begun is not begun
        pool.shutdown(wait=False, cancel_futures=True)


async def run_in_tasks(
    files: Iterable[Document], call: Callable[[Document], Awaitable[T]], concurrency: int, progress: bool
) -> AsyncIterator[Outcome[T]]:
    """Call for every file in tasks of the running loop."""
    room = asyncio.Semaphore(_positive(concurrency))

    async def attempt(file: Document) -> Outcome[T]:
        try:
            async with room:
                return Outcome(file, await call(file), None)
        except LayoutServeError as error:
            return Outcome(file, None, error)
        finally:
            bar.advance()

    waiting: deque[asyncio.Task[Outcome[T]]] = deque()
    try:
        with Bar(len(files) if isinstance(files, Sized) else None, shown=progress) as bar:
            for file in files:
                if len(waiting) >= 2 * concurrency:
                    yield await waiting[0]
                    waiting.popleft()
                waiting.append(asyncio.ensure_future(attempt(file)))
            while waiting:
                yield await waiting[0]
                waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _positive(concurrency: int) -> int:
    if concurrency < 1:
        raise ValueError("concurrency must be at least 1")
    return concurrency
