"""What a battery is doing, judged from its current, its voltage and what the charger reports.

Thresholds are those of a 120 Ah block of six cells (0.5 A, 13.2 V) scaled by capacity and cells.
"""

from typing import Final

from actors.compiled import compiled
from actors.filter_inputs import HELD_ABOVE_V_CELL, Reading
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime, StringMode

_UNDECIDED: Final = int(Regime.UNSPECIFIED)
_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)
_MODE_FLOAT: Final = int(StringMode.FLOAT)
_MODE_DISCHARGE: Final = int(StringMode.DISCHARGE)
_MODE_TEST: Final = int(StringMode.TEST)

_QUIET_CURRENT_PER_AH: Final = 0.5 / 120.0
_REST_BELOW_V_CELL: Final = 2.17
_FLOAT_HOLD_S: Final = 600.0
_CHARGER_LEFT_V_CELL: Final = 0.02
_FALLS_V_CELL: Final = 0.002
_NO_FALL_S: Final = 3600.0
"""Time without a fall of the voltage after which it is held by a charger."""
_DROP_WITHIN_S: Final = 120.0
_LONGEST_CHARGE_S: Final = 86_400.0
"""Time after which a charge is over, although no current says so (vrla facts, section 7: 8 to 24 h)."""
_LEAVING_FLOAT: Final = 2.0
"""Current that ends float, over the one that lets it begin: sensor noise must not end it."""
_REPORTED_FLOAT: Final = 10.0
"""The same while the charger reports float: a large Hall sensor may be that wrong."""
_SURE_DISCHARGE: Final = 20.0
"""Current that makes a discharge at a float voltage, unless the charger reports float; `judge` tells what counts."""


@compiled
def next_regime(x: TwinState, p: TwinParameters, reading: Reading) -> int:
    """Regime of a reading; advances the timer of float.

    Float needs ten minutes of it, because the voltage of a block that has just been recharged passes through there. At
    sampling slower than that, two readings. A twin's first reading is taken for what it looks like.
    """
    previous = int(x.regime)
    if previous != _REST:
        x.rest_low_v = 0.0
    elif reading.has_voltage and (x.rest_low_v == 0.0 or reading.voltage_v < x.rest_low_v - _FALLS_V_CELL * p.cells):
        x.rest_low_v = reading.voltage_v
        x.quiet_s = 0.0
    floats_high = reading.has_voltage and reading.voltage_v > HELD_ABOVE_V_CELL * p.cells
    rests_low = reading.has_voltage and reading.voltage_v < _REST_BELOW_V_CELL * p.cells
    if reading.has_current:
        regime = _by_current(p, reading, previous, floats_high)
    else:
        regime = _without_current(x, reading, previous, rests_low)
    if regime == _UNDECIDED and (floats_high or reading.mode == _MODE_FLOAT):
        return _after_hold(x, p, reading, previous)
    if reading.has_current or regime != previous:
        x.quiet_s = -1.0
    if regime != _UNDECIDED:
        return regime
    return _FLOAT if previous == _FLOAT and not rests_low else _REST


@compiled
def _by_current(p: TwinParameters, reading: Reading, previous: int, floats_high: bool) -> int:
    quiet_a = _QUIET_CURRENT_PER_AH * p.capacity_ah
    limit_a = quiet_a
    if previous == _FLOAT:
        limit_a = quiet_a * (_REPORTED_FLOAT if reading.mode == _MODE_FLOAT else _LEAVING_FLOAT)
    if reading.current_a > limit_a:
        return _RECHARGE
    discharging = reading.mode in (_MODE_DISCHARGE, _MODE_TEST)
    sure = reading.mode != _MODE_FLOAT and reading.current_a < -_SURE_DISCHARGE * quiet_a
    believed = not floats_high or discharging or sure
    return _DISCHARGE if reading.current_a < -limit_a and believed else _UNDECIDED


@compiled
def _without_current(x: TwinState, reading: Reading, previous: int, rests_low: bool) -> int:
    if reading.mode in (_MODE_DISCHARGE, _MODE_TEST):
        return _DISCHARGE
    if not reading.has_voltage or (previous == _RECHARGE and x.regime_s < _LONGEST_CHARGE_S):
        return previous if previous != _UNDECIDED else _REST
    return _DISCHARGE if rests_low and previous in (_FLOAT, _DISCHARGE) else _UNDECIDED


@compiled
def _after_hold(x: TwinState, p: TwinParameters, reading: Reading, previous: int) -> int:
    x.quiet_s = x.quiet_s + reading.dt_s if x.quiet_s >= 0.0 else 0.0
    if previous in (_FLOAT, _RECHARGE) and _charger_left(x, p, reading):
        x.quiet_s = 0.0
        return _REST
    if previous == _REST and reading.mode != _MODE_FLOAT and not _charger_back(x, p, reading):
        return _FLOAT if x.quiet_s >= _NO_FALL_S else _REST
    if previous in (_UNDECIDED, _FLOAT) or x.quiet_s >= _FLOAT_HOLD_S:
        return _FLOAT
    return _RECHARGE if previous == _RECHARGE else _REST


@compiled
def _charger_back(x: TwinState, p: TwinParameters, reading: Reading) -> bool:
    """Whether the voltage stands above what the rest has fallen to: surface charge only falls, for hours."""
    return x.rest_low_v > 0.0 and reading.voltage_v > x.rest_low_v + _CHARGER_LEFT_V_CELL * p.cells


@compiled
def _charger_left(x: TwinState, p: TwinParameters, reading: Reading) -> bool:
    """Whether the voltage has just dropped with no load, as it does when the charger is taken away."""
    if reading.mode == _MODE_FLOAT or not reading.has_voltage or x.voltage_v == 0.0:
        return False
    return reading.dt_s <= _DROP_WITHIN_S and x.voltage_v - reading.voltage_v > _CHARGER_LEFT_V_CELL * p.cells
