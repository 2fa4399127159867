"""Many rows of a query at once, without a Python object for each: packed by the server, unpacked by NumPy.

`COPY ... TO STDOUT` hands rows over one by one, and for each of them the driver makes an object: of a million rows that
takes longer than all the rest of a restore.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import POSTGRES_EPOCH_US
from storage.sql_files import read_sql

_KEY: Final = "battery_key"
_SEND: Final = {"<i2": "int2send", "<i4": "int4send", "<f4": "float4send"}
_COLUMN: Final = {"sample_time_us": "sample_time"}
_SETTINGS: Final = (
    "statement_timeout = 0",  # it may be the whole log, which takes its time
    "enable_mergejoin = off",  # and to sort it for a join or for groups would take longer
    "enable_sort = off",
    "max_parallel_workers_per_gather = 0",  # each shard has a core of its own already
)
_PACKED: Final = tuple(name for name in TELEMETRY_DTYPE.names or () if name != _KEY)

Connection = psycopg.Connection[Any]


def _pack(name: str) -> str:
    send = "timestamptz_send" if name in _COLUMN else _SEND[TELEMETRY_DTYPE[name].str]
    return f"string_agg({send}({_COLUMN.get(name, name)}), '')"


_TEMPLATE: Final = read_sql("pack_rows").decode().replace("{columns}", ", ".join(_pack(name) for name in _PACKED))


def read_packed(connection: Connection, query: bytes, parameters: Mapping[str, object]) -> Rows:
    """Runs a query and returns its rows, sorted by battery and sample time.

    Args:
        connection: in autocommit mode, outside a transaction.
        query: a SELECT with the columns of `reading`, none of them null.
        parameters: of the query.

    Returns:
        `TELEMETRY_DTYPE`, shape `(n_rows,)`.

    Raises:
        psycopg.Error: the query failed.
    """
    with connection.transaction(), connection.cursor(binary=True) as cursor:
        for setting in _SETTINGS:
            cursor.execute(f"SET LOCAL {setting}".encode())
        cursor.execute(_TEMPLATE.replace("{rows}", query.decode()).encode(), parameters, prepare=False)
        parts = sorted(cursor, key=_battery_key)
    sizes = [len(part[1]) // TELEMETRY_DTYPE[_PACKED[0]].itemsize for part in parts]
    rows = np.empty(sum(sizes), TELEMETRY_DTYPE)
    start = 0
    for part, size in zip(parts, sizes, strict=True):
        _unpack(part, rows[start : start + size])
        start += size
    return rows


def _battery_key(part: tuple[Any, ...]) -> int:
    return int(part[0])


def _unpack(part: tuple[Any, ...], into: Rows) -> None:
    into[_KEY] = part[0]
    times = _column(part, 0) + POSTGRES_EPOCH_US
    # Rows of one owner lie in order of time, unless the room of aborted ones was used again.
    order = None if (times[1:] >= times[:-1]).all() else np.argsort(times, kind="stable")
    into["sample_time_us"] = times if order is None else times[order]
    for place, name in enumerate(_PACKED[1:], start=1):
        values = _column(part, place)
        into[name] = values if order is None else values[order]


def _column(part: tuple[Any, ...], place: int) -> NDArray[Any]:
    return np.frombuffer(part[place + 1], TELEMETRY_DTYPE[_PACKED[place]].newbyteorder(">"))
