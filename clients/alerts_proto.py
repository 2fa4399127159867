"""Alerts from the messages of `AlertService`."""

from batterytwin.alerts import AlertChange, AlertRule, AlertState, Severity
from batterytwin.v1 import alert_pb2, alert_service_pb2
from clients.alerts import Alert, AlertEvent, AlertPage
from clients.wire import enum_from_number, optional_time, time_from_proto


def alert_from_proto(message: alert_pb2.Alert) -> Alert:
    """Reads one alert."""
    return Alert(
        alert_id=message.alert_id,
        battery_id=message.battery_id,
        string_id=message.string_id,
        location_id=message.location_id,
        rule=enum_from_number(AlertRule, message.rule),
        severity=enum_from_number(Severity, message.severity),
        state=enum_from_number(AlertState, message.state),
        message=message.message,
        value=message.value,
        threshold=message.threshold,
        unit=message.unit,
        raise_time=time_from_proto(message.raise_time),
        clear_time=optional_time(message, "clear_time"),
        acknowledge_time=optional_time(message, "acknowledge_time"),
        acknowledged_by=message.acknowledged_by,
        acknowledge_note=message.acknowledge_note,
        resolve_time=optional_time(message, "resolve_time"),
        resolved_by=message.resolved_by,
        resolve_note=message.resolve_note,
    )


def page_from_proto(response: alert_service_pb2.ListAlertsResponse) -> AlertPage:
    """Reads one page of alerts."""
    return AlertPage(tuple(alert_from_proto(alert) for alert in response.alerts), response.next_page_token)


def event_from_proto(response: alert_service_pb2.WatchAlertsResponse) -> AlertEvent:
    """Reads one change."""
    return AlertEvent(
        change=enum_from_number(AlertChange, response.change) if response.change else None,
        alert=alert_from_proto(response.alert),
        resume_token=response.resume_token,
    )
