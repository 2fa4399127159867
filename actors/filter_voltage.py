"""What a measured voltage says of SOC, V1, V2, R0 and capacity under load, at rest and on recharge."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_charge import ANCHORED_REST_S
from actors.filter_circuit import Circuit, circuit_at, soc_at_voltage
from actors.filter_covariance import add_ambiguity, measured_direction, set_soc, shared_error, update
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import LARGEST_SOH, SMALLEST_SOH
from actors.filter_model_error import gated, learn_noise, systematic_sigma_v
from actors.filter_predict import Prediction
from actors.numerics import exponential
from actors.ocv import ocv_and_slope
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)

_LOAD_RELATIVE_SIGMA: Final = 0.01
_LEVEL_SIGMA: Final = 0.01
"""Error of the charge at which plates are empty."""
_GAP_SIGMA: Final = 0.2
"""Relative error of what has not yet followed to the plates."""
_ACID_SIGMA: Final = 0.5
"""Relative error of what the acid costs."""
_WHIPLASH_V: Final = 0.12
"""Dip of the voltage of a full block in the first minutes of a discharge (coup de fouet), which the model lacks."""
_WHIPLASH_S: Final = 150.0
_BENT: Final = 0.5
"""Relative error of how fast the acid at the plates moves the voltage."""
_MISFIT_LIMIT: Final = 3.0
"""Innovation over its sigma beyond which a single reading is not followed further."""
_MISFIT_V: Final = 0.003
"""Drift of the misfit in a minute."""
_EXCITED_S: Final = 300.0
"""Time after a step of the current in which the resistance learns."""
_FLAT_ABOVE_SOC: Final = 0.5
"""Charge above which a step of the current shows the resistance more than the acid."""
_LEVELS_S: Final = 1800.0
"""Rest before which the voltage tells of recovery, not of charge."""
_TELLS_ABOVE: Final = 0.5
"""Variance that SOC must give the voltage, over that of the model, for the voltage to say more of SOC."""
_STRAIGHT_VAR: Final = 0.02 * 0.02
"""Variance of SOC within which the open-circuit curve is straight."""
_EXCITED_DEPTH: Final = 0.05
"""Discharge from which the capacity learns."""
_SMALLEST_SHARE: Final = 0.2
"""Of the data sheet's resistance."""


@compiled
def apply_voltage(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment, prediction: Prediction
) -> None:
    """Kalman update with one voltage; stores the a-priori innovation and its variance.

    SOC learns under load and at rest, R0 after steps of the current, the capacity once some has been discharged;
    nothing but V1 and V2 on recharge. The covariance is that of the gain used, for Joseph form holds for any. What
    SOC has learnt too finely, from tangents that move with it, is given back as an ambiguity between SOC and V2. What
    remains unexplained, because the model is wrong and says so, is followed as a misfit that teaches nothing.
    """
    circuit = circuit_at(x, p, ocv_v, moment.current_a)
    recharging = moment.regime == _RECHARGE
    h = (0.0, 0.0, 0.0) if prediction.held else (circuit.by_soc, circuit.by_r0, circuit.by_capacity)
    h0, h3, h4 = h
    part = 0.0 if recharging else _part_of_table(x, p, moment.regime, circuit)
    table_var = p.ocv_sigma_v * p.ocv_sigma_v
    noise_var = _noise_variance(x, p, moment) + _bend_variance(x, ocv_v)
    d0, d1, d2, d3, d4 = measured_direction(x, h, part)
    predicted_var = h0 * d0 + d1 + d2 + h3 * d3 + h4 * d4 + part * shared_error(x, h, part * table_var)
    surprise = moment.voltage_v - circuit.voltage_v
    _expect_misfit(x, p, moment, predicted_var, circuit)
    bend_v = _BENT * circuit.acid_by_level * prediction.soc_change
    x.misfit_var += bend_v * bend_v
    innovation = surprise - x.misfit_v
    innovation_var = x.misfit_var + noise_var
    x.innovation_v = innovation
    x.innovation_var = innovation_var
    if moment.previous == moment.regime:
        learn_noise(x, p, innovation, innovation_var)
    # a charge that begins is predicted badly, and V2 has to follow it
    robust_var = noise_var if recharging else gated(surprise, predicted_var + noise_var, noise_var)
    per_total = 1.0 / (predicted_var + robust_var)
    k0, k1, k2, k3, k4 = 0.0, d1 * per_total, d2 * per_total, 0.0, 0.0
    if recharging:
        k2 += h0 * d0 * per_total + h3 * d3 * per_total + h4 * d4 * per_total
    else:
        # voltages that share an error say the same thing over and over
        tells_more = x.p00 * h0 * h0 > _TELLS_ABOVE * part * part * table_var
        if tells_more and (moment.regime == _DISCHARGE or x.rest_s >= _LEVELS_S):
            k0 = d0 * per_total
        if x.edge_s <= _EXCITED_S and x.soc > _FLAT_ABOVE_SOC:
            k3 = d3 * per_total
        settled = moment.regime == _DISCHARGE or x.rest_s >= ANCHORED_REST_S
        if tells_more and settled and x.event_depth >= _EXCITED_DEPTH:
            k4 = d4 * per_total
    before = x.p00
    update(x, h, (k0, k1, k2, k3, k4), surprise, robust_var, (part, table_var))
    if k0 != 0.0 and h0 != 0.0:
        floor_var = min(before, _TELLS_ABOVE * part * part * table_var / (h0 * h0))
        if x.p00 < floor_var:
            add_ambiguity(x, h0, floor_var - x.p00)
    if x.p00 < before:
        x.counted_soc *= x.p00 / before
    x.r0_ohm = max(x.r0_ohm, _SMALLEST_SHARE * p.r0_ohm)
    x.soh_capacity = min(max(x.soh_capacity, SMALLEST_SOH), LARGEST_SOH)
    _follow_misfit(x, moment, noise_var, surprise * (h0 * k0 + k1 + k2 + h3 * k3 + h4 * k4))


@compiled
def _expect_misfit(x: TwinState, p: TwinParameters, moment: Moment, predicted_var: float, circuit: Circuit) -> None:
    """Lets the misfit drift; a regime begins with none, and with the error of all that is estimated.

    On recharge there is none: V2 takes all.
    """
    if moment.regime != moment.previous or moment.regime == _RECHARGE:
        x.misfit_v = 0.0
        x.misfit_var = predicted_var + circuit.acid_v * circuit.acid_v
        return
    drift_v = _MISFIT_V * p.block_scale
    per_s = drift_v * drift_v / 60.0
    if x.regime_s < 10.0 * _WHIPLASH_S:
        dip_v = _WHIPLASH_V * p.block_scale - _BENT * circuit.acid_v
        per_s += dip_v * dip_v / _WHIPLASH_S * exponential(-x.regime_s / _WHIPLASH_S)
    edge_v = moment.step_a * x.r0_ohm
    x.misfit_var += per_s * moment.dt_s + edge_v * edge_v * p.resistance_spread * p.resistance_spread


@compiled
def _follow_misfit(x: TwinState, moment: Moment, noise_var: float, learnt_v: float) -> None:
    """Follows the voltage with what the circuit, which has moved by `learnt_v`, does not explain."""
    innovation, innovation_var = x.innovation_v, x.innovation_var
    if moment.regime == _RECHARGE:
        return
    limit_v = _MISFIT_LIMIT * math.sqrt(innovation_var)
    beyond_v = max(abs(innovation) - limit_v, 0.0)
    gain = x.misfit_var / (x.misfit_var + noise_var)
    x.misfit_v += gain * min(max(innovation, -limit_v), limit_v) - learnt_v
    # what lasts beyond the limit is followed at the next reading, a spike is not
    x.misfit_var = (1.0 - gain) * x.misfit_var + _BENT * _BENT * beyond_v * beyond_v


@compiled
def _part_of_table(x: TwinState, p: TwinParameters, regime: int, circuit: Circuit) -> float:
    """Error of the model over that of the table alone: what polarisations are wrong by is taken to go with it."""
    level_v = (_LEVEL_SIGMA + _GAP_SIGMA * (1.0 - p.available_share) * abs(x.charge_gap)) * circuit.acid_by_level
    acid_v = _ACID_SIGMA * circuit.acid_v
    branch_v = 0.0
    if regime == _DISCHARGE:
        branch_v = p.resistance_spread * (x.v1 + x.v2)
        if x.regime_s < 10.0 * _WHIPLASH_S:
            branch_v -= _WHIPLASH_V * p.block_scale * exponential(-x.regime_s / _WHIPLASH_S)
    per_sigma2 = 1.0 / (p.ocv_sigma_v * p.ocv_sigma_v)
    return math.sqrt(1.0 + (level_v * level_v + acid_v * acid_v + branch_v * branch_v) * per_sigma2)


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
def _noise_variance(x: TwinState, p: TwinParameters, moment: Moment) -> float:
    """White error of voltage and prediction, V**2: sensor, current, temperature and, under load, the model."""
    current_v = x.r0_ohm * moment.current_sigma_a
    variance = x.voltage_noise_var + current_v * current_v
    variance += x.temperature_var * p.docv_dt_v_k * p.docv_dt_v_k
    load_v = _LOAD_RELATIVE_SIGMA * x.r0_ohm * moment.current_a
    return float(variance + load_v * load_v)


@compiled
def start_from_voltage(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Takes the first SOC from the first voltage, the whole curve instead of its tangent at a guess."""
    circuit: Circuit = circuit_at(x, p, ocv_v, moment.current_a)
    branches_var = x.p11 + x.p22
    x.innovation_v = moment.voltage_v - circuit.voltage_v
    x.innovation_var = circuit.by_soc * circuit.by_soc * x.p00 + branches_var + _noise_variance(x, p, moment)
    x.misfit_v, x.misfit_var = 0.0, x.innovation_var
    soc, slope = soc_at_voltage(x, p, ocv_v, moment.voltage_v, moment.current_a)
    systematic_v = systematic_sigma_v(x, p, moment.regime, circuit.load_v)
    voltage_var = systematic_v * systematic_v + branches_var
    set_soc(x, soc, min(voltage_var / (slope * slope), x.p00))
    # what the table is wrong by, SOC now is too
    x.p05 = -x.p00 / (voltage_var / (slope * slope)) * p.ocv_sigma_v * p.ocv_sigma_v / slope
