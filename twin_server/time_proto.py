"""Times (int64 microseconds since 1970 UTC) to and from `google.protobuf.Timestamp`."""

from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.errors import InvalidArgumentError, Reason


def us_to_timestamp(time_us: int) -> Timestamp:
    """Timestamp of a time in microseconds."""
    seconds, micros = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1_000)


def optional_timestamp(time_us: int | None) -> Timestamp | None:
    """Like `us_to_timestamp`; None (and 0, which stands for "none yet" in the columns) stays None."""
    return us_to_timestamp(time_us) if time_us else None


def timestamp_to_us(timestamp: Timestamp, field: str) -> int:
    """Time in microseconds, rounded down.

    Raises:
        InvalidArgumentError: outside the years 1 to 9999 (TIME_OUT_OF_RANGE).
    """
    if not (-62_135_596_800 <= timestamp.seconds < 253_402_300_800 and 0 <= timestamp.nanos < 1_000_000_000):
        raise InvalidArgumentError(
            f"{field} is not a time between the years 1 and 9999.",
            reason=Reason.TIME_OUT_OF_RANGE,
            field=field,
            value=f"{timestamp.seconds} s {timestamp.nanos} ns",
        )
    return timestamp.seconds * 1_000_000 + timestamp.nanos // 1_000
