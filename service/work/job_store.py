"""Jobs and idempotency keys in SQLite: what was accepted is on disk before it is answered with 202.

A job is owned under a lease. Whoever holds it prolongs the lease while working; when a process dies its leases run
out, and any process on the host that shares the file takes the jobs over. All times are seconds since 1970, given by
the caller. Methods block for the length of a small transaction: call them from a thread.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from layoutserve.service.errors import Conflict, IdempotencyMismatch, NotFound, SettingsError

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
CREATE TABLE IF NOT EXISTS idempotency (
  owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires REAL NOT NULL,
  job TEXT, response TEXT, pending_until REAL, PRIMARY KEY (owner, key)
);
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


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key, and the digest of the request it stands for."""

    owner: str
    key: str
    fingerprint: str


_COLUMNS = ", ".join(StoredJob.__slots__)


class JobStore:
    """The file of jobs, between ``open`` and ``close``. Safe between threads, and between processes on one host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection

    def open(self) -> None:
        """Open the file, made where it is missing. Raises SettingsError."""
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            path.chmod(0o600)
            # Documents are not ours to keep: what is deleted is overwritten, and its space given back.
            self._connection.executescript("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA secure_delete=ON;")
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"Jobs cannot be kept in {path} ({error}). Set LAYOUTSERVE_DATA_FOLDER.") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def submit(
        self, job: NewJob, key: IdempotencyKey | None, *, now: float, key_expires: float, most: int
    ) -> StoredJob | None:
        """Store a new job, or find the one the key already stands for; None where ``most`` jobs are unfinished.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is still being answered.
        """
        with self._transaction() as connection:
            if key is not None and (known := self._known(connection, key, now)) is not None:
                if known[0] is None:
                    raise Conflict("The request with this Idempotency-Key is still being answered; repeat it later.")
                return self._job(connection, known[0])
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
                connection.execute(
                    "INSERT OR REPLACE INTO idempotency (owner, key, fingerprint, expires, job) VALUES (?, ?, ?, ?, ?)",
                    (key.owner, key.key, key.fingerprint, key_expires, id_),
                )
            return self._job(connection, id_)

    def read(self, id_: str, owner: str) -> StoredJob:
        """Look a job up. Raises NotFound when there is none of this owner, or it has expired."""
        with self._lock:
            job = self._job(self._connection, id_)
        if job is None or job.owner != owner:
            raise NotFound(MISSING)
        return job

    def delete(self, id_: str, owner: str) -> StoredJob:
        """Delete a job with its document and result, and give it as it was last; an unfinished one is cancelled.

        Raises NotFound.
        """
        with self._transaction() as connection:
            job = self._job(connection, id_)
            if job is None or job.owner != owner:
                raise NotFound(MISSING)
            connection.execute("DELETE FROM jobs WHERE id = ?", (id_,))
        return replace(job, status="cancelled") if job.status in ("queued", "running") else job

    def claim(self, holder: str, *, now: float, lease_until: float, attempts: int) -> ClaimedJob | None:
        """Take the oldest job that waits or whose lease has run out and that has attempts left."""
        with self._transaction() as connection:
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
        with self._transaction() as connection:
            return connection.execute(
                "UPDATE jobs SET status = 'failed', problem = json_set(?, '$.request_id', request_id),"
                " finished = ?, expires = ?, document = NULL, holder = NULL"
                " WHERE attempts >= ? AND (status = 'queued' OR (status = 'running' AND lease_until < ?))",
                (problem, now, expires, attempts, now),
            ).rowcount

    def renew(self, id_: str, holder: str, *, lease_until: float, done: int, total: int | None) -> bool:
        """Prolong a lease and write the progress down; False when the job is no longer the holder's."""
        with self._transaction() as connection:
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
        with self._transaction() as connection:
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
        with self._transaction() as connection:
            connection.execute(
                "UPDATE jobs SET status = 'queued', holder = NULL, lease_until = NULL, attempts = attempts - 1"
                " WHERE id = ? AND holder = ? AND status = 'running'",
                (id_, holder),
            )

    def sweep(self, *, now: float) -> int:
        """Delete what has expired; gives the number of jobs deleted."""
        with self._transaction() as connection:
            deleted = connection.execute("DELETE FROM jobs WHERE expires < ?", (now,)).rowcount
            connection.execute("DELETE FROM idempotency WHERE expires < ?", (now,))
        with self._lock:
            self._connection.execute("PRAGMA incremental_vacuum").fetchall()
        return deleted

    def reserve(self, key: IdempotencyKey, *, now: float, pending_until: float, expires: float) -> str | None:
        """Begin to answer a request with a key, or give the answer (JSON) it was given before.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is being answered now.
        """
        with self._transaction() as connection:
            if (known := self._known(connection, key, now)) is not None:
                if known[1] is None:
                    raise Conflict("The request with this Idempotency-Key is still being answered; repeat it later.")
                return known[1]
            connection.execute(
                "INSERT OR REPLACE INTO idempotency (owner, key, fingerprint, expires, pending_until)"
                " VALUES (?, ?, ?, ?, ?)",
                (key.owner, key.key, key.fingerprint, expires, pending_until),
            )
            return None

    def fulfil(self, key: IdempotencyKey, response: str | None) -> None:
        """Keep the answer to a reserved key; None forgets the key, so that the request may be repeated."""
        with self._transaction() as connection:
            if response is None:
                connection.execute("DELETE FROM idempotency WHERE owner = ? AND key = ?", (key.owner, key.key))
            else:
                connection.execute(
                    "UPDATE idempotency SET response = ?, pending_until = NULL WHERE owner = ? AND key = ?",
                    (response, key.owner, key.key),
                )

    @staticmethod
    def _known(connection: sqlite3.Connection, key: IdempotencyKey, now: float) -> tuple[str | None, str | None] | None:
        """Give the job and the response a key stands for; both None while it is being answered."""
        row = connection.execute(
            "SELECT fingerprint, job, response, pending_until FROM idempotency"
            " WHERE owner = ? AND key = ? AND expires >= ?",
            (key.owner, key.key, now),
        ).fetchone()
        if row is None:
            return None
        fingerprint, job, response, pending_until = row
        if fingerprint != key.fingerprint:
            raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
        # Whoever was answering is gone: its process died before it could keep the answer or forget the key.
        if job is None and response is None and pending_until < now:
            return None
        if job is not None and JobStore._job(connection, job) is None:
            return None
        return job, response

    @staticmethod
    def _job(connection: sqlite3.Connection, id_: str) -> StoredJob | None:
        row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id_,)).fetchone()
        return None if row is None else StoredJob(*row)
