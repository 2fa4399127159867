"""Databases of drills: made from a template, found again, dropped whole, and nobody else's."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from batterytwin.errors import ConflictError, InvalidArgumentError, Reason, StoreUnavailableError
from storage import drill_databases
from storage.drill_databases import DrillDatabases
from storage.drill_days import keep_days
from storage.migrate import Migration, read_migrations
from storage.partitions import day_of
from storage.sql_files import read_sql

MAINS = ("main one", "main one_drill")


@pytest.fixture
def mains(postgres_url: str) -> Iterator[list[str]]:
    """Connection strings of two main databases whose names are alike; what is made beside them is dropped."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        before = databases(postgres_url)
        for name in MAINS:
            connection.execute(f'CREATE DATABASE "{name}"')
        yield [make_conninfo(postgres_url, dbname=name) for name in MAINS]
        for name in databases(postgres_url) - before:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def databases(url: str) -> set[str]:
    with psycopg.connect(url, autocommit=True) as connection:
        return {str(name) for (name,) in connection.execute("SELECT datname FROM pg_database")}


def test_a_drill_has_an_empty_database_of_its_own(mains: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = DrillDatabases(mains[0]), DrillDatabases(mains[1])
    url = one.create("drill-1")
    assert url == one.url_of("drill-1") == DrillDatabases(mains[0]).url_of("drill-1")
    other.create("drill-1")
    assert one.left_over() == other.left_over() == ["drill-1"]
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM battery").fetchone() == (0,)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("off",)
        connection.execute("INSERT INTO grid (grid_id) VALUES ('left')")
        assert one.create("drill-1") == url, "a new one takes the place of the old, whoever is connected"
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM grid").fetchone() == (0,)
        one.create("drill-2")
        assert one.drop_left_over() == ["drill-1", "drill-2"]
    assert (one.left_over(), other.left_over()) == ([], ["drill-1"])
    one.drop("drill-1")
    _check_templates(mains, one, monkeypatch)


def _check_templates(mains: list[str], one: DrillDatabases, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name for name in databases(mains[0]) if "template_" in name}
    one.prepare()
    assert {name for name in databases(mains[0]) if "template_" in name} == before
    more = Migration(9_999, "9999_more.sql", "SELECT 1")
    monkeypatch.setattr(drill_databases, "read_migrations", lambda: [*read_migrations(), more])
    one.prepare()
    after = {name for name in databases(mains[0]) if "template_" in name}
    assert (len(before - after), len(after - before)) == (1, 1), "of the other main database it stays"
    assert all(len(name) <= 63 for name in databases(mains[0]))


@pytest.mark.parametrize("name", ["", "Drill", "a" * 37, "template_x", 'x"; DROP', "ä"])
def test_names_that_could_be_something_else_are_refused(name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="name has"):
        DrillDatabases("dbname=unused").url_of(name)


def test_a_user_who_may_not_make_databases_is_told_how_he_may(mains: list[str], postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE nobody_special LOGIN")
        try:
            with pytest.raises(ConflictError, match="CREATEDB") as caught:
                DrillDatabases(make_conninfo(mains[0], user="nobody_special")).create("drill")
        finally:
            connection.execute("DROP ROLE nobody_special")
    assert (caught.value.reason, caught.value.field) == (Reason.DATABASE_FORBIDS, "database_url")


def test_an_absent_server_is_named_as_such(mains: list[str]) -> None:
    with pytest.raises(StoreUnavailableError, match="databases of drills"):
        DrillDatabases(make_conninfo(mains[0], dbname="none")).left_over()


def test_days_of_a_drill_are_made_ahead_and_dropped_when_they_are_old(database_url: str) -> None:
    day_us = 86_400_000_000
    for day in (20_000, 20_003):
        keep_days(database_url, day * day_us + 1, 2)
    with psycopg.connect(database_url) as connection:
        names = [row[0] for row in connection.execute(read_sql("reading_partitions"))]
        persistence = connection.execute(
            "SELECT DISTINCT relpersistence FROM pg_class WHERE relname = ANY(%s)", [names]
        )
        assert persistence.fetchall() == [("u",)], "what drills write must not hold up the log of the live database"
    assert [day_of(name) for name in names] == [20_001, 20_003, 20_004]
