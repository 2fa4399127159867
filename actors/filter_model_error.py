"""How wrong readings and model may be, and what to do with a reading that is more wrong than that."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_circuit import Circuit
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import exponential
from actors.ocv import ocv_and_slope
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
_REOPENING_S: Final = 300.0
"""Time over which innovations beyond the gate must last to be believed."""
_REOPENING_SHARE: Final = 0.3

_LOAD_RELATIVE_SIGMA: Final = 0.01
_LASTING_S: Final = 900.0
"""Time for which an error of the model stays the same at rest."""
_LASTING_DEPTH: Final = 0.1
"""Change of charge for which it does under load."""
_LASTING_LEVEL: Final = 0.03
"""The same for the charge at which plates are empty."""
_SLOWEST_C: Final = 0.05
_LEVEL_SIGMA: Final = 0.01
"""Error of the charge at which plates are empty."""
_ACID_SIGMA: Final = 0.2
"""Relative error of what the acid costs."""
_REST_RELATIVE_SIGMA: Final = 0.2
"""Relative error of what a rest has not yet levelled out."""
WHIPLASH_V: Final = 0.12
"""Dip of the voltage of a full block in the first minutes of a discharge (coup de fouet), which the model lacks."""
WHIPLASH_S: Final = 150.0
_WHIPLASH_OVER: Final = 10.0
_STRAIGHT_VAR: Final = 0.02 * 0.02
"""Variance of SOC within which the open-circuit curve is straight."""


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
def noise_variance(x: TwinState, p: TwinParameters, moment: Moment) -> float:
    """White error of voltage and prediction, V**2: sensor, current, temperature and, under load, the model."""
    current_v = x.r0_ohm * moment.current_sigma_a
    variance = x.voltage_noise_var + current_v * current_v
    variance += x.temperature_var * p.docv_dt_v_k * p.docv_dt_v_k
    load_v = _LOAD_RELATIVE_SIGMA * x.r0_ohm * moment.current_a
    return float(variance + load_v * load_v)


class Lasting(NamedTuple):
    """Errors of the model that stay the same for a while."""

    variance: float
    """V**2."""
    as_white: float
    """White noise that tells as little in the long run, V**2."""
    per_variance: float
    """The same for any other error that lasts like that of the model, over its variance."""


@compiled
def lasting_errors(  # noqa: PLR0917  # the terms of one sum
    x: TwinState,
    p: TwinParameters,
    ocv_v: NDArray[np.float64],
    moment: Moment,
    circuit: Circuit,
    steeper: float,
    dip_v: float,
) -> Lasting:
    """What the model is wrong by from one reading to the next.

    An error of a variance that stays the same for a time T, seen every dt, is worth white noise of 2 T / dt times it.
    Under load T is the time in which the charge has moved on to where the model errs in another way.

    Args:
        x: state of the twin.
        p: its parameters.
        ocv_v: open-circuit voltage of its model.
        moment: the reading.
        circuit: of the model.
        steeper: slope by the level at the plates over that of the circuit.
        dip_v: what the dip at the begin of a discharge may still be, V.
    """
    per_s = 2.0 / max(moment.dt_s, 1.0)
    level = _LEVEL_SIGMA + p.resistance_spread * (1.0 - p.available_share) * abs(x.charge_gap)
    level_v = level * circuit.acid_by_level * steeper
    acid_v = _ACID_SIGMA * circuit.acid_v
    level_var, model_var = level_v * level_v, acid_v * acid_v + _bend_variance(x, ocv_v)
    if moment.regime != _DISCHARGE:
        rest_v = _REST_RELATIVE_SIGMA * x.v2
        variance = level_var + model_var + rest_v * rest_v
        per_variance = max(_LASTING_S * per_s, 1.0)
        return Lasting(variance, variance * per_variance, per_variance)
    full_s = 3600.0 * p.capacity_ah / max(-moment.current_a, _SLOWEST_C * p.capacity_ah)
    per_variance = max(_LASTING_DEPTH * full_s * per_s, 1.0)
    dip_var = dip_v * dip_v
    as_white = level_var * max(_LASTING_LEVEL * full_s * per_s, 1.0) + model_var * per_variance
    as_white += dip_var * max(WHIPLASH_S * per_s, 1.0)
    return Lasting(level_var + model_var + dip_var, as_white, per_variance)


@compiled
def whiplash(x: TwinState, moment: Moment) -> float:
    """Share of the dip at the begin of a discharge (coup de fouet) that may still be there."""
    if moment.regime != _DISCHARGE or x.regime_s >= _WHIPLASH_OVER * WHIPLASH_S:
        return 0.0
    return exponential(-x.regime_s / WHIPLASH_S)


@compiled
def _bend_variance(x: TwinState, ocv_v: NDArray[np.float64]) -> float:
    """What the tangent to the open-circuit curve is wrong by where SOC is uncertain (second-order filter), V**2."""
    if x.p00 < _STRAIGHT_VAR:
        return 0.0
    reach = math.sqrt(x.p00)
    above, below = min(x.soc + reach, 1.0), max(x.soc - reach, 0.0)
    bend_v = (ocv_and_slope(ocv_v, above)[1] - ocv_and_slope(ocv_v, below)[1]) / (above - below) * x.p00
    return float(0.5 * bend_v * bend_v)


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
