"""Hours answer for their days for as long as they are kept, and count every row that was ever sealed once."""

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.archive_clean import remove_unneeded_files
from storage.archive_files import read_table, write_table
from storage.archive_hours import make_hours
from storage.archive_manifest import FileKind, current_files, exchange_files, to_date
from storage.archive_merge import merge_weeks
from storage.archive_seal import seal_day
from storage.partitions import DAY_US
from tests.storage.archive_days import FIRST_DAY, KEYS, Days, assert_same, connect, late_rows, readings

DAYS = range(FIRST_DAY, FIRST_DAY + 3)
HOUR_US = 3_600_000_000


def test_hours_answer_when_the_readings_are_gone(days: Days) -> None:
    days.write(readings(DAYS))
    day_long = {bucket: days.seen(DAYS, bucket) for bucket in (HOUR_US, DAY_US)}
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        assert make_hours(connection, days.folder, FIRST_DAY + 62) == 1
        for bucket, before in day_long.items():
            assert_same(before, days.seen(DAYS, bucket))
        connection.execute("UPDATE archive_file SET superseded_at = now() - interval '1 day' WHERE kind = 1")
        assert remove_unneeded_files(connection, days.folder, 60.0) == 3
    for bucket, before in day_long.items():
        assert_same(before, days.seen(DAYS, bucket))
    assert sum(len(page.time_us) for page in days.seen(DAYS)) == 0


def test_hourly_states_of_the_model_stay_when_the_days_have_hours(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows)
    hourly = np.concatenate([rows[rows["battery_key"] == key][::6] for key in KEYS])
    markers = days.trace(hourly)
    buckets = (HOUR_US, DAY_US, 2 * HOUR_US)
    before = {bucket: days.seen(DAYS, bucket) for bucket in buckets}
    mine = hourly["battery_key"] == KEYS[0]
    assert before[HOUR_US][0].values["float_marker"].tolist() == markers[mine].tolist()
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
    for bucket in buckets:
        assert_same(before[bucket], days.seen(DAYS, bucket))
    late = late_rows(rows, 0)  # stands in the tables, in an hour of the archive, with a state of its own
    days.write(late)
    (marker,) = days.trace(late, seed=1)
    after = days.seen(DAYS, HOUR_US)[0]
    assert after.values["float_marker"][0] == np.float32((float(markers[mine][0]) + float(marker)) / 2)
    assert after.values["float_marker"][1:].tolist() == markers[mine][1:].tolist()
    assert after.row_count.tolist() == [7, *before[HOUR_US][0].row_count[1:].tolist()]


def test_hours_follow_the_days_that_are_sealed(days: Days) -> None:
    days.write(readings(DAYS))
    before = days.seen(DAYS, HOUR_US)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
            assert make_hours(connection, days.folder, day + 1) == 1
            assert make_hours(connection, days.folder, day + 1) == 0
            (hours,) = current_files(connection, FileKind.HOURS)
            assert (hours.first_day, hours.last_day) == (FIRST_DAY, day), "one file, as far as days are sealed"
            assert_same(before, days.seen(DAYS, HOUR_US))
        assert make_hours(connection, days.folder, FIRST_DAY) == 0, "days that are covered stay so"


def test_files_of_hours_are_joined_with_what_is_missing_between_them(days: Days) -> None:
    days.write(readings(DAYS))
    before = days.seen(DAYS, HOUR_US)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        (whole,) = current_files(connection, FileKind.HOURS)
        table = read_table(days.folder, whole.path)
        day_of = table["hour"].cast("int64").to_numpy() // DAY_US
        ends = [
            write_table(days.folder, f"{day}.parquet", table.filter(day_of == day), (day, day))
            for day in (DAYS[0], DAYS[-1])
        ]
        with connection.transaction():
            exchange_files(connection, FileKind.HOURS, ends, [whole.path])
        assert make_hours(connection, days.folder, DAYS.stop) == 1
        (again,) = current_files(connection, FileKind.HOURS)
        assert read_table(days.folder, again.path).equals(table)
    assert_same(before, days.seen(DAYS, HOUR_US))


def test_hours_are_made_and_changed_a_few_batteries_at_a_time(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = readings(DAYS)
    days.write(rows)
    most = 0
    read_whole = pq.read_table

    def read(*arguments: object, **options: object) -> pa.Table:
        nonlocal most
        table = read_whole(*arguments, **options)
        most = max(most, len(table["battery_key"].unique()))
        return table

    monkeypatch.setattr(pq, "read_table", read)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
            make_hours(connection, days.folder, day + 1)
        days.write(late_rows(rows, 50))
        seal_day(connection, days.folder, FIRST_DAY)
        (hours,) = current_files(connection, FileKind.HOURS)
    assert (most, hours.last_key - hours.first_key) == (2, 2)


def test_a_quarter_of_which_there_is_nothing_is_looked_at_once(days: Days) -> None:
    """A week that ends in another quarter than its last reading."""
    days.write(readings(range(FIRST_DAY + 35, FIRST_DAY + 36)))  # Monday, 2026-12-28
    with connect(days) as connection:
        seal_day(connection, days.folder, FIRST_DAY + 35)
        merge_weeks(connection, days.folder, FIRST_DAY + 62)
        before = days.seen(range(FIRST_DAY, FIRST_DAY + 62), HOUR_US)
        assert make_hours(connection, days.folder, FIRST_DAY + 62) == 2
        assert make_hours(connection, days.folder, FIRST_DAY + 62) == 0
        assert_same(before, days.seen(range(FIRST_DAY, FIRST_DAY + 62), HOUR_US))
        days.write(readings(range(FIRST_DAY + 41, FIRST_DAY + 42)))
        before = days.seen(range(FIRST_DAY, FIRST_DAY + 62), HOUR_US)
        seal_day(connection, days.folder, FIRST_DAY + 41)
    assert_same(before, days.seen(range(FIRST_DAY, FIRST_DAY + 62), HOUR_US))


def let_readings_go(connection: psycopg.Connection, days: range = DAYS) -> None:
    """Readings of some days have been kept long enough."""
    connection.execute(
        "UPDATE archive_file SET superseded_at = now() - interval '1 day' WHERE kind = 1 AND first_day = ANY(%s)",
        ([to_date(day) for day in days],),
    )
    connection.execute("UPDATE archive_state SET version = version + 1")


def test_it_is_known_of_which_days_hours_alone_are_left(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows[(rows["battery_key"] != KEYS[1]) | (rows["sample_time_us"] < DAYS[1] * DAY_US)])
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop + 20)
        long = range(FIRST_DAY - 500, DAYS.stop + 500)
        assert days.hours_only_until(long) == [None] * 3
        let_readings_go(connection, DAYS[:2])
        assert days.hours_only_until(long) == [DAYS[2], DAYS[1], DAYS[2]], "a battery that was silent lacks nothing"
        assert days.hours_only_until(DAYS[:1]) == [DAYS[1]] * 3
        assert days.hours_only_until(DAYS[2:]) == [None] * 3


def test_rows_that_come_when_others_are_gone_are_added_to_the_hours_of_these(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        let_readings_go(connection, DAYS[:1])
        days.write(late_rows(rows, 50), late_rows(rows, len(rows) - 1))  # one of what is gone, one of what is there
        before = {bucket: days.seen(DAYS, bucket) for bucket in (HOUR_US, DAY_US)}
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
    assert sum(int(page.row_count.sum()) for page in before[DAY_US]) == len(rows) + 2
    for bucket, seen in before.items():
        assert_same(seen, days.seen(DAYS, bucket))


@pytest.mark.parametrize("new_key", KEYS)
def test_old_history_of_one_battery_leaves_the_hours_of_others_whose_readings_are_gone(
    days: Days, new_key: int
) -> None:
    """A new site shares a block of batteries with one of long ago; its keys are below, between or above."""
    rows = readings(DAYS)
    days.write(rows[rows["battery_key"] != new_key])
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        let_readings_go(connection)
        remove_unneeded_files(connection, days.folder, 60.0)
        days.write(rows[rows["battery_key"] == new_key])
        before = {bucket: days.seen(DAYS, bucket) for bucket in (HOUR_US, DAY_US)}
        for day in DAYS:
            seal_day(connection, days.folder, day)
            for bucket, seen in before.items():
                assert_same(seen, days.seen(DAYS, bucket))
            assert make_hours(connection, days.folder, DAYS.stop) == 0
        let_readings_go(connection)
        for bucket, seen in before.items():
            assert_same(seen, days.seen(DAYS, bucket))


def test_a_day_without_new_rows_leaves_its_hours_as_they_are(days: Days) -> None:
    rows = readings(DAYS)
    days.write(rows)
    with connect(days) as connection:
        for day in DAYS:
            seal_day(connection, days.folder, day)
        make_hours(connection, days.folder, DAYS.stop)
        days.write(late_rows(rows, 50))
        seal_day(connection, days.folder, FIRST_DAY)
        hours = current_files(connection, FileKind.HOURS)
        for day in DAYS:
            assert seal_day(connection, days.folder, day) == 0
        assert make_hours(connection, days.folder, DAYS.stop) == 0
        assert current_files(connection, FileKind.HOURS) == hours
