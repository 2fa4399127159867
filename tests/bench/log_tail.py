"""A fleet whose newest snapshots are a day old: what a cold start finds after the longest time without one."""

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from actors.fleet import TwinSpec
from actors.local_fleet import LocalFleet
from actors.placement import place_twins
from batterytwin.inventory import load_fleet
from batterytwin.telemetry import READING_DTYPE, Rows, snap_to_grid
from storage.migrate import migrate
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from twin_server.fleet_setup import make_specs, register_fleet
from twin_server.settings import ServerSettings

_NEVER_S: Final = 1e9
_MINUTE_US: Final = 60_000_000
_MINUTES_PER_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class FilledDay:
    """What a day of log leads to.

    Attributes:
        last_us: sample time of the newest row of every battery, microseconds since 1970 UTC.
        state_hashes: SHA-256 of the state of each twin after it, by battery key.
    """

    last_us: int
    state_hashes: dict[int, str]


def fill_day(url: str, fleet_file: Path | None = None, minutes: int = 1_440) -> FilledDay:
    """Puts minutes of a whole fleet into a new database, ending now, and takes the snapshots made meanwhile away.

    Rows pass filter, rules and store as ever; the first minute has a snapshot, the others only their rows.

    Args:
        url: an empty database.
        fleet_file: inventory; None = the fleet of 1,944.
        minutes: readings of each battery, one a minute.
    """
    migrate(url)
    return asyncio.run(_fill(url, fleet_file, minutes))


def state_hashes_of(url: str, fleet_file: Path | None = None) -> dict[int, str]:
    """States of all twins as a start in one process finds them; see `FilledDay`."""
    return asyncio.run(_restored_hashes(url, fleet_file))


async def _restored_hashes(url: str, fleet_file: Path | None) -> dict[int, str]:
    fleet = LocalFleet([await _specs(url, fleet_file)], functools.partial(PostgresShardStore, url), _NEVER_S)
    await fleet.start()
    hashes = await fleet.state_hashes()
    await fleet.stop()
    return hashes


async def _specs(url: str, fleet_file: Path | None) -> list[TwinSpec]:
    store = await ServerStore.connect(url)
    try:
        return make_specs(*await register_fleet(store, load_fleet(fleet_file), ServerSettings()))
    finally:
        await store.close()


async def _fill(url: str, fleet_file: Path | None, minutes: int) -> FilledDay:
    specs = await _specs(url, fleet_file)
    end_us = time.time_ns() // _MINUTE_US // 1_000 * _MINUTE_US
    times = end_us - _MINUTE_US * np.arange(minutes - 1, -1, -1, dtype=np.int64)
    await _feed(url, specs, times[:1])  # leaves a snapshot of every twin
    keep = "CREATE TABLE first_snapshot AS SELECT * FROM twin_snapshot"
    put_back = (
        "TRUNCATE twin_snapshot; INSERT INTO twin_snapshot SELECT * FROM first_snapshot; DROP TABLE first_snapshot"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(keep)
        hashes = await _feed(url, specs, times[1:])
        connection.execute(put_back)
    return FilledDay(int(times[-1]), hashes)


async def _feed(url: str, specs: list[TwinSpec], times_us: NDArray[np.int64]) -> dict[int, str]:
    open_store: Callable[[], PostgresShardStore] = functools.partial(PostgresShardStore, url)
    fleet = LocalFleet(place_twins(specs), open_store, _NEVER_S)
    await fleet.start()
    rng = np.random.default_rng(1)

    async def feed_shard(shard: int) -> None:
        count = len(fleet.shard_specs[shard])
        for start in range(0, len(times_us), _MINUTES_PER_BATCH):
            rows = _float_rows(rng, count, times_us[start : start + _MINUTES_PER_BATCH])
            await fleet.apply(shard, rows, time.time_ns() // 1_000)

    await asyncio.gather(*map(feed_shard, range(len(fleet.shard_specs))))
    hashes = await fleet.state_hashes()
    await fleet.stop()
    return hashes


def _float_rows(rng: np.random.Generator, count: int, times_us: NDArray[np.int64]) -> Rows:
    rows = np.zeros(count * len(times_us), READING_DTYPE)
    rows["twin"] = np.tile(np.arange(count), len(times_us))
    rows["sample_time_us"] = np.repeat(times_us, count)
    for name, mean, sigma in (("voltage_v", 13.65, 0.05), ("current_a", 0.05, 0.02), ("temperature_c", 26.0, 0.3)):
        rows[name] = snap_to_grid(name, rng.normal(mean, sigma, len(rows)).astype(np.float32))
    rows["internal_resistance_mohm"] = np.nan
    return rows
