"""How wrong readings and model may be, and what to do with a reading that is more wrong than that."""

from typing import Final

from actors.compiled import compiled
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)

SENSOR_SIGMA_V: Final = 0.006
"""White error of one voltage reading of a 12 V block, before its innovations have shown it."""
_SMALLEST_SENSOR_SIGMA_V: Final = 0.0015
_LARGEST_SENSOR_SIGMA_V: Final = 0.03
_NOISE_GAIN: Final = 0.02
LOAD_BIAS: Final = 0.4
"""Of the drop across the resistances of the model, before anything has been learnt."""
_FRESH_REST_BIAS_V: Final = 0.15
GATE_NIS: Final = 9.0
"""Squared innovation over its variance above which a reading is trusted less."""
_REOPENING_S: Final = 600.0
"""Time over which innovations beyond the gate must last to be believed."""
_REOPENING_SHARE: Final = 0.1


@compiled
def systematic_sigma_v(x: TwinState, p: TwinParameters, regime: int, load_v: float) -> float:
    """Error of a first voltage as a measure of SOC, V.

    Beside the error of the table: under load a share of the drop, because resistances are the model's, not the
    block's; at rest what an hour or two have not yet levelled out.
    """
    if regime == _DISCHARGE:
        return float(p.ocv_sigma_v + LOAD_BIAS * abs(load_v))
    return float(p.ocv_sigma_v + fresh_rest_sigma_v(x, p))


@compiled
def fresh_rest_sigma_v(x: TwinState, p: TwinParameters) -> float:
    """What an hour or two of rest have not yet levelled out, V."""
    rest_h = x.rest_s / 3600.0
    return float(_FRESH_REST_BIAS_V * p.block_scale / ((1.0 + rest_h) * (1.0 + rest_h)))


@compiled
def gated(innovation: float, innovation_var: float, noise_var: float) -> float:
    """Measurement variance, inflated so that the innovation stays at the gate; a reading is never dropped."""
    return noise_var + max(innovation * innovation / GATE_NIS - innovation_var, 0.0)


@compiled
def learn_noise(x: TwinState, p: TwinParameters, innovation: float, innovation_var: float) -> None:
    """Brings the sensor's noise towards what innovations show, by its share in them and within bounds."""
    share = x.voltage_noise_var / innovation_var
    square = min(innovation * innovation, GATE_NIS * innovation_var)
    smallest, largest = _SMALLEST_SENSOR_SIGMA_V * p.block_scale, _LARGEST_SENSOR_SIGMA_V * p.block_scale
    noise_var = x.voltage_noise_var + _NOISE_GAIN * share * (square - innovation_var)
    x.voltage_noise_var = min(max(noise_var, smallest * smallest), largest * largest)


@compiled
def reopening(innovation: float, innovation_var: float, dt_s: float) -> float:
    """Variance to give back to a slow voltage state while innovations stay beyond the gate, V**2.

    Without it a filter that has settled would need days to follow a step.
    """
    square = innovation * innovation
    if square <= GATE_NIS * innovation_var:
        return 0.0
    return _REOPENING_SHARE * square * min(dt_s / _REOPENING_S, 1.0)
