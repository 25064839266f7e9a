"""Jobs and idempotency keys, kept where several processes can work on them.

``records`` are what is kept, ``jobs`` says in SQL how jobs are accepted, claimed and finished, and ``sqlite`` and
``postgresql`` are the databases it speaks to: a file for the processes of one host, a server for several hosts.
``schema`` makes the tables and brings those of earlier releases up to date.
"""

from pathlib import Path

from layoutserve.service.errors import SettingsError
from layoutserve.service.work.store.jobs import JobStore

FILE = "jobs.sqlite3"


def job_store(url: str | None, folder: Path) -> JobStore:
    """The store that ``url`` names, ``postgresql://...``, by default a file in ``folder``. Raises SettingsError."""
    if url is None:
        from layoutserve.service.work.store.sqlite import Sqlite

        return JobStore(Sqlite(folder.expanduser() / FILE))
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError("LAYOUTSERVE_JOBS_URL must begin with postgresql://; without it, jobs are kept in a file.")
    try:
        from layoutserve.service.work.store.postgresql import PostgreSql
    except ImportError:
        raise SettingsError(
            "Jobs on PostgreSQL need the extra postgresql: pip install 'layoutserve[postgresql]'."
        ) from None
    return JobStore(PostgreSql(url))
