"""A shard is given every row of the archive that it asks for, and little else is read for it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.archive_columns import ARCHIVE_DTYPE, LATENESS
from storage.archive_files import FileSummary, read_rows, split_by_day_and_block, write_rows
from storage.archive_manifest import FileKind, current_files, exchange_files
from storage.archived_rows import ArchivedRows
from storage.instants import to_datetime, to_us
from storage.partitions import DAY_US
from tests.storage.archive_days import readings

DAYS = range(20_776, 20_783)  # from a Thursday on: the days up to Sunday are joined to a week
MONDAY, NEXT_MONDAY = 20_773, 20_780
STEP_US = 2 * 3_600_000_000
FIRST_US, HOT_US = DAYS.start * DAY_US + 7, DAYS.stop * DAY_US
YEAR_2000_US = 946_684_800_000_000

HEARD = (1, 2, 3, 255, 256, 300)
SILENT = 2  # from the second day on
NEVER_HEARD = (4, 254, 299, 2_000)  # between the others, and where no file is

ROW_TIMES_US = st.integers(0, len(DAYS) * 12 - 1).map(lambda step: FIRST_US + step * STEP_US)
TIMES_US = (
    ROW_TIMES_US
    | st.integers(DAYS.start * DAY_US - STEP_US, HOT_US + STEP_US)
    | st.sampled_from((-5, 0, YEAR_2000_US, HOT_US))
)
BATTERIES = st.sampled_from(HEARD + NEVER_HEARD)
SHARED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Connection = psycopg.Connection[Any]


def sealed_rows() -> Rows:
    """Days of batteries in two blocks, some rows late and some too late."""
    plain = readings(DAYS, keys=HEARD, step_us=STEP_US)
    rows = np.zeros(len(plain), ARCHIVE_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        rows[name] = plain[name]
    rows["late"] = np.random.default_rng(1).choice(list(LATENESS.values()), len(rows), p=(0.8, 0.1, 0.1))
    heard: Rows = rows[(rows["battery_key"] != SILENT) | (rows["sample_time_us"] < (DAYS.start + 1) * DAY_US)]
    return heard


def write_files(folder: Path, rows: Rows) -> Iterator[FileSummary]:
    """Files as sealing and joining leave them: a week, days, and what was added to a day later."""
    in_week = rows["sample_time_us"] < NEXT_MONDAY * DAY_US
    week = np.sort(rows[in_week], order=["battery_key", "sample_time_us"])
    for block in (0, 1):
        part = week[week["battery_key"] // 256 == block]
        yield write_rows(folder, f"week-{block}.parquet", part, (MONDAY, NEXT_MONDAY - 1))
    added = np.arange(len(rows)) % 5 == 0
    for name, chosen in (("day", ~added), ("added", added)):
        for day, block, part in split_by_day_and_block(rows[~in_week & chosen]):
            yield write_rows(folder, f"{name}-{day}-{block}.parquet", part, (day, day))


@pytest.fixture
def connection(database_url: str, tmp_path: Path) -> Iterator[Connection]:
    """To a database whose manifest names files of several days; newer revisions judge some of their rows anew."""
    rows = sealed_rows()
    with psycopg.connect(database_url, autocommit=True, options="-c timezone=UTC") as connection:
        with connection.transaction():
            exchange_files(connection, FileKind.READINGS, list(write_files(tmp_path, rows)))
        for row in rows[::7]:
            connection.execute(
                "INSERT INTO revised_estimate VALUES (%s, %s, 1, %s, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)",
                (int(row["battery_key"]), to_datetime(int(row["sample_time_us"])), int(row["status"]) ^ 1),
            )
        yield connection


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Rows that were read of each file from here on."""
    counts: dict[str, int] = {}
    read_table = pq.read_table

    def counting(source: Path, **options: Any) -> pa.Table:
        table = read_table(source, **options)
        counts[source.name] = counts.get(source.name, 0) + table.num_rows
        return table

    monkeypatch.setattr(pq, "read_table", counting)
    return counts


def every_row(connection: Connection, folder: Path) -> list[Any]:
    """All rows of all files, one by one."""
    files = current_files(connection, FileKind.READINGS)
    return [row for rows in read_rows(folder, [file.path for file in files]) for row in rows]


def in_order(rows: Rows) -> bytes:
    return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))].tobytes()


def telemetry(rows: list[Any]) -> Rows:
    return np.array([row[list(TELEMETRY_DTYPE.names or ())].item() for row in rows], TELEMETRY_DTYPE)


@SHARED
@given(marks=st.dictionaries(BATTERIES, TIMES_US), until_us=st.none() | TIMES_US)
def test_what_is_newer_than_each_watermark_is_what_a_look_at_every_row_finds(
    connection: Connection, tmp_path: Path, marks: Mapping[int, int], until_us: int | None
) -> None:
    expected = telemetry(
        [
            row
            for row in every_row(connection, tmp_path)
            if row["battery_key"] in marks
            and row["sample_time_us"] > marks[row["battery_key"]]
            and (until_us is None or row["sample_time_us"] <= until_us)
            and row["late"] != LATENESS["too late"]
        ]
    )
    judged = connection.execute("SELECT battery_key, sample_time, status FROM revised_estimate").fetchall()
    status = {(key, to_us(time)): value for key, time, value in judged}
    for row in expected:
        row["status"] = status.get((int(row["battery_key"]), int(row["sample_time_us"])), row["status"])
    assert in_order(ArchivedRows(tmp_path).after(connection, marks, until_us)) == in_order(expected)


@SHARED
@given(asked=st.lists(st.tuples(BATTERIES, TIMES_US, st.booleans())))
def test_pairs_are_found_that_a_look_at_every_row_finds(
    connection: Connection, tmp_path: Path, asked: list[tuple[int, int, bool]]
) -> None:
    there = {(int(row["battery_key"]), int(row["sample_time_us"])): row for row in every_row(connection, tmp_path)}
    expected = np.zeros(len(asked), TELEMETRY_DTYPE)
    for place, (key, time_us, known) in enumerate(asked):
        if not known and (key, time_us) in there:
            expected[place] = telemetry([there[key, time_us]])[0]
    stored = np.array([known for _, _, known in asked], np.bool_)
    found = np.zeros(len(asked), TELEMETRY_DTYPE)
    keys, times_us = np.array([a[0] for a in asked], np.int32), np.array([a[1] for a in asked], np.int64)
    ArchivedRows(tmp_path).find(connection, keys, times_us, stored, found)
    assert stored.tolist() == [known or (key, time_us) in there for key, time_us, known in asked]
    assert found.tobytes() == expected.tobytes()


def test_a_battery_that_fell_silent_has_no_rows_of_others_read(
    connection: Connection, tmp_path: Path, read: dict[str, int]
) -> None:
    marks = dict.fromkeys(HEARD, HOT_US)
    marks[SILENT] = FIRST_US + 8 * STEP_US  # three of its twelve rows are newer
    rows = ArchivedRows(tmp_path).after(connection, marks)
    assert set(rows["battery_key"].tolist()) == {SILENT}
    assert sum(read.values()) == 3
    assert not [name for name in read if name.endswith("-1.parquet")], "nothing of the other block"


def test_a_battery_never_heard_of_has_no_rows_of_others_read(
    connection: Connection, tmp_path: Path, read: dict[str, int]
) -> None:
    marks = dict.fromkeys(HEARD, HOT_US) | dict.fromkeys(NEVER_HEARD, 0)
    assert len(ArchivedRows(tmp_path).after(connection, marks)) == 0
    assert sum(read.values()) == 0
    read.clear()
    assert len(ArchivedRows(tmp_path).after(connection, dict.fromkeys(HEARD, HOT_US) | {2_000: 0})) == 0
    assert read == {}, "no file is opened for a battery that none can hold"


def test_of_a_file_each_battery_is_read_from_its_own_day_on(
    connection: Connection, tmp_path: Path, read: dict[str, int]
) -> None:
    marks = {1: DAYS.start * DAY_US, 3: (NEXT_MONDAY - 1) * DAY_US}
    ArchivedRows(tmp_path).after(connection, marks, NEXT_MONDAY * DAY_US - 1)
    assert read == {"week-0.parquet": 4 * 12 + 1 * 12}


def test_days_between_two_times_that_are_looked_for_are_not_read(
    connection: Connection, tmp_path: Path, read: dict[str, int]
) -> None:
    def looked_for(*times_us: int) -> list[bool]:
        read.clear()
        keys, stored = np.full(len(times_us), 1, np.int32), np.zeros(len(times_us), np.bool_)
        found = np.zeros(len(times_us), TELEMETRY_DTYPE)
        ArchivedRows(tmp_path).find(connection, keys, np.array(times_us, np.int64), stored, found)
        return stored.tolist()

    assert looked_for(YEAR_2000_US, HOT_US) == [False, False]
    assert read == {}, "a clock that fell back beside a row of today"
    last_us = FIRST_US + (len(DAYS) * 12 - 1) * STEP_US
    assert looked_for(YEAR_2000_US, FIRST_US, last_us) == [False, True, True]
    assert sum(read.values()) == 2
    assert {name for name in read if name.startswith(("day", "added"))} <= {
        f"{name}-{DAYS[-1]}-0.parquet" for name in ("day", "added")
    }
