"""Requests of the calls that select something, shared by the blocking and the asynchronous client."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from batterytwin.alerts import AlertState, Severity
from batterytwin.readings import ReadingBatch
from batterytwin.readings_wire import batch_to_unary_wire
from batterytwin.telemetry import Quality
from batterytwin.v1 import alert_pb2, twin_pb2
from batterytwin.v1.alert_service_pb2 import AcknowledgeAlertRequest, ListAlertsRequest, ResolveAlertRequest
from batterytwin.v1.twin_service_pb2 import ListTwinsRequest
from batterytwin.v1.twin_service_pb2 import TwinOrder as OrderNumber
from clients.twins import TwinOrder
from clients.wire import time_to_proto


def list_twins_request(
    *,
    location_id: str,
    string_id: str,
    qualities: Iterable[Quality],
    with_alerts_only: bool,
    order: TwinOrder,
    page_size: int,
    page_token: str,
) -> ListTwinsRequest:
    """Selects and orders twins."""
    return ListTwinsRequest(
        location_id=location_id,
        string_id=string_id,
        qualities=[cast("twin_pb2.Quality.ValueType", int(quality)) for quality in qualities],
        with_alerts_only=with_alerts_only,
        order=cast("OrderNumber.ValueType", int(order)),
        page_size=page_size,
        page_token=page_token,
    )


def list_alerts_request(
    *,
    location_id: str,
    battery_id: str,
    states: Iterable[AlertState],
    min_severity: Severity | None,
    start_time: datetime | None,
    end_time: datetime | None,
    page_size: int,
    page_token: str,
) -> ListAlertsRequest:
    """Selects alerts."""
    return ListAlertsRequest(
        location_id=location_id,
        battery_id=battery_id,
        states=[cast("alert_pb2.AlertState.ValueType", int(state)) for state in states],
        min_severity=cast("alert_pb2.Severity.ValueType", int(min_severity or 0)),
        start_time=time_to_proto(start_time, "start_time"),
        end_time=time_to_proto(end_time, "end_time"),
        page_size=page_size,
        page_token=page_token,
    )


def acknowledge_request(alert_id: str, note: str) -> AcknowledgeAlertRequest:
    """Acknowledges an alert, under a name of its own."""
    return AcknowledgeAlertRequest(alert_id=alert_id, note=note, request_id=str(uuid.uuid4()))


def resolve_request(alert_id: str, note: str) -> ResolveAlertRequest:
    """Closes an alert, under a name of its own."""
    return ResolveAlertRequest(alert_id=alert_id, note=note, request_id=str(uuid.uuid4()))


def ingest_request(batch: ReadingBatch) -> bytes:
    """Carries one batch, under a name of its own: an `IngestReadingsRequest`."""
    return batch_to_unary_wire(batch, request_id=str(uuid.uuid4()))
