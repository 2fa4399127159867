"""Migrations are applied once, in order, and never changed afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from batterytwin.errors import ConflictError, Reason, SchemaMismatchError, StoreUnavailableError
from storage.migrate import migrate, read_migrations


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (x int); INSERT INTO first VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE first ADD y int;")
    return tmp_path


def test_each_file_is_applied_once(empty_database: str, folder: Path) -> None:
    assert migrate(empty_database, folder) == ["0001_first.sql", "0002_second.sql"]
    assert migrate(empty_database, folder) == []
    (folder / "0003_third.sql").write_text("CREATE TABLE third ();")
    assert migrate(empty_database, folder) == ["0003_third.sql"]


def test_a_file_is_applied_whole_or_not_at_all(empty_database: str, folder: Path) -> None:
    (folder / "0003_third.sql").write_text("CREATE TABLE third (); SELECT 1 / 0;")
    with pytest.raises(ConflictError, match="division by zero") as caught:
        migrate(empty_database, folder)
    assert caught.value.reason is Reason.DATABASE_FORBIDS
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('third'), to_regclass('first')").fetchone() == (None, "first")
    (folder / "0003_third.sql").write_text("CREATE TABLE third ();")
    assert migrate(empty_database, folder) == ["0003_third.sql"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "0001_first.sql").write_text("CREATE TABLE other ();"), "changed after"),
        (lambda folder: (folder / "0002_second.sql").unlink(), "newer version"),
        (lambda folder: (folder / "0002_twice.sql").write_text("SELECT 1;"), "same number"),
    ],
)
def test_history_cannot_be_changed(
    empty_database: str, folder: Path, change: Callable[[Path], object], words: str
) -> None:
    migrate(empty_database, folder)
    change(folder)
    with pytest.raises(SchemaMismatchError, match=words):
        migrate(empty_database, folder)


def test_two_processes_may_migrate_at_once(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_database] * 4))
    names = [migration.name for migration in read_migrations()]
    assert sorted(applied) == [[], [], [], names]


def test_an_absent_server_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="cannot be migrated"):
        migrate(f"postgresql://nobody@/none?host={tmp_path}")
