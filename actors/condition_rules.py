"""Rules of one battery on its temperature, its health and its resistance."""

from typing import Any, Final

import numpy as np

from actors.alert_timer import HOLD, SUPPRESSED
from actors.compiled import compiled
from actors.plausibility import RESISTANCE, TEMPERATURE
from actors.twin_record import RISE_SLOTS
from actors.voltage_rules import on_float

SOH: Final = 4
"""Quantity of a finding on health; the measured ones are numbered in `actors.plausibility`."""

_SLOT_US: Final = 180_000_000
_HALF_STEP_K: Final = 0.05  # half a step of the canonical grid: a rise of exactly the limit does not pass it


@compiled
def temperature_high(temperature_c: float, common: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of TEMPERATURE_HIGH. Never suppressed and not loosened by season: corrosion knows neither."""
    t = float(temperature_c)
    warning_c, critical_c = common.temperature_warning_c, common.temperature_critical_c
    if np.isnan(t):
        return HOLD, False, TEMPERATURE, t, warning_c, critical_c
    level = 2 if t > critical_c else (1 if t > warning_c else 0)
    return level, t <= warning_c - common.temperature_dead_band_k, TEMPERATURE, t, warning_c, critical_c


@compiled
def _median(a: float, b: float, c: float) -> float:
    return max(min(a, b), min(max(a, b), c))


@compiled
def _without_glitch(record: Any, t: float, now_us: float, longest_us: float) -> float:
    """Median of the last three samples, so that a single wrong one makes no rise; alone after a gap."""
    if not now_us - record.temperature_row_us <= longest_us:
        record.recent_temperature_c[0] = t
        record.recent_temperature_c[1] = t
    median = _median(record.recent_temperature_c[0], record.recent_temperature_c[1], t)
    record.recent_temperature_c[0] = record.recent_temperature_c[1]
    record.recent_temperature_c[1] = t
    record.temperature_row_us = now_us
    return median


@compiled
def temperature_rise(
    record: Any, temperature_c: float, now_us: float, common: Any
) -> tuple[int, bool, int, float, float, float]:
    """Finding of TEMPERATURE_RISE: above the lowest temperature of the last 10 or 30 minutes.

    Only samples that really lie within the window count, so hourly readings raise nothing. The lowest values are kept
    for slots of three minutes, whatever the sampling.
    """
    t = float(temperature_c)
    if np.isnan(t):
        return HOLD, False, TEMPERATURE, t, common.rise_warning_k, common.rise_critical_k
    median = _without_glitch(record, t, now_us, common.rise_warning_window_us)
    number = int(now_us) // _SLOT_US
    slot = number % RISE_SLOTS
    same = not np.isnan(record.rise_slot_us[slot]) and int(record.rise_slot_us[slot]) // _SLOT_US == number
    if not same or median < record.rise_slot_c[slot]:
        record.rise_slot_us[slot] = now_us
        record.rise_slot_c[slot] = median
    lowest_short, lowest_long = median, median
    for k in range(RISE_SLOTS):
        age_us = now_us - record.rise_slot_us[k]
        if age_us <= common.rise_critical_window_us:
            lowest_long = min(lowest_long, record.rise_slot_c[k])
            if age_us <= common.rise_warning_window_us:
                lowest_short = min(lowest_short, record.rise_slot_c[k])
    short_k, long_k = float(median - lowest_short), float(median - lowest_long)
    warning_k, critical_k = common.rise_warning_k, common.rise_critical_k
    if long_k > critical_k + _HALF_STEP_K:
        return 2, False, TEMPERATURE, long_k, warning_k, critical_k
    gone = short_k <= warning_k - common.rise_dead_band_k and long_k <= critical_k - common.rise_dead_band_k
    return (1 if short_k > warning_k + _HALF_STEP_K else 0), gone, TEMPERATURE, short_k, warning_k, critical_k


@compiled
def soh_low(row: Any, common: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of SOH_LOW.

    An estimate counts where it rests on evidence (sigma up to `soh_sigma_max`), or where even two sigma above it lie
    below the limit: a fleet that has only priors from age and room raises nothing, a block that is certainly bad does.
    """
    soh, sigma = float(row.soh_capacity), float(row.soh_capacity_sigma)
    warning, critical = common.soh_warning, common.soh_critical
    if np.isnan(soh) or np.isnan(sigma):
        return HOLD, False, SOH, soh, warning, critical
    highest = soh if sigma <= common.soh_sigma_max else soh + 2.0 * sigma
    level = 2 if highest < critical else (1 if highest < warning else 0)
    return level, soh >= warning + common.soh_dead_band, SOH, soh, warning, critical


@compiled
def resistance_drift(record: Any, row: Any, limit: Any, common: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of RESISTANCE_DRIFT, and learning of its baseline.

    R at 25 degC = R / (1 + coefficient * (T - 25)). The baseline is the mean of the readings of the first day (at least
    `resistance_readings`) on float and stays: drift is measured against it. Off float the state of charge moves the
    reading, so it says nothing.
    """
    warning, critical = common.resistance_warning, common.resistance_critical
    if np.isnan(row.internal_resistance_mohm) or row.internal_resistance_mohm <= 0.0 or np.isnan(row.temperature_c):
        return HOLD, False, RESISTANCE, np.nan, warning, critical
    if not on_float(row.status):
        return SUPPRESSED, False, RESISTANCE, np.nan, warning, critical
    factor = 1.0 + limit.resistance_temperature_per_k * (row.temperature_c - 25.0)
    r_25c = row.internal_resistance_mohm / max(factor, 0.2)
    now_us = float(row.sample_time_us)
    if np.isnan(record.resistance_since_us):
        record.resistance_since_us = now_us
        record.resistance_baseline_mohm = r_25c
    learning = (
        now_us - record.resistance_since_us < common.resistance_learning_us
        or record.resistance_count < common.resistance_readings
    )
    if learning:
        record.resistance_count += 1.0
        record.resistance_baseline_mohm += (r_25c - record.resistance_baseline_mohm) / record.resistance_count
        return HOLD, False, RESISTANCE, np.nan, warning, critical
    drift = r_25c / record.resistance_baseline_mohm - 1.0
    level = 2 if drift > critical else (1 if drift > warning else 0)
    return level, drift <= warning - common.resistance_dead_band, RESISTANCE, drift, warning, critical
