"""Alerts as plain types; numbers equal the enums of `batterytwin.v1` (alert.proto)."""

from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """Rank of an alert."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


class AlertRule(IntEnum):
    """Rule that raised an alert; see alert.proto for limits."""

    VOLTAGE_DEVIATION = 1
    VOLTAGE_LIMIT = 2
    TEMPERATURE_HIGH = 3
    TEMPERATURE_RISE = 4
    SOH_LOW = 5
    RESISTANCE_DRIFT = 6
    SENSOR_RANGE = 7
    IMPLAUSIBLE_READING = 8
    NO_DATA = 9
    STRING_VOLTAGE = 10
    SHORTED_CELL = 11
    OPEN_CELL = 12
    REVERSAL = 13
    LOOSE_CONNECTION = 14
    DRY_OUT = 15
    THERMAL_RUNAWAY = 16
    IMBALANCE = 17
    SENSOR_FAULT = 18
    CURRENT_SENSOR = 19
    CHARGER_VOLTAGE = 20
    ROOM_COOLING = 21
    LIFE_MODEL_ERROR = 22
    LIFE_SHORT = 23
    LIFE_FELL = 24
    LIFE_REVIEW = 25
    DATA_MISSING = 26


class AlertState(IntEnum):
    """Where an alert stands (ISA-18.2)."""

    RAISED = 1
    ACKNOWLEDGED = 2
    CLEARED = 3
    RESOLVED = 4
    SHELVED = 5


ACTIVE_STATES = (AlertState.RAISED, AlertState.ACKNOWLEDGED)
"""States in which the condition stands and nobody has closed or shelved it."""


class AlertChange(IntEnum):
    """What happened to an alert."""

    RAISED = 1
    ESCALATED = 2
    CLEARED = 3
    ACKNOWLEDGED = 4
    RESOLVED = 5
    REOPENED = 6


@dataclass(frozen=True, slots=True)
class AlertTransition:
    """One change of an alert, made by a rule; stored in the transaction of the reading that caused it.

    Attributes:
        alert_id: `<source>/<RULE>/<sample time in us>`: the same cause always gives the same name.
        battery_key: database key of the battery, or None for a string or gateway.
        string_id: string concerned, or empty for a gateway (and where `battery_key` says it all).
        location_id: location concerned, or empty where `battery_key` says it all.
        rule: rule that fired.
        severity: rank after the change.
        change: RAISED, ESCALATED, CLEARED, or REOPENED where a past computed anew holds a cleared alert after all.
        sample_time_us: sample time that completed the change, microseconds since 1970 UTC.
        value: value that met the condition, in `unit`.
        threshold: limit that was passed, in `unit`.
        unit: for example "degC".
        message: what happened, for people.
    """

    alert_id: str
    battery_key: int | None
    string_id: str
    location_id: str
    rule: AlertRule
    severity: Severity
    change: AlertChange
    sample_time_us: int
    value: float
    threshold: float
    unit: str
    message: str
