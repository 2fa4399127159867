"""Occasions on which a battery is known to be full, without its voltage telling so."""

from typing import Final

from actors.compiled import compiled
from actors.filter_charge import LONGEST_STEP_S, lose_sight
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
_LN2: Final = 0.6931471805599453

_TAIL_BELOW_C: Final = 0.05
_TAIL_ABOVE_V_CELL: Final = 2.25
_TAIL_H: Final = 1.0
_TAIL_H_PER_V_CELL: Final = 30.0
_TAIL_FASTEST_V_CELL: Final = 2.35
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
    _anchor(x, 1.0, sigma)


@compiled
def anchor_tail(x: TwinState, p: TwinParameters, moment: Moment) -> None:
    """Takes SOC from the tail of a recharge: at constant voltage the current falls with the charge still missing.

    Missing charge = tau * current, with tau 1 h at 2.35 V/cell and 4 h at 2.25 V/cell, to within half of itself. (That
    is an estimate: 60 % of the charging time returns 80...95 % of the charge, vrla facts, section 1.6.)
    """
    if not (moment.has_voltage and moment.has_current):
        return
    current_c = moment.current_a / p.capacity_ah
    cell_v = moment.voltage_v / p.cells
    if not 0.0 < current_c < _TAIL_BELOW_C or cell_v < _TAIL_ABOVE_V_CELL:
        return
    tau_h = _TAIL_H + _TAIL_H_PER_V_CELL * max(_TAIL_FASTEST_V_CELL - cell_v, 0.0)
    missing = tau_h * current_c
    _anchor(x, 1.0 - missing, _TAIL_SIGMA + _TAIL_RELATIVE_SIGMA * missing)


@compiled
def _anchor(x: TwinState, soc: float, sigma: float) -> None:
    """Pseudo-measurement that says the same thing at every reading.

    It may therefore bring the variance down to its own and no further: its noise is chosen so that this results.
    """
    variance = sigma * sigma
    if x.p00 <= variance:
        return
    gain = (x.p00 - variance) / x.p00
    set_soc(x, x.soc + gain * (soc - x.soc), variance)
    x.counted_soc *= 1.0 - gain
