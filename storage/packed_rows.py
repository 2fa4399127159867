"""Many rows of a query at once, without a Python object for each: packed by the server, unpacked by NumPy.

`COPY ... TO STDOUT` hands rows over one by one, and for each of them the driver makes an object: of a million rows that
takes longer than all the rest of a restore.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import POSTGRES_EPOCH_US
from storage.sql_files import read_sql

_KEY: Final = "battery_key"
_SEND: Final = {"<i2": "int2send", "<i4": "int4send", "<f4": "float4send"}
_SETTINGS: Final = (
    "statement_timeout = 0",  # it may be the whole log, which takes its time
    "enable_mergejoin = off",  # and to sort it for a join or for groups would take longer
    "enable_sort = off",
    "max_parallel_workers_per_gather = 0",  # each shard has a core of its own already
)
_TIME: Final = "sample_time_us"
ALL_COLUMNS: Final = tuple(name for name in TELEMETRY_DTYPE.names or () if name not in {_KEY, _TIME})
"""Columns of a row beside its battery and its sample time."""

_PACKED_TIME: Final = "string_agg(timestamptz_send(sample_time), '')"
_TEMPLATE: Final = read_sql("pack_rows").decode()

Connection = psycopg.Connection[Any]


def read_packed(
    connection: Connection, query: bytes, parameters: Mapping[str, object], columns: Sequence[str] = ALL_COLUMNS
) -> Rows:
    """Runs a query and returns its rows, sorted by battery and sample time.

    Args:
        connection: in autocommit mode, outside a transaction.
        query: a SELECT with the columns of `reading`, none of them null.
        parameters: of the query.
        columns: out of `ALL_COLUMNS`; the others are NaN and 0, and cost nothing.

    Returns:
        `TELEMETRY_DTYPE`, shape `(n_rows,)`.

    Raises:
        psycopg.Error: the query failed.
    """
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        for setting in _SETTINGS:
            cursor.execute(f"SET LOCAL {setting}".encode())
        statement = _TEMPLATE.replace("{columns}", ", ".join([_PACKED_TIME, *map(_packed, columns)]))
        cursor.execute(statement.replace("{rows}", query.decode()).encode(), parameters, prepare=False)
        parts = sorted(cursor, key=_battery_key)
    sizes = [len(part[1]) // TELEMETRY_DTYPE[_TIME].itemsize for part in parts]
    rows = np.empty(sum(sizes), TELEMETRY_DTYPE)
    for name in set(ALL_COLUMNS) - set(columns):
        rows[name] = np.nan if TELEMETRY_DTYPE[name].kind == "f" else 0
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        _unpack(part, columns, rows[start : start + size])
        start += size
    return rows


def _packed(name: str) -> str:
    return f"string_agg({_SEND[TELEMETRY_DTYPE[name].str]}({name}), '')"


def _battery_key(part: tuple[Any, ...]) -> int:
    return int(part[0])


def _unpack(part: tuple[Any, ...], columns: Sequence[str], into: Rows) -> None:
    into[_KEY] = part[0]
    times = _numbers(part[1], _TIME) + POSTGRES_EPOCH_US
    # Rows of one owner lie in order of time, unless the room of aborted ones was used again.
    order = None if (times[1:] >= times[:-1]).all() else np.argsort(times, kind="stable")
    into[_TIME] = times if order is None else times[order]
    for packed, name in zip(part[2:], columns, strict=True):
        values = _numbers(packed, name)
        into[name] = values if order is None else values[order]


def _numbers(packed: bytes, name: str) -> NDArray[Any]:
    return np.frombuffer(packed, TELEMETRY_DTYPE[name].newbyteorder(">"))
