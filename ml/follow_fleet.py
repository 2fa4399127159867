"""Lets the twins of a fleet live through its readings: the same filter and accumulators as in a shard."""

from datetime import date

import numpy as np

from actors.filter import FilterParameters, initial_state, run_evidence, run_filter
from actors.fleet import TwinSpec
from actors.life_kernel import update_life
from actors.life_layout import empty_life
from actors.life_values import life_inputs
from batterytwin.events import TwinInput, TwinInputKind
from batterytwin.life import Floats, Ints
from batterytwin.telemetry import (
    LIVE_ESTIMATE_COLUMNS,
    MODE_SHIFT,
    STORED_ESTIMATE_COLUMNS,
    TELEMETRY_DTYPE,
    Rows,
    snap_to_grid,
)
from ml.fleet_source import FleetSource, MonthOfFleet
from ml.life_table import LifeTable

_DAY_S = 86_400.0


class _Twins:
    """The twins of one fleet."""

    def __init__(self, source: FleetSource) -> None:
        spec = TwinSpec(0, "", "", source.datasheet, date.min, 0.0)  # nothing names a battery
        self._parameters = FilterParameters.from_specs([spec] * len(source.installed_us))
        self._parameters.installed_us[:] = source.installed_us
        self._state = initial_state(self._parameters)
        self._lives = empty_life(self._parameters.installed_us)

    def live(self, month: MonthOfFleet) -> Floats:
        """Applies a month; what is known at its end, `(n_slots, N_LIFE_INPUTS)`."""
        rows = _rows(month)
        estimates = np.empty((len(rows), len(LIVE_ESTIMATE_COLUMNS)), np.float32)
        status = np.ascontiguousarray(rows["status"])
        slot = np.ascontiguousarray(month.slot, np.int32)
        run_filter(
            self._state,
            self._parameters,
            slot,
            slot,
            month.time_us,
            rows["voltage_v"],
            rows["current_a"],
            rows["temperature_c"],
            rows["internal_resistance_mohm"],
            status,
            estimates,
        )
        rows["status"] = status
        for place, name in enumerate(LIVE_ESTIMATE_COLUMNS):
            if name in STORED_ESTIMATE_COLUMNS:
                rows[name] = estimates[:, place]
        update_life(self._lives, self._parameters, slot, slot, rows)
        if len(month.test_slot):
            tested = month.test_slot.astype(np.int32)
            told = [
                TwinInput(0, TwinInputKind.CAPACITY_TEST, month.end_us, "", float(soh), month.test_sigma)
                for soh in month.test_soh
            ]
            run_evidence(self._state, self._parameters, tested, tested, told)
        return life_inputs(self._lives, self._state, self._parameters)

    def renew(self, slots: Ints, now_us: int) -> None:
        """Begins new twins in slots."""
        self._parameters.installed_us[slots] = now_us
        fresh = self._parameters.take(slots.astype(np.int32))
        self._state[slots] = initial_state(fresh)
        self._lives[slots] = empty_life(fresh.installed_us)


def follow_fleet(source: FleetSource) -> LifeTable:
    """Follows a fleet to its end and labels every month of every battery.

    A life ends when the true capacity falls below its limit; months from then on are left out. A block that was
    replaced before, or still serves at the end, was followed for so long at least.

    Args:
        source: the fleet.
    """
    twins = _Twins(source)
    n_slots = len(source.installed_us)
    unit = np.arange(n_slots)
    next_unit = n_slots
    over = np.zeros(n_slots, np.bool_)
    soh_before, before_us = np.full(n_slots, np.nan), 0
    inputs: list[Floats] = []
    rows_slot: list[Ints] = []
    rows_unit: list[Ints] = []
    rows_us: list[Ints] = []
    rows_left: list[Floats] = []
    rows_soh: list[Floats] = []
    end_us: dict[int, float] = {}
    until_us: dict[int, float] = {}
    for month, truth in source.months():
        known = twins.live(month)
        ends = ~over & (truth.soh < source.end_soh)
        for slot in np.flatnonzero(ends):
            share = 1.0
            if np.isfinite(soh_before[slot]) and soh_before[slot] > source.end_soh:
                share = (soh_before[slot] - source.end_soh) / (soh_before[slot] - truth.soh[slot])
            end_us[int(unit[slot])] = before_us + share * (month.end_us - before_us) if before_us else month.end_us
        over |= ends
        alive = np.flatnonzero(~over)
        inputs.append(known[alive])
        rows_slot.append(alive)
        rows_unit.append(unit[alive])
        rows_us.append(np.full(len(alive), month.end_us))
        rows_left.append(truth.left_s[alive])
        rows_soh.append(truth.soh[alive])
        until_us.update(dict.fromkeys(unit[alive].tolist(), float(month.end_us)))
        soh_before, before_us = truth.soh.copy(), month.end_us
        if len(month.renewed):
            twins.renew(month.renewed, month.end_us)
            fresh = np.arange(next_unit, next_unit + len(month.renewed))
            unit = unit.copy()
            unit[month.renewed] = fresh
            next_unit += len(fresh)
            over[month.renewed] = False
            soh_before[month.renewed] = np.nan
    at_us, of_unit = np.concatenate(rows_us), np.concatenate(rows_unit)
    end = np.array([end_us.get(int(u), np.inf) for u in of_unit])
    seen_until = np.array([until_us[int(u)] for u in of_unit])
    upper = (end - at_us) / (_DAY_S * 1e6)
    lower = np.where(np.isfinite(end), upper, (seen_until - at_us) / (_DAY_S * 1e6))
    outlook = _outlook(of_unit, at_us, np.concatenate(rows_left))
    return LifeTable(
        inputs=np.concatenate(inputs),
        battery=of_unit,
        site=np.asarray(source.site)[np.concatenate(rows_slot)],
        plant=np.zeros(len(at_us), np.int64),
        watch_days=(at_us.max() - at_us) / (_DAY_S * 1e6),
        lower_days=lower,
        upper_days=upper,
        true_days=np.where(np.isfinite(end), upper, outlook),
        true_soh=np.concatenate(rows_soh),
    )


def _outlook(battery: Ints, at_us: Ints, left_s: Floats) -> Floats:
    """Days to the end for batteries whose end was not seen, as it looks from their last month, `(n_rows,)`."""
    last_us = np.full(int(battery.max()) + 1, -1, np.int64)
    last_left = np.full(len(last_us), np.nan)
    for row in np.argsort(at_us, kind="stable"):
        last_us[battery[row]], last_left[battery[row]] = at_us[row], left_s[row]
    return np.asarray(((last_us[battery] - at_us) * 1e-6 + last_left[battery]) / _DAY_S, np.float64)


def _rows(month: MonthOfFleet) -> Rows:
    """Readings on the canonical grid as rows of telemetry."""
    rows = np.zeros(len(month.slot), TELEMETRY_DTYPE)
    rows["sample_time_us"] = month.time_us
    for name, values in (
        ("voltage_v", month.voltage_v),
        ("current_a", month.current_a),
        ("temperature_c", month.temperature_c),
        ("internal_resistance_mohm", month.resistance_mohm),
    ):
        rows[name] = snap_to_grid(name, values)
    rows["status"] = month.mode.astype(np.int16) << MODE_SHIFT
    return rows
