"""Follows the lives of batteries row by row: accumulators in, accumulators out, changed in place.

A pure function of (accumulators, row): what it needs of the filter, regime and charge, is in the row that is stored, so
that history makes the same accumulators as the stream did.
"""

from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled, kernel
from actors.filter_layout import TwinParameters, parameter_records
from actors.filter_life import ROOM_C, ageing_factor, voltage_stress
from actors.filter_parameters import FilterParameters
from actors.life_counts import count_charge, count_discharge, count_swing, note_marker, note_resistance
from actors.life_hours import begin_hours, cover, rounded
from actors.life_layout import LIFE, LIFE_PARAMETERS, LIFE_ROWS, LONGEST_STEP_US
from actors.numerics import exponential
from batterytwin.telemetry import REGIME_MASK, REGIME_SHIFT, Flag, Regime, Rows

_FLOAT: Final = int(Regime.FLOAT)
_SUSPECT: Final = int(Flag.SUSPECT)
_LARGEST_V_CELL: Final = 10.0


@compiled
def _apply(life: Any, p: TwinParameters, row: Any) -> None:
    now = row.sample_time_us
    regime = (row.status & REGIME_MASK) >> REGIME_SHIFT
    if life.first_us == 0:
        _begin(life, p, now)
    count_charge(life, p, now, regime, row.current_a)
    count_discharge(life, regime, rounded(1e6 * row.soc))
    if regime != _FLOAT:
        life.float_since_us = life.marker_row_us = 0
    elif life.float_since_us == 0 or now - life.as_of_us > LONGEST_STEP_US:
        life.float_since_us = now
    if -60.0 < row.temperature_c < 150.0:  # NaN is not
        on_float = regime == _FLOAT and abs(row.voltage_v) < _LARGEST_V_CELL * p.cells
        _follow_temperature(life, p, now, rounded(10.0 * row.temperature_c), row.voltage_v, on_float)
    note_resistance(life, p, now, regime, row.internal_resistance_mohm)
    life.regime = regime
    life.as_of_us = now


@compiled
def _begin(life: Any, p: TwinParameters, now: int) -> None:
    """Until the first row 25 degC and the recommended voltage are assumed, as in `filter_life.begin_life`."""
    age_us = rounded(ageing_factor(p, ROOM_C) * max(now - life.installed_us, 0))
    life.assumed_age_us = life.assumed_stress_us = age_us
    life.first_us = now
    begin_hours(life, now)


@compiled
def _follow_temperature(  # noqa: PLR0917 # kernels take no keywords
    life: Any, p: TwinParameters, now: int, temperature_dc: int, voltage_v: float, on_float: bool
) -> None:
    temperature_c = temperature_dc / 10.0
    ageing = life.ageing
    if temperature_dc != life.temperature_dc:
        ageing = ageing_factor(p, temperature_c)
    stressed = ageing
    if on_float:
        stressed *= exponential(voltage_stress(p, voltage_v, temperature_c))
        note_marker(life, p, now, voltage_v, temperature_c)
    cover(life, p, now, temperature_dc, ageing, stressed)
    count_swing(life, temperature_dc)
    life.temperature_us = now
    life.temperature_dc = temperature_dc
    life.ageing = ageing
    life.stressed = stressed


@kernel(numba.void(LIFE, LIFE_PARAMETERS, numba.int32[::1], numba.int32[::1], LIFE_ROWS))
def _apply_rows(lives: Any, parameters: Any, slots: Any, models: Any, rows: Any) -> None:
    for k in range(rows.shape[0]):
        if not rows[k].status & _SUSPECT:
            _apply(lives[slots[k]], parameters[models[k]], rows[k])


def update_life(
    lives: Rows, parameters: FilterParameters, slots: NDArray[np.int32], twins: NDArray[np.int32], rows: Rows
) -> None:
    """Lets accumulators follow rows that their twins have applied. SUSPECT ones change nothing.

    Args:
        lives: accumulators, `LIFE_DTYPE`; changed in place.
        parameters: of many twins.
        slots: place in `lives` of each row's battery, shape `(n_rows,)`.
        twins: place in `parameters` of each row's battery, shape `(n_rows,)`.
        rows: with the estimates after them, `TELEMETRY_DTYPE`, shape `(n_rows,)`; times rise strictly within a battery.
    """
    _apply_rows(lives, parameter_records(parameters.values), slots, parameters.model_index[twins], rows)
