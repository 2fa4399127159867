"""Rows of one day as they leave the tables for the archive."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import psycopg
from psycopg import sql

from batterytwin.telemetry import Rows
from storage.archive_columns import ARCHIVE_DTYPE, LATENESS
from storage.archive_files import KEYS_PER_FILE, keys_in_parts
from storage.copy_encoder import decode_copy
from storage.copy_script import read_copy
from storage.instants import to_datetime
from storage.partitions import DAY_US, partition_name
from storage.sql_files import read_sql

_SEAL_ROWS: Final = sql.SQL(read_sql("seal_rows").decode())
_BLOCKS: Final = sql.SQL(
    "SELECT DISTINCT battery_key / %(block_size)s FROM {} WHERE sample_time >= %(start)s AND sample_time < %(end)s"
)

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class _Source:
    table: str
    condition: str
    late: int


_LATE_SOURCES: Final = (
    _Source("late_reading", "AND r.applied", LATENESS["late"]),
    _Source("late_reading", "AND NOT r.applied", LATENESS["too late"]),
)


def day_span(day: int) -> dict[str, object]:
    """Begin and end of a day as parameters of a statement."""
    return {"start": to_datetime(day * DAY_US), "end": to_datetime((day + 1) * DAY_US)}


def has_partition(connection: Connection, day: int) -> bool:
    """Whether `reading` has a partition of this day."""
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (partition_name(day),)).fetchone()
    return row is not None and bool(row[0])


def rows_by_block(connection: Connection, day: int) -> Iterator[tuple[int, Iterator[Rows]]]:
    """Everything of a day, block of batteries by block, `ARCHIVE_DTYPE`, sorted by battery and sample time.

    The rows of a block come a few batteries at a time, as parts for `write_parts`, each read when it is asked for.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    in_time = (_Source(partition_name(day), "", LATENESS["in time"]),) if has_partition(connection, day) else ()
    sources = (*in_time, *_LATE_SOURCES)
    for block in _block_numbers(connection, {source.table for source in sources}, day):
        yield block, _parts(connection, sources, day, block)


def _parts(connection: Connection, sources: Sequence[_Source], day: int, block: int) -> Iterator[Rows]:
    for keys in keys_in_parts(range(block * KEYS_PER_FILE, (block + 1) * KEYS_PER_FILE)):
        rows = np.concatenate([_read(connection, source, day, keys) for source in sources])
        yield rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


def _block_numbers(connection: Connection, tables: set[str], day: int) -> list[int]:
    parts = [_BLOCKS.format(sql.Identifier(table)) for table in sorted(tables)]
    rows = connection.execute(sql.SQL(" UNION ").join(parts), day_span(day) | {"block_size": KEYS_PER_FILE})
    return sorted(int(row[0]) for row in rows)


def _read(connection: Connection, source: _Source, day: int, keys: range) -> Rows:
    statement = _SEAL_ROWS.format(
        source=sql.Identifier(source.table),
        condition=sql.SQL(source.condition),
    )
    values = day_span(day) | {"first_key": keys.start, "next_key": keys.stop}
    query = psycopg.ClientCursor(connection).mogrify(statement, values)
    stored = decode_copy(read_copy(connection, query.encode()))
    rows = np.empty(len(stored), ARCHIVE_DTYPE)
    for column in stored.dtype.names or ():
        rows[column] = stored[column]
    rows["late"] = source.late
    return rows
