"""Alerts as clients see them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from batterytwin.alerts import AlertChange, AlertRule, AlertState, Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. Enum fields hold a bare number where the server is newer than this client.

    Attributes:
        alert_id: unique name: source, rule and sample time.
        battery_id: battery it concerns; empty = a whole string or gateway.
        string_id: string it concerns; empty = a whole gateway.
        location_id: location it concerns.
        rule: rule that raised it.
        severity: rank; may rise while the alert stands.
        state: where it stands.
        message: what happened, for people.
        value: value that met the condition, in `unit`.
        threshold: limit that was passed, in `unit`.
        unit: for example "degC".
        raise_time: sample time that completed the condition, UTC.
        clear_time: sample time that ended it, UTC; None = it lasts.
        acknowledge_time: when it was acknowledged, UTC; None = not yet.
        acknowledged_by: who acknowledged; empty = nobody.
        acknowledge_note: note left when acknowledging.
        resolve_time: when a person closed it, UTC; None = not closed.
        resolved_by: who closed it; empty = nobody.
        resolve_note: note left when closing.
    """

    alert_id: str
    battery_id: str
    string_id: str
    location_id: str
    rule: AlertRule | int
    severity: Severity | int
    state: AlertState | int
    message: str
    value: float
    threshold: float
    unit: str
    raise_time: datetime
    clear_time: datetime | None
    acknowledge_time: datetime | None
    acknowledged_by: str
    acknowledge_note: str
    resolve_time: datetime | None
    resolved_by: str
    resolve_note: str


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One change of an alert.

    Attributes:
        change: what happened; None = the alert was active when the watch began.
        alert: the alert as it is after the change.
        resume_token: token to resume after this change.
    """

    change: AlertChange | int | None
    alert: Alert
    resume_token: str


@dataclass(frozen=True, slots=True)
class AlertPage:
    """One page of alerts, newest first; `next_page_token` is empty on the last page."""

    alerts: tuple[Alert, ...]
    next_page_token: str

    def __iter__(self) -> Iterator[Alert]:
        return iter(self.alerts)

    def __len__(self) -> int:
        return len(self.alerts)
