"""Rows of a fleet's history that are as hard to pack as real ones: made by simulator and filter, not drawn.

Some strings of different sites live through four weeks in the simulator: load, weather, mains failures and recharges,
each sensor's noise and its steps, resistance measured now and then. The filter estimates from these readings alone.
Every battery of the fleet then gets, for each week, a stretch of one of those blocks that begins at another day, moved
by offsets of its own (whole steps of the grid, so that rows stay what sensors can say), with times of receipt that
jitter. A row group of the archive holds one battery's week, so no row is packed by the help of a row that it was copied
from; what packs it is what packs a real week.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from batterytwin.inventory import load_fleet
from batterytwin.telemetry import (
    LIVE_ESTIMATE_COLUMNS,
    STORED_ESTIMATE_COLUMNS,
    Regime,
    Rows,
    pack_status,
    snap_to_grid,
    to_received_s,
)
from simulator.plant import Plant
from storage.archive_columns import ARCHIVE_DTYPE
from storage.partitions import DAY_US
from tests.validation.simulated_fleet import Recording, record_string
from tests.validation.twin_runs import run_twins

MINUTE_US: Final = 60_000_000
_MINUTES_A_DAY: Final = 1_440
_SEED: Final = 4_711
_START: Final = datetime(2026, 3, 2, tzinfo=UTC)
_LEARNING_DAYS: Final = 2
_OFFSETS: Final = {"voltage_v": 0.03, "temperature_c": 1.5, "internal_resistance_mohm": 0.3}  # sigma, in the unit
_STRING_PHASE_US: Final = 740_000  # gateways read one string after the other


@dataclass(frozen=True, slots=True)
class LivedWeeks:
    """Blocks that lived in the simulator.

    Attributes:
        rows: `ARCHIVE_DTYPE`, a minute apart, `(n_blocks, n_minutes)`; keys and times are not filled in.
    """

    rows: Rows

    @classmethod
    def simulate(cls, days: int = 28, strings: tuple[int, ...] = (0, 40, 80)) -> "LivedWeeks":
        """Lives through some days with strings of the product's fleet, by number."""
        inventory = load_fleet()
        plant = Plant(inventory, _SEED, _START)
        until = _START + timedelta(days=_LEARNING_DAYS + days)
        return cls(
            np.concatenate(
                [_rows_of(record_string(plant, inventory, _SEED, string, until), days) for string in strings]
            )
        )

    def stretch(self, keys: range, days: range) -> Rows:
        """Rows of batteries over days, as the archive wants them: by battery, then by time.

        Args:
            keys: battery keys; those of a string follow each other.
            days: since 1970-01-01 UTC.

        Returns:
            `ARCHIVE_DTYPE`, shape `(n_batteries * n_minutes,)`.
        """
        minutes = len(days) * _MINUTES_A_DAY
        rows = np.empty((len(keys), minutes), ARCHIVE_DTYPE)
        times_us = days.start * DAY_US + MINUTE_US * np.arange(minutes)
        lived = self.rows.shape[1] // _MINUTES_A_DAY
        for place, key in enumerate(keys):
            rng = np.random.default_rng([_SEED, key])
            first = (key * 5 + days.start * 3) % max(lived - len(days) + 1, 1) * _MINUTES_A_DAY
            mine = rows[place]
            mine[:] = np.take(self.rows[key % len(self.rows)], np.arange(first, first + minutes), mode="wrap")
            for name, sigma in _OFFSETS.items():
                mine[name] = snap_to_grid(name, mine[name] + np.float32(rng.normal(0.0, sigma)))
            mine["battery_key"] = key
            mine["sample_time_us"] = times_us + key // 24 * _STRING_PHASE_US % MINUTE_US
            mine["received_s"] = to_received_s(0) + mine["sample_time_us"] // 1_000_000 + rng.integers(0, 3, minutes)
        return rows.ravel()


def _rows_of(recording: Recording, days: int) -> Rows:
    """One row a block and minute, learning left out."""
    run = run_twins(recording)
    begin_us = round((_START + timedelta(days=_LEARNING_DAYS)).timestamp() * 1e6)
    minutes = begin_us + MINUTE_US * np.arange(days * _MINUTES_A_DAY)
    visits = np.minimum(np.searchsorted(recording.time_us, minutes), len(recording.time_us) - 1)
    rows = np.zeros((recording.voltage_v.shape[1], len(visits)), ARCHIVE_DTYPE)
    rows["voltage_v"] = recording.voltage_v[visits].T
    rows["temperature_c"] = recording.temperature_c[visits].T
    rows["internal_resistance_mohm"] = recording.resistance_mohm[visits].T
    rows["current_a"] = recording.current_a[visits]
    for name in STORED_ESTIMATE_COLUMNS:
        rows[name] = run.estimates[visits, :, LIVE_ESTIMATE_COLUMNS.index(name)].T
    rows["status"] = pack_status(0, recording.mode[visits], run.regime[visits].T.astype(np.int32))
    return rows


def regimes(rows: Rows) -> set[Regime]:
    """What the batteries of some rows did, as the filter saw it."""
    return {Regime(int(number)) for number in np.unique((rows["status"] & 0x0F00) >> 8)}
