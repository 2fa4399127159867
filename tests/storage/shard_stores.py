"""Shard stores to hold the laws against, and what to put into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import psycopg
from numpy.typing import NDArray

from batterytwin.alerts import AlertChange
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.instants import to_us
from storage.memory_shard_store import MemoryDatabase, MemoryShardStore
from storage.postgres_shard_store import PostgresShardStore
from storage.shard_store import ShardStore

KEYS = tuple(range(1, 9))
"""Batteries that exist in every database of these tests."""

T0_US = 1_795_219_200_000_000
"""2026-11-21 00:00 UTC: the first instant of a partition."""

_REGISTER = """
INSERT INTO datasheet VALUES ('HX12-120', '{}');
INSERT INTO grid (grid_id) VALUES ('th');
INSERT INTO location (location_id, grid_key, display_name, region, latitude_deg, longitude_deg, clock, sample_period_s)
VALUES ('BRK', 1, 'Bangrak', 'central', 13.73, 100.52, 1, 60);
INSERT INTO system (system_id, location_key, kind) VALUES ('BRK-U1', 1, 1);
INSERT INTO string (string_id, system_key, model) VALUES ('BRK-U1-S01', 1, 'HX12-120');
INSERT INTO battery (battery_id, string_key, position, serial, installed_on)
SELECT 'BRK-U1-S01-B' || n, 1, n, 'SN-' || n, '2022-01-01' FROM generate_series(1, 8) n;
"""

Change = tuple[str, AlertChange, int]


def register_batteries(url: str) -> None:
    """Puts eight batteries into the inventory of a fresh database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_REGISTER)


class Backend(Protocol):
    """A database that several stores share."""

    def open_store(self) -> ShardStore: ...

    def late_rows(self) -> dict[tuple[int, int], tuple[float, int]]:
        """`{(battery, sample time): (voltage, received_s)}`."""

    def alert_changes(self) -> list[Change]:
        """In order of commit."""

    def damage_newest_snapshot(self, battery_key: int, part: str = "state", *, torn: bool = False) -> None: ...


@dataclass
class MemoryBackend:
    database: MemoryDatabase

    def open_store(self) -> ShardStore:
        return MemoryShardStore(self.database)

    def late_rows(self) -> dict[tuple[int, int], tuple[float, int]]:
        return {pair: (float(row["voltage_v"]), int(row["received_s"])) for pair, row in self.database.late.items()}

    def alert_changes(self) -> list[Change]:
        return [(t.alert_id, t.change, int(t.severity)) for t in self.database.alert_changes]

    def damage_newest_snapshot(self, battery_key: int, part: str = "state", *, torn: bool = False) -> None:  # noqa: ARG002 # one sum
        self.database.snapshots[battery_key][0].sha256 = bytes(32)


class PostgresBackend:
    def __init__(self, url: str) -> None:
        self.url = url
        self.stores: list[PostgresShardStore] = []
        self.connection = psycopg.connect(url, autocommit=True)
        self.connection.execute(_REGISTER)

    def open_store(self) -> PostgresShardStore:
        self.stores.append(PostgresShardStore(self.url))
        return self.stores[-1]

    def late_rows(self) -> dict[tuple[int, int], tuple[float, int]]:
        found = self.connection.execute("SELECT battery_key, sample_time, voltage_v, received_s FROM late_reading")
        return {(key, to_us(time)): (voltage, received) for key, time, voltage, received in found}

    def alert_changes(self) -> list[Change]:
        found = self.connection.execute("SELECT alert_id, change, severity FROM alert_change ORDER BY seq")
        return [(alert_id, AlertChange(change), severity) for alert_id, change, severity in found]

    def damage_newest_snapshot(self, battery_key: int, part: str = "state", *, torn: bool = False) -> None:
        damaged = f"set_byte({part}, 0, get_byte({part}, 0) # 1)" if not torn else f"substring({part} for 3)"
        self.connection.execute(
            f"UPDATE twin_snapshot SET {part} = {damaged} WHERE battery_key = %s "
            "AND watermark = (SELECT max(watermark) FROM twin_snapshot WHERE battery_key = %s)",
            (battery_key, battery_key),
        )

    def empty(self) -> None:
        """Removes everything but the inventory."""
        self.connection.execute(
            "TRUNCATE reading, late_reading, revised_estimate, twin_revision, twin_input, twin_snapshot, alert, "
            "alert_change"
        )

    def close(self) -> None:
        for store in self.stores:
            store.close()
        self.connection.close()


def rows_of(pairs: Sequence[tuple[int, int]], seed: int = 0) -> Rows:
    """Rows with values of all kinds (NaN among them) for pairs of battery and sample time."""
    random = np.random.default_rng(seed)
    rows = np.zeros(len(pairs), TELEMETRY_DTYPE)
    rows["battery_key"] = [key for key, _ in pairs]
    rows["sample_time_us"] = [time for _, time in pairs]
    rows["status"] = random.integers(0, 0x0FFF, len(pairs))
    rows["received_s"] = random.integers(0, 2**31 - 1, len(pairs))
    for name in TELEMETRY_DTYPE.names or ():
        if TELEMETRY_DTYPE[name] == np.dtype("<f4"):
            values = random.normal(10.0, 5.0, len(pairs)).astype(np.float32)
            values[random.random(len(pairs)) < 0.2] = np.nan
            rows[name] = values
    return rows


def sorted_rows(rows: Rows) -> Rows:
    """Rows in the order of `ShardStore.read_tail`."""
    return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


def pair_columns(pairs: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Pairs as the arguments of `ShardStore.find_rows`."""
    return np.array([key for key, _ in pairs], np.int32), np.array([time for _, time in pairs], np.int64)
