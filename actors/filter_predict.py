"""Prediction of (SOC, V1, V2) over a time step, and of what grows uncertain in it."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_charge import advance_soc, lose_sight
from actors.filter_circuit import circuit_at
from actors.filter_covariance import (
    add_common_noise,
    lean_soc_on_capacity,
    reset_polarisation,
    scale_states,
    scale_table_error,
)
from actors.filter_float import float_voltage
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import exponential
from batterytwin.telemetry import Regime, StringMode

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_MODE_FLOAT: Final = int(StringMode.FLOAT)

_RESET_AFTER_TAU2: Final = 5.0
_RESET_SIGMA1_V: Final = 0.02
_RESET_SIGMA2_V: Final = 0.06
_PER_SURFACE_S: Final = 1.0 / (6.0 * 3600.0)
"""One over the time in which surface charge leaves a block at rest: it lasts for hours (vrla facts, section 1.1)."""
_V1_SIGMA_V: Final = 0.003
_RC_RELATIVE_SIGMA: Final = 0.3
_TABLE_DEPTH: Final = 0.6
"""Change of SOC over which the error of the open-circuit table is remembered."""
_REST_SIGMA_V: Final = 0.02
_REST_RELATIVE_SIGMA: Final = 0.2
_CHARGE_V2_PER_S: Final = 0.001**2 / 60.0
_CHARGE_RELATIVE_SIGMA: Final = 0.1
_HOLDS_BELOW_PEAK: Final = 0.95
_SMALLEST_VARIANCE_V2: Final = 1e-10
_LARGEST_SIGMA_V: Final = 1.5


class Prediction(NamedTuple):
    """What a step was predicted to bring."""

    charge_ah: float
    soc_change: float
    held: bool
    """Whether the charger holds the voltage."""


@compiled
def predict(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> Prediction:
    """Moves (SOC, V1, V2) and P over a step, exactly for any step at constant current.

    The current is taken as the mean of the readings at both ends; where in between it changed is unknown, which is
    noise. On recharge V2 is a random walk. While the charger holds the voltage (the current has fallen from its peak),
    V2 also takes back what SOC and current would have done to the voltage.
    """
    regime, dt_s = moment.regime, moment.dt_s
    per_tau2_s = p.per_tau2_s if regime == _DISCHARGE else p.per_tau2_recovery_s
    if regime == _REST and x.v2 > 0.0:
        per_tau2_s = _PER_SURFACE_S
    if dt_s * per_tau2_s > _RESET_AFTER_TAU2:
        scale = p.block_scale
        reset_polarisation(x, 0.0, 0.0, _RESET_SIGMA1_V * scale, _RESET_SIGMA2_V * scale)
    a1 = exponential(-dt_s * p.per_tau1_s)
    a2 = 1.0 if regime == _RECHARGE else exponential(-dt_s * per_tau2_s)
    b1 = p.r1_ohm * (1.0 - a1)
    b2 = p.r2_ohm * (1.0 - a2)
    charging = regime == _RECHARGE and moment.previous == _RECHARGE
    before_v = circuit_at(x, p, ocv_v, x.current_a).voltage_v if charging else 0.0
    mean_a = moment.current_a - 0.5 * moment.step_a
    count = advance_soc(x, p, moment)
    x.v1 = a1 * x.v1 + b1 * mean_a
    x.v2 = a2 * x.v2 + b2 * mean_a
    scale_states(x, 1.0, a1, a2)
    lean_soc_on_capacity(x, count.by_capacity)
    x.p00 += count.variance
    current_var = moment.current_sigma_a * moment.current_sigma_a + moment.step_a * moment.step_a / 12.0
    add_common_noise(x, (count.by_current, b1, b2), current_var)
    lose_sight(x, dt_s)
    _forget_table_error(x, p, count.change)
    _add_circuit_noise(x, p, moment, a1, a2)
    held = False
    if regime == _RECHARGE:
        x.charge_peak_a = max(x.charge_peak_a, moment.current_a) if charging else moment.current_a
    if charging:
        change_v = circuit_at(x, p, ocv_v, moment.current_a).voltage_v - before_v
        held = moment.current_a < _HOLDS_BELOW_PEAK * x.charge_peak_a
        if held:
            x.v2 -= change_v
        elif moment.mode == _MODE_FLOAT:
            # a charger that reports float does not lift the block beyond it
            highest_v = max(before_v, float_voltage(x, p))
            x.v2 -= max(before_v + change_v - highest_v, 0.0)
        change_v = min(abs(change_v), _LARGEST_SIGMA_V * p.block_scale)
        x.p22 += _CHARGE_RELATIVE_SIGMA * _CHARGE_RELATIVE_SIGMA * change_v * change_v
    return Prediction(count.charge_ah, count.change, held)


@compiled
def _forget_table_error(x: TwinState, p: TwinParameters, soc_change: float) -> None:
    """Lets the error of the table at one charge become that at another: alike nearby, its own far away."""
    kept = 1.0 - min(abs(soc_change) / _TABLE_DEPTH, 1.0)
    scale_table_error(x, kept)
    x.p55 += (1.0 - kept * kept) * p.ocv_sigma_v * p.ocv_sigma_v


@compiled
def _add_circuit_noise(x: TwinState, p: TwinParameters, moment: Moment, a1: float, a2: float) -> None:
    scale = p.block_scale
    sigma1_v = _V1_SIGMA_V * scale
    edge1_v = _RC_RELATIVE_SIGMA * p.r1_ohm * moment.step_a
    x.p11 += sigma1_v * sigma1_v * (1.0 - a1 * a1) + edge1_v * edge1_v + _SMALLEST_VARIANCE_V2
    if moment.regime == _RECHARGE:
        noise2_var = _CHARGE_V2_PER_S * scale * scale * moment.dt_s
    else:
        if moment.regime == _REST:
            sigma2_v = _REST_SIGMA_V * scale + _REST_RELATIVE_SIGMA * abs(x.v2)
        else:
            sigma2_v = p.resistance_spread * p.r2_ohm * moment.current_a
        noise2_var = sigma2_v * sigma2_v * (1.0 - a2 * a2)
    x.p22 += noise2_var + _SMALLEST_VARIANCE_V2
    largest_v = _LARGEST_SIGMA_V * scale
    largest_var = largest_v * largest_v
    if x.p11 > largest_var or x.p22 > largest_var:
        # scaling rows and columns keeps P positive
        scale_states(x, 1.0, min(1.0, largest_v / math.sqrt(x.p11)), min(1.0, largest_v / math.sqrt(x.p22)))
