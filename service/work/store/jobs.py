"""Jobs in SQLite: what was accepted is on disk before it is answered with 202.

A job is owned under a lease. Whoever holds it prolongs the lease while working; when a process dies its leases run
out, and any process on the host that shares the file takes the jobs over. All times are seconds since 1970, given by
the caller. Methods block for the length of a small transaction: call them from a thread.
"""

import sqlite3
import uuid
from dataclasses import dataclass, replace
from pathlib import Path

from layoutserve.service.errors import NotFound
from layoutserve.service.work import idempotency
from layoutserve.service.work.database import Database
from layoutserve.service.work.idempotency import IdempotencyKey

MISSING = "There is no such job: it was deleted or never was; finished ones are deleted after a while."
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, endpoint TEXT NOT NULL, request_id TEXT NOT NULL,
  parameters TEXT NOT NULL, document BLOB, status TEXT NOT NULL DEFAULT 'queued',
  created REAL NOT NULL, started REAL, finished REAL, expires REAL,
  pages_done INTEGER NOT NULL DEFAULT 0, pages_total INTEGER, result TEXT, problem TEXT,
  holder TEXT, lease_until REAL, attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, created);
CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires);
"""


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job as it is known now; ``result`` and ``problem`` are JSON. Times are seconds since 1970."""

    id: str
    owner: str
    endpoint: str
    request_id: str
    status: str
    created: float
    started: float | None
    finished: float | None
    expires: float | None
    pages_done: int
    pages_total: int | None
    result: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class ClaimedJob:
    """A job that was claimed, with all it takes to do it; ``parameters`` is JSON."""

    id: str
    owner: str
    endpoint: str
    request_id: str
    parameters: str
    document: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be stored; ``parameters`` is JSON."""

    owner: str
    endpoint: str
    request_id: str
    parameters: str
    document: bytes


_COLUMNS = ", ".join(StoredJob.__slots__)


class JobStore:
    """The file of jobs, between ``open`` and ``close``. Safe between threads, and between processes on one host."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, SCHEMA + idempotency.SCHEMA)

    def open(self) -> None:
        """Open the file, made where it is missing. Raises SettingsError."""
        self._database.open()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def submit(
        self, job: NewJob, key: IdempotencyKey | None, *, now: float, key_expires: float, most: int
    ) -> StoredJob | None:
        """Store a new job, or find the one the key already stands for; None where ``most`` jobs are unfinished.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is still being answered.
        """
        with self._database.transaction() as connection:
            if key is not None and (known := idempotency.job_of(connection, key, now=now)) is not None:
                return self._job(connection, known)
            (unfinished,) = connection.execute(
                "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
            ).fetchone()
            if unfinished >= most:
                return None
            id_ = uuid.uuid4().hex
            connection.execute(
                "INSERT INTO jobs (id, owner, endpoint, request_id, parameters, document, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (id_, job.owner, job.endpoint, job.request_id, job.parameters, job.document, now),
            )
            if key is not None:
                idempotency.keep_job(connection, key, id_, expires=key_expires)
            return self._job(connection, id_)

    def read(self, id_: str, owner: str) -> StoredJob:
        """Look a job up. Raises NotFound when there is none of this owner, or it has expired."""
        with self._database.connection() as connection:
            job = self._job(connection, id_)
        if job is None or job.owner != owner:
            raise NotFound(MISSING)
        return job

    def delete(self, id_: str, owner: str) -> StoredJob:
        """Delete a job with its document and result, and give it as it was last; an unfinished one is cancelled.

        Raises NotFound.
        """
        with self._database.transaction() as connection:
            job = self._job(connection, id_)
            if job is None or job.owner != owner:
                raise NotFound(MISSING)
            connection.execute("DELETE FROM jobs WHERE id = ?", (id_,))
        return replace(job, status="cancelled") if job.status in ("queued", "running") else job

    def claim(self, holder: str, *, now: float, lease_until: float, attempts: int) -> ClaimedJob | None:
        """Take the oldest job that waits or whose lease has run out and that has attempts left."""
        with self._database.transaction() as connection:
            row = connection.execute(
                "UPDATE jobs SET status = 'running', holder = ?, lease_until = ?, attempts = attempts + 1,"
                " started = coalesce(started, ?), pages_done = 0 WHERE id = (SELECT id FROM jobs WHERE attempts < ?"
                " AND (status = 'queued' OR (status = 'running' AND lease_until < ?)) ORDER BY created LIMIT 1)"
                " RETURNING id, owner, endpoint, request_id, parameters, document, attempts",
                (holder, lease_until, now, attempts, now),
            ).fetchone()
        return None if row is None else ClaimedJob(*row)

    def abandon(self, *, now: float, expires: float, attempts: int, problem: str) -> int:
        """Fail the jobs that took down every process that tried them, each with its request id; gives their number."""
        with self._database.transaction() as connection:
            return connection.execute(
                "UPDATE jobs SET status = 'failed', problem = json_set(?, '$.request_id', request_id),"
                " finished = ?, expires = ?, document = NULL, holder = NULL"
                " WHERE attempts >= ? AND (status = 'queued' OR (status = 'running' AND lease_until < ?))",
                (problem, now, expires, attempts, now),
            ).rowcount

    def renew(self, id_: str, holder: str, *, lease_until: float, done: int, total: int | None) -> bool:
        """Prolong a lease and write the progress down; False when the job is no longer the holder's."""
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE jobs SET lease_until = ?, pages_done = ?, pages_total = ?"
                    " WHERE id = ? AND holder = ? AND status = 'running'",
                    (lease_until, done, total, id_, holder),
                ).rowcount
            )

    def finish(
        self, id_: str, holder: str, *, now: float, expires: float, result: str | None, problem: str | None
    ) -> bool:
        """Keep a job's result or problem; False when the job is no longer the holder's."""
        with self._database.transaction() as connection:
            return bool(
                connection.execute(
                    "UPDATE jobs SET status = ?, result = ?, problem = ?, finished = ?, expires = ?, document = NULL,"
                    " holder = NULL, pages_done = CASE WHEN ? IS NULL THEN pages_done"
                    " ELSE coalesce(pages_total, pages_done) END"
                    " WHERE id = ? AND holder = ? AND status = 'running'",
                    (
                        "failed" if result is None else "succeeded", result, problem, now, expires, result, id_, holder,
                    ),
                ).rowcount
            )  # fmt: skip

    def release(self, id_: str, holder: str) -> None:
        """Give a job back to whoever comes next; the attempt does not count."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = 'queued', holder = NULL, lease_until = NULL, attempts = attempts - 1"
                " WHERE id = ? AND holder = ? AND status = 'running'",
                (id_, holder),
            )

    def sweep(self, *, now: float) -> int:
        """Delete what has expired; gives the number of jobs deleted."""
        with self._database.transaction() as connection:
            deleted = connection.execute("DELETE FROM jobs WHERE expires < ?", (now,)).rowcount
            idempotency.sweep(connection, now=now)
        with self._database.connection() as connection:
            connection.execute("PRAGMA incremental_vacuum").fetchall()
        return deleted

    def reserve(self, key: IdempotencyKey, *, now: float, pending_until: float, expires: float) -> str | None:
        """Begin to answer a request with a key, or give the answer (JSON) it was given before.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is being answered now.
        """
        with self._database.transaction() as connection:
            return idempotency.reserve(connection, key, now=now, pending_until=pending_until, expires=expires)

    def fulfil(self, key: IdempotencyKey, response: str | None) -> None:
        """Keep the answer to a reserved key; None forgets the key, so that the request may be repeated."""
        with self._database.transaction() as connection:
            idempotency.fulfil(connection, key, response)

    @staticmethod
    def _job(connection: sqlite3.Connection, id_: str) -> StoredJob | None:
        row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id_,)).fetchone()
        return None if row is None else StoredJob(*row)
