"""What a measured voltage says of SOC, V1, V2, R0, capacity and table under load, at rest and on recharge."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_capacity import doubt_capacity
from actors.filter_circuit import Circuit, circuit_at, expressible, soc_at_voltage
from actors.filter_covariance import Direction, Slopes, along, kalman_gain, measured_direction, set_soc, update
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import LARGEST_SOH, SMALLEST_SOH
from actors.filter_misfit import expect_misfit, follow_misfit
from actors.filter_model_error import (
    GATE_NIS,
    WHIPLASH_V,
    lasting_errors,
    learn_noise,
    noise_variance,
    systematic_sigma_v,
    whiplash,
)
from actors.filter_predict import Prediction
from actors.numerics import exponential
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)

_SMALLEST_SHARE: Final = 0.2
"""Of the data sheet's resistance."""
_UNLIKELY_NIS: Final = 4.0
"""Squared surprise over its variance from which a low voltage makes the capacity doubtful."""
_DEEPEST: Final = -6.0
_STRAIGHT: Final = 1e-3


@compiled
def apply_voltage(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment, prediction: Prediction
) -> None:
    """Kalman update with one voltage; stores the a-priori innovation and its variance.

    On recharge only V1 and V2 learn. Otherwise all six states do, from a voltage whose noise includes the model's
    lasting errors: white noise so large that over the time for which such an error lasts it tells no more than one
    reading with that error. What the circuit does not explain then, the misfit, is followed and teaches nothing.
    """
    circuit = circuit_at(x, p, ocv_v, moment.current_a)
    surprise = moment.voltage_v - circuit.voltage_v
    steeper = _steepening(x.misfit_v / p.kinetic_v) if moment.regime == _DISCHARGE else 1.0
    h = Slopes(0.0, 0.0, 0.0, 0.0)
    if not prediction.held:
        by_soc = circuit.by_soc + (steeper - 1.0) * circuit.acid_by_level
        h = Slopes(by_soc, circuit.by_r0, steeper * circuit.by_capacity, 1.0)
    d = measured_direction(x, h)
    predicted_var = along(h, d)
    noise_var = noise_variance(x, p, moment)
    dip = whiplash(x, moment)
    expect_misfit(x, p, moment, circuit, predicted_var, prediction.soc_change, dip)
    x.innovation_v = surprise - x.misfit_v
    x.innovation_var = x.misfit_var + noise_var
    if moment.previous == moment.regime:
        learn_noise(x, p, x.innovation_v, x.innovation_var)
    if moment.regime == _RECHARGE:
        # a charge that begins is predicted badly, and V2 has to follow it
        total = predicted_var + noise_var
        gain = Direction(0.0, d.v1 / total, (predicted_var - d.v1) / total, 0.0, 0.0, 0.0)
        update(x, d, gain, surprise, total)
        return
    told_v = expressible(x, p, surprise)
    lasting = lasting_errors(x, p, ocv_v, moment, circuit, steeper, WHIPLASH_V * p.block_scale * dip)
    explained_var = predicted_var + noise_var + lasting.variance
    square = told_v * told_v
    if told_v < 0.0 and square > _UNLIKELY_NIS * explained_var and moment.regime == _DISCHARGE:
        doubt_capacity(x, h, square / _UNLIKELY_NIS - explained_var, moment.dt_s)
        d = measured_direction(x, h)
        explained_var -= predicted_var
        predicted_var = along(h, d)
        explained_var += predicted_var
    # what the model cannot explain lasts, too
    beyond_var = max(square / GATE_NIS - explained_var, 0.0)
    total = predicted_var + noise_var + lasting.as_white + beyond_var * lasting.per_variance
    before_var = x.p00
    update(x, d, kalman_gain(d, total), told_v, total)
    if x.p00 < before_var:
        x.counted_soc *= x.p00 / before_var
    x.r0_ohm = max(x.r0_ohm, _SMALLEST_SHARE * p.r0_ohm)
    x.soh_capacity = min(max(x.soh_capacity, SMALLEST_SOH), LARGEST_SOH)
    follow_misfit(x, noise_var, told_v * predicted_var / total)


@compiled
def _steepening(drop: float) -> float:
    """Slope from the present level of the plates to the one that a voltage below tells of, over the tangent's.

    Plates that empty lose voltage with the logarithm of their level, of which a tangent sees only the begin.

    Args:
        drop: misfit over the voltage of the plates' kinetics; single readings would let noise push one way.
    """
    if drop > -_STRAIGHT:
        return 1.0
    held = max(drop, _DEEPEST)
    return held / (exponential(held) - 1.0)


@compiled
def start_from_voltage(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Takes the first SOC from the first voltage, the whole curve instead of its tangent at a guess."""
    circuit: Circuit = circuit_at(x, p, ocv_v, moment.current_a)
    branches_var = x.p11 + x.p22
    x.innovation_v = moment.voltage_v - circuit.voltage_v
    x.innovation_var = circuit.by_soc * circuit.by_soc * x.p00 + branches_var + noise_variance(x, p, moment)
    x.misfit_v, x.misfit_var = 0.0, x.innovation_var
    soc, slope = soc_at_voltage(x, p, ocv_v, moment.voltage_v, moment.current_a)
    systematic_v = systematic_sigma_v(x, p, moment.regime, circuit.load_v)
    told_var = (systematic_v * systematic_v + branches_var) / (slope * slope)
    set_soc(x, soc, min(told_var, x.p00))
    # what branches and table are wrong by, SOC now is too
    per_slope = -x.p00 / (told_var * slope)
    x.p01 = per_slope * x.p11
    x.p02 = per_slope * x.p22
    x.p05 = per_slope * x.p55
