"""What is peculiar to the file."""

import sqlite3
import stat
import threading
import time

import pytest

from layoutserve.service.errors import SettingsError, StoreUnavailable
from layoutserve.service.work.store import job_store, schema
from layoutserve.service.work.store.jobs import JobStore
from layoutserve.service.work.store.records import NewJob
from layoutserve.service.work.store.sqlite import Sqlite

# The tables as release 0.1.0 made them.
FIRST_RELEASE = """
CREATE TABLE jobs (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, endpoint TEXT NOT NULL, request_id TEXT NOT NULL,
  parameters TEXT NOT NULL, document BLOB, status TEXT NOT NULL DEFAULT 'queued',
  created REAL NOT NULL, started REAL, finished REAL, expires REAL,
  pages_done INTEGER NOT NULL DEFAULT 0, pages_total INTEGER, result TEXT, problem TEXT,
  holder TEXT, lease_until REAL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_status ON jobs (status, created);
CREATE INDEX jobs_by_expiry ON jobs (expires);
CREATE TABLE idempotency (
  owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires REAL NOT NULL,
  job TEXT, response TEXT, pending_until REAL, PRIMARY KEY (owner, key)
);
INSERT INTO jobs (id, owner, endpoint, request_id, parameters, document, created)
  VALUES ('waits', 'anna', 'kie', 'r1', '{}', x'0102', 1.0);
INSERT INTO jobs (id, owner, endpoint, request_id, parameters, status, created, finished, expires, result)
  VALUES ('done', 'anna', 'kie', 'r2', '{}', 'succeeded', 1.0, 2.0, 9e9, '{"ok": 1}');
"""


@pytest.fixture
def store(tmp_path):
    store = job_store(None, tmp_path / "deep")
    store.open()
    yield store
    store.close()


def submit(store, now=1.0):
    new = NewJob("anna", "kie", "request", "{}", b"document")
    return store.submit(new, None, now=now, key_expires=9e9, most=10, most_bytes=10**6)


def test_the_file_is_write_ahead_and_only_its_owner_may_read_it(store, tmp_path):
    file = tmp_path / "deep" / "jobs.sqlite3"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_of_the_first_release_keeps_its_jobs(tmp_path):
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as old:
        old.executescript(FIRST_RELEASE)
    old.close()
    store = job_store(None, tmp_path)
    store.open()
    assert store.read("done", "anna").result == '{"ok": 1}'
    claimed = store.claim("a", now=5.0, lease_until=6.0, attempts=3)
    assert (claimed.id, claimed.document) == ("waits", b"\x01\x02")
    with store._database.reading() as connection:
        assert connection.execute("SELECT id, bytes FROM jobs ORDER BY id").fetchall() == [("done", 9), ("waits", 2)]
    store.close()


def test_a_file_of_a_later_release_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "jobs.sqlite3") as later:
        later.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    later.close()
    with pytest.raises(SettingsError, match="later release"):
        job_store(None, tmp_path).open()


def test_while_another_process_writes_jobs_can_be_read_and_writing_gives_up_soon(store, tmp_path):
    job = submit(store)
    other = sqlite3.connect(tmp_path / "deep" / "jobs.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    assert store.read(job.id, "anna").status == "queued"
    assert time.monotonic() - began < 1
    with pytest.raises(StoreUnavailable, match="locked"):
        submit(store)
    assert time.monotonic() - began < 10
    other.execute("ROLLBACK")
    other.close()
    assert submit(store) is not None


def test_a_file_that_was_deleted_is_begun_anew(store, tmp_path):
    submit(store)
    for file in (tmp_path / "deep").iterdir():
        file.unlink()
    job = submit(store)
    store.close()
    again = job_store(None, tmp_path / "deep")
    again.open()
    assert again.read(job.id, "anna").status == "queued"
    again.close()


def test_a_full_disk_is_said_and_loses_nothing(tmp_path):
    database = Sqlite(tmp_path / "jobs.sqlite3")
    store = JobStore(database)
    store.open()
    job = submit(store)
    (pages,) = database._writer.execute("PRAGMA page_count").fetchone()
    database._writer.execute(f"PRAGMA max_page_count = {pages}")
    big = NewJob("anna", "kie", "request", "{}", bytes(100_000))
    with pytest.raises(StoreUnavailable, match="full"):
        store.submit(big, None, now=2.0, key_expires=9e9, most=10, most_bytes=10**6)
    assert store.read(job.id, "anna").status == "queued"
    database._writer.execute("PRAGMA max_page_count = 1000000")
    assert store.submit(big, None, now=2.0, key_expires=9e9, most=10, most_bytes=10**6) is not None
    store.close()


def test_a_folder_that_cannot_be_written_is_said_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="LAYOUTSERVE_DATA_FOLDER"):
        job_store(None, tmp_path / "file").open()


def test_threads_share_the_store(store):
    def work():
        for _ in range(5):
            if (job := store.claim("a", now=5.0, lease_until=15.0, attempts=3)) is not None:
                store.finish(job.id, "a", now=6.0, expires=9e9, result="{}", problem=None)

    ids = [submit(store, now=float(number)).id for number in range(10)]
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert {store.read(id_, "anna").status for id_ in ids} == {"succeeded"}
