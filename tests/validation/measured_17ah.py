"""A 12 V 17 Ah VRLA block discharged at 3, 2 and 1 A, each rate judged with a data sheet found from the other two."""

from collections.abc import Mapping

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import Regime
from tests.validation.closed_loop import Twin
from tests.validation.identify_datasheet import identify
from tests.validation.measured_blocks import AMPERES_OF_17_AH, discharge_from_full_of_17_ah
from tests.validation.open_loop import expected_voltages
from tests.validation.scoring import mean_absolute
from tests.validation.section import Context

_GENERIC = BatteryDatasheet(model="GENERIC-17", rated_capacity_ah=17.0, cells=6)


def measure(context: Context) -> Mapping[str, float]:
    """Open-loop errors, with the capacity from the other rates or as delivered, and one minute ahead."""
    records = {a: discharge_from_full_of_17_ah(context.data, a) for a in AMPERES_OF_17_AH}
    values: dict[str, float] = {}
    for amperes, record in records.items():
        others = [other for a, other in records.items() if a != amperes]
        found = identify(others, _GENERIC)
        delivered_ah = float(record.taken_ah[-1])
        generic = BatteryDatasheet(model="GENERIC", rated_capacity_ah=delivered_ah, cells=6)
        expectations = {
            "unseen_rate": expected_voltages([found.sheet], [record]),
            "unseen_rate_known_capacity": expected_voltages([found.of_block(delivered_ah)], [record]),
            "generic_sheet_known_capacity": expected_voltages([generic], [record]),
        }
        for name, (expected,) in expectations.items():
            values[f"17ah.{name}_{amperes}a_mv"] = 1e3 * float(np.abs(expected - record.voltage_v).mean())
        told = Twin(_GENERIC, full=True).see(record)
        ahead = told["innovation_v"][1:][told.regime[1:] == Regime.DISCHARGE]
        values[f"17ah.generic_sheet_one_step_{amperes}a_mv"] = 1e3 * mean_absolute(ahead)
        context.say(f"{amperes} A: {values[f'17ah.unseen_rate_{amperes}a_mv']:.0f} mV from the other two rates")
    together = list(records.values())
    in_sample = identify(together, _GENERIC)
    for amperes, record, expected in zip(
        records, together, expected_voltages([in_sample.sheet] * len(together), together), strict=True
    ):
        values[f"17ah.all_rates_fitted_{amperes}a_mv"] = 1e3 * float(np.abs(expected - record.voltage_v).mean())
    for name in ("unseen_rate", "unseen_rate_known_capacity", "generic_sheet_known_capacity", "all_rates_fitted"):
        values[f"17ah.{name}_mean_mv"] = mean_absolute([values[f"17ah.{name}_{a}a_mv"] for a in records])
    return values
