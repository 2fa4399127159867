"""Series resistance of the model, learnt at edges of the current and frozen otherwise."""

from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import resistance_and_slope
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import LOAD_BIAS, SENSOR_SIGMA_V, gated
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

_EDGE_PER_AH: Final = 10.0 / 120.0
_LONGEST_S: Final = 120.0
_LONGEST_TO_CHARGE_S: Final = 10.0
_MODEL_SIGMA: Final = 0.05
_SMALLEST_SHARE: Final = 0.2
"""Of the data sheet's resistance."""


@compiled
def _is_edge(x: TwinState, p: TwinParameters, moment: Moment) -> bool:
    """Whether two readings show a step of the current from which R0 can be learnt.

    A step out of float or recharge is none: there the voltage falls by the gassing polarisation, not by I R0.
    """
    known = moment.has_current and x.current_known != 0.0 and moment.has_voltage and x.voltage_v != 0.0
    if not known or moment.previous not in (_DISCHARGE, _REST) or moment.dt_s <= 0.0:
        return False
    if abs(moment.step_a) < _EDGE_PER_AH * p.capacity_ah:
        return False
    if moment.regime == _RECHARGE:
        return moment.previous == _DISCHARGE and moment.dt_s <= _LONGEST_TO_CHARGE_S
    return moment.dt_s <= _LONGEST_S


@compiled
def learn_r0(x: TwinState, p: TwinParameters, moment: Moment, circuit_step_v: float) -> None:
    """Kalman update of R0 from one edge: R0 = dV / dI, after what the rest of the circuit did in between.

    Args:
        x: state of the twin, predicted to the new reading.
        p: its parameters.
        moment: the new reading.
        circuit_step_v: change of OCV + V1 + V2 since the reading before, V. When in between the current changed is
            unknown, so all of it counts as uncertain.
    """
    if not _is_edge(x, p, moment):
        return
    before_a = moment.current_a - moment.step_a
    knee_step_v = _knee_drop(x, p, moment.current_a) - _knee_drop(x, p, before_a)
    ohmic_step_v = moment.voltage_v - x.voltage_v - circuit_step_v - knee_step_v
    r0_ohm = x.r0_ohm
    h = resistance_and_slope(x, p, 1.0)[0] / r0_ohm * moment.step_a
    sensor_v = SENSOR_SIGMA_V * p.block_scale
    model_v = _MODEL_SIGMA * abs(h) * r0_ohm + LOAD_BIAS * abs(knee_step_v)
    noise_var = 2.0 * sensor_v * sensor_v + circuit_step_v * circuit_step_v + model_v * model_v
    variance = x.p33
    innovation = ohmic_step_v - h * r0_ohm
    noise_var = gated(innovation, h * h * variance + noise_var, noise_var)
    gain = h * variance / (h * h * variance + noise_var)
    kept = 1.0 - gain * h
    x.r0_ohm = max(r0_ohm + gain * innovation, _SMALLEST_SHARE * p.r0_ohm)
    x.p33 = kept * kept * variance + gain * gain * noise_var


@compiled
def _knee_drop(x: TwinState, p: TwinParameters, current_a: float) -> float:
    """The part of the series drop that is not R0's, V."""
    if current_a >= 0.0:
        return 0.0
    return current_a * (resistance_and_slope(x, p, current_a)[0] - resistance_and_slope(x, p, 1.0)[0])
