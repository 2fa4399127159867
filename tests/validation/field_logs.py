"""Logs from the field, dirty and dynamic: whatever arrives, a twin stays sane. Nothing here has a true value."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from actors.filter_layout import state_records
from batterytwin.datasheet import BatteryDatasheet
from tests.validation.closed_loop import Twin
from tests.validation.measured_blocks import columns
from tests.validation.open_loop import Floats, Record
from tests.validation.scoring import mean_absolute
from tests.validation.section import Context

_ROWS_A_LOOK = 500
_CELL_AH = 400.0
_SIGN_BIT = 32_768.0


def measure(context: Context) -> Mapping[str, float]:
    """Insane states (no covariance, values out of range) of each kind of log; voltage errors for information."""
    folder = context.data
    kinds = {
        "vehicle": [_vehicle(path) for path in sorted((folder / "vehicle-ibs-12v").glob("so*/*.csv.gz"))],
        "tubular": [_tubular(path) for path in sorted((folder / "tubular-lead-acid-discharge").glob("test_*.csv"))],
        "cell_2v": [_cell(folder / "vrla-2v-cell-bms-log" / "bid5_raw.csv")],
    }
    values: dict[str, float] = {}
    for kind, logs in kinds.items():
        found = [_watch(*log) for log in logs]
        values[f"field.{kind}_readings"] = sum(record.time_s.size for _, record in logs)
        values[f"field.{kind}_insane_states"] = sum(insane for insane, _ in found)
        values[f"field.{kind}_one_step_mv"] = 1e3 * mean_absolute([error.mean() for _, error in found])
        values[f"field.{kind}_largest_surprise_v"] = max(float(error.max()) for _, error in found)
        context.say(f"{kind}: {values[f'field.{kind}_readings']:,.0f} readings")
    return values


def _watch(sheet: BatteryDatasheet, record: Record) -> tuple[int, Floats]:
    """Insane states met, and the absolute innovations, V."""
    twin = Twin(sheet, full=False)
    insane, innovations = 0, []
    for first in range(0, record.time_s.size, _ROWS_A_LOOK):
        told = twin.see(record.rows(slice(first, first + _ROWS_A_LOOK)))
        insane += not _is_sane(twin, told["soc"])
        innovations.append(told["innovation_v"])
    surprises = np.abs(np.concatenate(innovations))
    return insane, surprises[np.isfinite(surprises)]


def _is_sane(twin: Twin, soc: Floats) -> bool:
    """Estimates are finite and in range, and the joint covariance is positive."""
    x = state_records(twin.state)[0]
    order = 5
    covariance = np.zeros((order, order))
    for i in range(order):
        for j in range(i, order):
            covariance[i, j] = covariance[j, i] = x[f"p{i}{j}"]
    scale = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    positive = np.linalg.eigvalsh(covariance / np.outer(scale, scale)).min() > -1e-6
    in_range = bool(np.all((soc >= 0.0) & (soc <= 1.0)) and 0.1 < x["soh_capacity"] < 2.0 and x["r0_ohm"] > 0.0)
    return bool(np.isfinite(twin.state).all() and positive and np.all(np.diag(covariance) > 0.0) and in_range)


def _vehicle(path: Path) -> tuple[BatteryDatasheet, Record]:
    time_s, current_a, voltage_v, temperature_c = columns(path, ("t_s", "current_a", "voltage_v", "battery_temp_c"))
    rising = np.flatnonzero(np.diff(np.maximum.accumulate(time_s), prepend=-1.0) > 0.0)
    sheet = BatteryDatasheet(model="CAR-72", rated_capacity_ah=72.0, cells=6)
    return sheet, Record(path.stem, time_s + 1.0, voltage_v, current_a, temperature_c).rows(rising)


def _tubular(path: Path) -> tuple[BatteryDatasheet, Record]:
    minute, current_a, voltage_v = columns(path, ("minute", "current_a", "voltage_v"))
    sheet = BatteryDatasheet(model="TUBULAR-85", rated_capacity_ah=85.0, cells=6)
    return sheet, Record(path.stem, 60.0 * minute, voltage_v, current_a, np.full(minute.size, np.nan))


def _cell(path: Path) -> tuple[BatteryDatasheet, Record]:
    """One 2 V cell as a naive gateway would decode it; half of the rows share a minute, so they are spread over it."""
    millivolts, counts, tenths_c = columns(path, ("U", "A", "T"))
    sheet = BatteryDatasheet(model="CELL-2V", rated_capacity_ah=_CELL_AH, cells=1)
    time_s = 10.0 * np.arange(1.0, millivolts.size + 1.0)
    current_a = np.where(counts >= _SIGN_BIT, _SIGN_BIT - counts, counts) / 10.0
    return sheet, Record(path.stem, time_s, millivolts / 1e3, current_a, tenths_c / 10.0)
