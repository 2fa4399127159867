"""Alerts as messages of `AlertService`."""

from batterytwin.v1 import alert_pb2, alert_service_pb2
from storage.alert_records import AlertRecord
from twin_server.time_proto import optional_timestamp, us_to_timestamp


def alert_to_proto(alert: AlertRecord) -> alert_pb2.Alert:
    """Message of one alert."""
    return alert_pb2.Alert(
        alert_id=alert.alert_id,
        battery_id=alert.battery_id,
        string_id=alert.string_id,
        location_id=alert.location_id,
        rule=alert_pb2.AlertRule.ValueType(alert.rule),
        severity=alert_pb2.Severity.ValueType(alert.severity),
        state=alert_pb2.AlertState.ValueType(alert.state),
        message=alert.message,
        value=alert.value,
        threshold=alert.threshold,
        unit=alert.unit,
        raise_time=us_to_timestamp(alert.raise_time_us),
        clear_time=optional_timestamp(alert.clear_time_us),
        acknowledge_time=optional_timestamp(alert.acknowledge_time_us),
        acknowledged_by=alert.acknowledged_by,
        acknowledge_note=alert.acknowledge_note,
        resolve_time=optional_timestamp(alert.resolve_time_us),
        resolved_by=alert.resolved_by,
        resolve_note=alert.resolve_note,
    )


def change_to_proto(change: int, alert: AlertRecord, seq: int) -> alert_service_pb2.WatchAlertsResponse:
    """Message of one change.

    Args:
        change: number of `AlertChange`; 0 = the alert stood when the watch began.
        alert: the alert as it is now.
        seq: number of the change, which becomes the token to resume after it.
    """
    return alert_service_pb2.WatchAlertsResponse(
        change=alert_service_pb2.AlertChange.ValueType(change), alert=alert_to_proto(alert), resume_token=str(seq)
    )
