"""Other 9 Ah blocks of the type, discharged in part at C/10: SOC from a wrong start, and rested voltages."""

from collections.abc import Mapping

import numpy as np

from actors.ocv import OCV_GRID_SIZE, resample_ocv
from batterytwin.datasheet import BatteryDatasheet
from tests.validation.closed_loop import Twin
from tests.validation.identify_datasheet import identify
from tests.validation.measured_blocks import (
    AGM_9AH_BLOCKS,
    DISCHARGED_9AH_BLOCKS,
    full_discharges_of_9_ah,
    partial_discharge_of_9_ah,
    rested_voltages_of_9_ah,
)
from tests.validation.open_loop import Floats, expected_voltages
from tests.validation.scoring import mean_absolute, root_mean_square
from tests.validation.section import Context

_GENERIC = BatteryDatasheet(model="GENERIC-9", rated_capacity_ah=9.0, cells=6)
_WRONG_STARTS = (0.8, 0.6)
_JUDGED_AFTER = 0.1


def measure(context: Context) -> Mapping[str, float]:
    """SOC against the charge counted over the mean capacity of the first set's blocks; no block is in both sets."""
    discharges = [record for block in AGM_9AH_BLOCKS for record in full_discharges_of_9_ah(context.data, block)]
    sheet = identify(discharges, _GENERIC).sheet
    errors: dict[float, list[Floats]] = {start: [] for start in _WRONG_STARTS}
    voltages = []
    for block in DISCHARGED_9AH_BLOCKS:
        record = partial_discharge_of_9_ah(context.data, block)
        true_soc = 1.0 - record.taken_ah / sheet.rated_capacity_ah
        voltages.append(np.abs(expected_voltages([sheet], [record])[0] - record.voltage_v).mean())
        for start in _WRONG_STARTS:
            twin = Twin(sheet, full=True)
            twin.believe(start, 1.0 - start)
            told = twin.see(record)
            errors[start].append((told["soc"] - true_soc)[true_soc < 1.0 - _JUDGED_AFTER])
        context.say(f"{block}: down to SOC {true_soc[-1]:.2f}")
    taken_ah, ocv_v = rested_voltages_of_9_ah(context.data)
    soc = 1.0 - taken_ah / sheet.rated_capacity_ah
    grid = np.linspace(0.0, 1.0, OCV_GRID_SIZE)
    tables = {"identified": sheet, "generic": _GENERIC}
    return {
        "9ah_charge.unseen_rate_and_blocks_mv": 1e3 * mean_absolute(voltages),
        **{
            f"9ah_charge.soc_rmse_from_{100 * start:.0f}_percent_points": 100.0 * root_mean_square(np.concatenate(rows))
            for start, rows in errors.items()
        },
        **{
            f"9ah_charge.rested_ocv_{name}_table_mv": 1e3
            * mean_absolute(np.interp(soc, grid, resample_ocv(table.ocv_soc, table.ocv_v)) - ocv_v)
            for name, table in tables.items()
        },
    }
