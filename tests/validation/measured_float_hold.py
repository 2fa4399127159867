"""9 Ah blocks taken from rest at 13.3 V to a float of 13.7 V: the step of the voltage tells nothing of the charge."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from batterytwin.datasheet import BatteryDatasheet
from tests.validation.closed_loop import Told, Twin
from tests.validation.measured_blocks import AGM_9AH_BLOCKS, HELD_9AH_BLOCKS, cycles_of_9_ah, float_hold_of_9_ah
from tests.validation.open_loop import Record
from tests.validation.section import Context

_SHEET = BatteryDatasheet(model="GENERIC-9", rated_capacity_ah=9.0, cells=6)
_SIGMA_FLOOR = 0.01
_STEP_V = 0.15
_FLOAT_V, _CHARGE_V = 13.65, 13.75
_QUIET_A = 0.02
_UNSURE = (0.8, 0.1)


def measure(context: Context) -> Mapping[str, float]:
    """What SOC does at the step beyond the charge counted, and how sure a twin becomes."""
    at_step: dict[str, list[float]] = {"full": [], "watched": [], "unsure": []}
    sigmas, anywhere = [], []
    for block in HELD_9AH_BLOCKS:
        record = float_hold_of_9_ah(context.data, block)
        for kind, (soc, sigma) in {"full": (1.0, _SIGMA_FLOOR), "unsure": _UNSURE}.items():
            twin = Twin(_SHEET, full=True)
            twin.believe(soc, sigma)
            told = twin.see(record)
            at_step[kind] += _moves(record, told)
            sigmas.append(_lowest_sigma(record, told))
    for block in AGM_9AH_BLOCKS:
        record = cycles_of_9_ah(context.data, block)
        told = Twin(_SHEET, full=False).see(record)
        at_step["watched"] += _moves(record, told)
        sigmas.append(_lowest_sigma(record, told))
        anywhere.append(float(told["soc_sigma"].min()))
    context.say(f"{len(at_step['watched'])} steps after a charge that was watched")
    return {
        "float_hold.soc_follows_step_points": max(at_step["full"] + at_step["watched"]),
        "float_hold.soc_of_unsure_twin_at_step_points": max(at_step["unsure"]),
        "float_hold.lowest_sigma_points": 100.0 * min(sigmas),
        "float_hold.lowest_sigma_of_whole_cycles_points": 100.0 * min(anywhere),
    }


def _held(record: Record) -> NDArray[np.bool_]:
    return np.asarray((record.voltage_v > _FLOAT_V) & (record.voltage_v < _CHARGE_V))


def _lowest_sigma(record: Record, told: Told) -> float:
    return float(told["soc_sigma"][_held(record)].min())


def _moves(record: Record, told: Told) -> list[float]:
    """Change of SOC at each step from rest to float, less the charge counted there, points."""
    steps = np.flatnonzero((np.diff(record.voltage_v) > _STEP_V) & (record.voltage_v[1:] > _FLOAT_V)) + 1
    rested = [k for k in steps if record.current_a[k - 1] < _QUIET_A and record.voltage_v[k] < _CHARGE_V]
    counted = np.diff(-record.taken_ah) / _SHEET.rated_capacity_ah
    return [100.0 * abs(float(told["soc"][k] - told["soc"][k - 1]) - counted[k - 1]) for k in rested]
