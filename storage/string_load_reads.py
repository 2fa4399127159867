"""When strings carried load, minute by minute, out of the stored readings."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from storage.instants import to_datetime, to_us, to_us_or_none
from storage.sql_files import read_sql
from storage.store_pool import StorePool

_STRING_LOADS = read_sql("string_loads")


@dataclass(frozen=True, slots=True)
class StringLoad:
    """One string in one minute; times in microseconds since 1970 UTC.

    Attributes:
        string_id: name of the string.
        minute_us: begin of the minute.
        heard: blocks with a plausible reading.
        loaded: of these, blocks that carried load in one of them.
        first_us: first sample.
        first_loaded_us: first sample under load; None = none.
    """

    string_id: str
    minute_us: int
    heard: int
    loaded: int
    first_us: int
    first_loaded_us: int | None


class StringLoadReads(StorePool):
    """Questions about the load of strings in tables `reading` and `late_reading`."""

    async def string_loads(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> list[StringLoad]:
        """Strings of these batteries by the minute, in order of time.

        Args:
            battery_keys: batteries of whole strings; those of a location and a day at a time are quick.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
        """
        values = {"battery_keys": list(battery_keys), "start": to_datetime(start_us), "end": to_datetime(end_us)}
        async with self._connection() as connection:
            # not prepared: a plan that has to serve any time and any batteries cannot use their indexes
            rows = await (await connection.execute(_STRING_LOADS, values, prepare=False)).fetchall()
        return await asyncio.to_thread(_loads, rows)


def _loads(rows: Sequence[Any]) -> list[StringLoad]:
    return [
        StringLoad(
            row.string_id,
            to_us(row.minute),
            row.heard,
            row.loaded,
            to_us(row.first_time),
            to_us_or_none(row.first_loaded_time),
        )
        for row in rows
    ]
