"""Drops the readings of days that are over for long, where nothing seals them first: in the databases of drills."""

from typing import Final

import psycopg
from psycopg import sql

from batterytwin.errors import StoreUnavailableError
from storage.partitions import DAY_US, day_of
from storage.sql_files import read_sql

_PARTITIONS: Final = read_sql("reading_partitions")
_OPTIONS: Final = "-c lock_timeout=2s -c client_min_messages=warning"


def drop_days_before(url: str, time_us: int) -> list[str]:
    """Drops the partitions of `reading` that end at or before a time; blocking.

    Args:
        url: libpq connection string or URL.
        time_us: microseconds since 1970 UTC.

    Returns:
        Names of the partitions dropped.

    Raises:
        StoreUnavailableError: the database does not answer, or a long query is in the way.
    """
    dropped = []
    try:
        with psycopg.connect(url, autocommit=True, options=_OPTIONS, application_name="batterytwin days") as connection:
            for name, *_ in connection.execute(_PARTITIONS).fetchall():
                if (day_of(name) + 1) * DAY_US <= time_us:
                    connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
                    dropped.append(str(name))
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Old days cannot be dropped now: {error}", retry_after_s=1.0) from error
    return dropped
