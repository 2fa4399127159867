"""The equivalent circuit V = OCV + I R0 + V1 + V2 (I > 0 charges): its voltage, and the SOC for a voltage."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_layout import TwinParameters, TwinState
from actors.ocv import ocv_and_slope
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_R0_RISE: Final = 1.4
_SMALLEST_WARMTH_FACTOR: Final = 0.3
_BISECTIONS: Final = 30


@compiled
def resistance_and_slope(x: TwinState, p: TwinParameters, current_a: float) -> tuple[float, float]:
    """Series resistance at the present SOC and temperature, Ohm, and its derivative by SOC.

    R0 (1 + 1.4 (1 - SOC)**8), which follows the GNB table of vrla facts 1.2, times the temperature factor; on discharge
    plus the exhaustion of the acid, which rises with (1 - SOC)**16.
    """
    empty = min(max(1.0 - x.soc, 0.0), 1.0)
    empty2 = empty * empty
    empty4 = empty2 * empty2
    empty7 = empty4 * empty2 * empty
    r0_ohm = x.r0_ohm * warmth_factor(x, p)
    resistance = r0_ohm * (1.0 + _R0_RISE * empty7 * empty)
    slope = -8.0 * r0_ohm * _R0_RISE * empty7
    if current_a < 0.0:
        empty15 = empty7 * empty7 * empty
        resistance += p.knee_ohm * empty15 * empty
        slope -= 16.0 * p.knee_ohm * empty15
    return resistance, slope


@compiled
def warmth_factor(x: TwinState, p: TwinParameters) -> float:
    """Resistance at the present temperature over that at 25 degC."""
    return max(1.0 + p.r_per_k * (x.temperature_c - 25.0), _SMALLEST_WARMTH_FACTOR)


@compiled
def terminal_voltage(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], current_a: float
) -> tuple[float, float]:
    """Voltage of the circuit, V, and its derivative by SOC."""
    open_v, open_slope = ocv_and_slope(ocv_v, x.soc)
    resistance, slope = resistance_and_slope(x, p, current_a)
    voltage = open_v + p.docv_dt_v_k * (x.temperature_c - 25.0) + current_a * resistance + x.v1 + x.v2
    return voltage, open_slope + current_a * slope


@compiled
def circuit_voltage(x: TwinState, ocv_v: NDArray[np.float64]) -> float:
    """Voltage of the circuit without its series resistance, at 25 degC, V."""
    return float(ocv_and_slope(ocv_v, x.soc)[0] + x.v1 + x.v2)


@compiled
def soc_at_voltage(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], voltage_v: float, current_a: float
) -> tuple[float, float]:
    """SOC at which the settled circuit has this voltage, held to 0...1, and the slope there, V.

    The branches are taken at their end values, not as filtered: those have been bent to fit the voltage.
    """
    filtered_soc = x.soc
    settled_v = current_a * (p.r1_ohm + p.r2_ohm) + p.docv_dt_v_k * (x.temperature_c - 25.0)
    low, high, slope = 0.0, 1.0, 1.0
    for _ in range(_BISECTIONS):
        x.soc = 0.5 * (low + high)
        open_v, open_slope = ocv_and_slope(ocv_v, x.soc)
        resistance, resistance_slope = resistance_and_slope(x, p, current_a)
        slope = open_slope + current_a * resistance_slope
        if open_v + settled_v + current_a * resistance < voltage_v:
            low = x.soc
        else:
            high = x.soc
    x.soc = filtered_soc
    return 0.5 * (low + high), slope
