"""The SQLite file of jobs and idempotency keys, safe between threads and between processes on one host."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layoutserve.service.errors import SettingsError


class Database:
    """A file with tables, between ``open`` and ``close``."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
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
            self._connection.executescript(self._schema)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"Jobs cannot be kept in {path} ({error}). Set LAYOUTSERVE_DATA_FOLDER.") from None

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """The connection, to this thread alone."""
        with self._lock:
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction, which an exception undoes."""
        with self.connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
