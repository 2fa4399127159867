"""Stored readings and estimates of one battery over time, out of tables and archive alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import InvalidArgumentError
from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, TRACED_COLUMNS
from storage.archive_reads import ArchiveReads, ColdFile, ColdFiles, at_once, whole_hours
from storage.history_buckets import HistoryPart, bucketed, is_fine
from storage.history_rows import HistoryRows
from storage.hot_history import hot_page, is_traced, traced_values, traces_between
from storage.instants import to_us
from storage.sql_files import read_sql
from storage.timescale_hours import last_hour_alone

HISTORY_METRICS: Final = (*MEASURED_COLUMNS, *STORED_ESTIMATE_COLUMNS, *TRACED_COLUMNS)
"""Columns that can be asked for."""

_COUNT_LATE = read_sql("count_late")
_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_EVERYTHING: Final = 2**31 - 2

_LONGEST_STRETCH_US: Final = 90 * 24 * _HOUR_US
"""Time whose readings a page of fine buckets is made of at most, give or take a bucket at its ends, us."""


class HistoryReads(ArchiveReads):
    """Questions about history. Recent days are in the tables, sealed ones in the archive; the answer is the same."""

    async def query_history(
        self,
        battery_key: int,
        start_us: int,
        end_us: int,
        metrics: Sequence[str],
        *,
        bucket_us: int | None,
        after_us: int | None,
        limit: int,
    ) -> HistoryRows:
        """One page of the history of a battery; late readings stand in their place, estimates are the newest.

        Args:
            battery_key: database key of the battery.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
            metrics: names out of `HISTORY_METRICS`, at least one.
            bucket_us: length of the buckets, aligned to 1970-01-01 UTC; None = raw rows.
            after_us: last `time_us` of the page before; None = first page.
            limit: points in a page, at least 1; pages of fine buckets have fewer where nothing was measured meanwhile.

        Raises:
            InvalidArgumentError: an unknown metric, or none; a time out of range.
        """
        names = _checked(metrics)
        if after_us is not None:
            start_us = max(start_us, after_us + (bucket_us or 1))
        while True:
            until_us = _page_end_us(start_us, end_us, bucket_us, limit)
            page = await self._points(battery_key, (start_us, until_us), names, bucket_us, limit)
            if page.more or until_us == end_us:
                return page
            next_row = await self._points(battery_key, (until_us, end_us), names[:1], None, 1)
            if not len(next_row.time_us):
                return page
            if len(page.time_us):  # a page tells by its last point where the next one begins
                return replace(page, more=True)
            start_us = int(next_row.time_us[0])

    async def hours_only_until_us(self, battery_key: int, start_us: int, end_us: int) -> int | None:
        """End of the last day between two times of which hours are left and no readings; None = there is none.

        Args:
            battery_key: database key of the battery.
            start_us: first time, inclusive, microseconds since 1970 UTC.
            end_us: last time, exclusive.
        """

        async def ask(files: ColdFiles) -> int | None:
            for gap in reversed(files.without_readings(start_us, end_us)):
                hours = [file for file in files.hours if file.start_us < gap[1] and file.end_us > gap[0]]
                columns = await self._cold_hours(hours, battery_key, gap, [])
                if columns is not None and len(columns["time_us"]):
                    return int(columns["time_us"][-1]) // _DAY_US * _DAY_US + _DAY_US
            if files.hours:
                return None
            async with self._connection() as connection:
                hour = await last_hour_alone(connection, battery_key, start_us, end_us)
            return None if hour is None else to_us(hour) // _DAY_US * _DAY_US + _DAY_US

        return await self._consistently(battery_key, (start_us, end_us), ask)

    async def late_count(self) -> int:
        """Readings that came later than their twin's watermark and are not in the archive yet."""
        async with self._connection() as connection:
            cursor = await connection.execute(_COUNT_LATE)
            return int((await cursor.fetchall())[0].rows)

    async def _points(
        self, battery_key: int, times_us: tuple[int, int], names: Sequence[str], bucket_us: int | None, limit: int
    ) -> HistoryRows:
        """The first points between two times."""
        return await self._consistently(
            battery_key,
            times_us,
            lambda files: self._page(files, battery_key, times_us, names, bucket_us, limit),
        )

    async def _page(  # noqa: PLR0917 # what is asked for
        self,
        files: ColdFiles,
        battery_key: int,
        times_us: tuple[int, int],
        names: Sequence[str],
        bucket_us: int | None,
        limit: int,
    ) -> HistoryRows:
        if not files.readings and not files.hours:
            async with self._connection() as connection:
                return await hot_page(connection, battery_key, times_us, names, bucket_us, limit)
        if bucket_us is None:
            return await self._raw_page(files, battery_key, times_us, names, limit)
        return bucketed(await self._parts(files, battery_key, times_us, names, bucket_us), names, bucket_us, limit)

    async def _raw_page(
        self, files: ColdFiles, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> HistoryRows:
        """The first raw rows between two times, recent ones and those of the archive."""
        cold_page = self._cold_page(files, battery_key, times_us, names, limit)
        if files.minutes_of_readings(*times_us) < limit:
            hot, cold = await at_once(self._hot_page(battery_key, times_us, names, limit), cold_page)
        else:
            cold = await cold_page
            # rows of the tables are nearly all newer than those of the archive: on a full page there are few
            end_us = int(cold.time_us[-1]) + 1 if cold.more else times_us[1]
            hot = await self._hot_page(battery_key, (times_us[0], end_us), names, limit)
        return _merged(hot, cold, names, limit)

    async def _parts(
        self, files: ColdFiles, battery_key: int, times_us: tuple[int, int], names: Sequence[str], bucket_us: int
    ) -> list[HistoryPart]:
        """Everything between two times: recent rows, and what the archive has."""
        serving, rest = whole_hours(() if is_fine(bucket_us) else files.hours, *times_us)
        hot, (hours, readings) = await at_once(
            self._hot_page(battery_key, times_us, names, _EVERYTHING),
            self._cold_parts(files, battery_key, times_us, names, serving, rest),
        )
        parts = [HistoryPart.of_rows(hot), *readings]
        if hours is not None:
            parts += [hours, await self._traced_part(battery_key, hours.time_us, hot.time_us, names)]
        return parts

    async def _cold_parts(  # noqa: PLR0917 # what is asked for
        self,
        files: ColdFiles,
        battery_key: int,
        times_us: tuple[int, int],
        names: Sequence[str],
        serving: Sequence[ColdFile],
        rest: Sequence[tuple[int, int]],
    ) -> tuple[HistoryPart | None, list[HistoryPart]]:
        """What the archive has: hours, and the readings of what no hours cover; see `whole_hours`."""
        hours = None
        if serving:
            first_us = max(serving[0].start_us, -(-times_us[0] // _HOUR_US) * _HOUR_US)
            hours_us = (first_us, min(serving[-1].end_us, times_us[1] // _HOUR_US * _HOUR_US))
            stored = [name for name in names if not is_traced(name)]
            columns = await self._cold_hours(serving, battery_key, hours_us, stored)
            if columns is not None:
                hours = HistoryPart.of_hours(columns, names)
        pages = [await self._cold_page(files, battery_key, stretch, names, _EVERYTHING) for stretch in rest]
        return hours, [HistoryPart.of_rows(page) for page in pages]

    async def _traced_part(
        self, battery_key: int, hours_us: NDArray[np.int64], hot_us: NDArray[np.int64], names: Sequence[str]
    ) -> HistoryPart:
        """Hourly states of the model within hours of the archive, which lack them; rows of the tables have theirs."""
        traced = [name for name in names if is_traced(name)]
        if not traced or not len(hours_us):
            return HistoryPart.of_traces(np.empty(0, np.int64), {}, names)
        times_us = (int(hours_us[0]), int(hours_us[-1]) + _HOUR_US)
        async with self._connection() as connection:
            time_us, values = await traces_between(connection, battery_key, times_us, traced)
        mine = np.isin(time_us // _HOUR_US * _HOUR_US, hours_us) & ~np.isin(time_us, hot_us)
        return HistoryPart.of_traces(time_us[mine], {name: column[mine] for name, column in values.items()}, names)

    async def _hot_page(
        self, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> HistoryRows:
        """The first raw rows between two times out of the tables."""
        async with self._connection() as connection:
            return await hot_page(connection, battery_key, times_us, names, None, limit)

    async def _cold_page(
        self, files: ColdFiles, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> HistoryRows:
        """The first raw rows between two times out of the archive."""
        stored = [name for name in names if not is_traced(name)]
        columns = await self._cold_readings(files, battery_key, times_us, stored, limit + 1)
        time_us = columns["time_us"][:limit]
        traced = [name for name in names if is_traced(name)]
        values = {name: columns[name][:limit] for name in stored}
        if traced:
            async with self._connection() as connection:
                values |= await traced_values(connection, battery_key, time_us, traced)
        return HistoryRows(
            time_us=time_us,
            values={name: values[name] for name in names},
            minimums={},
            maximums={},
            row_count=np.ones(len(time_us), np.int32),
            suspect=columns["suspect"][:limit],
            more=len(columns["time_us"]) > limit,
        )


def _page_end_us(start_us: int, end_us: int, bucket_us: int | None, limit: int) -> int:
    """Where to end what a page is made of: fine buckets are sums of readings, of which years may follow."""
    if bucket_us is None or not is_fine(bucket_us):
        return end_us
    buckets = min(limit + 1, _LONGEST_STRETCH_US // bucket_us + 2)
    return min(end_us, (start_us // bucket_us + buckets) * bucket_us)


def _merged(hot: HistoryRows, cold: HistoryRows, names: Sequence[str], limit: int) -> HistoryRows:
    """Raw rows of both, in order of time."""
    time_us = np.concatenate([cold.time_us, hot.time_us])
    order = np.argsort(time_us, kind="stable")[:limit]
    return HistoryRows(
        time_us=time_us[order],
        values={name: np.concatenate([cold.values[name], hot.values[name]])[order] for name in names},
        minimums={},
        maximums={},
        row_count=np.ones(len(order), np.int32),
        suspect=np.concatenate([cold.suspect, hot.suspect])[order],
        more=hot.more or cold.more or len(time_us) > limit,
    )


def _checked(metrics: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(metrics))
    for name in names:
        if name not in HISTORY_METRICS:
            raise InvalidArgumentError(f"There is no metric {name[:64]}.", field="metrics", value=name)
    if not names:
        raise InvalidArgumentError("Ask for at least one metric.", field="metrics")
    return names
