import asyncio
import json
import os
import sqlite3
import stat
import time

import pytest

from layoutserve.model.errors import InvalidDocument
from layoutserve.service.errors import Conflict, IdempotencyMismatch, NotFound, NotReady, Overloaded
from layoutserve.service.settings import Settings
from layoutserve.service.telemetry import Telemetry
from layoutserve.service.work.idempotency import IdempotencyKey
from layoutserve.service.work.job_store import JobStore, NewJob
from layoutserve.service.work.jobs import Jobs

NEW = NewJob("anna", "kie", "request-1", "{}", b"document")
KEY = IdempotencyKey("anna", "key", "digest")


@pytest.fixture
def store(tmp_path):
    store = JobStore(tmp_path / "deep" / "jobs.sqlite3")
    store.open()
    yield store
    store.close()


def submit(store, now=100.0, key=None, most=10, job=NEW):
    return store.submit(job, key, now=now, key_expires=now + 1000, most=most)


def claim(store, holder="a", now=100.0, lease=10.0, attempts=3):
    return store.claim(holder, now=now, lease_until=now + lease, attempts=attempts)


def finish(store, id_, holder="a", result="{}", problem=None):
    return store.finish(id_, holder, now=120.0, expires=220.0, result=result, problem=problem)


def test_a_job_goes_from_queued_to_succeeded_and_its_document_is_deleted(store):
    job = submit(store)
    assert (job.status, job.pages_total, job.result) == ("queued", None, None)
    claimed = claim(store)
    assert (claimed.id, claimed.document, claimed.attempts) == (job.id, b"document", 1)
    assert store.renew(job.id, "a", lease_until=200.0, done=2, total=3)
    assert store.read(job.id, "anna").pages_done == 2
    assert finish(store, job.id, result='{"ok": true}')
    done = store.read(job.id, "anna")
    assert (done.status, done.result, done.pages_done, done.expires) == ("succeeded", '{"ok": true}', 3, 220.0)
    with store._database.connection() as connection:
        assert connection.execute("SELECT document FROM jobs").fetchone() == (None,)


def test_jobs_are_taken_oldest_first_and_each_by_one_holder(store):
    first, second = submit(store, 1.0), submit(store, 2.0)
    assert claim(store, "a").id == first.id
    assert claim(store, "b").id == second.id
    assert claim(store, "c") is None


def test_a_job_whose_holder_is_silent_is_taken_over_and_the_first_holder_loses_it(store):
    job = submit(store)
    claim(store, "a", now=100.0, lease=10.0)
    assert claim(store, "b", now=109.0) is None
    assert claim(store, "b", now=111.0).attempts == 2
    assert not store.renew(job.id, "a", lease_until=500.0, done=1, total=1)
    assert not finish(store, job.id, "a")
    assert finish(store, job.id, "b")


def test_another_process_sees_and_takes_over_the_same_jobs(store, tmp_path):
    other = JobStore(tmp_path / "deep" / "jobs.sqlite3")
    other.open()
    job = submit(store)
    claim(store, "a", now=100.0)
    assert other.read(job.id, "anna").status == "running"
    assert claim(other, "b", now=200.0).id == job.id
    other.close()


def test_a_job_that_takes_every_process_down_is_given_up(store):
    job = submit(store)
    for attempt in range(3):
        assert claim(store, now=100.0 + 100 * attempt) is not None
    assert claim(store, now=1000.0) is None
    assert store.abandon(now=1000.0, expires=2000.0, attempts=3, problem='{"status": 500}') == 1
    failed = store.read(job.id, "anna")
    assert (failed.status, json.loads(failed.problem)) == ("failed", {"status": 500, "request_id": "request-1"})


def test_a_job_given_back_can_be_claimed_at_once_and_loses_no_attempt(store):
    job = submit(store)
    claim(store, "a")
    store.release(job.id, "a")
    assert claim(store, "b").attempts == 1


def test_a_deleted_job_is_cancelled_if_it_was_not_finished_and_gone_for_its_holder_too(store):
    job = submit(store)
    claim(store)
    assert store.delete(job.id, "anna").status == "cancelled"
    assert not store.renew(job.id, "a", lease_until=999.0, done=0, total=None)
    assert not finish(store, job.id)
    done = submit(store)
    claim(store)
    finish(store, done.id)
    assert store.delete(done.id, "anna").status == "succeeded"
    for id_ in (job.id, done.id):
        with pytest.raises(NotFound):
            store.read(id_, "anna")


def test_jobs_of_others_are_not_there(store):
    job = submit(store)
    for call in (store.read, store.delete):
        with pytest.raises(NotFound):
            call(job.id, "bert")
    assert store.read(job.id, "anna").status == "queued"


def test_finished_jobs_and_keys_expire(store):
    job = submit(store, key=KEY)
    claim(store)
    finish(store, job.id)
    assert store.sweep(now=219.0) == 0
    assert store.sweep(now=221.0) == 1
    with pytest.raises(NotFound):
        store.read(job.id, "anna")
    assert submit(store, now=300.0, key=KEY).id != job.id


def test_no_more_jobs_than_the_bound(store):
    jobs = [submit(store, most=2) for _ in range(3)]
    assert jobs[2] is None
    claim(store)
    assert submit(store, most=2) is None
    finish(store, jobs[0].id)
    assert submit(store, most=2) is not None


def test_a_repeated_key_gives_the_same_job_and_another_request_is_refused(store):
    job = submit(store, key=KEY)
    assert submit(store, key=KEY).id == job.id
    with pytest.raises(IdempotencyMismatch):
        submit(store, key=IdempotencyKey("anna", "key", "other digest"))
    assert submit(store, key=IdempotencyKey("bert", "key", "other digest")).id != job.id


def test_a_reserved_key_is_a_conflict_until_it_has_its_answer(store):
    def reserve(now):
        return store.reserve(KEY, now=now, pending_until=now + 10, expires=now + 100)

    assert reserve(1.0) is None
    with pytest.raises(Conflict):
        reserve(2.0)
    store.fulfil(KEY, '{"answer": 1}')
    assert reserve(3.0) == '{"answer": 1}'


def test_a_key_whose_request_failed_or_whose_process_died_may_be_used_again(store):
    store.reserve(KEY, now=1.0, pending_until=10.0, expires=100.0)
    store.fulfil(KEY, None)
    assert store.reserve(KEY, now=2.0, pending_until=10.0, expires=100.0) is None
    assert store.reserve(KEY, now=11.0, pending_until=20.0, expires=100.0) is None


def test_the_file_is_write_ahead_and_only_its_owner_may_read_it(store, tmp_path):
    file = tmp_path / "deep" / "jobs.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


class Shop:
    """Jobs with a process of the test's own, on a store that outlives them."""

    def __init__(self, path, process, **settings):
        self.store = JobStore(path / "jobs.sqlite3")
        self.store.open()
        settings = Settings(data_folder=path, **{"job_lease_s": 0.3} | settings)
        self.jobs = Jobs(self.store, process, settings, Telemetry())

    async def finished(self, id_):
        while (job := await self.jobs.read(id_, "anna")).status in ("queued", "running"):
            await asyncio.sleep(0.01)
        return job


def test_jobs_run_report_progress_and_keep_results_and_problems(tmp_path):
    async def process(job, on_page):
        on_page(1, 2)
        if job.document == b"bad":
            raise InvalidDocument("The document is damaged.")
        on_page(2, 2)
        return json.dumps({"pages": 2})

    async def scenario():
        shop = Shop(tmp_path, process)
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


def test_a_cancelled_job_stops_working(tmp_path):
    stopped = []

    async def process(job, on_page):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            stopped.append(job.id)
            raise
        return "{}"

    async def scenario():
        shop = Shop(tmp_path, process)
        shop.jobs.start()
        job = await shop.jobs.submit(NEW, None)
        while (await shop.jobs.read(job.id, "anna")).status != "running":
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert (await shop.jobs.delete(job.id, "anna")).status == "cancelled"
        while not stopped:
            await asyncio.sleep(0.01)
        with pytest.raises(NotFound):
            await shop.jobs.read(job.id, "anna")
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_long_job_keeps_its_lease_and_a_drain_that_takes_too_long_gives_it_back(tmp_path):
    attempts, release = [], asyncio.Event()

    async def process(job, on_page):
        attempts.append(job.attempts)
        await release.wait()
        return "{}"

    async def scenario():
        shop, other = (Shop(tmp_path, process, job_lease_s=1.5) for _ in range(2))
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


def test_draining_finishes_what_runs_and_leaves_what_waits(tmp_path):
    async def process(job, on_page):
        await asyncio.sleep(0.2)
        return "{}"

    async def scenario():
        shop = Shop(tmp_path, process)
        shop.jobs.start()
        first = await shop.jobs.submit(NEW, None)
        second = await shop.jobs.submit(NEW, None)
        await asyncio.sleep(0.1)
        await shop.jobs.drain(5)
        again = Shop(tmp_path, process)
        assert (await again.jobs.read(first.id, "anna")).status == "succeeded"
        assert (await again.jobs.read(second.id, "anna")).status == "queued"
        again.jobs.start()
        assert (await again.finished(second.id)).status == "succeeded"
        await again.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_job_that_finds_nobody_to_do_it_waits_for_its_turn_again(tmp_path):
    attempts = []

    async def process(job, on_page):
        attempts.append(job.attempts)
        if len(attempts) == 1:
            raise NotReady("The workers are restarting.", 0)
        return "{}"

    async def scenario():
        shop = Shop(tmp_path, process)
        shop.jobs.start()
        job = await shop.jobs.submit(NEW, None)
        assert (await shop.finished(job.id)).status == "succeeded"
        assert attempts == [1, 1]
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_too_many_jobs_are_told_when_to_come_back(tmp_path):
    async def scenario():
        shop = Shop(tmp_path, None, max_jobs=1)
        await shop.jobs.submit(NEW, None)
        with pytest.raises(Overloaded) as caught:
            await shop.jobs.submit(NEW, None)
        assert caught.value.retry_after_s >= 1
        await shop.jobs.drain(0)

    asyncio.run(scenario())


def test_jobs_of_a_process_that_was_killed_are_finished_by_another(tmp_path):
    """The other process is a real one, ended by SIGKILL in the midst of three jobs."""
    store = JobStore(tmp_path / "jobs.sqlite3")
    store.open()
    ids = [submit(store, now=time.time()).id for _ in range(3)]
    store.close()
    child = os.fork()
    if child == 0:
        dying = JobStore(tmp_path / "jobs.sqlite3")
        dying.open()
        for _ in range(3):
            now = time.time()
            dying.claim("dying", now=now, lease_until=now + 0.3, attempts=3)
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)

    async def process(job, on_page):
        return json.dumps({"attempt": job.attempts})

    async def scenario():
        shop = Shop(tmp_path, process)
        assert {(await shop.jobs.read(id_, "anna")).status for id_ in ids} == {"running"}
        shop.jobs.start()
        results = [await shop.finished(id_) for id_ in ids]
        assert [json.loads(job.result)["attempt"] for job in results] == [2, 2, 2]
        await shop.jobs.drain(1)

    asyncio.run(asyncio.wait_for(scenario(), 60))
