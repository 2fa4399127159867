"""Indexes that find the rows of one battery in a day of `reading`; they are built while rows are written.

A battery's rows of a day lie on as many pages as there are rows, since rows of all batteries come together. So indexes
hold all that history tells, and pages are left alone. A day that is over gets one index. Of the present day the hours
that are over are indexed, in thirds of a day, and the quarters of the present hour: few indexes are asked of a row that
comes now, which lies outside of all of them, and no row is sorted often.
"""

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import psycopg

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS
from storage.instants import to_datetime
from storage.partitions import DAY_US, partition_name
from storage.sql_files import read_sql

PART_INDEXES: Final = read_sql("part_indexes")
"""Asks for the indexes of parts of `partitions`."""

_COLUMNS: Final = (
    f"(battery_key, sample_time) INCLUDE (status, {', '.join((*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS))})"
)
_MINUTE_US: Final = 60_000_000
_QUARTER: Final = 15  # minutes, as what follows
_HOUR: Final = 60
_SEGMENT: Final = 8 * _HOUR
_DAY: Final = 24 * _HOUR
_SETTLED_US: Final = 300_000_000  # rows of a quarter come a little after it

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class PartIndex:
    """An index of part of a day.

    Attributes:
        day: since 1970-01-01 UTC.
        first_minute: of the day, inclusive.
        last_minute: exclusive, at most 1,440.
        valid: whether it is sound.
        name: its name; one that is to be made has the usual one.
    """

    day: int
    first_minute: int
    last_minute: int
    valid: bool = True
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not self.name:
            ends = (f"_h{minute // _HOUR:02d}{minute % _HOUR:02d}" for minute in (self.first_minute, self.last_minute))
            object.__setattr__(self, "name", partition_name(self.day) + "".join(ends))

    @property
    def times_us(self) -> tuple[int, int]:
        """First time, inclusive, and last, exclusive, microseconds since 1970 UTC."""
        start_us = self.day * DAY_US
        return start_us + self.first_minute * _MINUTE_US, start_us + self.last_minute * _MINUTE_US


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
        for name in [part.name for part in part_indexes(connection, day)] + [index] * damaged:
            connection.execute(f"DROP INDEX CONCURRENTLY {name}")
        connection.execute(f"CREATE INDEX CONCURRENTLY {index} ON {partition} {_COLUMNS}")
        _make_visible(connection, partition)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("index %s is left for the next round: %s", index, error)
        return False
    return True


def index_parts(connection: Connection, now_us: int) -> list[PartIndex]:
    """Indexes the hours of the present day that are over, and the quarters of the present hour.

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
    there, wanted = part_indexes(connection, day), _wanted(day, now_us)
    try:
        for index in wanted:
            if index not in there:
                if any(other.name == index.name for other in there):  # what an attempt that failed has left
                    connection.execute(f"DROP INDEX CONCURRENTLY {index.name}")
                _create(connection, index)
                built.append(index)
        kept = {index.name for index in wanted}
        for index in there:
            if index not in wanted and index.name not in kept:  # a wanted one covers its part
                connection.execute(f"DROP INDEX CONCURRENTLY {index.name}")
        if built:
            _make_visible(connection, partition_name(day))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
        _log.info("hours of %s are left for the next round: %s", partition_name(day), error)
    return built


def part_indexes(connection: Connection, day: int) -> list[PartIndex]:
    """Indexes of parts that a day has, damaged ones among them, earliest first."""
    rows = connection.execute(PART_INDEXES, {"partitions": [partition_name(day)]}).fetchall()
    return [PartIndex(day, *of_day) for _, *of_day in rows]


def _wanted(day: int, now_us: int) -> list[PartIndex]:
    """Indexes of all that is over: whole segments, the hours since the last one, and the quarters since these."""
    over = min((now_us - _SETTLED_US - day * DAY_US) // _MINUTE_US // _QUARTER * _QUARTER, _DAY)
    hours = max(over, 0) // _HOUR * _HOUR
    ends = [*range(0, hours, _SEGMENT), hours, over]
    return [PartIndex(day, first, last) for first, last in pairwise(ends) if first < last]


def _create(connection: Connection, index: PartIndex) -> None:
    begin, end = (to_datetime(time_us).isoformat() for time_us in index.times_us)
    connection.execute(
        f"CREATE INDEX CONCURRENTLY {index.name} ON {partition_name(index.day)} {_COLUMNS} "
        f"WHERE sample_time < '{end}' AND sample_time >= '{begin}'"  # in this order: one look at a row that comes now
    )


def _make_visible(connection: Connection, partition: str) -> None:
    """Marks pages whose rows everybody sees, without which an index does not save looking at them."""
    connection.execute(f"VACUUM (ANALYZE, TRUNCATE false) {partition}")
