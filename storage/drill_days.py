"""Partitions of `reading` in the database of a drill: made ahead, and dropped once they are old; nothing seals them."""

from typing import Final

import psycopg
from psycopg import sql

from batterytwin.errors import StoreUnavailableError
from storage.partitions import DAY_US, create_partitions, day_of
from storage.sql_files import read_sql

_PARTITIONS: Final = read_sql("reading_partitions")
_OPTIONS: Final = "-c timezone=UTC -c lock_timeout=2s -c client_min_messages=warning"


def keep_days(url: str, now_us: int, kept_days: int) -> None:
    """Makes the partitions of today and tomorrow, and drops those of days long over; blocking.

    They are not logged: the log is the live database's too, whose commits would wait for what drills write, as every
    drop of a drill would at its checkpoint. They get no indexes but the one that all have: those of a day of the whole
    fleet take 16 s to build, which is most of what such a day takes in a fast drill.

    Args:
        url: libpq connection string or URL.
        now_us: present time of the drill, microseconds since 1970 UTC.
        kept_days: days before today that are kept.

    Raises:
        StoreUnavailableError: the database does not answer, or a long query is in the way.
    """
    today = now_us // DAY_US
    try:
        with psycopg.connect(url, autocommit=True, options=_OPTIONS, application_name="batterytwin days") as connection:
            create_partitions(connection, [today, today + 1], logged=False)
            for name, *_ in connection.execute(_PARTITIONS).fetchall():
                if day_of(name) < today - kept_days:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Partitions cannot be looked after now: {error}", retry_after_s=1.0) from error
