"""A 12 V 100 Ah AGM block, told its capacity and cells only: a charge from empty, and the rest after."""

from collections.abc import Mapping

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from tests.actors.measured_sets import charge_of_100_ah
from tests.validation.closed_loop import Twin
from tests.validation.open_loop import Record
from tests.validation.scoring import mean_absolute
from tests.validation.section import Context

_SHEET = BatteryDatasheet(model="UB121000", rated_capacity_ah=100.0, cells=6)
_STEPS_S = (5.0, 60.0)
_RELAXED_S = 2.0 * 3600.0


def measure(context: Context) -> Mapping[str, float]:
    """One-step errors in charge and rests, and the rest expected without seeing it."""
    values: dict[str, float] = {}
    for step_s in _STEPS_S:
        measured = charge_of_100_ah(context.data).every(step_s)
        columns = (measured.voltage_v, measured.current_a, measured.temperature_c)
        record = Record("100 Ah", measured.time_s - measured.time_s[0] + step_s, *columns)
        told = Twin(_SHEET, full=False).see(record)
        ahead_v = np.abs(told["innovation_v"][1:])
        charging = record.current_a[1:] > 0.0
        name = f"100ah.step_{step_s:g}s"
        values[f"{name}_mv"] = 1e3 * mean_absolute(ahead_v)
        values[f"{name}_charge_mv"] = 1e3 * mean_absolute(ahead_v[charging])
        values[f"{name}_rests_mv"] = 1e3 * mean_absolute(ahead_v[~charging])
        values[f"{name}_persistence_mv"] = 1e3 * mean_absolute(np.diff(record.voltage_v))
        values[f"{name}_soc_at_end_of_charge"] = float(told["soc"][np.flatnonzero(charging)[-1]])
        context.say(f"{step_s:g} s: {values[f'{name}_mv']:.1f} mV ahead")
    errors = _rest_unseen(record)
    values["100ah.rest_after_2h_mv"] = 1e3 * errors[0]
    values["100ah.rest_first_2h_mean_mv"] = 1e3 * errors[1]
    return values


def _rest_unseen(record: Record) -> tuple[float, float]:
    """Error after 2 h of rest, and the mean until then, V; the last voltage seen is the charge's."""
    last = int(np.flatnonzero(record.current_a > 0.0)[-1])
    twin = Twin(_SHEET, full=False)
    twin.see(record.rows(slice(0, last + 1)))
    rest = record.rows(slice(last + 1, None))
    expected = twin.expect(rest)
    since_s = rest.time_s - record.time_s[last]
    missed = np.abs(expected - rest.voltage_v)
    return float(missed[np.searchsorted(since_s, _RELAXED_S)]), float(missed[since_s <= _RELAXED_S].mean())
