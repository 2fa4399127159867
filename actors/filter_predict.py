"""Prediction of (SOC, V1, V2) over a time step, and of what grows uncertain in it."""

import math
from typing import Final

from actors.compiled import compiled
from actors.filter_charge import advance_soc, lose_sight
from actors.filter_covariance import add_common_noise, reset_polarisation, scale_states
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import systematic_sigma_v
from actors.numerics import exponential
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_RESET_AFTER_TAU2: Final = 5.0
_RESET_SIGMA1_V: Final = 0.02
_RESET_SIGMA2_V: Final = 0.06
_V1_SIGMA_V: Final = 0.005
_V2_SIGMA_V: Final = 0.03
_V2_RECHARGE_V2_PER_S: Final = 0.1**2 / 600.0
_RC_RELATIVE_SIGMA: Final = 0.3
_REST_RELATIVE_SIGMA: Final = 0.1
_SMALLEST_VARIANCE_V2: Final = 1e-10
_LARGEST_SIGMA_V: Final = 1.5


@compiled
def predict(x: TwinState, p: TwinParameters, moment: Moment) -> float:
    """Moves (SOC, V1, V2) and P over a step, exactly for any step at constant current; returns the charge counted, Ah.

    The current is taken as the mean of the readings at both ends; where in between it changed is unknown, which is
    noise. On recharge V2 is a random walk: the charger holds the polarisation.
    """
    regime, dt_s = moment.regime, moment.dt_s
    per_tau2_s = p.per_tau2_s if regime == _DISCHARGE else p.per_tau2_recovery_s
    if dt_s * per_tau2_s > _RESET_AFTER_TAU2:
        scale = p.block_scale
        reset_polarisation(x, 0.0, 0.0, _RESET_SIGMA1_V * scale, _RESET_SIGMA2_V * scale)
    a1 = exponential(-dt_s * p.per_tau1_s)
    a2 = 1.0 if regime == _RECHARGE else exponential(-dt_s * per_tau2_s)
    b1 = p.r1_ohm * (1.0 - a1)
    b2 = p.r2_ohm * (1.0 - a2)
    mean_a = moment.current_a - 0.5 * moment.step_a
    charge_ah, b0, derivative, soc_var = advance_soc(x, p, moment)
    x.v1 = a1 * x.v1 + b1 * mean_a
    x.v2 = a2 * x.v2 + b2 * mean_a
    scale_states(x, derivative, a1, a2)
    x.p00 += soc_var
    current_var = moment.current_sigma_a * moment.current_sigma_a + moment.step_a * moment.step_a / 12.0
    add_common_noise(x, (b0, b1, b2), current_var)
    lose_sight(x, dt_s)
    _add_circuit_noise(x, p, moment, a1, a2)
    return charge_ah


@compiled
def _add_circuit_noise(x: TwinState, p: TwinParameters, moment: Moment, a1: float, a2: float) -> None:
    scale = p.block_scale
    sigma1_v = _V1_SIGMA_V * scale
    edge1_v = _RC_RELATIVE_SIGMA * p.r1_ohm * moment.step_a
    x.p11 += sigma1_v * sigma1_v * (1.0 - a1 * a1) + edge1_v * edge1_v + _SMALLEST_VARIANCE_V2
    if moment.regime == _RECHARGE:
        noise2_var = _V2_RECHARGE_V2_PER_S * scale * scale * moment.dt_s
    else:
        if moment.regime == _REST:
            sigma2_v = _V2_SIGMA_V * scale + _REST_RELATIVE_SIGMA * abs(x.v2)
        else:
            sigma2_v = systematic_sigma_v(x, p, moment.regime, moment.current_a)
        noise2_var = sigma2_v * sigma2_v * (1.0 - a2 * a2)
    x.p22 += noise2_var + moment.step_a * moment.step_a * x.p33 + _SMALLEST_VARIANCE_V2
    largest_v = _LARGEST_SIGMA_V * scale
    largest_var = largest_v * largest_v
    if x.p11 > largest_var or x.p22 > largest_var:
        # scaling rows and columns keeps P positive
        scale_states(x, 1.0, min(1.0, largest_v / math.sqrt(x.p11)), min(1.0, largest_v / math.sqrt(x.p22)))
