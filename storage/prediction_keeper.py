"""Thins predictions out, away from the calls that write them."""

from typing import Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.sql_files import read_sql

_STATEMENTS: Final = tuple(
    read_sql(name)
    for name in ("expire_predictions", "expire_prediction_inputs", "thin_predictions", "thin_prediction_inputs")
)


def thin_predictions(url: str, hourly_days: int, kept_days: int) -> int:
    """Deletes all but the first prediction of each day, and what is too old.

    Args:
        url: libpq connection string or URL.
        hourly_days: younger ones stay as they are, days.
        kept_days: older ones go, days.

    Returns:
        How many rows were deleted.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    values = {"hourly_days": hourly_days, "kept_days": kept_days}
    try:
        with psycopg.connect(
            url, autocommit=True, options="-c timezone=UTC", application_name="batterytwin predictions"
        ) as connection:
            return sum(connection.execute(statement, values).rowcount for statement in _STATEMENTS)
    except psycopg.Error as error:
        raise StoreUnavailableError(f"Predictions cannot be looked after now: {error}", retry_after_s=1.0) from error
