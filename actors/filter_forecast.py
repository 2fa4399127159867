"""What a twin expects to see, when nobody tells it the voltage."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_circuit import circuit_at
from actors.filter_float import float_voltage
from actors.filter_inputs import Row
from actors.filter_kernel import step
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import MODE_MASK, MODE_SHIFT, Regime

_FLOAT: Final = int(Regime.FLOAT)
_NAN: Final = math.nan


@compiled
def expected_voltage(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64]) -> float:
    """Voltage of a twin at its newest current, V."""
    if x.regime == _FLOAT:
        return float(float_voltage(x, p) + x.settling_v)
    return float(circuit_at(x, p, ocv_v, x.current_a).voltage_v + x.misfit_v)


def forecast_rows(  # noqa: PLR0917  # one argument a column of a reading
    state: Sequence[TwinState],
    parameters: Sequence[TwinParameters],
    ocv_v: NDArray[np.float64],
    slot: NDArray[np.int32],
    model: NDArray[np.int32],
    sample_time_us: NDArray[np.int64],
    current_a: NDArray[np.float32],
    temperature_c: NDArray[np.float32],
    status: NDArray[np.int16],
    voltage_v: NDArray[np.float64],
) -> None:
    """Moves twins on without a voltage and writes the one they expect; the arguments are those of `filter.forecast`."""
    for k in range(slot.size):
        x, p, table = state[slot[k]], parameters[model[k]], ocv_v[model[k]]
        mode = (status[k] & MODE_MASK) >> MODE_SHIFT
        step(x, p, table, Row(float(sample_time_us[k]), _NAN, float(current_a[k]), float(temperature_c[k]), _NAN, mode))
        voltage_v[k] = expected_voltage(x, p, table)
