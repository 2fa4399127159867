"""Databases in the states that storage tests start from."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from storage import archive_files
from storage.memory_shard_store import MemoryDatabase
from tests.fixtures.postgres import database_of
from tests.storage.archive_days import Days
from tests.storage.shard_stores import Backend, MemoryBackend, PostgresBackend, register_batteries


@pytest.fixture
def empty_database(postgres_url: str) -> Iterator[str]:
    """URL of a database without a schema; dropped after the test."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE unmigrated")
    yield database_of(postgres_url, "unmigrated")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE unmigrated WITH (FORCE)")


@pytest.fixture
def postgres_backend(database_url: str) -> Iterator[PostgresBackend]:
    """A migrated database with eight batteries; its stores are closed after the test."""
    backend = PostgresBackend(database_url)
    yield backend
    backend.close()


@pytest.fixture(params=["memory", "postgres"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Every database that a shard may run on."""
    if request.param == "memory":
        return MemoryBackend(MemoryDatabase())
    made: PostgresBackend = request.getfixturevalue("postgres_backend")
    return made


@pytest.fixture
def days(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Days]:
    """Days of three batteries, with an archive beside them, of which two are taken at once."""
    monkeypatch.setattr(archive_files, "KEYS_AT_ONCE", 2)
    register_batteries(database_url)
    made = Days(database_url, tmp_path)
    yield made
    made.close()
