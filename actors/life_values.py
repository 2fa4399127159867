"""What is known of lives when they are asked for, from accumulators and the state of the filter."""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled, kernel
from actors.filter_ladder import rank_told_var
from actors.filter_layout import STATE_DTYPE, TwinParameters, TwinState, parameter_records, state_records
from actors.filter_life import ROOM_C, ageing_factor
from actors.filter_parameters import FilterParameters
from actors.life_hours import mean_cc, minutes, usual_factor
from actors.life_inputs import LIFE_INPUTS_DTYPE, N_LIFE_INPUTS, LifeInputs, life_records
from actors.life_layout import (
    DAY_HOURS,
    HOUR_US,
    LIFE_DTYPE,
    LIFE_PARAMETERS,
    LONGEST_STEP_US,
    RING_DAYS,
    UNKNOWN,
    YEAR_MONTHS,
)
from actors.life_trend import resistance_trend
from batterytwin.telemetry import Rows

_NAN: Final = math.nan
_FIRST_MONTH: Final = (LIFE_INPUTS_DTYPE.names or ()).index("ageing_month_1")
_LEAST_MARKER_US: Final = 86_400_000_000
_LIVES: Final = numba.types.Array(numba.from_dtype(LIFE_DTYPE), 1, "C", readonly=True)
_STATE: Final = numba.types.Array(numba.from_dtype(STATE_DTYPE), 1, "C", readonly=True)


@compiled
def _tell_sheet(out: LifeInputs, p: TwinParameters) -> None:
    out.capacity_ah = p.capacity_ah
    out.life_per_s_20c = p.life_per_s_20c
    out.life_activation_k = p.life_activation_k
    out.life_exponent = p.life_exponent
    out.fade_at_end = p.fade_at_end
    out.fade_per_resistance = p.fade_per_resistance


@compiled
def _tell_window(out: LifeInputs, life: Any) -> None:
    """The 30 days before that of the newest row, and this; the day of the newest temperature is not in the ring."""
    oldest, present = life.as_of_us // (DAY_HOURS * HOUR_US) - RING_DAYS, life.hour // DAY_HOURS
    weighted_cc = covered_min = above_min = 0
    hottest_cc = UNKNOWN
    for day in range(max(oldest, present - RING_DAYS), present):
        place = day % RING_DAYS
        covered = int(life.ring_covered_min[place])  # a sum of products needs more than their 16 bits
        if covered > 0:
            weighted_cc += covered * life.ring_mean_cc[place]
            covered_min += covered
            above_min += life.ring_above_min[place]
            hottest_cc = max(hottest_cc, life.ring_hottest_cc[place])
    weighted, covered_h, above_h = weighted_cc / 6e3, covered_min / 60.0, above_min / 60.0
    if present >= oldest and minutes(life.day_covered_us) > 0:
        weighted += life.day_mc_us / (1e3 * HOUR_US)
        covered_h += life.day_covered_us / HOUR_US
        above_h += life.day_above_us / HOUR_US
        hottest_cc = max(hottest_cc, life.day_hottest_cc)
        if life.hour_covered_us > 0:
            hottest_cc = max(hottest_cc, mean_cc(life.hour_mc_us, life.hour_covered_us))
    out.covered_30d_h = covered_h
    if covered_h > 0.0:
        out.temperature_mean_30d_c = weighted / covered_h
        out.temperature_max_30d_c = 0.01 * hottest_cc
        out.time_above_30c_30d_h = above_h


@compiled
def _tell_ages(out: LifeInputs, life: Any, p: TwinParameters) -> None:
    out.observed_s = 1e-6 * life.observed_us
    unseen_us = life.as_of_us - life.temperature_us
    age_us, stress_us = 1.0 * (life.assumed_age_us + life.thermal_age_us), 1.0 * life.assumed_stress_us
    stress_us += life.stress_age_us
    if life.temperature_dc == UNKNOWN or unseen_us > LONGEST_STEP_US:
        room = ageing_factor(p, ROOM_C)
        age_us += usual_factor(room, life.thermal_age_us, life.observed_us) * unseen_us
        stress_us += usual_factor(room, life.stress_age_us, life.observed_us) * unseen_us
    out.thermal_age_s = 1e-6 * age_us
    out.stress_age_s = 1e-6 * stress_us


@compiled
def _tell_counts(out: LifeInputs, life: Any) -> None:
    out.temperature_cycles = life.temperature_cycles
    out.discharges = life.discharges
    out.depth_sum = 1e-6 * life.depth_ppm
    out.depth_max = 1e-6 * life.depth_max_ppm
    out.cycle_wear = 1e-12 * life.cycle_wear_ppt
    out.discharged_ah = life.discharged_mas / 3.6e6


@compiled
def _tell_resistance(out: LifeInputs, life: Any, x: TwinState) -> None:
    if x.resistance_count == 0.0:
        return
    out.resistance_drift = x.told_soh_resistance - 1.0
    out.resistance_drift_sigma = math.sqrt(x.told_soh_resistance_var)
    trend = resistance_trend(life, x.resistance_base)
    out.resistance_rate_per_year = trend.rate_per_year
    out.resistance_rate_sigma = trend.rate_sigma
    out.resistance_trend_s = trend.lasts_s


@compiled
def _tell_capacity(out: LifeInputs, x: TwinState) -> None:
    out.told_soh_capacity = x.told_soh_capacity
    out.told_soh_capacity_sigma = math.sqrt(x.told_soh_capacity_var)
    if x.test_us > 0.0:
        out.test_us, out.test_soh, out.test_sigma = x.test_us, x.test_soh, math.sqrt(x.test_var)
    if x.deep_us > 0.0:
        out.deep_us, out.deep_soh, out.deep_sigma = x.deep_us, x.deep_soh, math.sqrt(x.deep_var)
    if x.rank_us > 0.0:
        out.rank_us, out.rank_soh, out.rank_sigma = x.rank_us, x.rank_soh, math.sqrt(rank_told_var(x))


@kernel(
    numba.void(
        _LIVES,
        _STATE,
        LIFE_PARAMETERS,
        numba.int32[::1],
        numba.from_dtype(LIFE_INPUTS_DTYPE)[::1],
        numba.float64[:, ::1],
    )
)
def _tell_all(lives: Any, state: Any, parameters: Any, models: Any, records: Any, values: Any) -> None:  # noqa: PLR0917 # as elsewhere
    for k in range(lives.shape[0]):
        out, life, x, p = records[k], lives[k], state[k], parameters[models[k]]
        out.as_of_us, out.installed_us = life.as_of_us, life.installed_us
        _tell_sheet(out, p)
        if x.sample_time_us == 0.0 or life.first_us == 0:
            continue
        _tell_window(out, life)
        _tell_ages(out, life, p)
        _tell_counts(out, life)
        for month in range(YEAR_MONTHS):
            if life.month_covered_us[month] > 0:
                values[k, _FIRST_MONTH + month] = life.month_age_us[month] / life.month_covered_us[month]
        _tell_resistance(out, life, x)
        if life.marker_covered_us >= _LEAST_MARKER_US and x.marker_us > 0.0:
            # a block that gasses more has less of the float voltage: its marker falls
            out.marker_drift = life.marker_us / life.marker_covered_us - x.settled_marker
        _tell_capacity(out, x)


def life_inputs(lives: Rows, state: NDArray[np.float64], parameters: FilterParameters) -> NDArray[np.float64]:
    """What is known of batteries, one row each.

    Args:
        lives: accumulators, `LIFE_DTYPE`, shape `(n_twins,)`.
        state: of the filter after the same rows, shape `(n_twins, N_STATE)`.
        parameters: of these twins.

    Returns:
        `LifeInputs`, shape `(n_twins, N_LIFE_INPUTS)`; NaN = not known.
    """
    values = np.full((len(lives), N_LIFE_INPUTS), np.nan)
    sheets, models = parameter_records(parameters.values), parameters.model_index
    _tell_all(lives, state_records(state), sheets, models, life_records(values), values)
    return values
