"""History in buckets of whole hours where TimescaleDB keeps the hours: they outlive the readings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from psycopg import AsyncConnection, sql

from batterytwin.telemetry import TRACED_COLUMNS
from storage.history_columns import listed, newest_columns, stored_columns, trace_join
from storage.instants import to_datetime
from storage.sql_files import read_sql
from storage.timescale import IS_HYPERTABLE

_HOUR_US: Final = 3_600_000_000
_HOURS: Final = sql.SQL(read_sql("history_hours").decode())
_TRACES: Final = sql.SQL(read_sql("history_hour_traces").decode())
_HOURS_ONLY: Final = read_sql("hours_only_until")


async def hours_query(
    connection: AsyncConnection[Any], names: Sequence[str], bucket_us: int | None
) -> sql.Composed | None:
    """Statement that answers from hours, or None where rows have to be asked.

    It takes the parameters of `history_buckets.sql` and those of `hour_bounds`, and answers alike.

    Args:
        connection: of the store.
        names: metrics that are asked for.
        bucket_us: length of the buckets; None = raw rows.

    Raises:
        psycopg.Error: the database is away.
    """
    if bucket_us is None or bucket_us % _HOUR_US:
        return None
    return _query(names) if await _is_hypertable(connection) else None


async def last_hour_alone(
    connection: AsyncConnection[Any], battery_key: int, start_us: int, end_us: int
) -> datetime | None:
    """The last hour between two times that is older than the readings; None = there is none, or no hypertable.

    Raises:
        psycopg.Error: the database is away.
    """
    if not await _is_hypertable(connection):
        return None
    values = {"battery_key": battery_key, "start": to_datetime(start_us), "end": to_datetime(end_us)}
    row = await (await connection.execute(_HOURS_ONLY, values)).fetchone()
    return None if row is None else row[0]


async def _is_hypertable(connection: AsyncConnection[Any]) -> bool:
    row = await (await connection.execute(IS_HYPERTABLE)).fetchone()
    return row is not None and bool(row[0])


def hour_bounds(start_us: int, end_us: int) -> dict[str, object]:
    """First whole hour between two times, and the end of the last one, as parameters; both the end if there is none."""
    first_us, last_us = -(-start_us // _HOUR_US) * _HOUR_US, end_us // _HOUR_US * _HOUR_US
    if last_us <= first_us:
        first_us = last_us = end_us
    return {"first_hour": to_datetime(first_us), "last_hour": to_datetime(last_us)}


def _query(names: Sequence[str]) -> sql.Composed:
    of_rows = sql.SQL(
        "count(NULLIF({0}, 'NaN')) AS {1}, sum(NULLIF({0}, 'NaN')::double precision) AS {2}, "
        "min(NULLIF({0}, 'NaN')) AS {3}, max(NULLIF({0}, 'NaN')) AS {4}"
    )
    of_parts = sql.SQL("(sum({2}) / NULLIF(sum({1}), 0))::real AS {0}, min({3}) AS {3}, max({4}) AS {4}")
    of_trace = sql.SQL(
        "({0} <> 'NaN')::int, NULLIF({0}, 'NaN')::double precision, NULLIF({0}, 'NaN'), NULLIF({0}, 'NaN')"
    )
    none = sql.SQL("0, NULL::double precision, NULL::real, NULL::real")
    traced = [name in TRACED_COLUMNS for name in names]
    trace_parts = listed(
        of_trace.format(sql.Identifier("t", name)) if is_traced else none
        for name, is_traced in zip(names, traced, strict=True)
    )
    packed = sql.SQL("string_agg(float4send(coalesce({0}, 'NaN')), '' ORDER BY bucket_start) AS {0}")
    parts = [[sql.Identifier(f"{part}_{name}") for part in ("n", "sum", "min", "max")] for name in names]
    return _HOURS.format(
        names=stored_columns(names),
        newest=newest_columns(names),
        row_parts=listed(of_rows.format(sql.Identifier(name), *of) for name, of in zip(names, parts, strict=True)),
        hour_parts=listed(none if is_traced else listed(of) for of, is_traced in zip(parts, traced, strict=True)),
        trace=trace_join(names),
        traces=_TRACES.format(trace_parts=trace_parts) if any(traced) else sql.SQL(""),
        sums=listed(of_parts.format(sql.Identifier(f"avg_{name}"), *of) for name, of in zip(names, parts, strict=True)),
        columns=listed(
            packed.format(sql.Identifier(f"{part}_{name}")) for name in names for part in ("avg", "min", "max")
        ),
    )
