"""The same tests on every database that jobs can be kept in."""

import json
import threading
from functools import partial

import pytest

from layoutserve.service.errors import Conflict, IdempotencyMismatch, NotFound
from layoutserve.service.work.store.records import IdempotencyKey, NewJob

NEW = NewJob("anna", "kie", "request-1", "{}", b"document")
KEY = IdempotencyKey("anna", "key", "digest")


@pytest.fixture
def store(open_store):
    return open_store()


def submit(store, now=100.0, key=None, most=10, job=NEW, most_bytes=1000):
    return store.submit(job, key, now=now, key_expires=now + 1000, most=most, most_bytes=most_bytes)


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
    with store._database.reading() as connection:
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


def test_another_process_sees_and_takes_over_the_same_jobs(store, open_store):
    other = open_store()
    job = submit(store)
    claim(store, "a", now=100.0)
    assert other.read(job.id, "anna").status == "running"
    assert claim(other, "b", now=200.0).id == job.id


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


def delete(store, id_, owner="anna"):
    return store.delete(id_, owner, now=150.0, expires=250.0)


def test_an_unfinished_job_that_is_deleted_is_cancelled_and_gone_for_its_holder(store):
    job = submit(store, key=KEY)
    claim(store)
    cancelled = delete(store, job.id)
    assert (cancelled.status, cancelled.finished, cancelled.expires) == ("cancelled", 150.0, 250.0)
    assert store.read(job.id, "anna") == cancelled
    assert not store.renew(job.id, "a", lease_until=999.0, done=0, total=None)
    assert not finish(store, job.id)
    assert claim(store, "b", now=1000.0) is None
    # Its document is gone at once, its key is free, and it is forgotten in time or when it is deleted again.
    with store._database.reading() as connection:
        assert connection.execute("SELECT document, bytes FROM jobs").fetchone() == (None, 0)
    assert submit(store, key=KEY).id != job.id
    assert store.sweep(now=251.0) == 1
    with pytest.raises(NotFound):
        store.read(job.id, "anna")


def test_a_finished_job_that_is_deleted_is_gone(store):
    for ended in ("cancelled", "succeeded"):
        job = submit(store)
        claim(store)
        delete(store, job.id) if ended == "cancelled" else finish(store, job.id)
        assert delete(store, job.id).status == ended
        with pytest.raises(NotFound):
            store.read(job.id, "anna")


def test_jobs_of_others_are_not_there(store):
    job = submit(store)
    for call in (store.read, partial(delete, store)):
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


def test_a_store_holds_no_more_bytes_than_it_may(store):
    first = submit(store, most_bytes=20)
    assert submit(store, most_bytes=20) is not None
    assert submit(store, most_bytes=20) is None
    claim(store)
    assert finish(store, first.id, result="x" * 6)
    # Its document is gone, its result counts.
    assert submit(store, most_bytes=20) is None
    assert submit(store, most_bytes=22) is not None


def test_a_dead_holder_keeps_nothing_when_the_clock_is_set_back(store):
    job = submit(store, now=10_000.0)
    claim(store, "dead", now=10_000.0)
    assert claim(store, "b", now=10_005.0) is None
    assert claim(store, "b", now=500.0).id == job.id


def test_of_many_that_claim_at_once_each_gets_a_job_of_its_own(open_store):
    store = open_store()
    ids = {submit(store, now=float(number), most=100, most_bytes=10_000).id for number in range(24)}
    claimed = []

    def work(name):
        own = open_store()
        while (job := claim(own, name)) is not None:
            claimed.append(job.id)

    workers = [threading.Thread(target=work, args=(f"holder-{number}",)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert sorted(claimed) == sorted(ids)


def test_a_failed_transaction_leaves_nothing_behind(store):
    submit(store, key=KEY)
    with pytest.raises(IdempotencyMismatch):
        submit(store, key=IdempotencyKey("anna", "key", "other"))
    with pytest.raises(ZeroDivisionError), store._database.writing() as connection:
        connection.execute("DELETE FROM jobs")
        1 / 0  # noqa: B018
    with store._database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM jobs").fetchone()[0] == 1


def test_opening_again_keeps_what_is_there(open_store):
    job = submit(open_store())
    assert open_store().read(job.id, "anna").status == "queued"
