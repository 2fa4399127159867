"""Alerts as the store gives them: plain values, names instead of keys."""

from dataclasses import dataclass
from typing import Any

from batterytwin.alerts import AlertChange, AlertRule, AlertState, Severity
from storage.instants import to_us, to_us_or_none


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """One alert as it stands; fields as in `batterytwin.v1.Alert`, times in microseconds since 1970 UTC.

    Attributes:
        alert_id: unique name.
        battery_id: battery concerned, or empty.
        string_id: string concerned, or empty.
        location_id: location concerned.
        rule: rule that raised it.
        severity: present rank.
        state: where it stands, derived from what has happened.
        message: what happened, for people.
        value: value that met the condition, in `unit`.
        threshold: limit that was passed, in `unit`.
        unit: for example "degC".
        raise_time_us: sample time that completed the condition.
        clear_time_us: sample time that ended it; None = it lasts.
        acknowledge_time_us: when it was acknowledged; None = not yet.
        acknowledged_by: who acknowledged.
        acknowledge_note: note left when acknowledging.
        resolve_time_us: when a person closed it; None = not closed.
        resolved_by: who closed it.
        resolve_note: note left when closing.
    """

    alert_id: str
    battery_id: str
    string_id: str
    location_id: str
    rule: AlertRule
    severity: Severity
    state: AlertState
    message: str
    value: float
    threshold: float
    unit: str
    raise_time_us: int
    clear_time_us: int | None
    acknowledge_time_us: int | None
    acknowledged_by: str
    acknowledge_note: str
    resolve_time_us: int | None
    resolved_by: str
    resolve_note: str


@dataclass(frozen=True, slots=True)
class AlertChangeRecord:
    """One change of an alert.

    Attributes:
        seq: number of the change; rises in order of commit, so it says where to resume.
        change: what happened.
        at_us: sample time for a rule's change, server time for a person's.
        actor: who; empty = a rule.
        severity: rank right after the change.
        alert: the alert as it is now.
    """

    seq: int
    change: AlertChange
    at_us: int
    actor: str
    severity: Severity
    alert: AlertRecord


def alert_of_row(row: Any) -> AlertRecord:
    """Alert in a row of view `alert_status`."""
    return AlertRecord(
        alert_id=row.alert_id,
        battery_id=row.battery_id,
        string_id=row.string_id,
        location_id=row.location_id,
        rule=AlertRule(row.rule),
        severity=Severity(row.severity),
        state=AlertState(row.state),
        message=row.message,
        value=row.value,
        threshold=row.threshold,
        unit=row.unit,
        raise_time_us=to_us(row.raised_at),
        clear_time_us=to_us_or_none(row.cleared_at),
        acknowledge_time_us=to_us_or_none(row.acknowledged_at),
        acknowledged_by=row.acknowledged_by,
        acknowledge_note=row.acknowledged_note,
        resolve_time_us=to_us_or_none(row.resolved_at),
        resolved_by=row.resolved_by,
        resolve_note=row.resolved_note,
    )


def change_of_row(row: Any) -> AlertChangeRecord:
    """Change in a row of `alert_changes_since.sql`."""
    return AlertChangeRecord(
        seq=row.seq,
        change=AlertChange(row.change),
        at_us=to_us(row.at),
        actor=row.actor,
        severity=Severity(row.severity_then),
        alert=alert_of_row(row),
    )
