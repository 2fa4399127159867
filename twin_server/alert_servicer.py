"""`AlertService`: lists, watches and handles alerts."""

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol, TypeVar

from batterytwin.alerts import AlertState, Severity
from batterytwin.errors import InvalidArgumentError, Reason, UnknownAlertError
from batterytwin.v1 import alert_service_pb2, alert_service_pb2_grpc
from storage.access_records import AuditEntry
from storage.alert_query import AlertPage, AlertQuery
from storage.alert_records import AlertRecord
from twin_server.alert_hub import AlertHub
from twin_server.alert_proto import alert_to_proto, change_to_proto
from twin_server.audit import audit_entry
from twin_server.drain import Drain
from twin_server.live_table import LiveTable
from twin_server.page_token import read_page_size
from twin_server.principal import Principal, current_principal
from twin_server.time_proto import timestamp_to_us
from twin_server.visibility import visible_locations, visible_twin

_MAX_NOTE_CHARS: Final = 1_000

_Number = TypeVar("_Number", AlertState, Severity)


class AlertStore(Protocol):
    """What the service needs of the store; see `storage.alert_tables`."""

    async def list_alerts(self, query: AlertQuery) -> AlertPage:
        """One page of alerts, newest first."""

    async def get_alert(self, alert_id: str) -> AlertRecord:
        """One alert."""

    async def acknowledge_alert(
        self, alert_id: str, actor: str, note: str, now_us: int, *, audit: AuditEntry | None = None
    ) -> AlertRecord:
        """Notes that a person has seen an alert."""

    async def resolve_alert(
        self, alert_id: str, actor: str, note: str, now_us: int, *, audit: AuditEntry | None = None
    ) -> AlertRecord:
        """Closes an alert."""


class AlertServicer(alert_service_pb2_grpc.AlertServiceServicer):
    """Alerts of the locations that the caller may see."""

    def __init__(self, store: AlertStore, hub: AlertHub, live: LiveTable, drain: Drain) -> None:
        self._store = store
        self._hub = hub
        self._live = live
        self._drain = drain

    async def ListAlerts(
        self, request: alert_service_pb2.ListAlertsRequest, context: Any
    ) -> alert_service_pb2.ListAlertsResponse:
        """Lists alerts, newest first."""
        principal = current_principal()
        if request.battery_id:
            visible_twin(self._live.fleet_map, principal, request.battery_id)
        query = AlertQuery(
            location_ids=self._location_ids(principal, request.location_id),
            battery_id=request.battery_id,
            states=[_known(AlertState, number, "states") for number in request.states],
            min_severity=_known(Severity, request.min_severity or Severity.INFO, "min_severity"),
            start_us=timestamp_to_us(request.start_time, "start_time") if request.HasField("start_time") else None,
            end_us=timestamp_to_us(request.end_time, "end_time") if request.HasField("end_time") else None,
            page_size=read_page_size(request.page_size, default=100, largest=1_000),
            page_token=request.page_token,
        )
        page = await self._store.list_alerts(query)
        return alert_service_pb2.ListAlertsResponse(
            alerts=[alert_to_proto(alert) for alert in page.alerts], next_page_token=page.next_page_token
        )

    async def WatchAlerts(
        self, request: alert_service_pb2.WatchAlertsRequest, context: Any
    ) -> AsyncIterator[alert_service_pb2.WatchAlertsResponse]:
        """Sends every change from a resume token on. A watcher costs one number: the last change it has seen."""
        allowed = self._location_ids(current_principal(), request.location_id)

        def wanted(alert: AlertRecord) -> bool:
            return allowed is None or alert.location_id in allowed

        if request.resume_token:
            seq = await self._resume_after(request.resume_token)
        else:
            active, seq = self._hub.begin_watch()
            for alert in filter(wanted, active):
                yield change_to_proto(0, alert, seq)
        while True:
            with self._drain.interruptible():
                await self._hub.wait_newer(seq)
                changes, seq = await self._hub.read_after(seq, wanted)
            for change in changes:
                yield change_to_proto(change.change, change.alert, change.seq)

    async def AcknowledgeAlert(
        self, request: alert_service_pb2.AcknowledgeAlertRequest, context: Any
    ) -> alert_service_pb2.AcknowledgeAlertResponse:
        """Notes that a person has seen an alert."""
        actor = await self._actor(request.alert_id, request.note)
        audit = audit_entry("alert.acknowledge", request.alert_id, request.note)
        alert = await self._store.acknowledge_alert(
            request.alert_id, actor, request.note, self._live.clocks.wall_us(), audit=audit
        )
        await self._hub.refresh()
        return alert_service_pb2.AcknowledgeAlertResponse(alert=alert_to_proto(alert))

    async def ResolveAlert(
        self, request: alert_service_pb2.ResolveAlertRequest, context: Any
    ) -> alert_service_pb2.ResolveAlertResponse:
        """Closes an alert."""
        actor = await self._actor(request.alert_id, request.note)
        audit = audit_entry("alert.resolve", request.alert_id, request.note)
        alert = await self._store.resolve_alert(
            request.alert_id, actor, request.note, self._live.clocks.wall_us(), audit=audit
        )
        await self._hub.refresh()
        return alert_service_pb2.ResolveAlertResponse(alert=alert_to_proto(alert))

    def _location_ids(self, principal: Principal, location_id: str) -> frozenset[str] | None:
        if not location_id:
            return principal.location_ids
        visible_locations(self._live.fleet_map, principal, location_id)
        return frozenset({location_id})

    async def _actor(self, alert_id: str, note: str) -> str:
        if len(note) > _MAX_NOTE_CHARS:
            raise InvalidArgumentError(
                f"The note has {len(note)} characters; at most {_MAX_NOTE_CHARS} are kept.", field="note"
            )
        principal = current_principal()
        alert = await self._store.get_alert(alert_id)
        if not principal.may_see(alert.location_id):
            raise UnknownAlertError(f"There is no alert {alert_id[:200]}.", field="alert_id", value=alert_id)
        return principal.name

    async def _resume_after(self, token: str) -> int:
        if token.isascii() and token.isdecimal() and len(token) < 19:
            seq = int(token)
            if seq > self._hub.seq:
                await self._hub.refresh()
            if seq <= self._hub.seq:
                return seq
        raise InvalidArgumentError(
            "The resume token does not come from this server; watch again without one.",
            reason=Reason.INVALID_PAGE_TOKEN,
            field="resume_token",
            value=token,
        )


def _known(kind: type[_Number], number: int, field: str) -> _Number:
    try:
        return kind(number)
    except ValueError:
        raise InvalidArgumentError(f"{field} has no value number {number}.", field=field, value=number) from None
