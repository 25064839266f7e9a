"""The tables, version by version: each step is what a release added, and the first is release 0.1.0."""

from layoutserve.service.work.store.records import Connection

# BYTES stands for the database's type of documents, FLOAT for its float64, as both spell them in their own way.
STEPS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE IF NOT EXISTS jobs (
          id TEXT PRIMARY KEY, owner TEXT NOT NULL, endpoint TEXT NOT NULL, request_id TEXT NOT NULL,
          parameters TEXT NOT NULL, document BYTES, status TEXT NOT NULL DEFAULT 'queued',
          created FLOAT NOT NULL, started FLOAT, finished FLOAT, expires FLOAT,
          pages_done INTEGER NOT NULL DEFAULT 0, pages_total INTEGER, result TEXT, problem TEXT,
          holder TEXT, lease_until FLOAT, attempts INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status, created)",
        "CREATE INDEX IF NOT EXISTS jobs_by_expiry ON jobs (expires)",
        """CREATE TABLE IF NOT EXISTS idempotency (
          owner TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, expires FLOAT NOT NULL,
          job TEXT, response TEXT, pending_until FLOAT, PRIMARY KEY (owner, key)
        )""",
    ),
    (
        # Bytes of document, result and answer, so that a quota can be held without reading them.
        "ALTER TABLE jobs ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0",
        "UPDATE jobs SET bytes = coalesce(length(document), 0) + coalesce(length(result), 0)",
        "ALTER TABLE idempotency ADD COLUMN bytes BIGINT NOT NULL DEFAULT 0",
        "UPDATE idempotency SET bytes = coalesce(length(response), 0)",
        # Sums are read from these, not from rows as long as the documents in them.
        "CREATE INDEX jobs_by_bytes ON jobs (bytes)",
        "CREATE INDEX idempotency_by_bytes ON idempotency (bytes)",
    ),
)
VERSION = len(STEPS)


def upgrade(connection: Connection, version: int, types: dict[str, str]) -> None:
    """Take every step after ``version``; ``types`` gives BYTES and FLOAT of the database."""
    for step in STEPS[version:]:
        for statement in step:
            for name, type_ in types.items():
                statement = statement.replace(f" {name}", f" {type_}")
            connection.execute(statement)
