"""Which finite readings cannot be the state of a battery: they are stored, marked SUSPECT and not applied."""

from typing import Any, Final

import numpy as np

from actors.compiled import compiled
from batterytwin.telemetry import MODE_MASK, MODE_SHIFT, StringMode

VOLTAGE: Final = 0
CURRENT: Final = 1
TEMPERATURE: Final = 2
RESISTANCE: Final = 3
"""Quantities by their position in `MEASURED_COLUMNS`."""

_DISCHARGE_BITS: Final = int(StringMode.DISCHARGE) << MODE_SHIFT
_TEST_BITS: Final = int(StringMode.TEST) << MODE_SHIFT


@compiled
def lowest_voltage_v(status: int, known_current_a: float, limit: Any) -> float:
    """Lowest plausible voltage, V: lower while the battery is known to discharge."""
    mode = status & MODE_MASK
    if mode in (_DISCHARGE_BITS, _TEST_BITS) or known_current_a < -limit.current_discharge_a:
        return limit.voltage_min_discharge_v  # type: ignore[no-any-return] # a record's field
    return limit.voltage_min_v  # type: ignore[no-any-return] # as above


@compiled
def implausible_quantity(row: Any, known_current_a: float, limit: Any) -> tuple[int, float]:
    """First quantity of a row that lies outside its limits.

    Args:
        row: a reading; what is NaN was not measured and is not implausible.
        known_current_a: its current, or a recent one where it has none, A; NaN = unknown.
        limit: limits of the battery, `BATTERY_LIMIT_DTYPE`.

    Returns:
        Quantity and the limit that was passed; (-1, NaN) for a plausible row.
    """
    lowest = lowest_voltage_v(row.status, known_current_a, limit)
    quantity, passed = -1, np.nan
    if row.voltage_v < lowest:
        quantity, passed = VOLTAGE, lowest
    elif row.voltage_v > limit.voltage_max_v:
        quantity, passed = VOLTAGE, limit.voltage_max_v
    elif row.temperature_c < limit.temperature_min_c:
        quantity, passed = TEMPERATURE, limit.temperature_min_c
    elif row.temperature_c > limit.temperature_max_c:
        quantity, passed = TEMPERATURE, limit.temperature_max_c
    elif row.internal_resistance_mohm < 0.0:
        quantity, passed = RESISTANCE, 0.0
    elif row.internal_resistance_mohm > limit.resistance_max_mohm:
        quantity, passed = RESISTANCE, limit.resistance_max_mohm
    elif abs(row.current_a) > limit.current_max_a:
        quantity, passed = CURRENT, limit.current_max_a
    return quantity, passed
