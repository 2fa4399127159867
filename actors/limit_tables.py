"""Limits as the kernels read them: scaled to each battery, durations in microseconds."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from actors.limits import AlertLimits, PlausibilityLimits
from batterytwin.datasheet import BatteryDatasheet
from batterytwin.telemetry import Rows

_REFERENCE_CELLS: Final = 6
_REFERENCE_CAPACITY_AH: Final = 120.0

_PLAUSIBLE_VOLTAGES: Final = ("voltage_min_v", "voltage_min_discharge_v", "voltage_max_v")
_ALERT_VOLTAGES: Final = (
    "deviation_warning_v",
    "deviation_critical_v",
    "deviation_dead_band_v",
    "voltage_low_v",
    "voltage_high_v",
    "voltage_dead_band_v",
    "sensor_voltage_low_v",
    "sensor_voltage_high_v",
    "sensor_voltage_dead_band_v",
)
_OTHERS: Final = (
    "temperature_min_c",
    "temperature_max_c",
    "resistance_max_mohm",
    "current_max_a",
    "current_discharge_a",
    "set_point_25c_v",
    "compensation_v_k",
    "resistance_temperature_per_k",
)

BATTERY_LIMIT_DTYPE: Final = np.dtype([(name, "<f8") for name in _PLAUSIBLE_VOLTAGES + _ALERT_VOLTAGES + _OTHERS])
"""Limits of one battery; names and units as in `actors.limits`."""


def battery_limits(sheets: Sequence[BatteryDatasheet], alerts: AlertLimits, plausibility: PlausibilityLimits) -> Rows:
    """Scales the limits to the batteries of each model.

    Args:
        sheets: data sheets of the models.
        alerts: limits of the alert rules.
        plausibility: limits of plausibility.

    Returns:
        `BATTERY_LIMIT_DTYPE`, shape `(n_models,)`.
    """
    limits = np.zeros(len(sheets), BATTERY_LIMIT_DTYPE)
    for row, sheet in zip(limits, sheets, strict=True):
        cells = sheet.cells / _REFERENCE_CELLS
        for name in _PLAUSIBLE_VOLTAGES:
            row[name] = getattr(plausibility, name) * cells
        for name in _ALERT_VOLTAGES:
            row[name] = getattr(alerts, name) * cells
        row["temperature_min_c"] = plausibility.temperature_min_c
        row["temperature_max_c"] = plausibility.temperature_max_c
        scale = cells * _REFERENCE_CAPACITY_AH / sheet.rated_capacity_ah
        row["resistance_max_mohm"] = plausibility.resistance_max_mohm * scale
        row["current_max_a"] = plausibility.current_max_c * sheet.rated_capacity_ah
        row["current_discharge_a"] = plausibility.current_discharge_c * sheet.rated_capacity_ah
        row["set_point_25c_v"] = sheet.float_v
        row["compensation_v_k"] = sheet.compensation_v_k
        row["resistance_temperature_per_k"] = sheet.r_temperature_coefficient_per_k
    return limits


_DURATIONS: Final = (
    "deviation_learning",
    "deviation_memory",
    "deviation_settling",
    "rise_warning_window",
    "rise_critical_window",
    "resistance_learning",
    "longest_gap",
)
_PLAIN: Final = (
    "temperature_warning_c",
    "temperature_critical_c",
    "temperature_dead_band_k",
    "rise_warning_k",
    "rise_critical_k",
    "rise_dead_band_k",
    "soh_warning",
    "soh_critical",
    "soh_dead_band",
    "soh_sigma_max",
    "resistance_warning",
    "resistance_critical",
    "resistance_dead_band",
    "resistance_readings",
    "sensor_temperature_low_c",
    "sensor_temperature_high_c",
    "sensor_temperature_dead_band_k",
)

COMMON_LIMIT_DTYPE: Final = np.dtype(
    [(name, "<f8") for name in _PLAIN] + [(f"{name}_us", "<f8") for name in _DURATIONS]
)
"""Limits that are the same for every battery that is sampled as often."""

_GAP_PERIODS: Final = 2.0
"""A single sample that is missing makes no gap, however far apart samples usually are."""


def common_limits(alerts: AlertLimits, sample_periods_s: Sequence[float]) -> Rows:
    """Packs the limits that are the same for every battery of a sample period: `COMMON_LIMIT_DTYPE`, `(n_periods,)`."""
    limits = np.zeros(len(sample_periods_s), COMMON_LIMIT_DTYPE)
    for name in _PLAIN:
        limits[name] = getattr(alerts, name)
    for name in _DURATIONS:
        limits[f"{name}_us"] = getattr(alerts, f"{name}_s") * 1e6
    usual_us = _GAP_PERIODS * 1e6 * np.asarray(sample_periods_s, np.float64)
    limits["longest_gap_us"] = np.maximum(limits["longest_gap_us"], usual_us)
    return limits


TIMING_DTYPE: Final = np.dtype(
    [("on_delay_us", "<f8"), ("critical_on_delay_us", "<f8"), ("off_delay_us", "<f8"), ("rows", "<f8")]
)
"""Delays of one rule, and how many rows in a row must meet its condition."""


def rule_timings(alerts: AlertLimits) -> Rows:
    """Packs the delays of the rules, in the order of `AlertRule`: `TIMING_DTYPE`, shape `(8,)`."""
    critical_temperature_s = min(alerts.temperature_critical_on_delay_s, alerts.temperature_on_delay_s)
    seconds = [
        (alerts.deviation_on_delay_s, alerts.deviation_on_delay_s, alerts.deviation_off_delay_s, 1),
        (alerts.voltage_on_delay_s, alerts.voltage_on_delay_s, alerts.voltage_off_delay_s, 1),
        (alerts.temperature_on_delay_s, critical_temperature_s, alerts.temperature_off_delay_s, 1),
        (alerts.rise_on_delay_s, alerts.rise_on_delay_s, alerts.rise_off_delay_s, 1),
        (alerts.soh_on_delay_s, alerts.soh_on_delay_s, alerts.soh_off_delay_s, 1),
        (0.0, 0.0, alerts.resistance_off_delay_s, alerts.resistance_readings),
        (alerts.sensor_on_delay_s, alerts.sensor_on_delay_s, alerts.sensor_off_delay_s, 1),
        (0.0, 0.0, alerts.implausible_off_delay_s, alerts.implausible_readings),
    ]
    return np.array([(on * 1e6, critical * 1e6, off * 1e6, rows) for on, critical, off, rows in seconds], TIMING_DTYPE)
