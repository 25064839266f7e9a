"""What is peculiar to the server."""

import psycopg
import pytest

from layoutserve.service.errors import SettingsError
from layoutserve.service.work.store import job_store

pytestmark = pytest.mark.postgresql


def test_a_server_that_is_not_there_is_said_at_the_start(tmp_path):
    with pytest.raises(SettingsError, match="LAYOUTSERVE_JOBS_URL"):
        job_store(f"postgresql://nobody@/jobs?host={tmp_path}", tmp_path).open()


def test_another_kind_of_address_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="postgresql://"):
        job_store("redis://localhost", tmp_path)


def test_connections_that_the_server_ends_are_made_again(postgresql, tmp_path):
    store = job_store(postgresql, tmp_path)
    store.open()
    assert store.sweep(now=1.0) == 0
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'layoutserve'"
        )
    assert store.sweep(now=1.0) == 0
    store.close()
