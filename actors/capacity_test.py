"""What a capacity test shows: the charge it took out, corrected to the 10-hour rate and 25 degC.

A block gives less at a higher rate and in the cold, so a test at another rate or temperature must not pass for ageing.
The table is that of a general-purpose AGM block to 1.75 V a cell (vrla facts, section 1.5). It is read by the time that
the test took and not by its current: a block that has lost capacity is a smaller block, and takes the current as one.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.events import CapacityTest, TwinInputKind

SHORTEST_TEST_H: Final = 5.0 / 60.0
"""A discharge that is shorter says nothing of the capacity, h."""

_TIMES_H: Final = (5 / 60, 10 / 60, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 20.0)
_OF_TEN_HOURS: Final = tuple(value / 98.7 for value in (28.0, 40.0, 47.0, 61.0, 75.0, 88.0, 93.0, 97.0, 98.7, 100.0))
_CAPACITY_PER_K_COLD: Final = 0.006
_CAPACITY_PER_K_WARM: Final = 0.0013
_SMALLEST_TEMPERATURE_FACTOR: Final = 0.5
_END_TOLERANCE_V_CELL: Final = 0.01
_MEASURING_SIGMA: Final = 0.02
_RATE_SIGMA: Final = 0.06
"""Error of the correction for the rate, for a correction of one."""
_TEMPERATURE_SIGMA_PER_K: Final = 0.001


@dataclass(frozen=True, slots=True)
class TestedCapacity:
    """What a capacity test shows.

    Attributes:
        kind: CAPACITY_TEST, or STOPPED_CAPACITY_TEST where it ended above the end voltage: at least this.
        soh_capacity: capacity over rated capacity (10-hour rate, 25 degC).
        sigma: its standard deviation.
        duration_h: how long the discharge took, h.
    """

    kind: TwinInputKind
    soh_capacity: float
    sigma: float
    duration_h: float


def tested_capacity(test: CapacityTest, sheet: BatteryDatasheet) -> TestedCapacity:
    """Corrects a test for rate and temperature.

    Args:
        test: its result, all values finite and positive but the temperature.
        sheet: data sheet of the block.
    """
    duration_h = test.discharged_ah / test.current_a
    rate_factor = float(np.interp(math.log(duration_h), np.log(_TIMES_H), _OF_TEN_HOURS))
    excess_k = test.temperature_c - 25.0
    per_k = _CAPACITY_PER_K_COLD if excess_k < 0.0 else _CAPACITY_PER_K_WARM
    warmth_factor = max(1.0 + per_k * excess_k, _SMALLEST_TEMPERATURE_FACTOR)
    soh = test.discharged_ah / (sheet.rated_capacity_ah * rate_factor * warmth_factor)
    relative_sigma = math.hypot(
        _MEASURING_SIGMA, _RATE_SIGMA * abs(1.0 - rate_factor), _TEMPERATURE_SIGMA_PER_K * abs(excess_k)
    )
    complete = test.end_voltage_v <= (sheet.end_v_cell + _END_TOLERANCE_V_CELL) * sheet.cells
    kind = TwinInputKind.CAPACITY_TEST if complete else TwinInputKind.STOPPED_CAPACITY_TEST
    return TestedCapacity(kind, soh, relative_sigma * soh, duration_h)
