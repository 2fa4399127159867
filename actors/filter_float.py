"""Float: the voltage tells of gassing, not of charge.

On float all current gasses, so the voltage is Tafel's: V = n (U0 + m / cU), with m = ln(float current / own gassing
current) at 25 degC (vrla facts, sections 0, 1.4 and 4.4). The marker m of each battery is estimated as a slow random
walk; SOC takes nothing from the voltage.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import SENSOR_SIGMA_V, gated, reopening
from actors.ocv import ocv_and_slope

MARKER_SIGMA: Final = 0.6
"""Spread of the marker among batteries and chargers before any reading: 0.33 V of a 12 V block."""
_MARKER_VAR_PER_S: Final = 0.05 * 0.05 / 86_400.0
_MARKER_SIGMA_PER_K: Final = 0.03
_LARGEST_MARKER_VAR: Final = 4.0


@compiled
def float_voltage(x: TwinState, p: TwinParameters) -> float:
    """Expected float voltage, V.

    With temperature the charger's compensation and the string's current move together: a block that follows its
    neighbours moves by the compensation. What it does beyond that goes into the marker.
    """
    at_25c = p.cells * p.gas_u0_v_cell + x.float_marker * p.volts_per_marker
    return float(at_25c + p.compensation_v_k * (x.temperature_c - 25.0))


@compiled
def float_polarisation(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64]) -> float:
    """Expected float voltage above open circuit, V."""
    return float_voltage(x, p) - ocv_and_slope(ocv_v, x.soc)[0]


@compiled
def age_marker(x: TwinState, dt_s: float, warming_k: float) -> None:
    """Lets the marker drift with time and with changes of temperature."""
    warming = _MARKER_SIGMA_PER_K * warming_k
    x.float_marker_var = min(x.float_marker_var + _MARKER_VAR_PER_S * dt_s + warming * warming, _LARGEST_MARKER_VAR)


@compiled
def apply_float_voltage(x: TwinState, p: TwinParameters, moment: Moment) -> None:
    """Kalman update of the marker; stores the a-priori innovation and its variance."""
    volts_per_marker = p.volts_per_marker
    innovation = moment.voltage_v - float_voltage(x, p)
    sensor_v = SENSOR_SIGMA_V * p.block_scale
    warmth_var = x.temperature_var * p.compensation_v_k * p.compensation_v_k
    noise_var = sensor_v * sensor_v + warmth_var
    variance = x.float_marker_var
    predicted_var = volts_per_marker * volts_per_marker * variance
    innovation_var = predicted_var + noise_var
    x.innovation_v = innovation
    x.innovation_var = innovation_var
    noise_var = gated(innovation, innovation_var, noise_var)
    gain = volts_per_marker * variance / (predicted_var + noise_var)
    kept = 1.0 - gain * volts_per_marker
    x.float_marker += gain * innovation
    reopened = reopening(innovation, innovation_var, moment.dt_s) / (volts_per_marker * volts_per_marker)
    x.float_marker_var = kept * kept * variance + gain * gain * noise_var + reopened
