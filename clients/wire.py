"""Small conversions that every `*_proto` module needs: times, enum numbers, columns."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TypeVar

import numpy as np
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError

_Enum = TypeVar("_Enum", bound=IntEnum)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_from_proto(timestamp: Timestamp) -> datetime:
    """Reads a time, UTC, rounded down to 1 us."""
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1_000)


def optional_time(message: Message, field: str) -> datetime | None:
    """Reads a time that may be absent; None = absent."""
    return time_from_proto(getattr(message, field)) if message.HasField(field) else None


def time_to_proto(time: datetime | None, field: str) -> Timestamp | None:
    """Writes a time; None stays None.

    Raises:
        InvalidArgumentError: the time has no zone, so what it means depends on the machine.
    """
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidArgumentError(
            f"{field} has no time zone; give it one, for example datetime(..., tzinfo=UTC).", field=field, value=time
        )
    elapsed = time - _EPOCH
    return Timestamp(
        seconds=elapsed // timedelta(seconds=1), nanos=(elapsed % timedelta(seconds=1)).microseconds * 1_000
    )


def enum_from_number(kind: type[_Enum], number: int) -> _Enum | int:
    """The member of an enum with this number, or the number itself where this version has no name for it."""
    try:
        return kind(number)
    except ValueError:
        return number


def float_column(values: Iterable[float]) -> NDArray[np.float32]:
    """A column of floats, float32, shape `(n_rows,)`."""
    return np.asarray(values, dtype=np.float32)


def int_column(values: Iterable[int]) -> NDArray[np.int32]:
    """A column of counts or enum numbers, int32, shape `(n_rows,)`."""
    return np.asarray(values, dtype=np.int32)


def time_column(values: Iterable[int]) -> NDArray[np.int64]:
    """A column of times, nanoseconds since 1970-01-01 UTC, int64, shape `(n_rows,)`."""
    return np.asarray(values, dtype=np.int64)
