"""Occasions on which a battery is known to be full, without its voltage telling so."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_charge import LONGEST_STEP_S, gassing_a, lose_sight
from actors.filter_circuit import circuit_at
from actors.filter_covariance import set_soc
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import exponential
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)

_FULL_SIGMA: Final = 0.01
_FULL_FROM_S: Final = 6.0 * 3600.0
_FULL_AFTER_S: Final = 12.0 * 3600.0
_HALVING_S: Final = 1.5 * 3600.0
_CHARGED_ABOVE_V_CELL: Final = 2.17
_DRAWS_S: Final = 3600.0
_LN2: Final = 0.6931471805599453

_TAIL_BELOW_C: Final = 0.05
_TAIL_ABOVE_V_CELL: Final = 2.25
_TAIL_H: Final = 0.5
_SMALLEST_OVERVOLTAGE_V_CELL: Final = 0.05
_TAIL_SIGMA: Final = 0.015
_TAIL_RELATIVE_SIGMA: Final = 0.5


@compiled
def anchor_full(x: TwinState, p: TwinParameters, moment: Moment) -> None:
    """Counts time on float; from 6 h of it on SOC is 1, to within 1 % after 12 h and never closer."""
    lose_sight(x, moment.dt_s)
    if moment.previous != _FLOAT or moment.dt_s > LONGEST_STEP_S:
        x.float_s = 0.0
    elif moment.has_voltage and moment.voltage_v > _CHARGED_ABOVE_V_CELL * p.cells:
        x.float_s += moment.dt_s
    if x.float_s < _FULL_FROM_S:
        return
    sigma = _FULL_SIGMA
    if x.float_s < _FULL_AFTER_S:
        sigma *= exponential(_LN2 / _HALVING_S * (_FULL_AFTER_S - x.float_s))
    _anchor(x, 1.0, sigma, moment.dt_s)


@compiled
def anchor_tail(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], moment: Moment) -> None:
    """Takes SOC from the tail of a recharge: at constant voltage the current falls with the charge still missing.

    Where the charge resistance R / (1 - SOC) takes the whole overvoltage U, the missing charge is R Q / U times the
    current; half an hour is added for the polarisations. Good to half of itself.
    """
    if not (moment.has_voltage and moment.has_current):
        return
    current_c = moment.current_a / p.capacity_ah
    cell_v = moment.voltage_v / p.cells
    if not 0.0 < current_c < _TAIL_BELOW_C or cell_v < _TAIL_ABOVE_V_CELL:
        return
    full_v = ocv_v[ocv_v.size - 1]
    over_v = max(moment.voltage_v - full_v, _SMALLEST_OVERVOLTAGE_V_CELL * p.cells)
    current_c -= min(gassing_a(x, p, moment.voltage_v) / p.capacity_ah, current_c)
    missing = (_TAIL_H + p.charge_ohm * p.capacity_ah / over_v) * current_c
    before_v = circuit_at(x, p, ocv_v, moment.current_a).voltage_v
    _anchor(x, 1.0 - missing, _TAIL_SIGMA + _TAIL_RELATIVE_SIGMA * missing, 0.0)
    # what is now known of the charge does not change the voltage
    x.v2 += before_v - circuit_at(x, p, ocv_v, moment.current_a).voltage_v


@compiled
def _anchor(x: TwinState, soc: float, sigma: float, lasts_s: float) -> None:
    """Pseudo-measurement that says the same thing at every reading.

    It may therefore bring the variance down to its own and no further: its noise is chosen so that this results. One
    that lasts draws SOC to it within the hour even where SOC was thought to be known better.
    """
    variance = sigma * sigma
    gain = max(1.0 - variance / x.p00, lasts_s / (lasts_s + _DRAWS_S))
    if gain <= 0.0:
        return
    set_soc(x, x.soc + gain * (soc - x.soc), max((1.0 - gain) * x.p00, min(variance, x.p00), _FULL_SIGMA * _FULL_SIGMA))
    x.counted_soc *= 1.0 - gain
