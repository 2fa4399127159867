"""What the filter takes from a reading of which any part may be missing."""

import math
from typing import Final, NamedTuple

from actors.compiled import compiled
from actors.filter_current import check_sign, corrected
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_REST: Final = int(Regime.REST)

_TEMPERATURE_VAR_PER_S: Final = 0.5 * 0.5 / 3600.0
_TEMPERATURE_READING_VAR: Final = 0.5 * 0.5
_LARGEST_TEMPERATURE_VAR: Final = 100.0
_CURRENT_SIGMA_PER_AH: Final = 0.002
_CURRENT_GAIN_SIGMA: Final = 0.01
_UNKNOWN_CURRENT_C: Final = 0.2
_UNKNOWN_REST_CURRENT_C: Final = 0.05
_UNKNOWN_CURRENT_LASTS_S: Final = 1800.0
"""An unknown current is wrong the same way for about this long."""
_USUAL_CURRENT_C: Final = 0.1
_LARGEST_CURRENT_C: Final = 20.0
_LARGEST_V_CELL: Final = 10.0
HELD_ABOVE_V_CELL: Final = 2.20
"""Voltage at which only a charger holds a cell."""


class Row(NamedTuple):
    """A reading as it arrives. NaN = not measured."""

    sample_time_us: float
    voltage_v: float
    current_a: float
    """> 0 charges."""
    temperature_c: float
    """Of the post."""
    internal_resistance_mohm: float
    """The instrument's."""
    mode: int
    """`StringMode` that the charger reports."""


class Reading(NamedTuple):
    """What was measured, and whether."""

    dt_s: float
    """Since the reading before; 0 for the first."""
    voltage_v: float
    has_voltage: bool
    current_a: float
    has_current: bool
    mode: int


class Moment(NamedTuple):
    """A reading with what the filter believes of it."""

    dt_s: float
    voltage_v: float
    has_voltage: bool
    current_a: float
    """Measured or, without `has_current`, assumed."""
    has_current: bool
    current_sigma_a: float
    step_a: float
    """Change of the current since the reading before."""
    previous: int
    """Regime before; 0 = none yet."""
    regime: int
    mode: int


@compiled
def read(x: TwinState, p: TwinParameters, row: Row) -> Reading:
    """Takes voltage and current of a row, the latter with sign and offset corrected.

    NaN and what no battery can show count as not measured.
    """
    dt_s = 0.0 if x.sample_time_us == 0.0 else (row.sample_time_us - x.sample_time_us) * 1e-6
    has_voltage = abs(row.voltage_v) < _LARGEST_V_CELL * p.cells
    has_current = abs(row.current_a) < _LARGEST_CURRENT_C * p.capacity_ah
    if not has_current:
        return Reading(dt_s, row.voltage_v, has_voltage, 0.0, has_current, row.mode)
    if has_voltage:
        check_sign(x, p, dt_s, row.current_a, row.voltage_v)
    return Reading(dt_s, row.voltage_v, has_voltage, corrected(x, p, row.current_a), has_current, row.mode)


@compiled
def judge(x: TwinState, p: TwinParameters, reading: Reading, regime: int) -> Moment:
    """Adds to a reading what its regime lets one believe of current and voltage.

    A discharge that goes on at a charger's voltage contradicts itself: it counts as a reading without either, so that
    nothing is counted or learnt, and SOC grows less certain.
    """
    previous = int(x.regime)
    current_a, has_current, has_voltage = reading.current_a, reading.has_current, reading.has_voltage
    if regime == previous == _DISCHARGE and has_voltage and reading.voltage_v > HELD_ABOVE_V_CELL * p.cells:
        # a load takes a block below its charger's voltage at once: one of the two sensors is wrong, nobody knows which
        current_a, has_current, has_voltage = 0.0, False, False
        sigma_a = _assumed_current_sigma(p, regime, reading.dt_s)
    elif has_current:
        sigma_a = _CURRENT_SIGMA_PER_AH * p.capacity_ah + _CURRENT_GAIN_SIGMA * abs(current_a)
    else:
        current_a = _assumed_current(x, p, previous, regime)
        sigma_a = _assumed_current_sigma(p, regime, reading.dt_s)
    step_a = 0.0 if previous == 0 else current_a - x.current_a
    return Moment(
        reading.dt_s,
        reading.voltage_v,
        has_voltage,
        current_a,
        has_current,
        sigma_a,
        step_a,
        previous,
        regime,
        reading.mode,
    )


@compiled
def _assumed_current(x: TwinState, p: TwinParameters, previous: int, regime: int) -> float:
    """The last current while the regime lasts; none on float and at rest."""
    if regime in (_FLOAT, _REST):
        return 0.0
    if regime == previous:
        return float(x.current_a)
    usual_a = _USUAL_CURRENT_C * float(p.capacity_ah)
    return -usual_a if regime == _DISCHARGE else usual_a


@compiled
def _assumed_current_sigma(p: TwinParameters, regime: int, dt_s: float) -> float:
    """Sigma for one step, raised so that steps add up to an error that lasts half an hour."""
    if regime == _FLOAT:
        return 0.0
    share = _UNKNOWN_REST_CURRENT_C if regime == _REST else _UNKNOWN_CURRENT_C
    return share * float(p.capacity_ah) * math.sqrt(max(_UNKNOWN_CURRENT_LASTS_S / max(dt_s, 1.0), 1.0))


@compiled
def track_temperature(x: TwinState, dt_s: float, temperature_c: float) -> float:
    """Random-walk filter of the temperature, degC; returns its change, K. Without any it is 25 +- 10 degC."""
    x.temperature_var = min(x.temperature_var + _TEMPERATURE_VAR_PER_S * dt_s, _LARGEST_TEMPERATURE_VAR)
    if not -60.0 < temperature_c < 150.0:  # also when it is NaN
        return 0.0
    gain = x.temperature_var / (x.temperature_var + _TEMPERATURE_READING_VAR)
    change = gain * (temperature_c - x.temperature_c)
    x.temperature_c += change
    x.temperature_var *= 1.0 - gain
    return float(change)
