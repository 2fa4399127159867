"""Questions of a shard about tables `reading` and `late_reading`."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import MEASURED_COLUMNS, TELEMETRY_DTYPE, Rows
from storage.instants import to_datetime
from storage.packed_rows import ALL_COLUMNS, read_packed
from storage.partitions import DAY_US
from storage.sql_files import read_sql

_READ_TAIL: Final = read_sql("read_tail")
_REPLAYED: Final = (*MEASURED_COLUMNS, "status")
_STORED_PAIRS: Final = read_sql("stored_pairs")

Connection = psycopg.Connection[Any]


def read_tail(connection: Connection, watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:
    """Log of rows newer than each battery's watermark, `TELEMETRY_DTYPE`, sorted by battery and sample time.

    Late rows that were applied stand in their place, and the newest revision's judgement stands for the first one.

    Args:
        connection: in autocommit mode, outside a transaction.
        watermarks_us: `{battery_key: microseconds since 1970 UTC}`.
        told: with what the twin told then; without it, which is half the work, estimates are NaN.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    keys = np.fromiter(watermarks_us.keys(), np.int32, len(watermarks_us))
    marks = np.fromiter(watermarks_us.values(), np.int64, len(watermarks_us))
    parts = [np.empty(0, TELEMETRY_DTYPE)]
    # A battery that has been silent for a month must not make all others be searched for a month back.
    for _, places in _by_day(marks):
        parameters = {
            "keys": keys[places].tolist(),
            "watermarks": [to_datetime(us) for us in marks[places].tolist()],
            "oldest": to_datetime(int(marks[places].min())),
        }
        parts.append(read_packed(connection, _READ_TAIL, parameters, ALL_COLUMNS if told else _REPLAYED))
    if len(parts) <= 2:
        return parts[-1]
    rows = np.concatenate(parts)
    return rows[np.argsort(rows["battery_key"], kind="stable")]


def find_rows(
    connection: Connection, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], Rows]:
    """Which pairs of battery and sample time are in `reading` or `late_reading`, and what was measured then.

    Args:
        connection: in autocommit mode.
        battery_keys: shape `(n_pairs,)`.
        sample_times_us: microseconds since 1970 UTC, shape `(n_pairs,)`.

    Returns:
        Whether each pair is stored, and its measured columns in `TELEMETRY_DTYPE`, both of shape `(n_pairs,)`.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    stored, rows = np.zeros(len(battery_keys), np.bool_), np.zeros(len(battery_keys), TELEMETRY_DTYPE)
    for _, places in _by_day(sample_times_us):
        times = sample_times_us[places]
        cursor = connection.cursor(binary=True).execute(
            _STORED_PAIRS,
            {
                "keys": battery_keys[places].tolist(),
                "times": [to_datetime(us) for us in times.tolist()],
                "first": to_datetime(int(times.min())),
                "last": to_datetime(int(times.max())),
            },
            prepare=False,  # with its numbers in sight the planner leaves other days out before it locks them
        )
        for place, *measured in cursor:
            mine = places[int(place) - 1]
            stored[mine] = True
            for name, value in zip(MEASURED_COLUMNS, measured, strict=True):
                rows[name][mine] = value
    return stored, rows


def _by_day(times_us: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each UTC day among the times, with the places of its times."""
    days = times_us // DAY_US
    for day in np.unique(days):
        yield int(day), np.flatnonzero(days == day)
