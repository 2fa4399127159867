"""The server's own choice of buckets: fine enough to be true, coarse enough to be drawn."""

from typing import Any, Final

from batterytwin.errors import InvalidArgumentError
from twin_server.history_request import DAY_US, HOUR_US, read_bucket_us

_S: Final = 1_000_000
_MINUTE: Final = 60 * _S

RAW_UP_TO_US: Final = 30 * DAY_US
"""Longest time that is answered with raw rows, us."""

HOURLY_UP_TO_US: Final = 731 * DAY_US
"""Longest time that is answered with buckets of one hour, us: two years, which fill one page."""

LENGTHS_US: Final = (
    *(n * _S for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR_US for n in (1, 2, 3, 6, 12)),
    *(n * DAY_US for n in (1, 2, 7, 14, 30, 90)),
)
"""Lengths to choose from: those that people count time in."""

_FEWEST_POINTS: Final = 10
_MOST_POINTS: Final = 20_000


def chosen_bucket_us(request: Any, start_us: int, end_us: int) -> int | None:
    """Length of the buckets of a query, its own or the server's choice, us; None = raw rows.

    Args:
        request: a `QueryHistoryRequest`.
        start_us: first time, us since 1970 UTC.
        end_us: last time.

    Raises:
        InvalidArgumentError: the length is out of range, given beside `auto_bucket`, or `max_points` cannot be used.
    """
    bucket_us = read_bucket_us(request)
    points: int = request.max_points
    if not request.auto_bucket:
        if points:
            raise InvalidArgumentError(
                "max_points needs auto_bucket; set it, or leave max_points out.", field="max_points", value=points
            )
        return bucket_us
    if bucket_us is not None:
        raise InvalidArgumentError("Give either bucket or auto_bucket.", field="bucket", value=f"{bucket_us / 1e6:g} s")
    if points and not _FEWEST_POINTS <= points <= _MOST_POINTS:
        raise InvalidArgumentError(
            f"max_points is {points}; give {_FEWEST_POINTS}...{_MOST_POINTS:,}, or 0 for no limit.",
            field="max_points",
            value=points,
        )
    return automatic_bucket_us(end_us - start_us, points)


def automatic_bucket_us(span_us: int, max_points: int = 0) -> int | None:
    """Raw rows up to 30 days, one hour up to two years, one day beyond; longer where that gives too many points.

    How closely a battery is sampled changes (a minute on float, a second in an outage), so a limit of points always
    means buckets; those that hold one row show that row.

    Args:
        span_us: time to be shown, us.
        max_points: most points wanted, give or take the one bucket that lies across an end; 0 = no matter.

    Returns:
        Length, us; None = raw rows.
    """
    least_us = 0 if span_us <= RAW_UP_TO_US else HOUR_US if span_us <= HOURLY_UP_TO_US else DAY_US
    if max_points:
        least_us = max(least_us, -(-span_us // max_points))
    if not least_us:
        return None
    return next((length for length in LENGTHS_US if length >= least_us), LENGTHS_US[-1])
