"""A question to table `reading`, divided so that every index of part of a day is asked for that part only.

PostgreSQL uses an index of part of a table for what lies within that part, and asks an index of a whole day for the
rest. The pieces share no row and leave none out, so what is answered does not depend on them.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from psycopg import AsyncConnection, sql

from storage.instants import to_datetime
from storage.partitions import DAY_US, partition_name
from storage.reading_indexes import PART_INDEXES, PartIndex
from storage.sql_files import read_sql

_PIECE: Final = sql.SQL(read_sql("history_piece").decode())
_FIRST: Final = sql.SQL("ORDER BY sample_time LIMIT %(limit)s")
_OPEN_DAYS: Final = 3
"""The present day's hours have indexes, yesterday's until it gets its own."""


async def reading_pieces(connection: AsyncConnection[Any], times_us: tuple[int, int]) -> list[tuple[int, int]]:
    """Divides a time by the indexes that its last days have.

    Args:
        connection: of the store.
        times_us: first time, inclusive, and last, exclusive, microseconds since 1970 UTC.

    Returns:
        Times of the pieces, likewise, in order; they join to the whole.

    Raises:
        psycopg.Error: the database is away.
    """
    last_day = min((times_us[1] - 1) // DAY_US, time.time_ns() // 1_000 // DAY_US + 1)
    days = {partition_name(day): day for day in range(last_day - _OPEN_DAYS + 1, last_day + 1)}
    rows = await (await connection.execute(PART_INDEXES, {"partitions": list(days)})).fetchall()
    indexes = [PartIndex(days[row.partition], row.first_minute, row.last_minute, row.valid) for row in rows]
    return divided(times_us, [index.times_us for index in indexes if index.valid])


def divided(times_us: tuple[int, int], parts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Divides a time at the ends of parts, the ends exclusive.

    Args:
        times_us: first time and last.
        parts: in any order; some may lie outside or cover each other.

    Returns:
        Stretches in order, none of them empty unless the time itself is.
    """
    start_us, end_us = times_us
    cuts = sorted({cut for part in parts for cut in part if start_us < cut < end_us})
    return list(zip([start_us, *cuts], [*cuts, end_us], strict=True))


def pieces_query(pieces: Sequence[tuple[int, int]], columns: sql.Composable, *, first_only: bool) -> sql.Composed:
    """Rows of one battery in pieces.

    Args:
        pieces: as `reading_pieces` gives them.
        columns: to read.
        first_only: whether parameter `limit` bounds the rows of each piece.
    """
    return sql.SQL(" UNION ALL ").join(
        _PIECE.format(
            columns=columns,
            start=sql.Literal(to_datetime(start_us)),
            end=sql.Literal(to_datetime(end_us)),
            order=_FIRST if first_only else sql.SQL(""),
        )
        for start_us, end_us in pieces
    )
