"""The jobs of several hosts on a PostgreSQL server."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg_pool

from layoutserve.service.errors import SettingsError, StoreUnavailable
from layoutserve.service.work.store import schema
from layoutserve.service.work.store.records import Cursor

CONNECT_S = 5.0
RETRY_S = 5
_TYPES = {"BYTES": "bytea", "FLOAT": "double precision"}
# One transaction at a time may write, as in a file: counts and claims then need no further thought. A number of ours.
_LOCK = 7_261_838


class PostgreSql:
    """A database on a server, between ``open`` and ``close``. Safe between threads, processes and hosts.

    url: ``postgresql://user:password@host/database``, as libpq takes it; its tables are made where they are missing.
    """

    def __init__(self, url: str) -> None:
        self._pool = psycopg_pool.ConnectionPool(
            url,
            min_size=1,
            max_size=4,
            timeout=CONNECT_S,
            open=False,
            check=psycopg_pool.ConnectionPool.check_connection,
            kwargs={"connect_timeout": round(CONNECT_S), "application_name": "layoutserve"},
        )

    def open(self) -> None:
        """Connect and bring the tables up to date. Raises SettingsError."""
        try:
            self._pool.open(wait=True, timeout=CONNECT_S)
            with self.writing() as connection:
                connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
                row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
                version = row[0] or 0
                if version > schema.VERSION:
                    raise SettingsError(
                        f"The tables of jobs were made by a later release (version {version}, this one knows "
                        f"{schema.VERSION}): run that release, or name another database in LAYOUTSERVE_JOBS_URL."
                    )
                schema.upgrade(connection, version, _TYPES)
                if version < schema.VERSION:
                    connection.execute("INSERT INTO schema_version VALUES (?)", (schema.VERSION,))
        except (StoreUnavailable, psycopg_pool.PoolTimeout, psycopg.Error) as error:
            self._pool.close()
            raise SettingsError(f"Jobs cannot be kept on PostgreSQL ({error}). Correct LAYOUTSERVE_JOBS_URL.") from None
        except SettingsError:
            self._pool.close()
            raise

    def close(self) -> None:
        """Disconnect."""
        self._pool.close()

    @contextmanager
    def writing(self) -> Iterator["_Statements"]:
        """A transaction, one at a time of all processes. Raises StoreUnavailable."""
        with _available(), self._pool.connection() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            yield _Statements(connection)

    @contextmanager
    def reading(self) -> Iterator["_Statements"]:
        """Statements beside whoever writes. Raises StoreUnavailable."""
        with _available(), self._pool.connection() as connection:
            yield _Statements(connection)

    def reclaim(self) -> None:
        """The server gives space back by itself (autovacuum)."""


class _Statements:
    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[object] = (), /) -> Cursor:
        """Run a statement with question marks for parameters."""
        return self._connection.execute(statement.replace("?", "%s").encode(), parameters)


@contextmanager
def _available() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
        raise StoreUnavailable(f"The store of jobs cannot be used now ({error}).", RETRY_S) from error
