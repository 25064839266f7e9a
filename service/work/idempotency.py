"""Idempotency keys: a request repeated with its key is answered as before, not done again.

A key stands for a job or for an answer. Functions take a connection in a transaction; times are seconds since 1970.
"""

import sqlite3
from dataclasses import dataclass

from layoutserve.service.errors import Conflict, IdempotencyMismatch

SCHEMA = """
CREATE TABLE IF NOT EXISTS idempotency (
  owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires REAL NOT NULL,
  job TEXT, response TEXT, pending_until REAL, PRIMARY KEY (owner, key)
);
"""
ANSWERING = "The request with this Idempotency-Key is still being answered; repeat it later."


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A caller's key, and the digest of the request it stands for."""

    owner: str
    key: str
    fingerprint: str


def job_of(connection: sqlite3.Connection, key: IdempotencyKey, *, now: float) -> str | None:
    """Id of the job that a key stands for; None for a new key. Raises IdempotencyMismatch, Conflict."""
    if (known := _known(connection, key, now)) is None:
        return None
    if known[0] is None:
        raise Conflict(ANSWERING)
    return known[0]


def keep_job(connection: sqlite3.Connection, key: IdempotencyKey, job: str, *, expires: float) -> None:
    """Let a key stand for a job."""
    connection.execute(
        "INSERT OR REPLACE INTO idempotency (owner, key, fingerprint, expires, job) VALUES (?, ?, ?, ?, ?)",
        (key.owner, key.key, key.fingerprint, expires, job),
    )


def reserve(
    connection: sqlite3.Connection, key: IdempotencyKey, *, now: float, pending_until: float, expires: float
) -> str | None:
    """Begin to answer a request with a key, or give the answer (JSON) it was given before.

    Raises IdempotencyMismatch when the key stands for another request, Conflict when it is being answered now.
    """
    if (known := _known(connection, key, now)) is not None:
        if known[1] is None:
            raise Conflict(ANSWERING)
        return known[1]
    connection.execute(
        "INSERT OR REPLACE INTO idempotency (owner, key, fingerprint, expires, pending_until) VALUES (?, ?, ?, ?, ?)",
        (key.owner, key.key, key.fingerprint, expires, pending_until),
    )
    return None


def fulfil(connection: sqlite3.Connection, key: IdempotencyKey, response: str | None) -> None:
    """Keep the answer to a reserved key; None forgets the key, so that the request may be repeated."""
    if response is None:
        connection.execute("DELETE FROM idempotency WHERE owner = ? AND key = ?", (key.owner, key.key))
    else:
        connection.execute(
            "UPDATE idempotency SET response = ?, pending_until = NULL WHERE owner = ? AND key = ?",
            (response, key.owner, key.key),
        )


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Delete the keys that have expired."""
    connection.execute("DELETE FROM idempotency WHERE expires < ?", (now,))


def _known(connection: sqlite3.Connection, key: IdempotencyKey, now: float) -> tuple[str | None, str | None] | None:
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
