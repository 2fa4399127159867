"""Table `reading` is partitioned by UTC day; partitions are made when they are first needed."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any, Final

import psycopg

from batterytwin.errors import InvalidArgumentError, Reason
from storage.timescale import is_hypertable

DAY_US: Final = 86_400_000_000
"""Microseconds in a day."""

_EPOCH: Final = date(1970, 1, 1)
_LOCK_KEY: Final = 6203154003

Connection = psycopg.Connection[Any]


def partition_name(day: int) -> str:
    """Name of the partition of a day.

    Args:
        day: days since 1970-01-01 UTC.

    Raises:
        InvalidArgumentError: the day lies outside the years 1 to 9999.
    """
    return f"reading_{_date(day):%Y%m%d}"


def writable_table(connection: Connection, day: int, *, logged: bool = True) -> str:
    """Table that takes rows of a day, made when it is missing: the day's partition, or the hypertable of all days.

    Args:
        connection: in autocommit mode, outside a transaction.
        day: days since 1970-01-01 UTC.
        logged: whether its rows survive a crash of the database server, where the partition is made here.

    Raises:
        InvalidArgumentError: the day lies outside the years 1 to 9999.
        psycopg.OperationalError: the database is away.
    """
    name = partition_name(day)
    if is_hypertable(connection):
        return "reading"
    create_partitions(connection, [day], logged=logged)
    return name


def day_of(name: str) -> int:
    """Day of a partition by its name, in days since 1970-01-01 UTC."""
    digits = name.removeprefix("reading_")
    return (date(int(digits[:-4]), int(digits[-4:-2]), int(digits[-2:])) - _EPOCH).days


def create_partitions(connection: Connection, days: Collection[int], *, logged: bool = True) -> None:
    """Makes the partitions that are missing; several processes may do so at once.

    A partition is made as a table and then attached: unlike CREATE TABLE ... PARTITION OF, this locks out neither
    readers nor writers of the other days. A hypertable makes its chunks by itself: then this does nothing.

    Args:
        connection: in autocommit mode, outside a transaction.
        days: days since 1970-01-01 UTC.
        logged: whether their rows survive a crash of the database server.

    Raises:
        InvalidArgumentError: a day lies outside the years 1 to 9999.
        psycopg.OperationalError: the database is away.
    """
    with connection.transaction():
        if is_hypertable(connection):
            return
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        for day in sorted(days):
            name = partition_name(day)
            row = connection.execute("SELECT to_regclass(%s) IS NULL", (name,)).fetchone()
            if row is None or not row[0]:
                continue
            first, next_day = _date(day), _date(day) + timedelta(days=1)
            kind = "TABLE" if logged else "UNLOGGED TABLE"
            connection.execute(f"CREATE {kind} {name} (LIKE reading INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            connection.execute(
                f"ALTER TABLE reading ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{first} 00:00:00+00') TO ('{next_day} 00:00:00+00')"
            )


def _date(day: int) -> date:
    try:
        return _EPOCH + timedelta(days=day)
    except OverflowError:
        raise InvalidArgumentError(
            "A sample time lies outside the years 1 to 9999.", reason=Reason.TIME_OUT_OF_RANGE, value=day
        ) from None
