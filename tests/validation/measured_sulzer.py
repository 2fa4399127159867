"""PyBaMM's LOQS and Full models as black boxes, at five rates: the twin sees voltages and currents only."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import Regime
from tests.validation.closed_loop import Twin
from tests.validation.identify_datasheet import identify
from tests.validation.open_loop import Record, expected_voltages
from tests.validation.scoring import mean_absolute, root_mean_square
from tests.validation.section import Context
from tests.validation.sulzer_blocks import MODELS, RATES_C, discharge

_TEN_HOUR_RATE_C = 0.1
_WRONG_START = 0.2
_JUDGED_AFTER = 0.1


def measure(context: Context) -> Mapping[str, float]:
    """Errors of each model at its worst rate, and their means."""
    values: dict[str, float] = {}
    for model in MODELS:
        records = {rate_c: discharge(model, rate_c) for rate_c in RATES_C}
        context.say(f"{model}: {len(records)} discharges simulated")
        rated_ah = float(records[_TEN_HOUR_RATE_C].taken_ah[-1])
        found = [_judge(records, rate_c, rated_ah) for rate_c in RATES_C]
        for name in found[0]:
            per_rate = [figures[name] for figures in found]
            values[f"sulzer.{model.lower()}_{name}_worst_rate"] = max(per_rate)
            values[f"sulzer.{model.lower()}_{name}_mean"] = mean_absolute(per_rate)
    return values


def _judge(records: Mapping[float, Record], rate_c: float, rated_ah: float) -> dict[str, float]:
    """Figures of one rate: open loop with a sheet from the other rates, closed loop with a generic one."""
    record = records[rate_c]
    others = [replace(other, block="one battery") for r, other in records.items() if r != rate_c]
    generic = BatteryDatasheet(model="GENERIC", rated_capacity_ah=rated_ah, cells=6)
    found = identify(others, generic)
    open_loop = expected_voltages([found.sheet, generic], [record, record])
    told = Twin(generic, full=True).see(record)
    ahead = told["innovation_v"][1:][told.regime[1:] == Regime.DISCHARGE]
    return {
        "unseen_rate_mv": 1e3 * float(np.abs(open_loop[0] - record.voltage_v).mean()),
        "generic_sheet_open_loop_mv": 1e3 * float(np.abs(open_loop[1] - record.voltage_v).mean()),
        "generic_sheet_one_step_mv": 1e3 * mean_absolute(ahead),
        "soc_points": _soc_points(found.sheet, record, rated_ah),
        "soc_generic_sheet_points": _soc_points(generic, record, rated_ah),
    }


def _soc_points(sheet: BatteryDatasheet, record: Record, rated_ah: float) -> float:
    """SOC error after a 20 points wrong start; truth: charge left over what the battery gives in ten hours."""
    twin = Twin(sheet, full=True)
    twin.believe(1.0 - _WRONG_START, _WRONG_START)
    told = twin.see(record)
    taken = record.taken_ah / rated_ah
    return 100.0 * root_mean_square((told["soc"] - (1.0 - taken))[taken > _JUDGED_AFTER])
