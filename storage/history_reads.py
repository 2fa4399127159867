"""Stored readings and estimates of one battery over time, as NumPy columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from batterytwin.errors import InvalidArgumentError
from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, TRACED_COLUMNS
from storage.history_columns import listed, newest_columns, stored_columns, trace_join
from storage.instants import POSTGRES_EPOCH_US, to_datetime
from storage.sql_files import read_sql
from storage.store_pool import StorePool

HISTORY_METRICS: Final = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS, *TRACED_COLUMNS)
"""Columns that can be asked for."""

_RAW = sql.SQL(read_sql("history_raw").decode())
_BUCKETS = sql.SQL(read_sql("history_buckets").decode())
_COUNT_LATE = read_sql("count_late")


@dataclass(frozen=True, slots=True)
class HistoryRows:
    """One page of aligned series, each of shape `(n_points,)`.

    Attributes:
        time_us: sample time, or start of the bucket, microseconds since 1970 UTC, rising, int64.
        values: raw value or mean of the bucket by metric, float32; NaN = not measured.
        minimums: smallest value of each bucket by metric, float32; empty for raw rows.
        maximums: largest value of each bucket by metric, float32; empty for raw rows.
        row_count: rows in each bucket, int32; ones for raw rows.
        suspect: whether the row (or one of the bucket) was implausible and not applied, bool.
        more: whether points follow; ask again with `after_us = time_us[-1]`.
    """

    time_us: NDArray[np.int64]
    values: dict[str, NDArray[np.float32]]
    minimums: dict[str, NDArray[np.float32]]
    maximums: dict[str, NDArray[np.float32]]
    row_count: NDArray[np.int32]
    suspect: NDArray[np.bool_]
    more: bool


class HistoryReads(StorePool):
    """Questions about tables `reading` and `late_reading`, with `revised_estimate` and `model_trace` beside them."""

    async def query_history(
        self,
        battery_key: int,
        start_us: int,
        end_us: int,
        metrics: Sequence[str],
        *,
        bucket_us: int | None,
        after_us: int | None,
        limit: int,
    ) -> HistoryRows:
        """One page of the history of a battery; late readings stand in their place, estimates are the newest.

        Args:
            battery_key: database key of the battery.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
            metrics: names out of `HISTORY_METRICS`, at least one.
            bucket_us: length of the buckets, aligned to 1970-01-01 UTC; None = raw rows.
            after_us: last `time_us` of the page before; None = first page.
            limit: points in a page, at least 1.

        Raises:
            InvalidArgumentError: an unknown metric, or none; a time out of range.
        """
        names = _checked(metrics)
        if after_us is not None:
            start_us = max(start_us, after_us + (bucket_us or 1))
        parameters: dict[str, object] = {
            "battery_key": battery_key,
            "start": to_datetime(start_us),
            "end": to_datetime(end_us),
            "limit": limit + 1,  # one more tells whether another page follows
        }
        if bucket_us is not None:
            parameters["bucket"] = timedelta(microseconds=bucket_us)
        query = _raw_query(names) if bucket_us is None else _bucket_query(names)
        async with self._connection() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(query, parameters)
            return _rows_of((await cursor.fetchall())[0], names, bucketed=bucket_us is not None, limit=limit)

    async def late_count(self) -> int:
        """Readings that came later than their twin's watermark, since the first start."""
        async with self._connection() as connection:
            cursor = await connection.execute(_COUNT_LATE)
            return int((await cursor.fetchall())[0].rows)


def _checked(metrics: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(metrics))
    for name in names:
        if name not in HISTORY_METRICS:
            raise InvalidArgumentError(f"There is no metric {name[:64]}.", field="metrics", value=name)
    if not names:
        raise InvalidArgumentError("Ask for at least one metric.", field="metrics")
    return names


def _raw_query(names: Sequence[str]) -> sql.Composed:
    packed = sql.SQL("string_agg(float4send({0}), '' ORDER BY sample_time) AS {0}")
    return _RAW.format(
        names=stored_columns(names),
        newest=newest_columns(names),
        trace=trace_join(names),
        columns=listed(packed.format(sql.Identifier(name)) for name in names),
    )


def _bucket_query(names: Sequence[str]) -> sql.Composed:
    sums = sql.SQL("{function}(NULLIF({name}, 'NaN'))::real AS {column}")
    packed = sql.SQL("string_agg(float4send(coalesce({0}, 'NaN')), '' ORDER BY bucket_start) AS {0}")
    triples = [(name, function) for name in names for function in ("avg", "min", "max")]
    return _BUCKETS.format(
        names=stored_columns(names),
        newest=newest_columns(names),
        trace=trace_join(names),
        sums=listed(
            sums.format(function=sql.SQL(f), name=sql.Identifier(n), column=sql.Identifier(f"{f}_{n}"))
            for n, f in triples
        ),
        columns=listed(packed.format(sql.Identifier(f"{f}_{n}")) for n, f in triples),
    )


def _rows_of(row: Any, names: Sequence[str], *, bucketed: bool, limit: int) -> HistoryRows:
    def column(name: str, dtype: str) -> NDArray[Any]:
        packed = np.frombuffer(getattr(row, name) or b"", dtype)[:limit]
        return packed.astype(packed.dtype.newbyteorder("="))

    def columns(prefix: str) -> dict[str, NDArray[np.float32]]:
        return {name: column(prefix + name, ">f4") for name in names}

    time_us = column("sample_time", ">i8") + POSTGRES_EPOCH_US
    return HistoryRows(
        time_us=time_us,
        values=columns("avg_" if bucketed else ""),
        minimums=columns("min_") if bucketed else {},
        maximums=columns("max_") if bucketed else {},
        row_count=column("row_count", ">i4") if bucketed else np.ones(len(time_us), np.int32),
        suspect=column("suspect", "?"),
        more=len(row.sample_time or b"") // 8 > limit,
    )
