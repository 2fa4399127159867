"""When strings carried load, minute by minute, out of the stored readings."""

from collections.abc import Sequence
from dataclasses import dataclass

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

    async def string_loads(self, location_ids: Sequence[str], start_us: int, end_us: int) -> list[StringLoad]:
        """Strings of these locations by the minute, in order of time.

        Args:
            location_ids: which locations.
            start_us: first sample time, inclusive, microseconds since 1970 UTC; a day at a time is quick.
            end_us: last sample time, exclusive.
        """
        values = {
            "location_ids": list(location_ids),
            "start": to_datetime(start_us),
            "end": to_datetime(end_us),
        }
        async with self._connection() as connection:
            rows = await (await connection.execute(_STRING_LOADS, values)).fetchall()
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
