"""What a question about history asks for, checked: time, quantities, buckets."""

from collections.abc import Sequence
from typing import Any, Final

from batterytwin.errors import InvalidArgumentError, Reason
from storage.history_buckets import is_fine
from storage.history_reads import HISTORY_METRICS
from storage.instants import to_datetime
from twin_server.history_proto import METRIC_NAMES
from twin_server.time_proto import timestamp_to_us

DAY_US: Final = 86_400_000_000
HOUR_US: Final = 3_600_000_000

LONGEST_RANGE_US: Final = 3_653 * DAY_US
"""Longest time that one question may span: 10 years with their leap days, us."""

LONGEST_FINE_RANGE_US: Final = 90 * DAY_US
"""Longest time that a query of raw rows or of buckets other than whole hours may span, us."""

_SHORTEST_BUCKET_US: Final = 1_000_000
_LONGEST_BUCKET_US: Final = 90 * DAY_US


def read_range_us(request: Any) -> tuple[int, int]:
    """First and last time of a question, microseconds since 1970 UTC.

    Args:
        request: a message with `start_time` and `end_time`.

    Raises:
        InvalidArgumentError: a time is missing or out of range, the end is not after the start, or there are more than
            10 years between them.
    """
    for field in ("start_time", "end_time"):
        if not request.HasField(field):
            raise InvalidArgumentError(f"{field} is missing; give the times to look between.", field=field)
    start_us = timestamp_to_us(request.start_time, "start_time")
    end_us = timestamp_to_us(request.end_time, "end_time")
    if end_us <= start_us:
        raise InvalidArgumentError("end_time must be later than start_time.", field="end_time")
    if end_us - start_us > LONGEST_RANGE_US:
        raise _too_long(start_us, end_us, "at most 10 years are answered; split it")
    return start_us, end_us


def check_fine_range(start_us: int, end_us: int, bucket_us: int | None) -> None:
    """Keeps raw rows and buckets other than whole hours to 90 days a query.

    They are made of readings, of which a long time has many; of what is years old only the hours may be left.

    Raises:
        InvalidArgumentError: the time between is longer (TIME_RANGE_TOO_LONG).
    """
    if end_us - start_us <= LONGEST_FINE_RANGE_US or not is_fine(bucket_us):
        return
    if bucket_us is not None and bucket_us > HOUR_US:
        raise _uneven(start_us, end_us, bucket_us)
    what = "raw rows" if bucket_us is None else "buckets below 1 h"
    raise _too_long(start_us, end_us, f"{what} are given for at most 90; split it, or ask for buckets of 1 h or more")


def readings_gone(until_us: int) -> InvalidArgumentError:
    """What is told who asks for readings of a time of which only hours are left."""
    until = f"{to_datetime(until_us):%Y-%m-%dT%H:%MZ}"
    return InvalidArgumentError(
        f"Of the time before {until} the readings are no longer kept, only hours: ask for buckets of 1 h or more, or "
        f"begin at {until}.",
        field="start_time",
        value=until,
    )


def read_bucket_us(request: Any) -> int | None:
    """Length of the buckets asked for, us; None = raw rows.

    Args:
        request: a message with `bucket`.

    Raises:
        InvalidArgumentError: the length is outside 1 s...90 d.
    """
    bucket_us: int = request.bucket.seconds * 1_000_000 + request.bucket.nanos // 1_000
    if bucket_us == 0:
        return None
    if not _SHORTEST_BUCKET_US <= bucket_us <= _LONGEST_BUCKET_US:
        raise InvalidArgumentError(
            f"The bucket is {bucket_us / 1e6:g} s; give 1 s to 90 d, or nothing for raw rows.",
            field="bucket",
            value=f"{bucket_us / 1e6:g} s",
        )
    return bucket_us


def read_metrics(numbers: Sequence[int]) -> list[str]:
    """Columns of the quantities asked for, in the order asked for; all of them for none.

    Raises:
        InvalidArgumentError: there is no such quantity.
    """
    if not numbers:
        return list(HISTORY_METRICS)
    unknown = [number for number in numbers if number not in METRIC_NAMES]
    if unknown:
        raise InvalidArgumentError(
            f"There is no metric number {unknown[0]}; 1 to {max(METRIC_NAMES)} are known.",
            field="metrics",
            value=unknown[0],
        )
    return list(dict.fromkeys(METRIC_NAMES[number] for number in numbers))


def _uneven(start_us: int, end_us: int, bucket_us: int) -> InvalidArgumentError:
    hours = bucket_us // HOUR_US
    return InvalidArgumentError(
        f"The bucket is {bucket_us / HOUR_US:g} h and the question spans {(end_us - start_us) / DAY_US:.1f} days; for "
        f"more than 90 give whole hours, for example {hours} h or {hours + 1} h.",
        reason=Reason.TIME_RANGE_TOO_LONG,
        field="bucket",
        value=f"{bucket_us / HOUR_US:g} h",
    )


def _too_long(start_us: int, end_us: int, what_to_do: str) -> InvalidArgumentError:
    days = (end_us - start_us) / DAY_US
    return InvalidArgumentError(
        f"The question spans {days:.1f} days; {what_to_do}.",
        reason=Reason.TIME_RANGE_TOO_LONG,
        field="end_time",
        value=f"{days:.1f} d",
    )
