"""Columns of history in SQL: where each metric is stored, and how a row is told as it is known now.

Statements that use these call rows as stored `page`, the newest revision of their estimates `revised`, and the hourly
states of the model `trace`.
"""

from collections.abc import Iterable, Sequence

from psycopg import sql

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, TRACED_COLUMNS

_TRACE = sql.SQL(
    "LEFT JOIN model_trace trace ON trace.battery_key = %(battery_key)s AND trace.sample_time = page.sample_time"
)


def stored_columns(metrics: Sequence[str]) -> sql.Composed:
    """Columns to read of a row as stored; at least one."""
    stored = [name for name in metrics if name not in TRACED_COLUMNS]
    return listed(sql.Identifier(name) for name in stored or MEASURED_COLUMNS[:1])


def row_columns(metrics: Sequence[str], *, lateness: bool = False) -> sql.Composed:
    """Columns of a row of a page out of `reading`: time, status, if wanted that it is not late, and what is asked for.

    Args:
        metrics: what is asked for.
        lateness: whether column `late` is wanted.
    """
    own = sql.SQL("sample_time, status, false AS late") if lateness else sql.SQL("sample_time, status")
    return listed([own, stored_columns(metrics)])


def newest_columns(metrics: Sequence[str]) -> sql.Composed:
    """Each metric as it is known now: estimates may have been computed anew, and most rows have no traced value."""
    return listed(_newest(name) for name in metrics)


def trace_join(metrics: Sequence[str]) -> sql.SQL:
    """Joins the hourly rows where one of their columns is asked for."""
    return _TRACE if any(name in TRACED_COLUMNS for name in metrics) else sql.SQL("")


def listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    """Parts with commas between them."""
    return sql.Composed(list(parts)).join(", ")


def _newest(name: str) -> sql.Composed:
    if name in TRACED_COLUMNS:
        return sql.SQL("coalesce(trace.{0}, 'NaN') AS {0}").format(sql.Identifier(name))
    if name in STORED_ESTIMATE_COLUMNS:
        return sql.SQL("coalesce(revised.{0}, page.{0}) AS {0}").format(sql.Identifier(name))
    return sql.SQL("page.{0}").format(sql.Identifier(name))
