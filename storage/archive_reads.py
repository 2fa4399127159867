"""What the archive holds of one battery, as the server reads it beside the tables."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar, cast

from psycopg_pool import AsyncConnectionPool

from batterytwin.errors import StoreUnavailableError
from storage.archive_ahead import Columns, ReadAhead, StretchKey
from storage.archive_reader import ArchiveQuestion, ArchiveReader
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_FILES: Final = read_sql("archive_of_battery")
_SPANS: Final = read_sql("archived_spans")
_VERSION: Final = "SELECT version FROM archive_state"
_DAY_US: Final = 86_400_000_000
_MINUTE_US: Final = 60_000_000
_HOUR_US: Final = 3_600_000_000
_FILES_AT_ONCE: Final = 8
_ATTEMPTS: Final = 10
_PAUSE_S: Final = 0.01
_EPOCH: Final = date(1970, 1, 1)

_Answer = TypeVar("_Answer")
_Second = TypeVar("_Second")


@dataclass(frozen=True, slots=True)
class ColdFile:
    """A file of the archive and the time that it stands for, microseconds since 1970 UTC, the end exclusive."""

    path: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class ColdFiles:
    """Files that hold something of one battery, oldest first.

    Attributes:
        version: of the archive when they were listed.
        readings: files of readings.
        hours: files of hours.
    """

    version: int
    readings: tuple[ColdFile, ...] = ()
    hours: tuple[ColdFile, ...] = ()

    def minutes_of_readings(self, start_us: int, end_us: int) -> int:
        """Minutes between two times that files of readings stand for: about the fewest rows in them."""
        return sum(max(min(f.end_us, end_us) - max(f.start_us, start_us), 0) for f in self.readings) // _MINUTE_US

    def without_readings(self, start_us: int, end_us: int) -> list[tuple[int, int]]:
        """Stretches between two times that files of hours stand for and no files of readings, oldest first."""
        found = []
        for file in self.hours:
            done_us, until_us = max(file.start_us, start_us), min(file.end_us, end_us)
            for there in sorted(self.readings, key=lambda file: file.start_us):
                if done_us < min(there.start_us, until_us):
                    found.append((done_us, min(there.start_us, until_us)))
                done_us = max(done_us, there.end_us)
            if done_us < until_us:
                found.append((done_us, until_us))
        return found


class ArchiveReads(StorePool):
    """Questions about the archive.

    Attributes:
        archive: reads the files; None = there is no archive.
    """

    archive: ArchiveReader | None = None

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        super().__init__(pool)
        self._ahead = ReadAhead()

    async def _consistently(
        self, battery_key: int, times_us: tuple[int, int], ask: Callable[[ColdFiles], Awaitable[_Answer]]
    ) -> _Answer:
        """As `_unmoved`, about one battery.

        Args:
            battery_key: battery of the question.
            times_us: first time, inclusive, and last, exclusive.
            ask: answers, given the files that hold something of it.
        """
        return await self._unmoved(lambda: self._cold_files(battery_key, *times_us), ask)

    async def _unmoved(
        self, list_files: Callable[[], Awaitable[ColdFiles]], ask: Callable[[ColdFiles], Awaitable[_Answer]]
    ) -> _Answer:
        """Answers out of tables and archive so that every row counts once.

        Rows move from the tables to the archive while questions are answered. Should some have moved meanwhile, the
        question is asked again.

        Args:
            list_files: lists the files that hold something of the question.
            ask: answers, given these files.
        """
        for _ in range(_ATTEMPTS):
            files = await list_files()
            try:
                answer = await ask(files)
            except StoreUnavailableError:
                if await self._archive_version() == files.version:
                    raise
                continue  # a file was replaced by another
            if await self._archive_version() == files.version:
                return answer
            await asyncio.sleep(_PAUSE_S)
        raise StoreUnavailableError("The archive is being rearranged; try again.", retry_after_s=1.0)

    async def _cold_files(self, battery_key: int, start_us: int, end_us: int) -> ColdFiles:
        """Files of a battery between two times, the end exclusive."""
        if self.archive is None:
            return ColdFiles(0)
        values = {
            "battery_key": battery_key,
            "first_day": _to_date(start_us // _DAY_US),
            "last_day": _to_date((end_us - 1) // _DAY_US),
        }
        async with self._connection() as connection:
            rows = await (await connection.execute(_FILES, values)).fetchall()
        files = [
            (row.kind, ColdFile(row.path, _to_us(row.first_day), _to_us(row.last_day) + _DAY_US))
            for row in rows
            if row.path is not None
        ]
        return ColdFiles(
            int(rows[0].version),
            tuple(file for kind, file in files if kind == 1),
            tuple(file for kind, file in files if kind == 2),
        )

    async def _cold_readings_of(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> ColdFiles:
        """Files of readings of some batteries between two times, the end exclusive."""
        if self.archive is None:
            return ColdFiles(0)
        version = await self._archive_version()  # first: files that come after it are seen to have come
        values = {"keys": list(battery_keys), "first_day": start_us // _DAY_US, "last_day": (end_us - 1) // _DAY_US}
        async with self._connection() as connection:
            rows = await (await connection.execute(_SPANS, values)).fetchall()
        files = (ColdFile(row.path, row.first_day * _DAY_US, (row.last_day + 1) * _DAY_US) for row in rows)
        return ColdFiles(version, tuple(files))

    async def _archive_version(self) -> int:
        if self.archive is None:
            return 0
        async with self._connection() as connection:
            return int((await (await connection.execute(_VERSION)).fetchall())[0].version)

    async def _cold_readings(
        self, files: ColdFiles, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> Columns:
        """The first rows between two times out of files, as `archive_worker.answer` gives them."""
        key = StretchKey(files.version, battery_key, tuple(names), times_us[1])
        known = self._ahead.take(key, times_us[0])
        for group in _groups([f for f in files.readings if f.end_us > known.until_us and f.start_us < times_us[1]]):
            if self.archive is None or len(known) >= limit:
                break
            row_count = self._ahead.row_count(limit - len(known))
            paths = [file.path for file in group]
            columns = await self.archive.ask(
                ArchiveQuestion("readings", paths, battery_key, known.until_us, times_us[1], names, row_count)
            )
            time_us = columns["time_us"]
            whole = len(time_us) < row_count
            known = known.extended(columns, max(f.end_us for f in group) if whole else int(time_us[-1]) + 1)
        if len(known) > limit:
            self._ahead.keep(key, known)
        return {name: column[:limit] for name, column in known.columns.items()}

    async def _cold_hours(
        self, files: Sequence[ColdFile], battery_key: int, times_us: tuple[int, int], names: Sequence[str]
    ) -> Columns | None:
        """Hours between two times, or None where there are none."""
        if self.archive is None or not files:
            return None
        question = ArchiveQuestion("hours", [file.path for file in files], battery_key, *times_us, names)
        return await self.archive.ask(question)


async def at_once(first: Awaitable[_Answer], second: Awaitable[_Second]) -> tuple[_Answer, _Second]:
    """Answers of two questions to two processes, which work side by side.

    Both are waited for, whatever becomes of one: who gives up on a question ends the process that reads the archive.
    """
    answers = await asyncio.gather(first, second, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return cast(tuple[_Answer, _Second], tuple(answers))


def whole_hours(files: Sequence[ColdFile], start_us: int, end_us: int) -> tuple[list[ColdFile], list[tuple[int, int]]]:
    """Divides a time into what files of hours cover, in whole hours, and the rest.

    Args:
        files: files of hours, oldest first, apart from each other.
        start_us: first time, inclusive.
        end_us: last time, exclusive.

    Returns:
        Files that serve, and the stretches that readings have to be asked for.
    """
    first_us, last_us = -(-start_us // _HOUR_US) * _HOUR_US, end_us // _HOUR_US * _HOUR_US
    serving, rest, done_us = [], [], start_us
    for file in files:
        begin_us, finish_us = max(file.start_us, first_us), min(file.end_us, last_us)
        if begin_us < finish_us:
            serving.append(file)
            if done_us < begin_us:
                rest.append((done_us, begin_us))
            done_us = finish_us
    if done_us < end_us:
        rest.append((done_us, end_us))
    return serving, rest


def _groups(files: Sequence[ColdFile]) -> list[list[ColdFile]]:
    """Files in groups that follow each other in time: a page needs the first ones only."""
    groups: list[list[ColdFile]] = []
    end_us = 0
    for file in files:
        if not groups or (len(groups[-1]) >= _FILES_AT_ONCE and file.start_us >= end_us):
            groups.append([])
        groups[-1].append(file)
        end_us = max(end_us, file.end_us)
    return groups


def _to_date(day: int) -> date:
    return date.fromordinal(min(max(_EPOCH.toordinal() + day, 1), date.max.toordinal()))


def _to_us(day: date) -> int:
    return (day - _EPOCH).days * _DAY_US
