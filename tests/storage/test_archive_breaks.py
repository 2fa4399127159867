"""Whatever breaks or comes while rows move to the archive, each is where it belongs, once."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batterytwin.telemetry import Rows
from storage import backup
from storage.archive_clean import remove_unneeded_files
from storage.archive_hours import make_hours
from storage.archive_manifest import FileKind, current_files, exchange_files
from storage.archive_merge import merge_weeks
from storage.archive_revise import revise_files
from storage.archive_seal import no_failpoint, seal_day
from storage.archived_rows import ArchivedRows
from storage.backup import make_backup
from storage.postgres_shard_store import PostgresShardStore
from storage.reading_rows import read_tail
from storage.shard_store import Revision, ShardCommit
from tests.storage.archive_days import FIRST_DAY, KEYS, STEP_US, Days, assert_same, readings

DAYS = range(FIRST_DAY, FIRST_DAY + 3)
HOUR_US = 3_600_000_000
NOW_US = 1_795_219_200_000_000


@pytest.fixture
def store(days: Days) -> Iterator[PostgresShardStore]:
    store = PostgresShardStore(days.url, days.folder)
    yield store
    store.close()


def connect(url: str, kind: type[psycopg.Connection[Any]] = psycopg.Connection) -> psycopg.Connection[Any]:
    return kind.connect(url, autocommit=True, options="-c timezone=UTC")


def exchange_hours_for_none(connection: psycopg.Connection[Any]) -> None:
    """Answers are made of readings again."""
    with connection.transaction():
        exchange_files(
            connection, FileKind.HOURS, [], [file.path for file in current_files(connection, FileKind.HOURS)]
        )


class _KilledError(Exception):
    pass


def killed_at(step: str) -> Callable[[str], None]:
    def reached(name: str) -> None:
        if name == step:
            raise _KilledError

    return reached


def seal_and_join(
    connection: psycopg.Connection[Any], folder: Path, reached: Callable[[str], None] = no_failpoint
) -> None:
    for day in DAYS:
        seal_day(connection, folder, day, reached)
    merge_weeks(connection, folder, FIRST_DAY + 30, reached)


def stored(days: Days) -> list[tuple[float, ...]]:
    """What a restart reads of all rows, tables and archive together."""
    store = PostgresShardStore(days.url, days.folder)
    try:
        rows = store.read_tail(dict.fromkeys(KEYS, 0))
    finally:
        store.close()
    return [(*row[["battery_key", "sample_time_us", "status"]].tolist(), float(row["voltage_v"])) for row in rows]


def no_files_of_nobody(connection: psycopg.Connection[Any], folder: Path) -> None:
    for file in folder.rglob("*.p*"):
        os.utime(file, (0, 0))
    remove_unneeded_files(connection, folder, 1e9)
    named = {str(path) for (path,) in connection.execute("SELECT path FROM archive_file")}
    assert {str(file.relative_to(folder)) for file in folder.rglob("*.p*")} == named


@pytest.mark.parametrize("step", ["file", "locked", "manifest", "emptied", "moved", "joined", "exchanged"])
def test_a_keeper_that_is_killed_leaves_every_row_once(days: Days, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("archive_seal", "archive_merge"):  # who is killed clears nothing away
        monkeypatch.setattr(f"storage.{module}.remove_unnamed", lambda *_: None)
    rows = readings(DAYS)
    late = rows[50:51].copy()
    late["sample_time_us"] += STEP_US // 2
    days.write(rows, late)
    before = stored(days)
    with pytest.raises(_KilledError), connect(days.url) as connection:
        seal_and_join(connection, days.folder, killed_at(step))
    assert stored(days) == before
    with connect(days.url) as connection:
        seal_and_join(connection, days.folder)
        no_files_of_nobody(connection, days.folder)
    assert stored(days) == before


class _LostAnswer(psycopg.Connection[Any]):
    """A connection that breaks when its server has committed and before it hears of it."""

    @contextmanager
    def transaction(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Transaction]:
        with super().transaction(*arguments, **options) as transaction:
            yield transaction
        self.close()
        raise psycopg.OperationalError("the answer to COMMIT was lost")


def test_a_commit_whose_answer_is_lost_keeps_its_files(days: Days) -> None:
    days.write(readings(DAYS))
    before = stored(days)
    work_of: list[Callable[[psycopg.Connection[Any]], object]] = [
        lambda connection: seal_day(connection, days.folder, FIRST_DAY),
        lambda connection: merge_weeks(connection, days.folder, FIRST_DAY + 30),
    ]
    for work in work_of:
        with pytest.raises(psycopg.OperationalError), connect(days.url, _LostAnswer) as connection:
            work(connection)
        assert stored(days) == before


def at_times(rows: Rows, day: int, number: int) -> Rows:
    """A row of each battery at a time of a day that no other has."""
    some = rows[: len(KEYS)].copy()
    some["sample_time_us"] += (day - FIRST_DAY) * 24 * HOUR_US + STEP_US // 2 + number
    return some


def test_rows_come_at_every_step_and_beside_a_long_export_without_waiting(
    days: Days, store: PostgresShardStore
) -> None:
    rows = readings(DAYS)
    days.write(rows)
    store.take_over(KEYS)
    sent = 0

    def send_at(step: str) -> Callable[[str], None]:
        def reached(name: str) -> None:
            nonlocal sent
            if name == step:  # in the middle of the keeper's transaction: who waits for it waits for ever
                sent += 1
                live, late = at_times(rows, DAYS.stop, sent), at_times(rows, FIRST_DAY, sent)
                store.commit(ShardCommit(NOW_US, live, late=late))

        return reached

    with connect(days.url) as keeper:
        with psycopg.connect(days.url) as export:
            export.execute("SELECT count(*) FROM reading")
            for step in ("file", "locked", "manifest"):
                assert seal_day(keeper, days.folder, FIRST_DAY, send_at(step)) is None
            assert export.execute("SELECT count(*) FROM reading").fetchone() == (len(rows) + 3 * len(KEYS),)
        sealed = [seal_day(keeper, days.folder, FIRST_DAY, send_at(step)) for step in ("file", "manifest", "emptied")]
        assert sealed[:2] == [None, None]
        assert sealed[2]
        assert seal_day(keeper, days.folder, FIRST_DAY) == len(KEYS), "what came last is sealed another time"
    times = [row[:2] for row in stored(days)]
    assert len(set(times)) == len(times) == len(rows) + 2 * sent * len(KEYS)


def test_a_restart_reads_every_row_once_while_its_day_is_sealed(
    days: Days, store: PostgresShardStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.write(readings(DAYS))
    store.take_over(KEYS)
    marks = dict.fromkeys(KEYS, 0)
    before = store.read_tail(marks)

    def then_seal(read: Callable[..., Rows]) -> Callable[..., Rows]:
        def reading(*arguments: Any, **options: Any) -> Rows:
            found = read(*arguments, **options)
            with connect(days.url) as keeper:
                for day in DAYS:
                    seal_day(keeper, days.folder, day)
            return found

        return reading

    monkeypatch.setattr("storage.postgres_shard_store.read_tail", then_seal(read_tail))
    monkeypatch.setattr(ArchivedRows, "after", then_seal(ArchivedRows.after))
    for _ in range(2):
        assert store.read_tail(marks)["sample_time_us"].tolist() == before["sample_time_us"].tolist()


def test_no_day_is_sealed_between_the_snapshot_of_a_backup_and_its_dump(
    days: Days, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.write(readings(DAYS))
    sealed: list[int | None] = []

    def dump(url: str, folder: Path, snapshot: str) -> None:  # noqa: ARG001 # as `dump_database`
        folder.mkdir()
        with connect(url) as keeper:
            sealed.append(seal_day(keeper, days.folder, FIRST_DAY))

    monkeypatch.setattr(backup, "dump_database", dump)
    manifest = make_backup(days.url, tmp_path / "data", tmp_path / "backup", archive=days.folder)
    assert sealed == [None]
    assert manifest.tables["reading_20261123"] == len(readings(DAYS)) // len(DAYS)
    with connect(days.url) as keeper:
        assert seal_day(keeper, days.folder, FIRST_DAY)


def test_a_past_that_changes_when_its_days_are_sealed_changes_in_the_archive(
    days: Days, store: PostgresShardStore
) -> None:
    rows = readings(DAYS)
    days.write(rows)
    with connect(days.url) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        store.take_over(KEYS)
        revised = rows[rows["battery_key"] == 2][10:].copy()
        revised["soc"], revised["status"] = 0.25, revised["status"] ^ 1
        first_us = int(revised["sample_time_us"][0])
        store.commit(ShardCommit(NOW_US, revisions=[Revision(2, first_us)], revised=revised))
        tail = store.read_tail({2: first_us - 1})
        assert tail["status"].tolist() == revised["status"].tolist(), "a restart obeys the newest judgement"
        with pytest.raises(_KilledError):
            revise_files(connection, days.folder, killed_at("exchanged"))
        assert revise_files(connection, days.folder) == len(DAYS)
        assert revise_files(connection, days.folder) == 0
        assert connection.execute("SELECT count(*) FROM revised_estimate").fetchone() == (0,)
        one, two, _ = days.seen(DAYS)
        assert two.values["soc"][-1] == pytest.approx(0.25, abs=1e-3)
        assert one.values["soc"][-1] != pytest.approx(0.25, abs=1e-3)
        assert store.read_tail({2: first_us - 1})["status"].tolist() == revised["status"].tolist()
        summed = current_files(connection, FileKind.HOURS)
        seen = days.seen(DAYS, HOUR_US)
        exchange_hours_for_none(connection)
        assert_same(days.seen(DAYS, HOUR_US), seen)
    assert len(summed) == 1, "they changed with their readings"
    assert seen[1].values["soc"][-1] == pytest.approx(0.25, abs=1e-3)


def test_a_past_that_changes_when_part_of_it_is_gone_leaves_the_hours_of_that_part(
    days: Days, store: PostgresShardStore
) -> None:
    rows = readings(DAYS)
    days.write(rows)
    with connect(days.url) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        connection.execute("UPDATE archive_file SET superseded_at = now() WHERE kind = 1")
        late = rows[rows["battery_key"] == 2][6:18].copy()  # two hours of it, each with six rows that are gone
        late["sample_time_us"] += STEP_US // 2
        days.write(late)
        seal_day(connection, days.folder, FIRST_DAY)
        before = days.seen(DAYS, HOUR_US)
        store.take_over(KEYS)
        late["soc"] = 0.25
        store.commit(ShardCommit(NOW_US, revisions=[Revision(2, int(late["sample_time_us"][0]))], revised=late))
        assert revise_files(connection, days.folder) == 1
        assert_same(before, days.seen(DAYS, HOUR_US))


@pytest.mark.parametrize("step", ["file", "hours", "locked", "manifest", "emptied", "moved"])
def test_a_keeper_that_is_killed_adds_every_row_to_its_hours_once(
    days: Days, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.archive_seal.remove_unnamed", lambda *_: None)
    rows = readings(DAYS)
    days.write(rows[rows["battery_key"] != 2])
    with connect(days.url) as connection:
        seal_and_join(connection, days.folder)
        make_hours(connection, days.folder, DAYS.stop)
        connection.execute("UPDATE archive_file SET superseded_at = now() - interval '1 day' WHERE kind = 1")
        days.write(rows[rows["battery_key"] == 2])
        before = days.seen(DAYS, HOUR_US)
        with pytest.raises(_KilledError):
            seal_day(connection, days.folder, FIRST_DAY, killed_at(step))
    assert_same(before, days.seen(DAYS, HOUR_US))
    with connect(days.url) as connection:
        for _ in range(2):
            seal_and_join(connection, days.folder)
            make_hours(connection, days.folder, DAYS.stop)
        no_files_of_nobody(connection, days.folder)
    assert_same(before, days.seen(DAYS, HOUR_US))


@pytest.mark.parametrize("step", ["file", "hours", "locked", "manifest", "emptied"])
def test_a_day_that_is_not_sealed_leaves_no_files_of_hours(days: Days, step: str) -> None:
    rows = readings(DAYS)
    days.write(rows[rows["battery_key"] != 2])
    with connect(days.url) as connection:
        seal_and_join(connection, days.folder)
        make_hours(connection, days.folder, DAYS.stop)
        days.write(rows[rows["battery_key"] == 2])
        before = sorted(days.folder.rglob("*.p*"))
        with pytest.raises(_KilledError):
            seal_day(connection, days.folder, FIRST_DAY, killed_at(step))
    assert sorted(days.folder.rglob("*.p*")) == before
