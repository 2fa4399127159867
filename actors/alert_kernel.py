"""The alert rules of one battery, row by row: a pure function of the twin's own record and its own rows."""

# ruff: noqa: PLR0917 -- kernels take no keywords

from typing import Any, Final

import numba
import numpy as np

from actors.alert_timer import EVENTS, HOLD, forget_all_pending, forget_pending, report
from actors.compiled import compiled, kernel
from actors.condition_rules import resistance_drift, soh_low, temperature_high, temperature_rise
from actors.plausibility import CURRENT, RESISTANCE, TEMPERATURE, VOLTAGE, implausible_quantity
from actors.twin_record import BATTERY_LIMITS, COMMON_LIMITS, RECORDS, TELEMETRY, TIMINGS
from actors.voltage_rules import sensor_range, voltage_deviation, voltage_limit
from batterytwin.alerts import AlertRule
from batterytwin.telemetry import Flag

_SUSPECT: Final = int(Flag.SUSPECT)
_VOLTAGE_DEVIATION: Final = int(AlertRule.VOLTAGE_DEVIATION) - 1
_VOLTAGE_LIMIT: Final = int(AlertRule.VOLTAGE_LIMIT) - 1
_TEMPERATURE_HIGH: Final = int(AlertRule.TEMPERATURE_HIGH) - 1
_TEMPERATURE_RISE: Final = int(AlertRule.TEMPERATURE_RISE) - 1
_SOH_LOW: Final = int(AlertRule.SOH_LOW) - 1
_RESISTANCE_DRIFT: Final = int(AlertRule.RESISTANCE_DRIFT) - 1
_SENSOR_RANGE: Final = int(AlertRule.SENSOR_RANGE) - 1
_IMPLAUSIBLE_READING: Final = int(AlertRule.IMPLAUSIBLE_READING) - 1


@compiled
def _implausible(row: Any, limit: Any) -> tuple[int, bool, int, float, float, float]:
    """Finding of IMPLAUSIBLE_READING. The judgement in `status` counts; the limits only say which quantity it was."""
    if not row.status & _SUSPECT:
        v, t = float(row.voltage_v), float(row.temperature_c)
        if not np.isnan(v):
            return 0, True, VOLTAGE, v, limit.voltage_max_v, limit.voltage_max_v
        return (HOLD if np.isnan(t) else 0), True, TEMPERATURE, t, limit.temperature_max_c, limit.temperature_max_c
    quantity, passed = implausible_quantity(row, row.current_a, limit)
    value = float(row.voltage_v)
    if quantity == CURRENT:
        value = float(row.current_a)
    elif quantity == TEMPERATURE:
        value = float(row.temperature_c)
    elif quantity == RESISTANCE:
        value = float(row.internal_resistance_mohm)
    return 1, False, max(quantity, 0), value, passed, passed


@compiled
def _plausible_temperature_c(row: Any, limit: Any) -> float:
    if limit.temperature_min_c <= row.temperature_c <= limit.temperature_max_c:
        return float(row.temperature_c)
    return np.nan


@kernel(
    numba.int64(
        RECORDS,
        BATTERY_LIMITS,
        COMMON_LIMITS,
        TIMINGS,
        numba.int32[::1],
        numba.int32[::1],
        numba.int32[::1],
        TELEMETRY,
        EVENTS,
    )
)
def evaluate_rules(
    records: Any, limits: Any, commons: Any, timings: Any, slots: Any, models: Any, periods: Any, rows: Any, events: Any
) -> int:
    """Moves the rules of the twins by their new rows.

    Args:
        records: records of the twins that the rows touch, `RECORD_DTYPE`, shape `(n_touched,)`; their rule fields are
            changed, their intake fields are not read.
        limits: limits of each model, `BATTERY_LIMIT_DTYPE`, shape `(n_models,)`.
        commons: limits that are the same for all of a sample period, `COMMON_LIMIT_DTYPE`, shape `(n_periods,)`.
        timings: delays of the rules, `TIMING_DTYPE`, shape `(8,)`.
        slots: position in `records` of each row's twin, shape `(n_rows,)`.
        models: model of each row's twin, shape `(n_rows,)`.
        periods: sample period of each row's twin, likewise.
        rows: accepted rows with their estimates, oldest first within a twin, `TELEMETRY_DTYPE`, shape `(n_rows,)`.
        events: result, `EVENT_DTYPE`, shape `(8 * n_rows,)`: at most one change a rule and row.

    Returns:
        Number of events, in the order of the rows.
    """
    count = 0
    for i in range(rows.shape[0]):
        row, record, limit, common = rows[i], records[slots[i]], limits[models[i]], commons[periods[i]]
        now_us = float(row.sample_time_us)
        if now_us - record.rule_row_us > common.longest_gap_us:
            forget_all_pending(record)
        record.rule_row_us = now_us
        found = _implausible(row, limit)
        count = report(record, timings, _IMPLAUSIBLE_READING, i, now_us, found, events, count)
        temperature_c = _plausible_temperature_c(row, limit)  # a broken voltage must not hide a hot battery
        if not np.isnan(temperature_c) and now_us - record.temperature_row_us > common.longest_gap_us:
            forget_pending(record, _TEMPERATURE_HIGH)  # the other quantities may have come all the time
        found = temperature_high(temperature_c, common)
        count = report(record, timings, _TEMPERATURE_HIGH, i, now_us, found, events, count)
        found = temperature_rise(record, temperature_c, now_us, common)
        count = report(record, timings, _TEMPERATURE_RISE, i, now_us, found, events, count)
        if row.status & _SUSPECT:
            continue
        found = voltage_limit(row, limit)
        count = report(record, timings, _VOLTAGE_LIMIT, i, now_us, found, events, count)
        found = voltage_deviation(record, row, limit, common)
        count = report(record, timings, _VOLTAGE_DEVIATION, i, now_us, found, events, count)
        found = sensor_range(record, row, limit, common)
        count = report(record, timings, _SENSOR_RANGE, i, now_us, found, events, count)
        found = soh_low(row, common)
        count = report(record, timings, _SOH_LOW, i, now_us, found, events, count)
        found = resistance_drift(record, row, limit, common)
        count = report(record, timings, _RESISTANCE_DRIFT, i, now_us, found, events, count)
    return count
