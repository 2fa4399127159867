"""Days leave the tables for the archive, and no reader can tell."""

import os
import threading
import time
from collections.abc import Callable
from unittest import mock

import numpy as np
import psycopg
import pytest

from batterytwin.errors import ConflictError
from storage import archive_keeper
from storage.archive_clean import forget_old
from storage.archive_files import ArchiveDamagedError
from storage.archive_hours import make_hours
from storage.archive_keeper import keep_archive
from storage.archive_manifest import FileKind, current_files
from storage.archive_merge import merge_weeks
from storage.archive_seal import seal_day
from storage.archive_settings import ArchiveSettings
from storage.archive_sources import rows_by_block
from storage.partitions import DAY_US, partition_name
from storage.sql_files import read_sql
from tests.storage.archive_days import FIRST_DAY, KEYS, Days, assert_same, connect, late_rows, readings

DAYS = range(FIRST_DAY, FIRST_DAY + 3)
HOUR_US = 3_600_000_000
BUCKETS = (None, HOUR_US, 7 * 60_000_000, 3 * DAY_US)


def test_a_reader_sees_the_same_before_and_after_sealing_and_joining(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows, late_rows(rows, 50), late_rows(rows, 80))
    before = {bucket: days.seen(DAYS, bucket) for bucket in BUCKETS}
    exported = days.exported(DAYS)
    with connect(days) as connection:
        for number, day in enumerate(DAYS):
            assert seal_day(connection, days.folder, day)
            if number == 1:  # half here, half there
                for bucket in BUCKETS:
                    assert_same(before[bucket], days.seen(DAYS, bucket))
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM late_reading").fetchone() == (0,)
        assert merge_weeks(connection, days.folder, FIRST_DAY + 30) > 0
        assert merge_weeks(connection, days.folder, FIRST_DAY + 30) == 0, "joined once"
    for bucket in BUCKETS:
        assert_same(before[bucket], days.seen(DAYS, bucket))
    again = days.exported(DAYS)
    assert sum(map(len, exported)) == sum(map(len, again)) == len(rows) + 2
    assert [b.late.tolist() for b in exported] == [b.late.tolist() for b in again]
    (small,) = {rows.more for rows in days.seen(DAYS, None, limit=100)}
    assert small, "pages end where they are full"


def test_readers_see_every_row_once_while_days_move_under_them(days: Days) -> None:
    rows = readings(DAYS, keys=KEYS)
    days.write(rows)
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not stop.is_set():
            seen.extend(len(page.time_us) for page in days.seen(DAYS))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with connect(days) as connection:
            for day in DAYS:
                seal_day(connection, days.folder, day)
            merge_weeks(connection, days.folder, FIRST_DAY + 30)
        time.sleep(0.2)
    finally:
        stop.set()
        reader.join()
    assert set(seen) == {len(rows) // len(KEYS)}


def test_a_day_leaves_the_tables_a_few_batteries_at_a_time(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows, late_rows(rows, 50))
    with connect(days) as connection:
        parts = [part for _, block in rows_by_block(connection, FIRST_DAY) for part in block if len(part)]
    assert [np.unique(part["battery_key"]).tolist() for part in parts] == [[1], [2, 3]]
    assert sum(map(len, parts)) == len(rows) // len(DAYS) + 1


def test_sealing_waits_for_nobody_for_long_and_goes_on_later(days: Days) -> None:
    days.write(readings(DAYS))
    with connect(days) as keeper, psycopg.connect(days.url) as export:
        export.execute(f"SELECT count(*) FROM {partition_name(FIRST_DAY)}")
        began = time.monotonic()
        assert seal_day(keeper, days.folder, FIRST_DAY) is None
        assert time.monotonic() - began < 20.0, "a lock is given up soon; the limit is a generous multiple"
        assert current_files(keeper, FileKind.READINGS) == []
        assert not list(days.folder.rglob("*.parquet"))
        export.rollback()
        assert seal_day(keeper, days.folder, FIRST_DAY)


def test_rows_that_come_for_a_sealed_day_are_seen_and_sealed_with_it(days: Days) -> None:
    rows = readings(DAYS)
    first, second = rows[rows["battery_key"] != 2], rows[rows["battery_key"] == 2]
    days.write(first)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, FIRST_DAY + 62)
        days.write(second, late_rows(first, 3))
        expected = len(rows) + 1
        assert sum(len(page.time_us) for page in days.seen(DAYS)) == expected
        hourly = days.seen(DAYS, HOUR_US)
        for day in DAYS:
            seal_day(connection, days.folder, day)
        assert_same(hourly, days.seen(DAYS, HOUR_US))
        assert make_hours(connection, days.folder, FIRST_DAY + 62) == 0, "they gained the rows when these were sealed"
        assert sum(len(page.time_us) for page in days.seen(DAYS)) == expected


def test_a_round_seals_what_is_due_and_forgets_what_is_old(days: Days) -> None:
    days.write(readings(DAYS))
    now_day = DAYS.stop + 8
    days.close_days(now_day)
    settings = ArchiveSettings(hot_days=9)
    done = keep_archive(days.url, days.folder, settings, now_day * DAY_US)
    assert (done.sealed_days, done.sealed_rows) == (2, 2 * len(readings(range(FIRST_DAY, FIRST_DAY + 1))))
    assert keep_archive(days.url, days.folder, settings, now_day * DAY_US).sealed_days == 0
    orphan = days.folder / "2020" / "01" / "left.part"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"x")
    os.utime(orphan, (0, 0))
    keep_archive(days.url, days.folder, ArchiveSettings(), now_day * DAY_US)
    assert not orphan.exists()


def test_what_is_old_goes_unless_it_was_sealed_lately(days: Days) -> None:
    days.write(readings(DAYS))
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        connection.execute("UPDATE archive_file SET last_day = last_day - 1200, first_day = first_day - 1200")
        connection.execute("UPDATE archive_file SET sealed_at = sealed_at - interval '3 years' WHERE file_key = 1")
        forget_old(connection, int(time.time() // 86_400), raw_days=730, hour_days=3_653)
        assert [file.first_day for file in current_files(connection, FileKind.READINGS)] == [
            day - 1_200 for day in DAYS[1:]
        ], "recorded history that is replayed is kept for as long as any other"


def test_readings_stay_until_there_are_hours_of_them(days: Days) -> None:
    """One quarter cannot be summed up; the others lose nothing and wait for nobody."""
    first_days = [range(FIRST_DAY + later, FIRST_DAY + later + 1) for later in (0, 60, 150)]
    days.write(np.concatenate([readings(span) for span in first_days]))
    with connect(days) as connection:
        for (day,) in first_days:
            seal_day(connection, days.folder, day)
        damaged, *sound = current_files(connection, FileKind.READINGS)
        content = (days.folder / damaged.path).read_bytes()
        (days.folder / damaged.path).write_bytes(b"")
        with pytest.raises(ArchiveDamagedError, match=damaged.path):
            make_hours(connection, days.folder, FIRST_DAY + 200)
        connection.execute("UPDATE archive_file SET sealed_at = sealed_at - interval '20 years' WHERE kind = 1")
        assert len(sound) == len(current_files(connection, FileKind.HOURS)) == 2
        forget_old(connection, FIRST_DAY + 1_000, raw_days=730, hour_days=3_653)
        assert current_files(connection, FileKind.READINGS) == [damaged]
        with connection.transaction(force_rollback=True):
            forget_old(connection, FIRST_DAY + 3_700, raw_days=730, hour_days=3_653)
            assert current_files(connection, FileKind.READINGS) == [], "not for ever"
        (days.folder / damaged.path).write_bytes(content)
        assert make_hours(connection, days.folder, FIRST_DAY + 200) == 1
        forget_old(connection, FIRST_DAY + 1_000, raw_days=730, hour_days=3_653)
        assert current_files(connection, FileKind.READINGS) == []


def test_a_clock_that_is_years_ahead_for_a_moment_costs_nothing(days: Days) -> None:
    days.write(readings(DAYS))
    now_day = DAYS.stop + 20
    days.close_days(now_day)
    keep_archive(days.url, days.folder, ArchiveSettings(), now_day * DAY_US)
    with connect(days) as connection:
        connection.execute("UPDATE archive_file SET sealed_at = '2026-12-20'")
        before = days.seen(DAYS)
        keep_archive(days.url, days.folder, ArchiveSettings(), (now_day + 20 * 366) * DAY_US)
        assert_same(before, days.seen(DAYS))
        later = range(DAYS.start + 798, DAYS.start + 799)  # a Monday
        days.write(readings(later))
        seal_day(connection, days.folder, later.start)
        keep_archive(days.url, days.folder, ArchiveSettings(), (later.stop + 20) * DAY_US)
        assert [file.first_day for file in current_files(connection, FileKind.READINGS)] == [later.start]


def test_days_that_cannot_be_sealed_keep_no_new_ones_from_their_turn(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(range(100, 140))

    def seal(_connection: object, _folder: object, day: int) -> int:
        if day < 120:
            raise ArchiveDamagedError("damaged")
        left.remove(day)
        return 1

    monkeypatch.setattr(archive_keeper, "_due_days", lambda *_: list(left))
    monkeypatch.setattr(archive_keeper, "seal_day", seal)
    for _ in range(4):
        keep_archive(days.url, days.folder, ArchiveSettings(), FIRST_DAY * DAY_US)
    assert left == list(range(100, 120))


def test_a_keeper_touches_no_archive_of_another_database(days: Days) -> None:
    days.write(readings(DAYS))
    now_us = (DAYS.stop + 30) * DAY_US
    with connect(days) as connection:
        seal_day(connection, days.folder, FIRST_DAY)
        (file,) = [days.folder / file.path for file in current_files(connection, FileKind.READINGS)]
        os.utime(file, (0, 0))
        connection.execute("DELETE FROM archive_file")  # a database that knows nothing of the files, never marked
        with pytest.raises(ConflictError, match="another database"):
            keep_archive(days.url, days.folder, ArchiveSettings(), now_us)
        file.rename(days.folder.with_name("away"))
        keep_archive(days.url, days.folder, ArchiveSettings(), now_us)  # an empty folder becomes its own
        days.folder.with_name("away").rename(file)
        connection.execute("UPDATE archive_state SET owner = gen_random_uuid()")  # another database
        with pytest.raises(ConflictError, match="another database"):
            keep_archive(days.url, days.folder, ArchiveSettings(), now_us)
    assert file.exists()


def test_revisions_that_no_question_needs_go_and_numbers_go_on(days: Days) -> None:
    today = int(time.time() // 86_400)
    with connect(days) as connection:
        connection.execute("TRUNCATE twin_revision, revised_estimate")
        for revision, age_days in ((1, 900), (2, 850), (3, 800), (4, 10)):
            connection.execute(
                "INSERT INTO twin_revision VALUES (1, %s, now() - %s * interval '1 day', '2020-01-01')",
                (revision, age_days),
            )
        connection.execute("INSERT INTO twin_revision VALUES (2, 7, now() - interval '900 days', '2020-01-01')")
        connection.execute(
            "INSERT INTO revised_estimate SELECT 1, now(), 2, 0, r.*"
            " FROM (SELECT 1::real, 1::real, 1::real, 1::real, 1::real, 1::real, 1::real, 1::real, 1::real, 1::real) r"
        )
        forget_old(connection, today, raw_days=730, hour_days=3_653)
        left = connection.execute("SELECT battery_key, revision FROM twin_revision ORDER BY 1, 2").fetchall()
        assert left == [(1, 2), (1, 3), (1, 4), (2, 7)], "named by an estimate, known at the border, newer; the newest"
        connection.execute(read_sql("number_revisions"), {"keys": [2], "from_times": ["now"], "known_at": "now"})
        assert connection.execute("SELECT max(revision) FROM twin_revision WHERE battery_key = 2").fetchone() == (8,)


def test_one_keeper_at_a_time(days: Days) -> None:
    days.write(readings(DAYS))
    days.close_days(DAYS.stop + 8)
    with connect(days) as other:
        other.execute("SELECT pg_advisory_lock(6203154006)")
        assert keep_archive(days.url, days.folder, ArchiveSettings(), (DAYS.stop + 30) * DAY_US).sealed_days == 0


def test_an_estimate_that_was_revised_is_sealed_as_revised(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows, late_rows(rows, 50))
    with connect(days) as connection:
        seal_day(connection, days.folder, FIRST_DAY)
    first = days.seen(DAYS)[int(rows["battery_key"][0]) - 1]
    place = int(np.flatnonzero(first.time_us == rows["sample_time_us"][0])[0])
    assert first.values["soc"][place] == np.float32(0.25)


STEPS = ("remove_unneeded_files", "seal_day", "revise_files", "make_hours", "forget_old", "merge_weeks")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (psycopg.errors.LockNotAvailable("somebody is at it"), "somebody is at it"),
        (MemoryError(), "unexpected MemoryError"),
    ],
)
def test_a_step_that_fails_is_told_of_and_keeps_no_other_from_its_turn(
    days: Days, error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.write(readings(DAYS))
    now_day = DAYS.stop + 8
    days.close_days(now_day)
    done: list[str] = []

    def step(name: str, *, fails: bool) -> Callable[..., int]:
        def work(*_: object) -> int:
            done.append(name)
            if fails:
                raise error
            return 1

        return work

    for broken in STEPS:
        done.clear()
        for name in STEPS:
            monkeypatch.setattr(archive_keeper, name, step(name, fails=name == broken))
        finished = keep_archive(days.url, days.folder, ArchiveSettings(hot_days=9), now_day * DAY_US)
        assert list(dict.fromkeys(done)) == list(STEPS)
        assert len(finished.failures) == done.count(broken)
        assert all(told in failure for failure in finished.failures)


class _KilledError(BaseException):
    pass


def test_a_merge_that_ends_the_process_leaves_hours_made_and_what_is_old_forgotten(
    days: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    days.write(readings(DAYS))
    now_day = DAYS.stop + 20
    days.close_days(now_day)
    monkeypatch.setattr(archive_keeper, "merge_weeks", mock.Mock(side_effect=_KilledError))
    with pytest.raises(_KilledError):
        keep_archive(days.url, days.folder, ArchiveSettings(), now_day * DAY_US)
    with connect(days) as connection:
        assert len(current_files(connection, FileKind.READINGS)) == len(DAYS)
        assert len(current_files(connection, FileKind.HOURS)) == 1
        connection.execute("UPDATE archive_file SET sealed_at = sealed_at - interval '20 years'")
        later = range(DAYS.stop + 800, DAYS.stop + 801)
        days.write(readings(later))
        seal_day(connection, days.folder, later.start)
        with pytest.raises(_KilledError):
            keep_archive(days.url, days.folder, ArchiveSettings(), (later.stop + 20) * DAY_US)
        assert [file.first_day for file in current_files(connection, FileKind.READINGS)] == [later.start]
        assert len(current_files(connection, FileKind.HOURS)) == 2


def test_a_week_that_is_damaged_stays_as_it_is_and_others_are_joined(days: Days) -> None:
    two_weeks = range(FIRST_DAY + 5, FIRST_DAY + 9)
    days.write(readings(two_weeks))
    with connect(days) as connection:
        for day in two_weeks:
            seal_day(connection, days.folder, day)
        damaged, *_ = current_files(connection, FileKind.READINGS)
        (days.folder / damaged.path).write_bytes(b"")
        with pytest.raises(ArchiveDamagedError, match=damaged.path):
            merge_weeks(connection, days.folder, FIRST_DAY + 30)
        spans = [(file.first_day, file.last_day) for file in current_files(connection, FileKind.READINGS)]
    first, second, *_ = two_weeks
    assert spans == [(first, first), (second, second), (FIRST_DAY + 7, FIRST_DAY + 13)]
