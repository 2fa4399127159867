"""Stored readings and estimates of many batteries over any time, batch after batch."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from batterytwin.errors import InvalidArgumentError
from storage.archive_reads import ArchiveReads, ColdFiles
from storage.history_columns import listed, newest_columns, row_columns, stored_columns, trace_join
from storage.history_reads import HISTORY_METRICS
from storage.hot_history import is_traced, traced_values
from storage.instants import POSTGRES_EPOCH_US, to_datetime
from storage.reading_pieces import pieces_query, reading_pieces
from storage.sql_files import read_sql

_EXPORT = sql.SQL(read_sql("history_export").decode())


@dataclass(frozen=True, slots=True)
class ExportBatch:
    """Rows of an export, each column of shape `(n_rows,)`, at least one row.

    Attributes:
        battery_keys: database key of the battery of each row, int32.
        time_us: sample time, microseconds since 1970 UTC, int64.
        values: value by metric, float32; NaN = not measured or not known.
        suspect: whether the row was implausible and not applied, bool.
        late: whether it came after a newer row of its battery, bool.
    """

    battery_keys: NDArray[np.int32]
    time_us: NDArray[np.int64]
    values: dict[str, NDArray[np.float32]]
    suspect: NDArray[np.bool_]
    late: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_us)


class HistoryExport(ArchiveReads):
    """Exports of history, out of tables and archive alike."""

    async def export_history(
        self, battery_keys: Sequence[int], start_us: int, end_us: int, metrics: Sequence[str], batch_rows: int
    ) -> AsyncIterator[ExportBatch]:
        """Gives every row once, battery by battery in the order asked for, each battery's rows in order of time.

        One batch is read when it is asked for, and a connection is held for no longer than that: a slow reader holds
        nothing up, neither other questions nor the keeping of the tables. Rows that are stored while the export runs
        are in it where it has not passed them yet.

        What is computed from readings later (features, say) joins on (battery, sample time), which every row carries.

        Args:
            battery_keys: database keys of the batteries.
            start_us: first sample time, inclusive, microseconds since 1970 UTC.
            end_us: last sample time, exclusive.
            metrics: names out of `HISTORY_METRICS`, at least one.
            batch_rows: most rows in a batch, at least 1.

        Raises:
            InvalidArgumentError: an unknown metric, or none; a time out of range.
        """
        names = list(dict.fromkeys(metrics))
        unknown = [name for name in names if name not in HISTORY_METRICS]
        if unknown or not names:
            raise InvalidArgumentError(
                f"There is no metric {unknown[0][:64]}." if unknown else "Ask for at least one metric.",
                field="metrics",
                value="".join(unknown[:1]),
            )
        for battery_key in battery_keys:
            next_us: int | None = start_us
            while next_us is not None:
                batch = await self._batch(battery_key, (next_us, end_us), names, batch_rows)
                next_us = int(batch.time_us[-1]) + 1 if len(batch) == batch_rows else None
                if len(batch):
                    yield batch

    async def _batch(
        self, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> ExportBatch:
        async def ask(files: ColdFiles) -> ExportBatch:
            if not files.readings:
                return await self._hot_batch(battery_key, times_us, names, limit)
            cold = await self._cold_batch(files, battery_key, times_us, names, limit)
            # rows of the tables are nearly all newer than those of the archive: in a full batch there are few
            end_us = int(cold.time_us[-1]) + 1 if len(cold) == limit else times_us[1]
            return _merged(cold, await self._hot_batch(battery_key, (times_us[0], end_us), names, limit), limit)

        return await self._consistently(battery_key, times_us, ask)

    async def _hot_batch(
        self, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> ExportBatch:
        values: dict[str, object] = {
            "battery_key": battery_key,
            "start": to_datetime(times_us[0]),
            "end": to_datetime(times_us[1]),
            "limit": limit,
        }
        async with self._connection() as connection, connection.cursor(binary=True) as cursor:
            query = _query(names, await reading_pieces(connection, times_us))
            await cursor.execute(query, values, prepare=False)  # as in `hot_history`
            row: Any = (await cursor.fetchall())[0]

        def column(name: str, dtype: str) -> NDArray[Any]:
            packed = np.frombuffer(getattr(row, name) or b"", dtype)
            return packed.astype(packed.dtype.newbyteorder("="))

        time_us = column("sample_time", ">i8") + POSTGRES_EPOCH_US
        return ExportBatch(
            battery_keys=np.full(len(time_us), battery_key, np.int32),
            time_us=time_us,
            values={name: column(name, ">f4") for name in names},
            suspect=column("suspect", "?"),
            late=column("late", "?"),
        )

    async def _cold_batch(
        self, files: ColdFiles, battery_key: int, times_us: tuple[int, int], names: Sequence[str], limit: int
    ) -> ExportBatch:
        columns = await self._cold_readings(
            files, battery_key, times_us, [name for name in names if not is_traced(name)], limit
        )
        async with self._connection() as connection:
            traced = await traced_values(
                connection, battery_key, columns["time_us"], [name for name in names if is_traced(name)]
            )
        return ExportBatch(
            battery_keys=np.full(len(columns["time_us"]), battery_key, np.int32),
            time_us=columns["time_us"],
            values={name: traced[name] if name in traced else columns[name] for name in names},
            suspect=columns["suspect"],
            late=columns["late"],
        )


def _merged(cold: ExportBatch, hot: ExportBatch, limit: int) -> ExportBatch:
    """The first rows of both, in order of time."""
    time_us = np.concatenate([cold.time_us, hot.time_us])
    order = np.argsort(time_us, kind="stable")[:limit]
    return ExportBatch(
        battery_keys=np.concatenate([cold.battery_keys, hot.battery_keys])[order],
        time_us=time_us[order],
        values={name: np.concatenate([cold.values[name], hot.values[name]])[order] for name in hot.values},
        suspect=np.concatenate([cold.suspect, hot.suspect])[order],
        late=np.concatenate([cold.late, hot.late])[order],
    )


def _query(names: Sequence[str], pieces: Sequence[tuple[int, int]]) -> sql.Composed:
    packed = sql.SQL("string_agg(float4send({0}), '' ORDER BY sample_time) AS {0}")
    return _EXPORT.format(
        pieces=pieces_query(pieces, row_columns(names, lateness=True), first_only=True),
        names=stored_columns(names),
        newest=newest_columns(names),
        trace=trace_join(names),
        columns=listed(packed.format(sql.Identifier(name)) for name in names),
    )
