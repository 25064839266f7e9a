"""Jobs as processes work on them, on every database they can be kept in."""

import asyncio
import json
import os
import time

import pytest

from layoutserve.model.errors import InvalidDocument
from layoutserve.service.errors import NotFound, NotReady, Overloaded
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.jobs import Jobs
from layoutserve.service.work.store.records import NewJob

NEW = NewJob("anna", "kie", "request-1", "{}", b"document")


class Shop:
    """Jobs with a process of the test's own, on a store that outlives them."""

    def __init__(self, open_store, process, **settings):
        self.store = open_store()
        settings = Settings(**{"job_lease_s": 0.3} | settings)
        self.jobs = Jobs(self.store, process, settings, Telemetry())

    async def finished(self, id_):
        while (job := await self.jobs.read(id_, "anna")).status in ("queued", "running"):
            await asyncio.sleep(0.01)
        return job


def test_jobs_run_report_progress_and_keep_results_and_problems(open_store):
    async def process(job, on_page):
        on_page(1, 2)
        if job.document == b"bad":
            raise InvalidDocument("The document is damaged.")
        on_page(2, 2)
        return json.dumps({"pages": 2})

    async def scenario():
        shop = Shop(open_store, process)
        shop.jobs.start()
        good = await shop.jobs.submit(NEW, None)
        bad = await shop.jobs.submit(NewJob("anna", "kie", "request-2", "{}", b"bad"), None)
        good, bad = await shop.finished(good.id), await shop.finished(bad.id)
        assert (good.status, good.result, good.pages_done, good.pages_total) == ("succeeded", '{"pages": 2}', 2, 2)
        problem = json.loads(bad.problem)
        assert (bad.status, problem["status"], problem["request_id"]) == ("failed", 422, "request-2")
        assert bad.pages_done == 1
        await shop.jobs.drain(1)

    asyncio.run(scenario())


def test_a_cancelled_job_stops_working(open_store):
    stopped = []

    async def process(job, on_page):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(job.id)
            raise
        return "{}"

    async def scenario():
        shop = Shop(open_store, process)
        shop.jobs.start()
        job = await shop.jobs.submit(NEW, None)
        while (await shop.jobs.read(job.id, "anna")).status != "running":
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert (await shop.jobs.delete(job.id, "anna")).status == "cancelled"
        while not stopped:
            await asyncio.sleep(0.01)
        assert (await shop.jobs.read(job.id, "anna")).status == "cancelled"
        assert (await shop.jobs.delete(job.id, "anna")).status == "cancelled"
        with pytest.raises(NotFound):
            await shop.jobs.read(job.id, "anna")
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_long_job_keeps_its_lease_and_a_drain_that_takes_too_long_gives_it_back(open_store):
    attempts, release = [], asyncio.Event()

    async def process(job, on_page):
        attempts.append(job.attempts)
        await release.wait()
        return "{}"

    async def scenario():
        shop, other = (Shop(open_store, process, job_lease_s=1.5) for _ in range(2))
        shop.jobs.start()
        job = await shop.jobs.submit(NEW, None)
        while not attempts:
            await asyncio.sleep(0.01)
        other.jobs.start()
        # Twice as long as the lease: it is prolonged all the while.
        await asyncio.sleep(3)
        assert attempts == [1]
        await shop.jobs.drain(0.05)
        release.set()
        assert (await other.finished(job.id)).status == "succeeded"
        # Given back, not taken over: the first attempt does not count.
        assert attempts == [1, 1]
        await other.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_draining_finishes_what_runs_and_leaves_what_waits(open_store):
    async def process(job, on_page):
        await asyncio.sleep(0.2)
        return "{}"

    async def scenario():
        shop = Shop(open_store, process)
        shop.jobs.start()
        first = await shop.jobs.submit(NEW, None)
        second = await shop.jobs.submit(NEW, None)
        await asyncio.sleep(0.1)
        await shop.jobs.drain(5)
        again = Shop(open_store, process)
        assert (await again.jobs.read(first.id, "anna")).status == "succeeded"
        assert (await again.jobs.read(second.id, "anna")).status == "queued"
        again.jobs.start()
        assert (await again.finished(second.id)).status == "succeeded"
        await again.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_job_that_finds_nobody_to_do_it_waits_for_its_turn_again(open_store):
    attempts = []

    async def process(job, on_page):
        attempts.append(job.attempts)
        if len(attempts) == 1:
            raise NotReady("The workers are restarting.", 0)
        return "{}"

    async def scenario():
        shop = Shop(open_store, process)
        shop.jobs.start()
        job = await shop.jobs.submit(NEW, None)
        assert (await shop.finished(job.id)).status == "succeeded"
        assert attempts == [1, 1]
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_too_many_jobs_are_told_when_to_come_back(open_store):
    async def scenario():
        shop = Shop(open_store, None, max_jobs=1)
        await shop.jobs.submit(NEW, None)
        with pytest.raises(Overloaded) as caught:
            await shop.jobs.submit(NEW, None)
        assert caught.value.retry_after_s >= 1
        await shop.jobs.drain(0)

    asyncio.run(scenario())


def test_jobs_of_a_process_that_was_killed_are_finished_by_another(open_store):
    """The other process is a real one, ended by SIGKILL in the midst of three jobs."""
    store = open_store()
    ids = []
    for _ in range(3):
        now = time.time()
        stored = store.submit(NEW, None, now=now, key_expires=now + 1000, most=10, most_bytes=1000)
        ids.append(stored.id)
    store.close()
    child = os.fork()
    if child == 0:
        dying = open_store()
        for _ in range(3):
            now = time.time()
            dying.claim("dying", now=now, lease_until=now + 0.3, attempts=3)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    async def process(job, on_page):
        return json.dumps({"attempt": job.attempts})

    async def scenario():
        shop = Shop(open_store, process)
        assert {(await shop.jobs.read(id_, "anna")).status for id_ in ids} == {"running"}
        shop.jobs.start()
        results = [await shop.finished(id_) for id_ in ids]
        assert [json.loads(job.result)["attempt"] for job in results] == [2, 2, 2]
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))
