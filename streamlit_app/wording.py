"""How values, times and states read on the screen.

Times are shown in Asia/Bangkok, where the fleet stands; hover texts add UTC.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from batterytwin.alerts import AlertRule, AlertState, Severity
from batterytwin.diagnosis import measurable
from batterytwin.telemetry import Quality, Regime

BANGKOK: Final = timezone(timedelta(hours=7), "Asia/Bangkok")
"""Thailand keeps no summer time, so no time zone data base is needed."""
NOTHING: Final = "\N{EN DASH}"
"""Stands where there is no value."""

_WRITTEN_UNIT: Final = {"degC": "°C", "Ohm": "Ω", "mOhm": "mΩ"}

QUALITY_TEXT: Final[Mapping[int, str]] = {
    Quality.UNSPECIFIED: "Unknown",
    Quality.LIVE: "Live",
    Quality.STALE: "Stale",
    Quality.NO_DATA: "No data",
    Quality.SUSPECT: "Suspect",
}
REGIME_TEXT: Final[Mapping[int, str]] = {
    Regime.UNSPECIFIED: "Not decided yet",
    Regime.FLOAT: "Float",
    Regime.DISCHARGE: "Discharging",
    Regime.RECHARGE: "Recharging",
    Regime.REST: "At rest",
}
SEVERITY_TEXT: Final[Mapping[int, str]] = {
    Severity.INFO: "Info",
    Severity.WARNING: "Warning",
    Severity.CRITICAL: "Critical",
}
STATE_TEXT: Final[Mapping[int, str]] = {
    AlertState.RAISED: "Raised",
    AlertState.ACKNOWLEDGED: "Acknowledged",
    AlertState.CLEARED: "Cleared",
    AlertState.RESOLVED: "Resolved",
    AlertState.SHELVED: "Shelved",
}
RULE_TEXT: Final[Mapping[int, str]] = {
    AlertRule.VOLTAGE_DEVIATION: "Voltage deviation",
    AlertRule.VOLTAGE_LIMIT: "Voltage limit",
    AlertRule.TEMPERATURE_HIGH: "High temperature",
    AlertRule.TEMPERATURE_RISE: "Temperature rise",
    AlertRule.SOH_LOW: "Low state of health",
    AlertRule.RESISTANCE_DRIFT: "Resistance drift",
    AlertRule.SENSOR_RANGE: "Sensor range",
    AlertRule.IMPLAUSIBLE_READING: "Implausible reading",
    AlertRule.NO_DATA: "No data",
    AlertRule.STRING_VOLTAGE: "String voltage",
    AlertRule.SHORTED_CELL: "Shorted cell",
    AlertRule.OPEN_CELL: "Open cell",
    AlertRule.REVERSAL: "Reversal",
    AlertRule.LOOSE_CONNECTION: "Loose connection",
    AlertRule.DRY_OUT: "Dry-out",
    AlertRule.THERMAL_RUNAWAY: "Thermal runaway",
    AlertRule.IMBALANCE: "Imbalance",
    AlertRule.SENSOR_FAULT: "Sensor fault",
    AlertRule.CURRENT_SENSOR: "Current sensor",
    AlertRule.CHARGER_VOLTAGE: "Charger voltage",
    AlertRule.ROOM_COOLING: "Room cooling",
    AlertRule.LIFE_MODEL_ERROR: "Remaining lives turn out wrong",
    AlertRule.LIFE_SHORT: "Replace now",
    AlertRule.LIFE_FELL: "Remaining life fell",
    AlertRule.LIFE_REVIEW: "Lives to review",
    AlertRule.DATA_MISSING: "Data missing",
}


def word(words: Mapping[int, str], member: int) -> str:
    """The word for a member of an enum; a newer server may use numbers that this dashboard does not know."""
    return words.get(int(member), f"number {int(member)}")


def short_name(string_id: str) -> str:
    """A string's name without that of its site, for a page of the site: "BRK-U1-S03" reads "U1 S03"."""
    return " ".join(string_id.split("-")[1:]) or string_id


def number(value: float | None, decimals: int, unit: str = "", *, sign: bool = False) -> str:
    """A value with its unit, or a dash where it is missing or NaN."""
    if value is None or not math.isfinite(value):
        return NOTHING
    rounded = round(value, decimals) + 0.0  # never "-0.0"
    text = f"{rounded:{'+' if sign else ''}.{decimals}f}".replace("-", "\N{MINUS SIGN}")
    return f"{text} {unit}" if unit else text


def compact(value: float, unit: str) -> str:
    """A value of any size in four digits that can be measured, its unit as people write it; a dash where it is NaN."""
    if not math.isfinite(value):
        return NOTHING
    return f"{measurable(value, unit):.4g}".replace("-", "\N{MINUS SIGN}") + (
        f" {_WRITTEN_UNIT.get(unit, unit)}" if unit else ""
    )


def percent(fraction: float | None, decimals: int = 1) -> str:
    """A fraction 0...1 as percent, or a dash where it is missing or NaN."""
    return number(None if fraction is None else 100 * fraction, decimals, "%")


def spread(sigma: float | None, decimals: int, unit: str) -> str:
    """One standard deviation as "± 1.2 %", or nothing known."""
    return f"± {number(sigma, decimals, unit)}" if sigma is not None and math.isfinite(sigma) else "± unknown"


def age(seconds: float | None) -> str:
    """An age for people: "4 s", "3 min", "2 h 05 min", "3 d 4 h"; "never" where there was no sample yet."""
    if seconds is None or not math.isfinite(seconds):
        return "never"
    whole = max(0, round(seconds))
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    if hours < 48:
        return f"{hours} h {minutes % 60:02d} min"
    return f"{hours // 24} d {hours % 24} h"


def duration(seconds: float | None) -> str:
    """A length of time as people plan with it: "55 s", "48 min", "3 h 05 min", "12 d"; a dash where it is unknown."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 100:
        return f"{max(0, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes < 48 * 60 else f"{minutes // 1440} d"


def step(length: timedelta) -> str:
    """The length of a bucket in its own unit: "30 s", "15 min", "12 h", "1 d"."""
    seconds = round(length.total_seconds())
    units = (("d", 86_400), ("h", 3_600), ("min", 60))
    return next((f"{seconds // size} {unit}" for unit, size in units if seconds % size == 0), f"{seconds} s")


def local_time(instant: datetime | None, *, seconds: bool = True) -> str:
    """Date and time of day in Bangkok, or a dash."""
    if instant is None:
        return NOTHING
    return instant.astimezone(BANGKOK).strftime("%d %b %Y, %H:%M:%S" if seconds else "%d %b %Y, %H:%M")


def local_date(instant: datetime | None) -> str:
    """Date in Bangkok, or a dash."""
    return NOTHING if instant is None else instant.astimezone(BANGKOK).strftime("%d %b %Y")


def both_times(instant: datetime | None) -> str:
    """The instant in Bangkok and in UTC, for help and hover texts."""
    if instant is None:
        return "No sample yet"
    return f"{local_time(instant)} Bangkok · {instant.astimezone(UTC):%d %b %Y, %H:%M:%S} UTC"
