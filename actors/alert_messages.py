"""Alert changes as the store and people see them."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.alert_words import Finding, cleared_words, raised_words
from actors.fleet import TwinSpec
from actors.limits import AlertLimits
from actors.plausibility import CURRENT, RESISTANCE, TEMPERATURE
from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.telemetry import Rows

SEVERITIES: Final = {
    AlertRule.VOLTAGE_DEVIATION: (Severity.WARNING, Severity.CRITICAL),
    AlertRule.VOLTAGE_LIMIT: (Severity.CRITICAL, Severity.CRITICAL),  # beyond the +-0.5 V of a critical deviation
    AlertRule.TEMPERATURE_HIGH: (Severity.WARNING, Severity.CRITICAL),
    AlertRule.TEMPERATURE_RISE: (Severity.WARNING, Severity.CRITICAL),
    AlertRule.SOH_LOW: (Severity.WARNING, Severity.CRITICAL),
    AlertRule.RESISTANCE_DRIFT: (Severity.WARNING, Severity.CRITICAL),
    AlertRule.SENSOR_RANGE: (Severity.INFO, Severity.INFO),
    AlertRule.IMPLAUSIBLE_READING: (Severity.WARNING, Severity.WARNING),
}
"""Severity of an alert of each rule at level 1 and at level 2."""

_QUANTITY_UNITS: Final = {CURRENT: "A", TEMPERATURE: "degC", RESISTANCE: "mOhm"}
_RULE_UNITS: Final = {
    AlertRule.TEMPERATURE_RISE: "K",
    AlertRule.SOH_LOW: "1",
    AlertRule.RESISTANCE_DRIFT: "1",
}


def to_transitions(
    events: Rows, rows: Rows, twins: NDArray[np.int32], specs: Sequence[TwinSpec], limits: AlertLimits
) -> tuple[AlertTransition, ...]:
    """Names alert changes and puts them in words.

    Args:
        events: changes, `EVENT_DTYPE`, shape `(n_events,)`.
        rows: rows that caused them, shape `(n_rows,)`; `event["row"]` points here.
        twins: position in the shard of each row's twin, shape `(n_rows,)`.
        specs: batteries of the shard.
        limits: limits that applied.

    Returns:
        The changes, oldest sample first.
    """
    transitions = [_transition(event, rows[event["row"]], specs[twins[event["row"]]], limits) for event in events]
    return tuple(sorted(transitions, key=lambda transition: transition.sample_time_us))


def alert_name(spec: TwinSpec, rule: AlertRule, raised_us: int) -> str:
    """Name of an alert: the same cause always gives the same one."""
    return f"{spec.battery_id}/{rule.name}/{raised_us}"


def _transition(event: Rows, row: Rows, spec: TwinSpec, limits: AlertLimits) -> AlertTransition:
    rule = AlertRule(int(event["rule"]) + 1)
    change = AlertChange(int(event["change"]))
    level = int(event["level"])
    finding = Finding(int(event["quantity"]), float(event["value"]), float(event["threshold"]), level == 2, limits)
    cleared = change == AlertChange.CLEARED
    return AlertTransition(
        alert_id=alert_name(spec, rule, int(event["raised_us"])),
        battery_key=spec.battery_key,
        string_id=spec.string_id,
        location_id="",
        rule=rule,
        severity=SEVERITIES[rule][level - 1],
        change=change,
        sample_time_us=int(row["sample_time_us"]),
        value=finding.value,
        threshold=finding.threshold,
        unit=_RULE_UNITS.get(rule) or _QUANTITY_UNITS.get(finding.quantity, "V"),
        message=cleared_words(rule, finding.value) if cleared else raised_words(rule, finding),
    )
