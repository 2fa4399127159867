"""Thins snapshots of twins out, away from the commits that write them."""

from datetime import timedelta
from typing import Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from batterytwin.events import REACH_US
from storage.sql_files import read_sql

_THIN: Final = read_sql("thin_snapshots")
_DROP_LIVES: Final = read_sql("drop_old_lives")


def thin_snapshots(url: str, kept_days: int) -> int:
    """Deletes the snapshots that neither a restart, nor a late reading, nor a question about the past will need.

    Of those that only such questions need, what the twin remembered of its life goes.

    Args:
        url: libpq connection string or URL.
        kept_days: as long as raw readings are kept, days.

    Returns:
        How many were deleted.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(
            url, autocommit=True, options="-c timezone=UTC", application_name="batterytwin snapshots"
        ) as connection:
            deleted = connection.execute(_THIN, {"kept_days": kept_days}).rowcount
            connection.execute(_DROP_LIVES, {"reach": timedelta(microseconds=REACH_US)})
            return deleted
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Snapshots cannot be looked after now: {error}", retry_after_s=1.0) from error
