"""Jobs and idempotency keys: accepted, claimed under a lease, finished, forgotten.

A job is owned under a lease. Whoever holds it prolongs the lease while working; when a process dies its leases run
out, and any process that shares the store takes the jobs over. All times are seconds since 1970, given by the caller.
Methods block for the length of a small transaction: call them from a thread.
"""

import json
import uuid
from dataclasses import replace

from layoutserve.service.errors import NotFound
from layoutserve.service.settings import LONGEST_LEASE_S
from layoutserve.service.work.store import idempotency
from layoutserve.service.work.store.records import ClaimedJob, Connection, Database, IdempotencyKey, NewJob, StoredJob

MISSING = "There is no such job: it was deleted or never was; finished ones are deleted after a while."

_COLUMNS = ", ".join(StoredJob.__slots__)
_FREE = "(status = 'queued' OR (status = 'running' AND (lease_until < ? OR lease_until > ?)))"


class JobStore:
    """The jobs in a database, between ``open`` and ``close``. As safe between threads and processes as that is.

    Every method raises StoreUnavailable while the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> None:
        """Open the database. Raises SettingsError."""
        self._database.open()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def submit(
        self, job: NewJob, key: IdempotencyKey | None, *, now: float, key_expires: float, most: int, most_bytes: int
    ) -> StoredJob | None:
        """Store a new job, or find the one the key already stands for.

        None where ``most`` jobs are unfinished, or the store would hold more than ``most_bytes`` of documents, results
        and answers.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is still being answered.
        """
        with self._database.writing() as connection:
            if key is not None and (known := idempotency.job_of(connection, key, now=now)) is not None:
                return self._job(connection, known)
            (unfinished,) = connection.execute(
                "SELECT count(*) FROM jobs WHERE status IN ('queued', 'running')"
            ).fetchone()
            if unfinished >= most or self._bytes(connection) + len(job.document) > most_bytes:
                return None
            id_ = uuid.uuid4().hex
            connection.execute(
                "INSERT INTO jobs (id, owner, endpoint, request_id, parameters, document, created, bytes)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (id_, job.owner, job.endpoint, job.request_id, job.parameters, job.document, now, len(job.document)),
            )
            if key is not None:
                idempotency.keep_job(connection, key, id_, expires=key_expires)
            return self._job(connection, id_)

    def read(self, id_: str, owner: str) -> StoredJob:
        """Look a job up. Raises NotFound when there is none of this owner, or it has expired."""
        with self._database.reading() as connection:
            job = self._job(connection, id_)
        if job is None or job.owner != owner:
            raise NotFound(MISSING)
        return job

    def delete(self, id_: str, owner: str, *, now: float, expires: float) -> StoredJob:
        """Cancel an unfinished job, or delete a finished one with its result; gives it as it is then or was last.

        A cancelled job loses its document and its key at once and is kept as such until it expires. Raises NotFound.
        """
        with self._database.writing() as connection:
            job = self._job(connection, id_)
            if job is None or job.owner != owner:
                raise NotFound(MISSING)
            idempotency.forget_job(connection, id_)
            if job.status not in ("queued", "running"):
                connection.execute("DELETE FROM jobs WHERE id = ?", (id_,))
                return job
            connection.execute(
                "UPDATE jobs SET status = 'cancelled', finished = ?, expires = ?, document = NULL, bytes = 0,"
                " holder = NULL WHERE id = ?",
                (now, expires, id_),
            )
        return replace(job, status="cancelled", finished=now, expires=expires)

    def claim(self, holder: str, *, now: float, lease_until: float, attempts: int) -> ClaimedJob | None:
        """Take the oldest job that waits or whose lease has run out and that has attempts left."""
        with self._database.writing() as connection:
            row = connection.execute(
                "UPDATE jobs SET status = 'running', holder = ?, lease_until = ?, attempts = attempts + 1,"
                " started = coalesce(started, ?), pages_done = 0 WHERE id = (SELECT id FROM jobs WHERE attempts < ?"
                f" AND {_FREE} ORDER BY created LIMIT 1)"
                " RETURNING id, owner, endpoint, request_id, parameters, document, attempts",
                (holder, lease_until, now, attempts, now, now + LONGEST_LEASE_S),
            ).fetchone()
        return None if row is None else ClaimedJob(*row)

    def abandon(self, *, now: float, expires: float, attempts: int, problem: str) -> int:
        """Fail the jobs that took down every process that tried them, each with its request id; gives their number."""
        with self._database.writing() as connection:
            lost = connection.execute(
                f"SELECT id, request_id FROM jobs WHERE attempts >= ? AND {_FREE}",
                (attempts, now, now + LONGEST_LEASE_S),
            ).fetchall()
            for id_, request_id in lost:
                described = json.dumps(json.loads(problem) | {"request_id": request_id})
                connection.execute(
                    "UPDATE jobs SET status = 'failed', problem = ?, finished = ?, expires = ?, document = NULL,"
                    " bytes = 0, holder = NULL WHERE id = ?",
                    (described, now, expires, id_),
                )
            return len(lost)

    def renew(self, id_: str, holder: str, *, lease_until: float, done: int, total: int | None) -> bool:
        """Prolong a lease and write the progress down; False when the job is no longer the holder's."""
        with self._database.writing() as connection:
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
        status = "failed" if result is None else "succeeded"
        with self._database.writing() as connection:
            return bool(
                connection.execute(
                    "UPDATE jobs SET status = ?, result = ?, problem = ?, finished = ?, expires = ?, document = NULL,"
                    " holder = NULL, bytes = ?, pages_done = CASE WHEN ? THEN coalesce(pages_total, pages_done)"
                    " ELSE pages_done END WHERE id = ? AND holder = ? AND status = 'running'",
                    (status, result, problem, now, expires, len(result or ""), result is not None, id_, holder),
                ).rowcount
            )

    def release(self, id_: str, holder: str) -> None:
        """Give a job back to whoever comes next; the attempt does not count."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET status = 'queued', holder = NULL, lease_until = NULL, attempts = attempts - 1"
                " WHERE id = ? AND holder = ? AND status = 'running'",
                (id_, holder),
            )

    def sweep(self, *, now: float) -> int:
        """Delete what has expired; gives the number of jobs deleted."""
        with self._database.writing() as connection:
            deleted = connection.execute("DELETE FROM jobs WHERE expires < ?", (now,)).rowcount
            idempotency.sweep(connection, now=now)
        self._database.reclaim()
        return deleted

    def reserve(self, key: IdempotencyKey, *, now: float, pending_until: float, expires: float) -> str | None:
        """Begin to answer a request with a key, or give the answer (JSON) it was given before.

        Raises IdempotencyMismatch when the key stands for another request, Conflict when it is being answered now.
        """
        with self._database.writing() as connection:
            return idempotency.reserve(connection, key, now=now, pending_until=pending_until, expires=expires)

    def fulfil(self, key: IdempotencyKey, response: str | None) -> None:
        """Keep the answer to a reserved key; None forgets the key, so that the request may be repeated."""
        with self._database.writing() as connection:
            idempotency.fulfil(connection, key, response)

    @staticmethod
    def _job(connection: Connection, id_: str) -> StoredJob | None:
        row = connection.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id_,)).fetchone()
        return None if row is None else StoredJob(*row)

    @staticmethod
    def _bytes(connection: Connection) -> int:
        (jobs,) = connection.execute("SELECT coalesce(sum(bytes), 0) FROM jobs").fetchone()
        return int(jobs) + idempotency.bytes_of(connection)
