"""Jobs and keys as they are kept, and the database as the store sees it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol


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


class Cursor(Protocol):
    """Rows that a statement gave, or changed."""

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of whatever was selected
        """The next row, None after the last."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""


class Connection(Protocol):
    """Statements within a transaction; parameters are question marks in both databases."""

    def execute(self, statement: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run one statement."""


class Database(Protocol):
    """A place for the tables. All errors of a database that cannot be used now are StoreUnavailable."""

    def open(self) -> None:
        """Connect, and bring the tables up to date. Raises SettingsError."""

    def close(self) -> None:
        """Disconnect."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction that sees no other one's half work, one at a time of all processes."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Statements that change nothing and wait for nobody who writes."""

    def reclaim(self) -> None:
        """Give back the space of what was deleted."""
