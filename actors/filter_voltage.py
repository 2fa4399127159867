"""What a measured voltage says of (SOC, V1, V2) under load, at rest and on recharge."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_circuit import soc_at_voltage, terminal_voltage
from actors.filter_covariance import add_ambiguity, measured_direction, set_soc, update
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import SENSOR_SIGMA_V, gated, reopening, systematic_sigma_v
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)

_LOAD_RELATIVE_SIGMA: Final = 0.05
_RECHARGE_FACTOR: Final = 9.0


@compiled
def apply_voltage(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Kalman update with one voltage; stores the a-priori innovation and its variance.

    SOC learns only down to the accuracy of the model, its systematic error over dV/dSOC, and not at all on recharge.
    What SOC may not take, V2 does, so that the voltage is followed all the same; the covariance is that of the gain
    used, for Joseph form holds for any. What SOC has learnt too finely is given back as an ambiguity between SOC and V2
    that no voltage can resolve.
    """
    predicted_v, h0 = terminal_voltage(x, p, ocv_v, moment.current_a)
    innovation = moment.voltage_v - predicted_v
    noise_var = _noise_variance(x, p, moment)
    h = (h0, 0.0, 0.0)
    ph0, ph1, ph2, _, _ = measured_direction(x, h)
    predicted_var = h0 * ph0 + ph1 + ph2
    innovation_var = predicted_var + noise_var
    x.innovation_v = innovation
    x.innovation_var = innovation_var
    noise_var = gated(innovation, innovation_var, noise_var)
    gain0, gain1, gain2 = ph0, ph1, ph2
    systematic_v = systematic_sigma_v(x, p, moment.regime, moment.current_a)
    floor_var = systematic_v * systematic_v / (h0 * h0)
    variance_before = x.p00
    learns = moment.regime != _RECHARGE and variance_before > floor_var
    if not learns:
        gain0, gain2 = 0.0, ph2 + h0 * ph0
    per_total = 1.0 / (predicted_var + noise_var)
    update(x, h, (gain0 * per_total, gain1 * per_total, gain2 * per_total, 0.0, 0.0), innovation, noise_var)
    if learns:
        if x.p00 < floor_var:
            add_ambiguity(x, h0, floor_var - x.p00)
        x.counted_soc *= min(x.p00 / variance_before, 1.0)
    x.p22 += reopening(innovation, innovation_var, moment.dt_s)


@compiled
def _noise_variance(x: TwinState, p: TwinParameters, moment: Moment) -> float:
    """White error of voltage and prediction, V**2: sensor, current, temperature and, under load, the model."""
    sensor_v = SENSOR_SIGMA_V * p.block_scale
    current_v = x.r0_ohm * moment.current_sigma_a
    variance = sensor_v * sensor_v + current_v * current_v
    variance += x.temperature_var * p.docv_dt_v_k * p.docv_dt_v_k
    if moment.regime == _RECHARGE:
        return float(_RECHARGE_FACTOR * variance)
    load_v = _LOAD_RELATIVE_SIGMA * x.r0_ohm * moment.current_a
    return float(variance + load_v * load_v)


@compiled
def start_from_voltage(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Takes the first SOC from the first voltage, the whole curve instead of its tangent at a guess."""
    predicted_v, h0 = terminal_voltage(x, p, ocv_v, moment.current_a)
    branches_var = x.p11 + x.p22
    x.innovation_v = moment.voltage_v - predicted_v
    x.innovation_var = h0 * h0 * x.p00 + branches_var + _noise_variance(x, p, moment)
    soc, slope = soc_at_voltage(x, p, ocv_v, moment.voltage_v, moment.current_a)
    systematic_v = systematic_sigma_v(x, p, moment.regime, moment.current_a)
    voltage_var = systematic_v * systematic_v + branches_var
    set_soc(x, soc, min(voltage_var / (slope * slope), x.p00))
