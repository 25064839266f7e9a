"""The jobs of one host in an SQLite file: what was accepted is on disk before it is answered with 202."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layoutserve.service.errors import SettingsError, StoreUnavailable
from layoutserve.service.work.store import schema

# Longest wait for another process that writes.
BUSY_S = 2.0
RETRY_S = 5
_TYPES = {"BYTES": "BLOB", "FLOAT": "REAL"}


class Sqlite:
    """A file, between ``open`` and ``close``. Safe between threads, and between processes on one host."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._writer: sqlite3.Connection
        self._reader: sqlite3.Connection
        self._inode = 0

    def open(self) -> None:
        """Open the file, made where it is missing. Raises SettingsError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connect(wait_s=30.0)
        except (OSError, sqlite3.Error) as error:
            raise SettingsError(f"Jobs cannot be kept in {self.path} ({error}). Set LAYOUTSERVE_DATA_FOLDER.") from None

    def _connect(self, wait_s: float) -> None:
        writer = sqlite3.connect(self.path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        self.path.chmod(0o600)
        # Documents are not ours to keep: what is deleted is overwritten, and its space given back.
        writer.executescript("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA secure_delete=ON;")
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("PRAGMA synchronous=FULL")
        writer.execute("BEGIN IMMEDIATE")
        (version,) = writer.execute("PRAGMA user_version").fetchone()
        if version > schema.VERSION:
            writer.close()
            raise SettingsError(
                f"{self.path} was written by a later release (version {version}, this one knows {schema.VERSION}): run "
                "that release, or set LAYOUTSERVE_DATA_FOLDER."
            )
        schema.upgrade(writer, version, _TYPES)
        writer.execute(f"PRAGMA user_version = {schema.VERSION}")
        writer.execute("COMMIT")
        writer.execute(f"PRAGMA busy_timeout = {round(BUSY_S * 1000)}")
        self._writer = writer
        self._reader = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._inode = self.path.stat().st_ino

    def close(self) -> None:
        """Close the file."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, one at a time of all processes on this host. Raises StoreUnavailable."""
        with self._write_lock, _available():
            self._be_there()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Statements beside whoever writes. Raises StoreUnavailable."""
        with self._read_lock, _available():
            yield self._reader

    def reclaim(self) -> None:
        """Give the space of deleted documents back to the file system. Raises StoreUnavailable."""
        with self._write_lock, _available():
            self._writer.execute("PRAGMA incremental_vacuum").fetchall()

    def _be_there(self) -> None:
        """Begin a new file where the old one was deleted: what was written to that one would be lost."""
        try:
            same = self.path.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            with self._read_lock:
                self._reader.close()
                self._writer.close()
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._connect(wait_s=BUSY_S)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailable(f"The store of jobs cannot be used now ({error}).", RETRY_S) from error
