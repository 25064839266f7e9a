"""Idempotency keys: a request repeated with its key is answered as before, not done again.

A key stands for a job or for an answer. Functions take a connection in a transaction; times are seconds since 1970.
"""

from layoutserve.service.errors import Conflict, IdempotencyMismatch
from layoutserve.service.work.store.records import Connection, IdempotencyKey

ANSWERING = "The request with this Idempotency-Key is still being answered; repeat it later."


def job_of(connection: Connection, key: IdempotencyKey, *, now: float) -> str | None:
    """Id of the job that a key stands for; None for a new key. Raises IdempotencyMismatch, Conflict."""
    if (known := _known(connection, key, now)) is None:
        return None
    if known[0] is None:
        raise Conflict(ANSWERING)
    return known[0]


def keep_job(connection: Connection, key: IdempotencyKey, job: str, *, expires: float) -> None:
    """Let a key stand for a job."""
    _keep(connection, key, expires=expires, job=job, pending_until=None)


def forget_job(connection: Connection, job: str) -> None:
    """Forget the keys that stand for a job, so that its request may be made anew."""
    connection.execute("DELETE FROM idempotency WHERE job = ?", (job,))


def reserve(
    connection: Connection, key: IdempotencyKey, *, now: float, pending_until: float, expires: float
) -> str | None:
    """Begin to answer a request with a key, or give the answer (JSON) it was given before.

    Raises IdempotencyMismatch when the key stands for another request, Conflict when it is being answered now.
    """
    if (known := _known(connection, key, now)) is not None:
        if known[1] is None:
            raise Conflict(ANSWERING)
        return known[1]
    _keep(connection, key, expires=expires, job=None, pending_until=pending_until)
    return None


def fulfil(connection: Connection, key: IdempotencyKey, response: str | None) -> None:
    """Keep the answer to a reserved key; None forgets the key, so that the request may be repeated."""
    if response is None:
        connection.execute("DELETE FROM idempotency WHERE owner = ? AND key = ?", (key.owner, key.key))
    else:
        connection.execute(
            "UPDATE idempotency SET response = ?, bytes = ?, pending_until = NULL WHERE owner = ? AND key = ?",
            (response, len(response), key.owner, key.key),
        )


def sweep(connection: Connection, *, now: float) -> None:
    """Delete the keys that have expired."""
    connection.execute("DELETE FROM idempotency WHERE expires < ?", (now,))


def bytes_of(connection: Connection) -> int:
    """Bytes of all answers that are kept."""
    return int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM idempotency").fetchone()[0])


def _keep(
    connection: Connection, key: IdempotencyKey, *, expires: float, job: str | None, pending_until: float | None
) -> None:
    connection.execute(
        "INSERT INTO idempotency (owner, key, fingerprint, expires, job, pending_until) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, expires = excluded.expires,"
        " job = excluded.job, response = NULL, bytes = 0, pending_until = excluded.pending_until",
        (key.owner, key.key, key.fingerprint, expires, job, pending_until),
    )


def _known(connection: Connection, key: IdempotencyKey, now: float) -> tuple[str | None, str | None] | None:
    """Give the job and the response a key stands for; both None while it is being answered."""
    row = connection.execute(
        "SELECT fingerprint, job, response, pending_until, jobs.id FROM idempotency LEFT JOIN jobs ON jobs.id = job"
        " WHERE idempotency.owner = ? AND key = ? AND idempotency.expires >= ?",
        (key.owner, key.key, now),
    ).fetchone()
    if row is None:
        return None
    fingerprint, job, response, pending_until, found = row
    if fingerprint != key.fingerprint:
        raise IdempotencyMismatch("This Idempotency-Key was used for another request.")
    # Whoever was answering is gone: its process died before it could keep the answer or forget the key.
    if job is None and response is None and pending_until < now:
        return None
    return None if job != found else (job, response)
