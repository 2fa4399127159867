"""Puts months of a fleet's history where the server would have put them: sealed days in files, a week in the tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.archive_files import KEYS_PER_FILE, FileSummary, read_table, write_rows, write_table
from storage.archive_hours import HOUR_US, make_hours, quarter_of
from storage.archive_manifest import FileKind, current_files, exchange_files, to_date
from storage.copy_encoder import COPY_COLUMNS, CopyEncoder
from storage.partition_keeper import PartitionKeeper
from storage.partitions import DAY_US, create_partitions, partition_name
from tests.bench.history_rows import LivedWeeks

HOT_DAYS: Final = 7
"""Whole days that stay in the tables, as by default."""

_WEEK: Final = 7
_FIRST_MONDAY: Final = 4  # 1970-01-05
_WRITERS: Final = 2  # each holds a block's week three times: as rows, as a table and as read back
_YEAR: Final = 365


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """Which days of which batteries.

    Attributes:
        keys: battery keys of the fleet.
        days: whole days, since 1970-01-01 UTC; the last one is yesterday.
    """

    keys: range
    days: range

    @property
    def sealed(self) -> range:
        """Days that are in the archive."""
        return range(self.days.start, self.days.stop - HOT_DAYS)

    def blocks(self) -> list[range]:
        """Keys of each file of a span of days."""
        ends = [*range((self.keys.start // KEYS_PER_FILE + 1) * KEYS_PER_FILE, self.keys.stop, KEYS_PER_FILE)]
        return [range(*pair) for pair in zip([self.keys.start, *ends], [*ends, self.keys.stop], strict=True)]

    def spans(self) -> list[range]:
        """Days of each file of a block: weeks from Monday on, and the days of weeks that are not over."""
        spans, day = [], self.sealed.start
        while day < self.sealed.stop:
            next_monday = day + _WEEK - (day - _FIRST_MONDAY) % _WEEK
            spans.append(range(day, next_monday if next_monday <= self.sealed.stop else day + 1))
            day = spans[-1].stop
        return spans


def plan_history(keys: range, days: int, now_us: int) -> HistoryPlan:
    """At least so many whole days before today, from a Monday on."""
    today = now_us // DAY_US
    first = today - days
    return HistoryPlan(keys, range(first - (first - _FIRST_MONDAY) % _WEEK, today))


def fill_archive(url: str, folder: Path, plan: HistoryPlan, lived: LivedWeeks, say: Callable[[str], None]) -> None:
    """Writes all sealed days, and a year of hours for the first block of batteries.

    Hours of the other blocks are left out: they would cost minutes and no question here looks at them.

    Args:
        url: database whose inventory has these batteries.
        folder: of the archive.
        plan: what to write.
        lived: where rows come from.
        say: told after each block.
    """

    def write(keys: range, span: range) -> FileSummary:
        first = to_date(span.start)
        path = f"{first:%Y/%m}/readings-{first:%Y%m%d}-{len(span)}-{keys.start // KEYS_PER_FILE:05d}.parquet"
        return write_rows(folder, path, lived.stretch(keys, span), (span.start, span.stop - 1))

    with psycopg.connect(url, autocommit=True) as connection, ThreadPoolExecutor(_WRITERS) as writers:
        for number, keys in enumerate(plan.blocks()):
            files = list(writers.map(write, [keys] * len(plan.spans()), plan.spans()))
            with connection.transaction():
                exchange_files(connection, FileKind.READINGS, files)
            say(f"  batteries {keys.start}...{keys.stop - 1}: {sum(f.row_count for f in files):,} rows")
            if number == 0:
                make_hours(connection, folder, plan.sealed.stop)
                _extend_hours(connection, folder, plan)


def _extend_hours(connection: psycopg.Connection, folder: Path, plan: HistoryPlan) -> None:
    """Repeats the longest stretch of hours until there is a year of them, a file a quarter."""
    there = current_files(connection, FileKind.HOURS)
    if not there:
        return
    longest = max(there, key=lambda file: file.last_day - file.first_day)
    table, length = read_table(folder, longest.path), longest.last_day - longest.first_day + 1
    first = there[0].first_day
    while first > plan.days.stop - _YEAR:
        days = range(quarter_of(first - 1).start, first)
        pieces = [range(day, min(day + length, days.stop)) for day in range(days.start, days.stop, length)]
        moved = pa.concat_tables(moved_hours(table, longest.first_day, piece) for piece in pieces)
        moved = moved.sort_by([("battery_key", "ascending"), ("hour", "ascending")]).combine_chunks()
        path = f"{to_date(days.start):%Y/%m}/hours-{to_date(days.start):%Y%m}.parquet"
        with connection.transaction():
            exchange_files(connection, FileKind.HOURS, [write_table(folder, path, moved, (days.start, days.stop - 1))])
        first = days.start


def moved_hours(table: pa.Table, first_day: int, days: range) -> pa.Table:
    """Hours that begin with a day as those of other days, cut off where these end."""
    hours_us = table["hour"].cast(pa.int64()).to_numpy() + (days.start - first_day) * 24 * HOUR_US
    place = table.column_names.index("hour")
    moved = table.set_column(place, "hour", pa.array(hours_us, pa.timestamp("us")))
    return moved.filter(pc.less(pa.array(hours_us), days.stop * 24 * HOUR_US))


def fill_tables(url: str, plan: HistoryPlan, lived: LivedWeeks, now_us: int) -> int:
    """Copies the days after the sealed ones, today's until now included, in the order in which they would have come.

    Days that are over get their index, as a server gives it to them.

    Returns:
        Rows that were copied.
    """
    count = 0
    days = range(plan.sealed.stop, now_us // DAY_US + 1)
    with psycopg.connect(url, autocommit=True) as connection:
        create_partitions(connection, days)
        for day in days:
            rows = lived.stretch(plan.keys, range(day, day + 1))
            rows = rows[rows["sample_time_us"] <= now_us]
            order = np.argsort(rows["sample_time_us"], kind="stable")
            columns = f"COPY {partition_name(day)} ({COPY_COLUMNS}) FROM STDIN (FORMAT BINARY)"
            with connection.cursor().copy(columns) as copy:
                for piece in CopyEncoder().pieces(_stored(rows, order)):
                    copy.write(bytes(piece))
            count += len(rows)
    keeper = PartitionKeeper(url)
    for _ in range(2):  # a day counts as over when the second look finds no new rows
        keeper.run(now_us)
    return count


def _stored(rows: Rows, order: np.ndarray) -> Rows:
    """Rows of the archive as rows of the table, in another order."""
    stored = np.empty(len(order), TELEMETRY_DTYPE)
    for name in TELEMETRY_DTYPE.names or ():
        stored[name] = rows[name][order]
    return stored
