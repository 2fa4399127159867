"""Readings of a small fleet that lives through everything: float, an outage, recharge, heat, faults, gaps."""

import numpy as np

from actors.fleet import TwinSpec
from batterytwin.telemetry import MEASURED_COLUMNS, READING_DTYPE, Flag, Rows, StringMode, pack_status, snap_to_grid
from tests.fixtures.small_fleet import small_inventory, specs_of

START_US = 1_760_000_000_000_000
MINUTE_US = 60_000_000


def small_specs(blocks: int = 48) -> list[TwinSpec]:
    """Twins of up to four strings of 24."""
    return specs_of(small_inventory())[:blocks]


def eventful_frames(blocks: int, frames: int, seed: int = 1, first: int = 0) -> list[Rows]:
    """Frames of one reading a battery each, a minute apart, `twin` counted through the fleet.

    Every forty frames hold an outage, a recharge, a hot spell and a boost; about one reading in sixty is implausible
    or lacks a quantity.
    """
    rng = np.random.default_rng(seed)
    offset_v = rng.normal(0.0, 0.05, blocks)
    drawn = [_frame(rng, blocks, k, offset_v) for k in range(first + frames)]
    return drawn[first:]


def _frame(rng: np.random.Generator, blocks: int, k: int, offset_v: np.ndarray) -> Rows:
    phase = k % 40
    rows = np.zeros(blocks, READING_DTYPE)
    rows["twin"] = np.arange(blocks)
    rows["sample_time_us"] = START_US + k * MINUTE_US + (7_200_000_000 if k > 100 else 0)
    current_a, voltage_v, mode = 0.05, 13.65, StringMode.UNSPECIFIED
    if 10 <= phase < 18:
        current_a, voltage_v, mode = -40.0, 12.3 - 0.02 * (phase - 10), StringMode.DISCHARGE
    elif 18 <= phase < 26:
        current_a, voltage_v = 10.0 - phase / 4, 13.4 + 0.03 * (phase - 18)
    elif phase == 30:
        voltage_v, mode = 14.4, StringMode.BOOST
    rows["current_a"] = current_a + rng.normal(0, 0.02, blocks)
    rows["voltage_v"] = voltage_v + offset_v + rng.normal(0, 0.01, blocks)
    rows["temperature_c"] = 26 + rng.normal(0, 0.2, blocks) + (12.0 if phase > 31 else 0.0)
    rows["internal_resistance_mohm"] = np.where(k % 5 == 0, 4.0 + rng.normal(0, 0.05, blocks), np.nan)
    rows["voltage_v"][rng.random(blocks) < 1 / 60] = -12.88
    for name in MEASURED_COLUMNS:
        rows[name][rng.random(blocks) < 1 / 60] = np.nan
        rows[name] = snap_to_grid(name, rows[name])
    rows["status"] = pack_status(Flag.CURRENT_FROM_STRING, mode)
    return rows
