"""Indexes that find the rows of one battery in a day of `reading`; they are built while rows are written.

A battery's rows of a day lie on as many pages as there are rows, since rows of all batteries come together. So indexes
hold all that history tells, and pages are left alone. A day that is over gets one index. Of the present day the hours
that are over are indexed, in thirds of a day: few indexes are asked of a row that comes now, which lies outside of all
of them, and no row is sorted often.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS
from storage.instants import to_datetime
from storage.partitions import DAY_US, partition_name
from storage.sql_files import read_sql

HOUR_INDEXES: Final = read_sql("hour_indexes")
"""Asks for the indexes of hours of `partitions`."""

_COLUMNS: Final = (
    f"(battery_key, sample_time) INCLUDE (status, {', '.join((*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS))})"
)
_HOUR_US: Final = 3_600_000_000
_SEGMENT_HOURS: Final = 8
_DAY_HOURS: Final = 24
_SETTLED_US: Final = 300_000_000  # rows of an hour come a little after it

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class HourIndex:
    """An index of some hours of a day.

    Attributes:
        day: since 1970-01-01 UTC.
        first_hour: of the day, inclusive.
        last_hour: exclusive, at most 24.
        valid: whether it is sound.
    """

    day: int
    first_hour: int
    last_hour: int
    valid: bool

    @property
    def name(self) -> str:
        """Name of the index."""
        return f"{partition_name(self.day)}_h{self.first_hour:02d}_h{self.last_hour:02d}"

    @property
    def times_us(self) -> tuple[int, int]:
        """First time, inclusive, and last, exclusive, microseconds since 1970 UTC."""
        start_us = self.day * DAY_US
        return start_us + self.first_hour * _HOUR_US, start_us + self.last_hour * _HOUR_US


def index_day(connection: Connection, day: int, *, damaged: bool) -> bool:
    """Gives a day that is over its index.

    Args:
        connection: in autocommit mode, with a `lock_timeout`.
        day: since 1970-01-01 UTC.
        damaged: whether an attempt that failed has left one.

    Returns:
        Whether it has been built; if not, a long query is in the way.

    Raises:
        psycopg.Error: the database is away.
    """
    partition = partition_name(day)
    index = f"{partition}_battery_time"
    try:
        for name in [part.name for part in hour_indexes(connection, day)] + [index] * damaged:
            connection.execute(f"DROP INDEX CONCURRENTLY {name}")
        connection.execute(f"CREATE INDEX CONCURRENTLY {index} ON {partition} {_COLUMNS}")
        _make_visible(connection, partition)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("index %s is left for the next round: %s", index, error)
        return False
    return True


def index_hours(connection: Connection, now_us: int) -> list[HourIndex]:
    """Indexes the hours of the present day that are over.

    Args:
        connection: in autocommit mode, with a `lock_timeout`.
        now_us: present time, microseconds since 1970 UTC.

    Returns:
        The indexes that were built.

    Raises:
        psycopg.Error: the database is away.
    """
    day = now_us // DAY_US
    built = []
    there = hour_indexes(connection, day)
    try:
        for wanted in _wanted(day, now_us):
            if wanted not in there:
                if any(index.name == wanted.name for index in there):  # what an attempt that failed has left
                    connection.execute(f"DROP INDEX CONCURRENTLY {wanted.name}")
                _create(connection, wanted)
                built.append(wanted)
            for index in there:
                if index.first_hour == wanted.first_hour and index.last_hour != wanted.last_hour:
                    connection.execute(f"DROP INDEX CONCURRENTLY {index.name}")
        if built:
            _make_visible(connection, partition_name(day))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("hours of %s are left for the next round: %s", partition_name(day), error)
    return built


def hour_indexes(connection: Connection, day: int) -> list[HourIndex]:
    """Indexes of hours that a day has, damaged ones among them, oldest hours first."""
    rows = connection.execute(HOUR_INDEXES, {"partitions": [partition_name(day)]}).fetchall()
    return [HourIndex(day, first, last, valid) for _, first, last, valid in rows]


def _wanted(day: int, now_us: int) -> Iterator[HourIndex]:
    """Indexes of all hours that are over: whole segments, and the hours since the last one."""
    over = min((now_us - _SETTLED_US - day * DAY_US) // _HOUR_US, _DAY_HOURS)
    for first in range(0, over, _SEGMENT_HOURS):
        yield HourIndex(day, first, min(first + _SEGMENT_HOURS, over), valid=True)


def _create(connection: Connection, index: HourIndex) -> None:
    begin, end = (to_datetime(time_us).isoformat() for time_us in index.times_us)
    connection.execute(
        f"CREATE INDEX CONCURRENTLY {index.name} ON {partition_name(index.day)} {_COLUMNS} "
        f"WHERE sample_time < '{end}' AND sample_time >= '{begin}'"  # in this order: one look at a row that comes now
    )


def _make_visible(connection: Connection, partition: str) -> None:
    """Marks pages whose rows everybody sees, without which an index does not save looking at them."""
    connection.execute(f"VACUUM (ANALYZE, TRUNCATE false) {partition}")
