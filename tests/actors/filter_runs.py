"""One battery through the filter: shared by its tests."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from actors.filter import FilterParameters, initial_state, run_filter
from actors.filter_layout import state_records
from actors.fleet import TwinSpec
from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, pack_status, regime_of

START_US = 1_700_000_000_000_000
INSTALLED = date(2023, 11, 14)
"""The day of `START_US`: a new battery."""


def battery(capacity_ah: float = 120.0, cells: int = 6, installed: date = INSTALLED) -> TwinSpec:
    sheet = (
        load_datasheet("HX12-120")
        if (capacity_ah, cells) == (120.0, 6)
        else BatteryDatasheet(model="M", rated_capacity_ah=capacity_ah, cells=cells)
    )
    return TwinSpec(1, "B", "S", sheet, installed, 60.0)


def generic(capacity_ah: float, cells: int = 6) -> TwinSpec:
    """A new block of which nothing is known but its size."""
    sheet = BatteryDatasheet(model="M", rated_capacity_ah=capacity_ah, cells=cells)
    return TwinSpec(1, "B", "S", sheet, INSTALLED, 60.0)


@dataclass
class Run:
    """A battery's readings after the filter: estimates by name, shape (n_rows,), and its state afterwards."""

    time_s: NDArray[np.float64]
    voltage_v: NDArray[np.float64]
    estimates: NDArray[np.float32]
    regime: NDArray[np.int16]
    state: NDArray[np.float64]

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        return self.estimates[:, LIVE_ESTIMATE_COLUMNS.index(name)].astype(np.float64)

    @property
    def end(self) -> Any:
        return state_records(self.state)[0]

    def mae_v(self, regime: int) -> float:
        return float(np.nanmean(np.abs(self["innovation_v"][self.of(regime)])))

    def nis(self, regime: int) -> float:
        return float(np.nanmean((self["innovation_v"] / self["innovation_sigma_v"])[self.of(regime)] ** 2))

    def persistence_v(self, regime: int) -> float:
        steps = np.abs(np.diff(self.voltage_v, prepend=np.nan))
        return float(np.nanmean(steps[self.of(regime)]))

    def of(self, regime: int) -> NDArray[np.bool_]:
        chosen = np.asarray(self.regime == regime)
        chosen[0] = False  # nothing could be predicted
        return chosen


def run(
    spec: TwinSpec,
    time_s: ArrayLike,
    voltage_v: ArrayLike = np.nan,
    current_a: ArrayLike = np.nan,
    temperature_c: ArrayLike = np.nan,
    *,
    resistance_mohm: ArrayLike = np.nan,
    mode: int = 0,
    state: NDArray[np.float64] | None = None,
) -> Run:
    """Runs one battery; a given state is continued and left as it was."""
    times = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
    n = times.size
    parameters = FilterParameters.from_specs([spec])
    state = initial_state(parameters) if state is None else state.copy()
    voltage, current, temperature, resistance = (
        np.broadcast_to(np.asarray(c, np.float32), (n,)) for c in (voltage_v, current_a, temperature_c, resistance_mohm)
    )
    status = np.full(n, pack_status(0, mode), np.int16)
    estimates = np.empty((n, len(LIVE_ESTIMATE_COLUMNS)), np.float32)
    zeros = np.zeros(n, np.int32)
    times_us = START_US + np.round(times * 1e6).astype(np.int64)
    run_filter(state, parameters, zeros, zeros, times_us, voltage, current, temperature, resistance, status, estimates)
    return Run(times, voltage.astype(np.float64), estimates, regime_of(status), state)
