"""When strings carried load, minute by minute, out of the stored readings."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from storage.archive_reads import ArchiveReads, ColdFiles
from storage.instants import to_datetime, to_us, to_us_or_none
from storage.sql_files import read_sql

_STRING_LOADS = read_sql("string_loads")
_HAS_READINGS = read_sql("has_readings")


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


class StringLoadReads(ArchiveReads):
    """Questions about the load of strings, out of tables and archive alike."""

    async def string_loads(
        self, batteries_of: Mapping[str, Sequence[int]], start_us: int, end_us: int
    ) -> list[StringLoad]:
        """Strings by the minute, in order of time.

        Args:
            batteries_of: database keys of the batteries of each string; those of a location and a day at a time are
                quick.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
        """
        keys = [key for of_string in batteries_of.values() for key in of_string]

        async def ask(files: ColdFiles) -> list[StringLoad]:
            hot = await self._hot_loads(keys, start_us, end_us)
            if self.archive is None or not files.readings:
                return hot
            paths = [file.path for file in files.readings]
            cold = await self.archive.ask_loads(paths, list(batteries_of.values()), start_us, end_us)
            return await asyncio.to_thread(_joined, hot, _cold_loads(list(batteries_of), cold))

        return await self._unmoved(lambda: self._cold_readings_of(keys, start_us, end_us), ask)

    async def may_have_readings(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> bool:
        """Whether there may be a reading of some batteries between two times, however far they are apart.

        Of the archive it is known by the day.

        Args:
            battery_keys: database keys.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
        """

        async def ask(files: ColdFiles) -> bool:
            if files.readings:
                return True
            values = {"battery_keys": list(battery_keys), "start": to_datetime(start_us), "end": to_datetime(end_us)}
            async with self._connection() as connection:
                return bool(
                    (await (await connection.execute(_HAS_READINGS, values, prepare=False)).fetchall())[0].found
                )

        return await self._unmoved(lambda: self._cold_readings_of(battery_keys, start_us, end_us), ask)

    async def _hot_loads(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> list[StringLoad]:
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


def _cold_loads(string_ids: Sequence[str], columns: Mapping[str, NDArray[Any]]) -> Iterator[StringLoad]:
    names = ("string", "minute_us", "heard", "loaded", "first_us", "first_loaded_us")
    for string, minute_us, heard, loaded, first_us, first_loaded_us in zip(
        *(columns[name].tolist() for name in names), strict=True
    ):
        yield StringLoad(
            string_ids[string], minute_us, heard, loaded, first_us, None if first_loaded_us < 0 else first_loaded_us
        )


def _joined(hot: Sequence[StringLoad], cold: Iterable[StringLoad]) -> list[StringLoad]:
    """Minutes of the tables and of the archive in order of time; where late rows fill up a minute, they add to it.

    A block that has rows on both sides counts twice there, which changes the share under load by little.
    """
    found = {(load.string_id, load.minute_us): load for load in hot}
    for load in cold:
        other = found.get((load.string_id, load.minute_us))
        found[load.string_id, load.minute_us] = load if other is None else _sum(load, other)
    return sorted(found.values(), key=lambda load: load.minute_us)


def _sum(one: StringLoad, other: StringLoad) -> StringLoad:
    loaded_us = [load.first_loaded_us for load in (one, other) if load.first_loaded_us is not None]
    return StringLoad(
        one.string_id,
        one.minute_us,
        one.heard + other.heard,
        one.loaded + other.loaded,
        min(one.first_us, other.first_us),
        min(loaded_us, default=None),
    )
