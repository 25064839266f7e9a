"""Databases for jobs: a file, and a PostgreSQL server of the tests' own on a socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path

import pytest

from layoutserve.service.work.store.jobs import JobStore
from layoutserve.service.work.store.sqlite import Sqlite


def server_programs():
    """The folder of initdb and pg_ctl, None where there is no PostgreSQL server."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), reverse=True)), Path()).parent or None


@pytest.fixture(scope="session")
def postgresql():
    """The address of a database on a server that runs for the tests alone."""
    programs = server_programs()
    if programs is None or not (programs / "initdb").is_file():
        pytest.skip("needs the programs of a PostgreSQL server")
    # It refuses to run as root, and the path of its socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    run = {"user": user, "cwd": "/", "check": True, "capture_output": True}
    name = user or pwd.getpwuid(os.getuid()).pw_name
    subprocess.run([programs / "initdb", "-D", folder / "data", "-U", name, "-A", "trust", "--no-sync"], **run)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=40"
    start = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log", "-o", options]
    subprocess.run([*start, "start"], **(run | {"capture_output": False, "stdout": subprocess.DEVNULL}))
    try:
        yield f"postgresql://{name}@/postgres?host={folder}"
    finally:
        subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], **run)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def open_store(request, tmp_path):
    """Open a store; called again, another one on the same database, as another process has it."""
    opened = []
    if request.param == "postgresql":
        import psycopg

        from layoutserve.service.work.store.postgresql import PostgreSql

        server = request.getfixturevalue("postgresql")
        name = f"jobs_{uuid.uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = server.replace("/postgres?", f"/{name}?")

    def make():
        database = PostgreSql(url) if request.param == "postgresql" else Sqlite(tmp_path / "deep" / "jobs.sqlite3")
        store = JobStore(database)
        store.open()
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()
