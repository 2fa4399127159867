"""Forgets drills and projections that nobody has deleted, once they are old."""

from typing import Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.sql_files import read_sql

_STATEMENTS: Final = tuple(read_sql(name) for name in ("forget_drills", "forget_projections"))


def forget_what_ifs(url: str, kept_days: int) -> int:
    """Deletes drills that ended, and projections that were over, more than so many days ago; the audit trail stays.

    Args:
        url: libpq connection string or URL.
        kept_days: younger ones stay, days.

    Returns:
        How many were deleted.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    try:
        with psycopg.connect(url, autocommit=True, application_name="batterytwin what-ifs") as connection:
            return sum(connection.execute(statement, {"kept_days": kept_days}).rowcount for statement in _STATEMENTS)
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Old what-ifs cannot be forgotten now: {error}", retry_after_s=1.0) from error
