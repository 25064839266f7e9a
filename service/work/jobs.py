"""Jobs: documents that are answered later, worked on beside the requests that wait for their answer."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

from layoutserve.service.errors import AttemptsExhausted, Overloaded, Temporary, is_internal
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry, log_unexpected, request_id_var
from layoutserve.service.wire.problems import problem_of
from layoutserve.service.work.retry_after import Pace
from layoutserve.service.work.store.jobs import JobStore
from layoutserve.service.work.store.records import ClaimedJob, IdempotencyKey, NewJob, StoredJob

SWEEP_S = 60.0
POLL_S = 1.0
STORE_THREADS = 4
LATER_S = 5.0

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
# Does a job and gives its result as JSON; says after each page how many of how many are done.
Process = Callable[[ClaimedJob, Progress], Awaitable[str]]

_log = logging.getLogger(__name__)


class Jobs:
    """Accepts, runs and looks after jobs; several processes may share one store."""

    def __init__(self, store: JobStore, process: Process, settings: Settings, telemetry: Telemetry) -> None:
        self._store = store
        self._process = process
        self._settings = settings
        self._telemetry = telemetry
        self._holder = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._pace = Pace(10.0, settings.job_workers)
        self._added = asyncio.Event()
        self._threads = ThreadPoolExecutor(STORE_THREADS, thread_name_prefix="jobs")
        self._draining = False
        self._running: dict[str, asyncio.Task[str]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work on jobs, those a dead process left behind among them."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.job_workers)]
        self._tasks.append(asyncio.create_task(self._sweep()))

    async def drain(self, timeout_s: float) -> None:
        """Take no further job; finish those that run, or give them back where that takes longer. May be repeated."""
        self._draining = True
        self._added.set()
        workers = self._tasks[:-1]
        if workers:
            await asyncio.wait(workers, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    async def submit(self, job: NewJob, key: IdempotencyKey | None) -> StoredJob:
        """Accept a job. Raises Overloaded, Conflict, IdempotencyMismatch."""
        now = time.time()
        most, mib = self._settings.max_jobs, self._settings.max_jobs_mib
        expires = now + self._settings.job_ttl_s
        stored = await self._call(
            self._store.submit, job, key, now=now, key_expires=expires, most=most, most_bytes=mib * 2**20
        )
        if stored is None:
            raise Overloaded(
                f"As many jobs are kept as may be: {most} unfinished ones, or {mib:,} MiB.",
                self._pace.retry_after_s(most),
            )
        self._telemetry.jobs.labels("accepted").inc()
        self._added.set()
        return stored

    async def read(self, id_: str, owner: str) -> StoredJob:
        """Look a job up. Raises NotFound."""
        return await self._call(self._store.read, id_, owner)

    async def delete(self, id_: str, owner: str) -> StoredJob:
        """Cancel a job and stop its work, or delete it where it is finished. Raises NotFound."""
        now = time.time()
        stored = await self._call(self._store.delete, id_, owner, now=now, expires=now + self._settings.job_ttl_s)
        if (task := self._running.get(id_)) is not None:
            task.cancel()
        return stored

    async def reserve(self, key: IdempotencyKey) -> str | None:
        """Begin to answer a request with a key, or give its earlier answer. Raises Conflict, IdempotencyMismatch."""
        now = time.time()
        pending_until = now + self._settings.request_timeout_s + 1.0
        expires = now + self._settings.job_ttl_s
        return await self._call(self._store.reserve, key, now=now, pending_until=pending_until, expires=expires)

    async def fulfil(self, key: IdempotencyKey, response: str | None) -> None:
        """Keep the answer to a reserved key, or forget the key where there is none."""
        await self._call(self._store.fulfil, key, response)

    async def _call(self, method: Callable[..., Result], *args: object, **kwargs: object) -> Result:
        # Shielded: a transaction that was begun is seen through even if the caller is cancelled. On threads of its own:
        # whoever waits for the store keeps no other work waiting.
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._threads, partial(method, *args, **kwargs)))

    async def _work(self) -> None:
        lease_s, attempts = self._settings.job_lease_s, self._settings.job_attempts
        while not self._draining:
            self._added.clear()
            try:
                now = time.time()
                job = await self._call(
                    self._store.claim, self._holder, now=now, lease_until=now + lease_s, attempts=attempts
                )
                if job is not None:
                    await self._run(job)
                    continue
            except Exception as error:
                # The disk may be full or the file locked: the jobs stay where they are and are tried again.
                log_unexpected(_log, "jobs cannot be read or written", error)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._added.wait(), min(POLL_S, lease_s / 3))

    async def _run(self, job: ClaimedJob) -> None:
        request_id_var.set(job.request_id)
        began, progress = time.monotonic(), [0, None]

        def on_page(done: int, total: int) -> None:
            progress[:] = [done, total]

        task = self._running[job.id] = asyncio.ensure_future(self._process(job, on_page))
        try:
            held = await self._hold(job, task, progress)
        except BaseException as stop:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if isinstance(stop, asyncio.CancelledError):
                # Draining took too long: the job goes back, and its next holder begins it anew.
                await self._call(self._store.release, job.id, self._holder)
            raise
        finally:
            del self._running[job.id]
        if not held or task.cancelled():
            self._telemetry.jobs.labels("cancelled").inc()
            return
        result, problem, outcome = None, None, "succeeded"
        error = task.exception()
        if isinstance(error, Temporary):
            # No fault of the document's: whoever works may be restarting. It waits for its turn again.
            await self._call(self._store.release, job.id, self._holder)
            await asyncio.sleep(min(error.retry_after_s, LATER_S))
            return
        if isinstance(error, Exception):
            described = problem_of(error, job.request_id)
            problem, outcome = described.model_dump_json(), described.type.rpartition(":")[2]
            if is_internal(error):
                log_unexpected(_log, "job failed", error)
        else:
            result = task.result()
        await self._hold_progress(job, progress)
        now = time.time()
        expires = now + self._settings.job_ttl_s
        await self._call(
            self._store.finish, job.id, self._holder, now=now, expires=expires, result=result, problem=problem
        )
        seconds = time.monotonic() - began
        self._pace.record(seconds)
        self._telemetry.jobs.labels("failed" if result is None else "succeeded").inc()
        fields = {"job": job.id, "endpoint": job.endpoint, "attempt": job.attempts, "outcome": outcome}
        _log.info("job finished", extra={"fields": fields | {"pages": progress[0], "seconds": round(seconds, 3)}})

    async def _hold(self, job: ClaimedJob, task: "asyncio.Future[str]", progress: list[int | None]) -> bool:
        """Prolong the lease until the task is done; False when the job was cancelled or taken over meanwhile."""
        while True:
            done, _ = await asyncio.wait({task}, timeout=min(POLL_S, self._settings.job_lease_s / 3))
            if done:
                return True
            if not await self._hold_progress(job, progress):
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                return False

    async def _hold_progress(self, job: ClaimedJob, progress: list[int | None]) -> bool:
        until = time.time() + self._settings.job_lease_s
        done, total = progress
        return await self._call(self._store.renew, job.id, self._holder, lease_until=until, done=done or 0, total=total)

    async def _sweep(self) -> None:
        while True:
            now = time.time()
            problem = problem_of(AttemptsExhausted("Every attempt at this job took its process down."), "")
            try:
                failed = await self._call(
                    self._store.abandon,
                    now=now,
                    expires=now + self._settings.job_ttl_s,
                    attempts=self._settings.job_attempts,
                    problem=problem.model_dump_json(),
                )
                if failed:
                    self._telemetry.jobs.labels("abandoned").inc(failed)
                    _log.error("jobs abandoned", extra={"fields": {"jobs": failed}})
                await self._call(self._store.sweep, now=now)
            except Exception as error:
                log_unexpected(_log, "jobs cannot be swept", error)
            await asyncio.sleep(min(SWEEP_S, self._settings.job_lease_s))
