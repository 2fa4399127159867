"""Reads the archive through DuckDB, in a process of its own: `python -m storage.archive_worker FOLDER`.

Questions come on standard input, answers leave on standard output, one after the other. A frame is a length (four
bytes, little-endian) and so many bytes; a question is JSON, an answer is JSON followed by a frame of packed columns.
DuckDB may use one thread and little memory here, and never fetches an extension.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from batterytwin.telemetry import MEASURED_COLUMNS, Flag, Regime
from storage.archive_columns import from_steps
from storage.framed_child import ignore_stop_signals, read_frame, write_frames

_MEMORY: Final = "512MB"
_STRING_LOADS: Final = """
    SELECT b.string, epoch_us(date_trunc('minute', r.sample_time)) AS minute_us,
           count(DISTINCT battery_key) AS heard,
           count(DISTINCT battery_key) FILTER ((r.status >> 8) & 15 = $discharge) AS loaded,
           min(epoch_us(r.sample_time)) AS first_us,
           coalesce(min(epoch_us(r.sample_time)) FILTER ((r.status >> 8) & 15 = $discharge), -1)
               AS first_loaded_us
    FROM read_parquet($paths) r
    JOIN (SELECT unnest($keys::int[]) AS battery_key, unnest($strings::int[]) AS string) b USING (battery_key)
    WHERE battery_key BETWEEN $first_key AND $last_key AND (r.status & $suspect) = 0
      AND r.sample_time >= make_timestamp($start) AND r.sample_time < make_timestamp($end)
    GROUP BY b.string, minute_us
    ORDER BY minute_us, b.string
"""
_PARTS: Final = ("mean", "min", "max", "count")


def answer(connection: duckdb.DuckDBPyConnection, folder: Path, question: dict[str, Any]) -> dict[str, NDArray[Any]]:
    """Columns of one battery out of some files, in order of time.

    Args:
        connection: of DuckDB.
        folder: of the archive.
        question: `kind` ("readings" or "hours"), `paths`, `battery_key`, `start_us`, `end_us`, `names`, `limit`.

    Returns:
        `time_us`, `suspect`; of readings `late` and each name; of hours `row_count` and of each name `*_mean`, `*_min`,
        `*_max`, `*_count`. Missing values are NaN.
    """
    hours = question["kind"] == "hours"
    time_column = "hour" if hours else "sample_time"
    names = question["names"]
    columns = [f"epoch_us({time_column}) AS time_us"]
    if hours:
        columns += ["row_count", "suspect_count > 0 AS suspect"]
        columns += [f"{name}_{part}" for name in names for part in _PARTS]
    else:
        columns += [f"(status & {int(Flag.SUSPECT)}) <> 0 AS suspect", "late > 0 AS late", *names]
        columns += [f"{name}_beside" for name in names if name in MEASURED_COLUMNS]
    found = connection.execute(
        f"SELECT {', '.join(columns)} FROM read_parquet(?) "  # noqa: S608 # names of columns, checked by the server
        f"WHERE battery_key = ? AND {time_column} >= make_timestamp(?) AND {time_column} < make_timestamp(?) "
        f"ORDER BY {time_column} LIMIT ?",
        [
            [str(folder / path) for path in question["paths"]],
            question["battery_key"],
            question["start_us"],
            question["end_us"],
            question["limit"],
        ],
    ).fetchnumpy()
    if hours:
        return {name: _filled(column) for name, column in found.items()}
    result = {name: np.asarray(found[name]) for name in ("time_us", "suspect", "late")}
    for name in names:
        result[name] = _in_units(name, found)
    return result


def string_loads(
    connection: duckdb.DuckDBPyConnection, folder: Path, question: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    """Strings by the minute, as `sql/string_loads.sql` tells them of the tables, in order of time.

    Args:
        connection: of DuckDB.
        folder: of the archive.
        question: `paths`, `battery_keys` and with each of them the number of its string in `strings`, `start_us`,
            `end_us`.

    Returns:
        `string`, `minute_us`, `heard`, `loaded`, `first_us`, `first_loaded_us` (-1 = none), int64.
    """
    found = connection.execute(
        _STRING_LOADS,
        {
            "keys": question["battery_keys"],
            "strings": question["strings"],
            "first_key": min(question["battery_keys"]),
            "last_key": max(question["battery_keys"]),
            "discharge": int(Regime.DISCHARGE),
            "suspect": int(Flag.SUSPECT),
            "paths": [str(folder / path) for path in question["paths"]],
            "start": question["start_us"],
            "end": question["end_us"],
        },
    ).fetchnumpy()
    return {name: np.asarray(column, np.int64) for name, column in found.items()}


def _in_units(name: str, found: dict[str, Any]) -> NDArray[np.float32]:
    # not by arithmetic of masked arrays, which looks for its errors in every value and takes longer than the reading
    values = from_steps(np.ma.getdata(found[name]), np.ma.getmaskarray(found[name]), name)
    beside = found.get(f"{name}_beside")
    if beside is not None:
        there = ~np.ma.getmaskarray(beside)
        values[there] = np.ma.getdata(beside)[there]
    return values


def _filled(column: Any) -> NDArray[Any]:
    """A column without a mask; missing numbers are NaN."""
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column, np.float32) if np.asarray(column).dtype == np.float64 else np.asarray(column)
    values = np.ma.getdata(column).astype(np.float32)
    values[np.ma.getmaskarray(column)] = np.nan
    return values


def _open() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    for setting in (
        "SET threads = 1",
        f"SET memory_limit = '{_MEMORY}'",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET parquet_metadata_cache = true",
        "SET disable_parquet_prefetching = true",  # the files are here: it costs more than it saves
        "SET TimeZone = 'UTC'",
    ):
        connection.execute(setting)
    return connection


def main() -> None:
    """Answers until standard input ends."""
    ignore_stop_signals()
    folder, connection = Path(sys.argv[1]), _open()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (asked := read_frame(source)) is not None:
        try:
            question = json.loads(asked)
            columns = (string_loads if question["kind"] == "loads" else answer)(connection, folder, question)
            told = [[name, column.dtype.str, len(column)] for name, column in columns.items()]
            head: dict[str, Any] = {"columns": told}
            body = b"".join(column.tobytes() for column in columns.values())
        except (duckdb.Error, OSError, ValueError, KeyError) as error:
            head, body = {"error": str(error)}, b""
        write_frames(sink, json.dumps(head).encode(), body)


if __name__ == "__main__":
    main()
