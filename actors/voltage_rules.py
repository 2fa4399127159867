"""Rules of one battery on its voltage. They do not apply while the string discharges, recharges or is worked on."""

from typing import Any, Final

import numpy as np

from actors.alert_timer import HOLD, SUPPRESSED
from actors.compiled import compiled
from actors.plausibility import TEMPERATURE, VOLTAGE
from batterytwin.telemetry import MODE_MASK, MODE_SHIFT, REGIME_MASK, REGIME_SHIFT, Regime, StringMode

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_FIRST_SUPPRESSING_MODE: Final = int(StringMode.BOOST)  # BOOST, DISCHARGE, TEST, MAINTENANCE
_TEST: Final = int(StringMode.TEST)
_MODE_DISCHARGE: Final = int(StringMode.DISCHARGE)


@compiled
def voltage_suppressed(status: int) -> bool:
    """Whether voltages mean something else than on float: discharge, recharge, boost, test, maintenance."""
    regime = (status & REGIME_MASK) >> REGIME_SHIFT
    mode = (status & MODE_MASK) >> MODE_SHIFT
    return regime in (_DISCHARGE, _RECHARGE) or mode >= _FIRST_SUPPRESSING_MODE


@compiled
def was_in_use(status: int) -> bool:
    """Whether the battery gives charge or takes back what it gave."""
    regime = (status & REGIME_MASK) >> REGIME_SHIFT
    mode = (status & MODE_MASK) >> MODE_SHIFT
    return regime in (_DISCHARGE, _RECHARGE) or mode in (_MODE_DISCHARGE, _TEST)


@compiled
def on_float(status: int) -> bool:
    """Whether the battery is on float and nobody works on it."""
    return ((status & REGIME_MASK) >> REGIME_SHIFT) == _FLOAT and not voltage_suppressed(status)


@compiled
def voltage_limit(row: Any, limit: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of VOLTAGE_LIMIT: below that of an empty block at rest, or above what a charger may give."""
    v = float(row.voltage_v)
    middle = 0.5 * (limit.voltage_low_v + limit.voltage_high_v)
    passed = limit.voltage_low_v if v < middle else limit.voltage_high_v
    if voltage_suppressed(row.status):
        return SUPPRESSED, False, VOLTAGE, v, passed, passed
    if np.isnan(v):
        return HOLD, False, VOLTAGE, v, passed, passed
    level = 2 if v < limit.voltage_low_v or v > limit.voltage_high_v else 0
    band = limit.voltage_dead_band_v
    gone = limit.voltage_low_v + band <= v <= limit.voltage_high_v - band
    return level, gone, VOLTAGE, v, passed, passed


@compiled
def voltage_deviation(record: Any, row: Any, limit: Any, common: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of VOLTAGE_DEVIATION, and learning of its baseline.

    Deviation = V - V_set(T), V_set(T) = V_set(25 degC) + compensation * (T - 25). Healthy blocks of a string differ by
    0.15 V for good, so what counts is the change against the block's own baseline: the mean over float time, which
    follows within `deviation_memory_us`, and not at all while the block deviates. For half a day after a discharge the
    blocks share the charger's voltage by how full each is, up to 0.4 V off; until `deviation_settling_us` have passed
    nothing is learnt and nothing is said.
    """
    if was_in_use(row.status):
        record.in_use_us = float(row.sample_time_us)
    if voltage_suppressed(row.status):
        return SUPPRESSED, False, VOLTAGE, np.nan, np.nan, np.nan
    if not on_float(row.status) or np.isnan(row.voltage_v) or np.isnan(row.temperature_c):
        return HOLD, False, VOLTAGE, np.nan, np.nan, np.nan
    now_us = float(row.sample_time_us)
    if now_us - record.in_use_us < common.deviation_settling_us:
        return HOLD, False, VOLTAGE, np.nan, np.nan, np.nan
    set_point_v = limit.set_point_25c_v + limit.compensation_v_k * (row.temperature_c - 25.0)
    deviation_v = row.voltage_v - set_point_v
    elapsed_us = now_us - record.float_row_us
    if not elapsed_us <= common.longest_gap_us:  # the first row, or after a gap
        elapsed_us = 0.0
    record.float_row_us = now_us
    if np.isnan(record.float_baseline_v):
        record.float_baseline_v = deviation_v
    change_v = deviation_v - record.float_baseline_v
    size_v = abs(change_v)
    learned = record.float_learned_us >= common.deviation_learning_us
    if elapsed_us > 0.0 and (not learned or size_v <= limit.deviation_warning_v):
        record.float_learned_us += elapsed_us
        record.float_baseline_v += change_v * (elapsed_us / min(record.float_learned_us, common.deviation_memory_us))
    sign = -1.0 if change_v < 0.0 else 1.0
    warning_v = sign * limit.deviation_warning_v
    critical_v = sign * limit.deviation_critical_v
    if not learned:
        return HOLD, False, VOLTAGE, change_v, warning_v, critical_v
    level = 2 if size_v > limit.deviation_critical_v else (1 if size_v > limit.deviation_warning_v else 0)
    gone = size_v <= limit.deviation_warning_v - limit.deviation_dead_band_v
    return level, gone, VOLTAGE, change_v, warning_v, critical_v


@compiled
def sensor_range(record: Any, row: Any, limit: Any, common: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of SENSOR_RANGE: plausible, yet unusual enough to look at the sensor.

    A sensor that falls silent out of its range is not back in it, and neither is a voltage because the string
    discharges.
    """
    v, t = float(row.voltage_v), float(row.temperature_c)
    if np.isnan(v) and np.isnan(t):
        return HOLD, False, VOLTAGE, np.nan, np.nan, np.nan
    newest_c = float(record.recent_temperature_c[1])
    low_v, high_v, band_v = limit.sensor_voltage_low_v, limit.sensor_voltage_high_v, limit.sensor_voltage_dead_band_v
    low_c, high_c = common.sensor_temperature_low_c, common.sensor_temperature_high_c
    band_c = common.sensor_temperature_dead_band_k
    if t < low_c or t > high_c:
        passed_c = low_c if t < low_c else high_c
        return 1, False, TEMPERATURE, t, passed_c, passed_c
    if voltage_suppressed(row.status):
        return SUPPRESSED, False, VOLTAGE, v, np.nan, np.nan
    if np.isnan(v):
        v = 0.5 * (low_v + high_v)
    passed_v = low_v if v < 0.5 * (low_v + high_v) else high_v
    outside = v < low_v or v > high_v
    is_cold_or_hot = newest_c < low_c + band_c or newest_c > high_c - band_c
    if np.isnan(t) and is_cold_or_hot and not outside:
        return HOLD, False, TEMPERATURE, t, np.nan, np.nan
    gone = low_v + band_v <= v <= high_v - band_v and not is_cold_or_hot
    return (1 if outside else 0), gone, VOLTAGE, v, passed_v, passed_v
