"""Integrals over time between two temperatures, cut at full hours of UTC."""

from typing import Any, Final

import numpy as np

from actors.compiled import compiled
from actors.filter_layout import TwinParameters
from actors.filter_life import ROOM_C, ageing_factor
from actors.life_calendar import month_of_hour
from actors.life_layout import DAY_HOURS, HOUR_US, LONGEST_STEP_US, MINUTE_US, RING_DAYS, UNKNOWN, YEAR_MONTHS

WARM_DC: Final = 300
"""Time above this is counted: 30 degC."""
_USUAL_AFTER_US: Final = 30.0 * 86_400e6
"""Observed time after which half of what is assumed of a gap is what was observed."""
_HALF_MINUTE_US: Final = MINUTE_US // 2


@compiled
def rounded(value: float) -> int:
    """Nearest whole number."""
    return int(np.rint(value))


@compiled
def minutes(duration_us: int) -> int:
    """Whole minutes, to the nearest."""
    return (duration_us + _HALF_MINUTE_US) // MINUTE_US


@compiled
def usual_factor(room: float, age_us: int, observed_us: int) -> float:
    """Mean ageing factor of times without readings: that of what was observed, at first that of 25 degC."""
    return (room * _USUAL_AFTER_US + age_us) / (_USUAL_AFTER_US + observed_us)


@compiled
def begin_hours(life: Any, now: int) -> None:
    """Opens the first hour of a battery."""
    life.temperature_us = now
    life.hour = now // HOUR_US
    _open_month(life)


@compiled
def cover(  # noqa: PLR0917 # kernels take no keywords
    life: Any, p: TwinParameters, now: int, temperature_dc: int, ageing: float, stressed: float
) -> None:
    """Accounts for the time up to a temperature: what was measured at both ends, or what is usual across a gap.

    Args:
        life: accumulators; changed, but for what belongs to the newest reading.
        p: parameters.
        now: time of the temperature, microseconds UTC.
        temperature_dc: temperature, 0.1 degC.
        ageing: its ageing factor.
        stressed: the same, times that of the voltage.
    """
    begin = life.temperature_us
    span = now - begin
    if life.temperature_dc == UNKNOWN or span > LONGEST_STEP_US:
        room = ageing_factor(p, ROOM_C)
        life.assumed_age_us += rounded(usual_factor(room, life.thermal_age_us, life.observed_us) * span)
        life.assumed_stress_us += rounded(usual_factor(room, life.stress_age_us, life.observed_us) * span)
        _go_to(life, now // HOUR_US)
        return
    left = begin
    while left < now:
        _go_to(life, left // HOUR_US)
        right = min(now, (life.hour + 1) * HOUR_US)
        first, last = (left - begin) / span, (right - begin) / span
        _cover_piece(life, first, last, right - left, temperature_dc, ageing, stressed)
        left = right
    _go_to(life, now // HOUR_US)


@compiled
def _cover_piece(  # noqa: PLR0917 # kernels take no keywords
    life: Any, begin: float, end: float, lasts_us: int, temperature_dc: int, ageing: float, stressed: float
) -> None:
    """Adds the part of a step that lies in the present hour, from share `begin` to share `end` of it."""
    rise = temperature_dc - life.temperature_dc
    first, last = life.temperature_dc + rise * begin, life.temperature_dc + rise * end
    warmth_mc_us = rounded(50.0 * (first + last) * lasts_us)
    life.hour_mc_us += warmth_mc_us
    life.hour_covered_us += lasts_us
    life.day_mc_us += warmth_mc_us
    life.day_covered_us += lasts_us
    life.day_above_us += rounded(_share_above(min(first, last), max(first, last)) * lasts_us)
    middle = 0.5 * (begin + end)
    age_us = rounded((life.ageing + (ageing - life.ageing) * middle) * lasts_us)
    life.observed_us += lasts_us
    life.thermal_age_us += age_us
    life.stress_age_us += rounded((life.stressed + (stressed - life.stressed) * middle) * lasts_us)
    month = life.month % YEAR_MONTHS
    life.month_age_us[month] += age_us
    life.month_covered_us[month] += lasts_us


@compiled
def _share_above(low: float, high: float) -> float:
    """Share of a straight line from `low` to `high` that lies above `WARM_DC`."""
    if high <= WARM_DC:
        return 0.0
    return 1.0 if low >= WARM_DC else (high - WARM_DC) / (high - low)


@compiled
def _go_to(life: Any, hour: int) -> None:
    """Closes the present hour, and day, and opens later ones; those between were silent."""
    if hour == life.hour:
        return
    if life.hour_covered_us > 0:
        life.day_hottest_cc = max(life.day_hottest_cc, mean_cc(life.hour_mc_us, life.hour_covered_us))
    life.hour_mc_us = life.hour_covered_us = 0
    if hour // DAY_HOURS != life.hour // DAY_HOURS:
        _close_day(life, life.hour // DAY_HOURS, hour // DAY_HOURS)
    life.hour = hour
    _open_month(life)


@compiled
def mean_cc(mc_us: int, covered_us: int) -> int:
    """Mean of an integral over time, 0.01 degC."""
    return (2 * mc_us + 10 * covered_us) // (20 * covered_us)


@compiled
def _close_day(life: Any, day: int, opened: int) -> None:
    for silent in range(max(day, opened - RING_DAYS), opened):
        _write_day(life, silent % RING_DAYS, 0, 0, 0, 0)
    if day >= opened - RING_DAYS and life.day_covered_us > 0:
        mean, covered_min = mean_cc(life.day_mc_us, life.day_covered_us), minutes(life.day_covered_us)
        _write_day(life, day % RING_DAYS, mean, life.day_hottest_cc, covered_min, minutes(life.day_above_us))
    life.day_mc_us = life.day_covered_us = life.day_above_us = 0
    life.day_hottest_cc = UNKNOWN


@compiled
def _write_day(  # noqa: PLR0917 # kernels take no keywords
    life: Any, place: int, mean: int, hottest_cc: int, covered_min: int, above_min: int
) -> None:
    life.ring_mean_cc[place] = mean
    life.ring_hottest_cc[place] = hottest_cc
    life.ring_covered_min[place] = covered_min
    life.ring_above_min[place] = above_min


@compiled
def _open_month(life: Any) -> None:
    """Lets earlier years count half when a month of the year comes again."""
    life.month = month_of_hour(life.hour)
    month, year = life.month % YEAR_MONTHS, life.month // YEAR_MONTHS
    if life.month_year[month] != year:
        life.month_year[month] = year
        life.month_age_us[month] //= 2
        life.month_covered_us[month] //= 2
