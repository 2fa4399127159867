"""History of one battery out of the tables: recent rows, late ones in their place, with the newest estimates."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from batterytwin.telemetry import TRACED_COLUMNS
from storage.history_columns import listed, newest_columns, row_columns, stored_columns, trace_join
from storage.history_rows import HistoryRows
from storage.instants import POSTGRES_EPOCH_US, to_datetime
from storage.reading_pieces import pieces_query, reading_pieces
from storage.sql_files import read_sql
from storage.store_pool import Connection
from storage.timescale_hours import hour_bounds, hours_query

_RAW: Final = sql.SQL(read_sql("history_raw").decode())
_BUCKETS: Final = sql.SQL(read_sql("history_buckets").decode())
_TRACED: Final = sql.SQL(read_sql("traced_of_battery").decode())


async def hot_page(  # noqa: PLR0917 # what is asked for
    connection: Connection,
    battery_key: int,
    times_us: tuple[int, int],
    names: Sequence[str],
    bucket_us: int | None,
    limit: int,
) -> HistoryRows:
    """The first points between two times (the end exclusive), raw or in buckets.

    Raises:
        psycopg.Error: the database is away.
    """
    values: dict[str, object] = {
        "battery_key": battery_key,
        "start": to_datetime(times_us[0]),
        "end": to_datetime(times_us[1]),
        "limit": limit + 1,  # one more tells whether another page follows
    }
    if bucket_us is not None:
        values["bucket"] = timedelta(microseconds=bucket_us)
    query = await hours_query(connection, names, bucket_us)
    if query is not None:
        values |= hour_bounds(*times_us)
    else:
        pieces = await reading_pieces(connection, times_us)
        query = _raw_query(names, pieces) if bucket_us is None else _bucket_query(names, pieces)
    async with connection.cursor(binary=True) as cursor:
        # not prepared: a plan that has to serve any time cannot use an index of some hours
        await cursor.execute(query, values, prepare=False)
        return _rows_of((await cursor.fetchall())[0], names, bucketed=bucket_us is not None, limit=limit)


async def traced_values(
    connection: Connection, battery_key: int, time_us: NDArray[np.int64], names: Sequence[str]
) -> dict[str, NDArray[np.float32]]:
    """Hourly states of the model at some sample times, by name, NaN where there is none.

    Args:
        connection: of the store.
        battery_key: database key of the battery.
        time_us: rising, shape `(n_rows,)`.
        names: columns out of `TRACED_COLUMNS`.

    Raises:
        psycopg.Error: the database is away.
    """
    found = {name: np.full(len(time_us), np.nan, np.float32) for name in names}
    if not names or not len(time_us):
        return found
    traced_us, values = await traces_between(connection, battery_key, (int(time_us[0]), int(time_us[-1]) + 1), names)
    _, here, there = np.intersect1d(time_us, traced_us, return_indices=True)
    for name in names:
        found[name][here] = values[name][there]
    return found


async def traces_between(
    connection: Connection, battery_key: int, times_us: tuple[int, int], names: Sequence[str]
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float32]]]:
    """Hourly states of the model between two times, the end exclusive.

    Args:
        connection: of the store.
        battery_key: database key of the battery.
        times_us: first time and end, microseconds since 1970 UTC.
        names: columns out of `TRACED_COLUMNS`, at least one.

    Returns:
        Their sample times, rising, and their values by name, likewise.

    Raises:
        psycopg.Error: the database is away.
    """
    query = _TRACED.format(columns=_packed(names))
    values = {
        "battery_key": battery_key,
        "start": to_datetime(times_us[0]),
        "end": to_datetime(times_us[1]),
    }
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(query, values)
        row = (await cursor.fetchall())[0]
    traced_us = np.frombuffer(row.sample_time or b"", ">i8").astype(np.int64) + POSTGRES_EPOCH_US
    return traced_us, {name: np.frombuffer(getattr(row, name) or b"", ">f4").astype(np.float32) for name in names}


def is_traced(name: str) -> bool:
    """Whether a metric is stored once an hour, beside the readings."""
    return name in TRACED_COLUMNS


def _packed(names: Sequence[str]) -> sql.Composed:
    packed = sql.SQL("string_agg(float4send({0}), '' ORDER BY sample_time) AS {0}")
    return listed(packed.format(sql.Identifier(name)) for name in names)


def _raw_query(names: Sequence[str], pieces: Sequence[tuple[int, int]]) -> sql.Composed:
    return _RAW.format(
        pieces=pieces_query(pieces, row_columns(names), first_only=True),
        names=stored_columns(names),
        newest=newest_columns(names),
        trace=trace_join(names),
        columns=_packed(names),
    )


def _bucket_query(names: Sequence[str], pieces: Sequence[tuple[int, int]]) -> sql.Composed:
    sums = sql.SQL("{function}(NULLIF({name}, 'NaN'))::real AS {column}")
    packed = sql.SQL("string_agg(float4send(coalesce({0}, 'NaN')), '' ORDER BY bucket_start) AS {0}")
    triples = [(name, function) for name in names for function in ("avg", "min", "max")]
    return _BUCKETS.format(
        pieces=pieces_query(pieces, row_columns(names), first_only=False),
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
