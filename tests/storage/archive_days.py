"""Days of readings in a real database, as shards would have written them, and what a reader sees of them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.telemetry import (
    LIVE_DTYPE,
    MEASURED_COLUMNS,
    STORED_ESTIMATE_COLUMNS,
    TELEMETRY_DTYPE,
    TRACED_COLUMNS,
    Rows,
    snap_to_grid,
)
from storage.archive_columns import STEPS_PER_UNIT
from storage.archive_reader import ArchiveReader
from storage.history_export import ExportBatch
from storage.history_reads import HISTORY_METRICS
from storage.history_rows import HistoryRows
from storage.partition_keeper import PartitionKeeper
from storage.partitions import DAY_US
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from storage.shard_store import Revision, ShardCommit
from storage.string_load_reads import StringLoad

Floats = NDArray[np.float32]

KEYS = (1, 2, 3)
FIRST_DAY = 20_780  # Monday, 2026-11-23
STEP_US = 600_000_000


def readings(days: range, seed: int = 0, keys: tuple[int, ...] = KEYS, step_us: int = STEP_US) -> Rows:
    """Plausible rows of some batteries, every few minutes, on the canonical grid."""
    rng = np.random.default_rng([seed, days.start])
    times = np.arange(days.start * DAY_US + 7, days.stop * DAY_US, step_us)
    rows = np.zeros(len(times) * len(keys), TELEMETRY_DTYPE)
    rows["battery_key"] = np.tile(keys, len(times))
    rows["sample_time_us"] = np.repeat(times, len(keys))
    for name, mean, spread in zip(MEASURED_COLUMNS, (13.6, 0.05, 26.0, 4.0), (0.05, 0.02, 1.0, 0.1), strict=True):
        rows[name] = snap_to_grid(name, rng.normal(mean, spread, len(rows)).astype(np.float32))
    rows["internal_resistance_mohm"][rng.random(len(rows)) < 0.9] = np.nan
    for name in STORED_ESTIMATE_COLUMNS:
        rows[name] = rng.normal(0.9, 0.05, len(rows))
    rows["status"] = np.where(rng.random(len(rows)) < 0.02, 1, 0x100)
    rows["received_s"] = rows["sample_time_us"] // 1_000_000 - 1_577_836_800 + rng.integers(0, 5, len(rows))
    return rows


@dataclass
class Days:
    """A database with readings, the archive beside it, and a reader of both that lives until it is closed."""

    url: str
    folder: Path

    def __post_init__(self) -> None:
        self._runner = asyncio.Runner()
        self._archive = ArchiveReader(self.folder)

    def close(self) -> None:
        """Ends the reader."""
        self._runner.run(self._archive.close())
        self._runner.close()

    def write(self, rows: Rows, late: Rows | None = None, too_late: Rows | None = None) -> None:
        """Commits rows, late ones with a revision of the row after them."""
        store = PostgresShardStore(self.url)
        store.take_over(KEYS)
        none = rows[:0]
        store.commit(ShardCommit(0, rows))
        if late is not None or too_late is not None:
            revised = rows[:1].copy()
            revised["soc"] = 0.25
            store.commit(
                ShardCommit(
                    1_795_219_200_000_000,
                    late=none if late is None else late,
                    too_late=none if too_late is None else too_late,
                    revisions=[Revision(int(rows["battery_key"][0]), int(rows["sample_time_us"][0]))],
                    revised=revised,
                )
            )
        store.close()

    def trace(self, rows: Rows, seed: int = 0) -> Floats:
        """Stores hourly states of the model at some rows; returns the float markers among them."""
        traced = np.zeros(len(rows), LIVE_DTYPE)
        for number, name in enumerate(TRACED_COLUMNS):
            traced[name] = np.random.default_rng([seed, number]).normal(size=len(rows))

        async def save() -> None:
            store = await ServerStore.connect(self.url)
            try:
                await store.save_model_trace(rows["battery_key"], rows["sample_time_us"], traced)
            finally:
                await store.close()

        self._runner.run(save())
        markers: Floats = traced["float_marker"]
        return markers

    def close_days(self, now_day: int) -> None:
        """Lets the keeper of partitions find the days quiet."""
        keeper = PartitionKeeper(self.url)
        for _ in range(2):
            keeper.run(now_day * DAY_US)

    def seen(self, days: range, bucket_us: int | None = None, limit: int = 100_000) -> list[HistoryRows]:
        """What a reader sees of each battery."""

        async def ask() -> list[HistoryRows]:
            store = await ServerStore.connect(self.url)
            store.archive = self._archive
            try:
                return [
                    await store.query_history(
                        key,
                        days.start * DAY_US,
                        days.stop * DAY_US,
                        HISTORY_METRICS,
                        bucket_us=bucket_us,
                        after_us=None,
                        limit=limit,
                    )
                    for key in KEYS
                ]
            finally:
                await store.close()

        return self._runner.run(ask())

    def exported(self, days: range) -> list[ExportBatch]:
        """An export in small batches."""

        async def ask() -> list[ExportBatch]:
            store = await ServerStore.connect(self.url)
            store.archive = self._archive
            try:
                span = (days.start * DAY_US, days.stop * DAY_US)
                return [batch async for batch in store.export_history(KEYS, *span, HISTORY_METRICS, 100)]
            finally:
                await store.close()

        return self._runner.run(ask())

    def hours_only_until(self, days: range) -> list[int | None]:
        """End of what is left of each battery in hours alone, days since 1970."""

        async def ask() -> list[int | None]:
            store = await ServerStore.connect(self.url)
            store.archive = self._archive
            try:
                span = (days.start * DAY_US + 1, days.stop * DAY_US)
                found = [await store.hours_only_until_us(key, *span) for key in KEYS]
            finally:
                await store.close()
            assert all(us is None or us % DAY_US == 0 for us in found)
            return [None if us is None else us // DAY_US for us in found]

        return self._runner.run(ask())

    def may_have_readings(self, days: range, keys: Sequence[int]) -> bool:
        """Whether some batteries may have readings."""

        async def ask() -> bool:
            store = await ServerStore.connect(self.url)
            store.archive = self._archive
            try:
                return await store.may_have_readings(keys, days.start * DAY_US, days.stop * DAY_US)
            finally:
                await store.close()

        return self._runner.run(ask())

    def loads(self, days: range, batteries_of: Mapping[str, Sequence[int]]) -> list[StringLoad]:
        """What strings carried by the minute."""

        async def ask() -> list[StringLoad]:
            store = await ServerStore.connect(self.url)
            store.archive = self._archive
            try:
                return await store.string_loads(batteries_of, days.start * DAY_US, days.stop * DAY_US)
            finally:
                await store.close()

        return sorted(self._runner.run(ask()), key=lambda load: (load.minute_us, load.string_id))


def assert_same(before: list[HistoryRows], after: list[HistoryRows]) -> None:
    """Measured values are the same; estimates are the same to the step that the archive rounds to."""
    for one, other in zip(before, after, strict=True):
        assert one.time_us.tolist() == other.time_us.tolist()
        assert one.row_count.tolist() == other.row_count.tolist()
        assert one.suspect.tolist() == other.suspect.tolist()
        assert one.more == other.more
        for old, new in (
            (one.values, other.values),
            (one.minimums, other.minimums),
            (one.maximums, other.maximums),
        ):
            assert old.keys() == new.keys()
            for name, column in old.items():
                step = 0.51 / STEPS_PER_UNIT[name] if name in STORED_ESTIMATE_COLUMNS else 2e-6
                if name in MEASURED_COLUMNS and not one.minimums:
                    step = 0.0
                np.testing.assert_allclose(new[name], column, rtol=1e-6 if one.minimums else 0.0, atol=step)


def connect(days: Days) -> psycopg.Connection:
    """A connection in autocommit mode."""
    return psycopg.connect(days.url, autocommit=True, options="-c timezone=UTC")


def late_rows(rows: Rows, place: int) -> Rows:
    """One of some rows once more, half a step later."""
    late = rows[place : place + 1].copy()
    late["sample_time_us"] += STEP_US // 2
    return late
