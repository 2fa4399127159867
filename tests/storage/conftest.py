"""Databases in the states that storage tests start from."""

from collections.abc import Iterator

import psycopg
import pytest

from storage.memory_shard_store import MemoryDatabase
from tests.fixtures.postgres import database_of
from tests.storage.shard_stores import Backend, MemoryBackend, PostgresBackend


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
