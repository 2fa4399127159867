"""Float: the voltage tells of gassing, not of charge.

On float all current gasses, so the voltage is Tafel's: V = n (U0 + m / cU), with m = ln(float current / own gassing
current) at 25 degC (vrla facts, sections 0, 1.4 and 4.4). The marker m of each battery is estimated as a slow random
walk; SOC takes nothing from the voltage.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_circuit import circuit_at
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import gated, learn_noise, reopening
from actors.numerics import exponential
from actors.ocv import ocv_and_slope
from batterytwin.telemetry import Regime

MARKER_SIGMA: Final = 0.6
"""Spread of the marker among batteries and chargers before any reading: 0.33 V of a 12 V block."""
_MARKER_VAR_PER_S: Final = 0.05 * 0.05 / 86_400.0
_MARKER_SIGMA_PER_K: Final = 0.03
_LARGEST_MARKER_VAR: Final = 4.0
_LARGEST_FLOAT_EXPONENT: Final = 4.0
_SETTLING_S: Final = 3.0 * 3600.0
"""Time in which the blocks of a string settle to their shares of the float voltage."""
_SETTLING_SIGMA_V: Final = 0.05
_SETTLED_SIGMA_V: Final = 0.003
"""What is left of it after a long float."""
_SETTLES_S: Final = 6.0 * 3600.0
_HANDED_OVER_SIGMA_V: Final = 0.004
_RECHARGE: Final = int(Regime.RECHARGE)


@compiled
def float_voltage(x: TwinState, p: TwinParameters) -> float:
    """Float voltage of a settled block, V.

    With temperature the charger's compensation and the string's current move together: a block that follows its
    neighbours moves by the compensation. What it does beyond that goes into the marker.
    """
    at_25c = p.cells * p.gas_u0_v_cell + x.float_marker * p.volts_per_marker
    return float(at_25c + p.compensation_v_k * (x.temperature_c - 25.0))


@compiled
def float_polarisation(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64]) -> float:
    """Expected float voltage above open circuit, V."""
    return float(float_voltage(x, p) + x.settling_v - ocv_and_slope(ocv_v, x.soc)[0] - x.table_error_v)


@compiled
def expected_float_current(x: TwinState, p: TwinParameters) -> float:
    """Current that gasses in a block of ordinary make at its float voltage, A."""
    warmth = p.gas_ct_per_k * (x.temperature_c - 25.0)
    return float(p.gas_a * exponential(min(x.float_marker + warmth, _LARGEST_FLOAT_EXPONENT)))


@compiled
def age_marker(x: TwinState, dt_s: float, warming_k: float) -> None:
    """Lets the marker drift with time and with changes of temperature."""
    warming = _MARKER_SIGMA_PER_K * warming_k
    x.float_marker_var = min(x.float_marker_var + _MARKER_VAR_PER_S * dt_s + warming * warming, _LARGEST_MARKER_VAR)


@compiled
def begin_float(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64]) -> None:
    """Lets float begin at the voltage at which the charge ended: blocks of a string become full one after another."""
    scale = p.block_scale
    x.settling_v = 0.0
    if x.regime == _RECHARGE:
        ended_v = x.voltage_v if x.voltage_v > 0.0 else circuit_at(x, p, ocv_v, x.current_a).voltage_v
        x.settling_v = ended_v - float_voltage(x, p)
    sigma_v = (_HANDED_OVER_SIGMA_V if x.settling_v != 0.0 else _SETTLING_SIGMA_V) * scale
    x.settling_var = sigma_v * sigma_v
    x.settling_cov = -x.float_marker_var * p.volts_per_marker if x.settling_v != 0.0 else 0.0
    x.settling_var += x.settling_cov * x.settling_cov / x.float_marker_var


@compiled
def apply_float_voltage(x: TwinState, p: TwinParameters, moment: Moment) -> None:
    """Kalman update of marker and settling; stores the a-priori innovation and its variance."""
    per_marker = p.volts_per_marker
    kept = exponential(-moment.dt_s / _SETTLING_S)
    unsettled = exponential(-x.float_s / _SETTLES_S)
    settling_sigma_v = (_SETTLED_SIGMA_V + unsettled * (_SETTLING_SIGMA_V - _SETTLED_SIGMA_V)) * p.block_scale
    x.settling_v *= kept
    x.settling_cov *= kept
    x.settling_var = kept * kept * x.settling_var + (1.0 - kept * kept) * settling_sigma_v * settling_sigma_v
    innovation = moment.voltage_v - float_voltage(x, p) - x.settling_v
    noise_var = x.voltage_noise_var + x.temperature_var * p.compensation_v_k * p.compensation_v_k
    by_marker = per_marker * x.float_marker_var + x.settling_cov
    by_settling = per_marker * x.settling_cov + x.settling_var
    predicted_var = per_marker * by_marker + by_settling
    innovation_var = predicted_var + noise_var
    x.innovation_v = innovation
    x.innovation_var = innovation_var
    if moment.previous == moment.regime:
        learn_noise(x, p, innovation, innovation_var)
    noise_var = gated(innovation, innovation_var, noise_var)
    total = predicted_var + noise_var
    marker_gain, settling_gain = by_marker / total, by_settling / total
    x.float_marker += marker_gain * innovation
    x.settling_v += settling_gain * innovation
    # Joseph's form of the two, as in filter_covariance
    marker_rest, settling_rest = by_marker - marker_gain * total, by_settling - settling_gain * total
    x.float_marker_var -= marker_gain * by_marker + marker_rest * marker_gain
    x.settling_cov -= marker_gain * by_settling + marker_rest * settling_gain
    x.settling_var -= settling_gain * by_settling + settling_rest * settling_gain
    x.settling_var += reopening(innovation, innovation_var, moment.dt_s)
