"""Times of the product (int64 microseconds since 1970 UTC) as times of the database driver, and back."""

from datetime import UTC, datetime, timedelta

from batterytwin.errors import InvalidArgumentError, Reason

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01 UTC, from which PostgreSQL counts microseconds in its binary format, in microseconds since 1970."""


def to_datetime(time_us: int) -> datetime:
    """Time with zone UTC.

    Raises:
        InvalidArgumentError: the time lies outside the years 1 to 9999.
    """
    try:
        return EPOCH + timedelta(microseconds=time_us)
    except OverflowError:
        raise InvalidArgumentError(
            "The time lies outside the years 1 to 9999.", reason=Reason.TIME_OUT_OF_RANGE, value=time_us
        ) from None


def to_us(time: datetime) -> int:
    """Microseconds since 1970 UTC, exact."""
    return (time - EPOCH) // timedelta(microseconds=1)


def to_us_or_none(time: datetime | None) -> int | None:
    """Like `to_us`; None stays None."""
    return None if time is None else to_us(time)


def to_datetime_or_none(time_us: int | None) -> datetime | None:
    """Like `to_datetime`; None stays None."""
    return None if time_us is None else to_datetime(time_us)
