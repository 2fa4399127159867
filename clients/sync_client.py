"""The blocking client: everything the server offers, as plain Python types."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from batterytwin.alerts import AlertState, Severity
from batterytwin.readings import ReadingBatch
from batterytwin.telemetry import Quality
from batterytwin.v1 import alert_service_pb2, auth_service_pb2, fleet_service_pb2, twin_service_pb2
from batterytwin.v1.alert_service_pb2_grpc import AlertServiceStub
from batterytwin.v1.auth_service_pb2_grpc import AuthServiceStub
from batterytwin.v1.fleet_service_pb2_grpc import FleetServiceStub
from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from batterytwin.v1.model_service_pb2_grpc import ModelServiceStub
from batterytwin.v1.prediction_service_pb2_grpc import PredictionServiceStub
from batterytwin.v1.scenario_service_pb2_grpc import ScenarioServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from clients import alerts_proto, fleet_proto, past_proto, requests, twins_proto
from clients.alerts import Alert, AlertEvent, AlertPage
from clients.channel import Tls, caller_metadata
from clients.fleet import FleetHealth, GridSpec, Location, RegisteredGrid, ServerStatus
from clients.ingest import IngestResult
from clients.ingest_calls import ingest_call
from clients.ingest_proto import result_from_proto
from clients.past import PastTwin
from clients.session import Session
from clients.session_proto import session_from_proto
from clients.strings import StringTwin
from clients.strings_proto import string_from_proto
from clients.sync_connection import SyncConnection
from clients.sync_events import SyncEvents
from clients.sync_history import SyncHistory
from clients.sync_life import SyncLife
from clients.sync_models import SyncModels
from clients.sync_projections import SyncProjections
from clients.sync_scenarios import SyncScenarios
from clients.twins import FleetSnapshot, Twin, TwinOrder, TwinPage, TwinUpdate


class TwinClient(SyncEvents, SyncHistory, SyncLife, SyncModels, SyncProjections, SyncScenarios):
    """Talks to a server and blocks until it answers; safe to share between threads.

        with TwinClient("localhost:50051") as client:
            session = client.login("admin", password)
            twin = client.get_twin("BRK-U1-S03-B07", token=session.access_token)
            print(twin.soc, twin.quality)

    A token may be given for all calls (`TwinClient(target, token)`) or for one (`token=`), so that one process can
    serve many users over one connection; a call's own token wins. A call may take 10 s unless `deadline_s=` says
    otherwise. Times must carry a zone; answers are in UTC. `AsyncTwinClient` has the same methods for asyncio.

    Every call raises an error of `batterytwin.errors`: UnauthenticatedError (log in, or `refresh`),
    PermissionDeniedError, NotFoundError, InvalidArgumentError, ConflictError, OverloadedError and UnavailableError
    (try again after `retry_after_s`), DeadlineTooShortError. `reason` is for programs, `str(error)` for people.

    Args:
        target: address of the server, `host:port`.
        token: access token for calls that bring none.
        tls: encryption; None = none, for a server on the same machine.
    """

    def __init__(self, target: str, token: str | None = None, *, tls: Tls | None = None) -> None:
        self._token = token
        self._connection = SyncConnection(target, tls)
        channel = self._connection.channel
        self._auth = AuthServiceStub(channel)
        self._twins = TwinServiceStub(channel)
        self._fleet = FleetServiceStub(channel)
        self._history = HistoryServiceStub(channel)
        self._alerts = AlertServiceStub(channel)
        self._ingest = ingest_call(channel)
        self._predictions = PredictionServiceStub(channel)
        self._models = ModelServiceStub(channel)
        self._scenarios = ScenarioServiceStub(channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; calls under way end with an error."""
        self._connection.close()

    def login(
        self, username: str, password: str, *, caller_address: str = "", deadline_s: float | None = None
    ) -> Session:
        """Trades a name and a password for a session. The client itself does not keep it.

        Args:
            username: name.
            password: password.
            caller_address: for a program on the server's machine through which others log in: the network address of
                who does. Limits on guessing and the audit trail go by it.
            deadline_s: time the call may take, s.

        Raises:
            UnauthenticatedError: name or password is wrong.
            OverloadedError: too many attempts; wait `retry_after_s`.
        """
        request = auth_service_pb2.LoginRequest(username=username, password=password)
        response = self._connection.call(self._auth.Login, request, "", deadline_s, caller_metadata(caller_address))
        return session_from_proto(response.session)

    def refresh(self, refresh_token: str, *, deadline_s: float | None = None) -> Session:
        """Trades a refresh token for a new session; the old refresh token is spent.

        Raises:
            UnauthenticatedError: the token is unknown, expired or spent (which ends the session: log in again).
        """
        request = auth_service_pb2.RefreshTokenRequest(refresh_token=refresh_token)
        response = self._connection.call(self._auth.RefreshToken, request, "", deadline_s)
        return session_from_proto(response.session)

    def logout(self, refresh_token: str, *, deadline_s: float | None = None) -> None:
        """Ends the session of a refresh token. Repeating it changes nothing."""
        request = auth_service_pb2.LogoutRequest(refresh_token=refresh_token)
        self._connection.call(self._auth.Logout, request, "", deadline_s)

    def change_password(
        self, old_password: str, new_password: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> Session:
        """Changes the caller's own password (10...128 characters) and ends the caller's other sessions."""
        request = auth_service_pb2.ChangePasswordRequest(old_password=old_password, new_password=new_password)
        response = self._connection.call(self._auth.ChangePassword, request, self._or_own(token), deadline_s)
        return session_from_proto(response.session)

    def get_twin(self, battery_id: str, *, token: str | None = None, deadline_s: float | None = None) -> Twin:
        """Gets one twin: last measurement, estimates with sigma, age and quality.

        Raises:
            UnknownBatteryError: no such battery, or the caller may not see it.
        """
        request = twin_service_pb2.GetTwinRequest(battery_id=battery_id)
        response = self._connection.call(self._twins.GetTwin, request, self._or_own(token), deadline_s)
        return twins_proto.twin_from_proto(response.twin)

    def get_twin_at(
        self,
        battery_id: str,
        time: datetime,
        *,
        known_time: datetime | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> PastTwin:
        """Gets one twin as it was at a past instant.

        Args:
            battery_id: slot name.
            time: the instant, with a time zone, by the location's clock.
            known_time: what the server had received until then counts, to the second; None = everything so far.
            token: access token; None = that of the client.
            deadline_s: longest time for the call, s.

        Raises:
            UnknownBatteryError: no such battery, or the caller may not see it.
            InvalidArgumentError: the time is in the future or before the first reading, or has no time zone.
        """
        request = past_proto.past_request(battery_id, time, known_time)
        response = self._connection.call(self._twins.GetTwinAt, request, self._or_own(token), deadline_s)
        return past_proto.past_twin_from_proto(response)

    def get_string(
        self,
        string_id: str,
        *,
        load_w: float | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> StringTwin:
        """Gets one string: blocks side by side, what is wrong with it, and how long it can carry a load.

        Args:
            string_id: name of the string.
            load_w: power for the autonomy, W, > 0 discharges; None = the present load, or on float that of a discharge
                in one hour.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            UnknownStringError: no such string, or the caller may not see it.
            InvalidArgumentError: the load is not a positive power.
        """
        request = twin_service_pb2.GetStringRequest(string_id=string_id, load_w=load_w)
        response = self._connection.call(self._twins.GetString, request, self._or_own(token), deadline_s)
        return string_from_proto(response.string)

    def list_twins(
        self,
        location_id: str = "",
        string_id: str = "",
        *,
        qualities: Iterable[Quality] = (),
        with_alerts_only: bool = False,
        order: TwinOrder = TwinOrder.FLEET,
        page_size: int = 100,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> TwinPage:
        """Lists twins, one page at a time; empty filters select everything that the caller may see.

        Args:
            location_id: only this location.
            string_id: only this string.
            qualities: only twins of these qualities.
            with_alerts_only: only twins with at least one active alert.
            order: order of the whole list.
            page_size: twins in a page, 1...1,000.
            page_token: `next_page_token` of the page before; empty = first page.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = requests.list_twins_request(
            location_id=location_id,
            string_id=string_id,
            qualities=qualities,
            with_alerts_only=with_alerts_only,
            order=order,
            page_size=page_size,
            page_token=page_token,
        )
        response = self._connection.call(self._twins.ListTwins, request, self._or_own(token), deadline_s)
        return twins_proto.page_from_proto(response)

    def get_fleet_snapshot(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> FleetSnapshot:
        """Gets every twin (of one location, or all that the caller may see) as NumPy columns, in one call."""
        request = twin_service_pb2.GetFleetSnapshotRequest(location_id=location_id)
        response = self._connection.call(self._twins.GetFleetSnapshot, request, self._or_own(token), deadline_s)
        return twins_proto.snapshot_from_proto(response)

    def watch_twins(
        self,
        location_id: str = "",
        battery_ids: Iterable[str] = (),
        *,
        min_interval_s: float = 1.0,
        token: str | None = None,
    ) -> Iterator[TwinUpdate]:
        """Yields a snapshot, then changed twins as they change, until the iterator is closed.

        A slow reader gets the latest value, not every value. After a broken connection the next update is a snapshot
        again.
        """
        request = twin_service_pb2.WatchTwinsRequest(
            location_id=location_id, battery_ids=battery_ids, min_interval_s=min_interval_s
        )
        for response in self._connection.watch(self._twins.WatchTwins, lambda: request, self._or_own(token)):
            yield twins_proto.update_from_proto(response)

    def list_locations(self, *, token: str | None = None, deadline_s: float | None = None) -> tuple[Location, ...]:
        """Lists all locations that the caller may see, with systems, strings and batteries, in fleet order."""
        locations: list[Location] = []
        request = fleet_service_pb2.ListLocationsRequest()
        while True:
            page = self._connection.call(self._fleet.ListLocations, request, self._or_own(token), deadline_s)
            locations += [fleet_proto.location_from_proto(location) for location in page.locations]
            if not page.next_page_token:
                return tuple(locations)
            request.page_token = page.next_page_token

    def get_fleet_health(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> FleetHealth:
        """Sums up health and alerts per location and over all of them."""
        request = fleet_service_pb2.GetFleetHealthRequest(location_id=location_id)
        response = self._connection.call(self._fleet.GetFleetHealth, request, self._or_own(token), deadline_s)
        return fleet_proto.health_from_proto(response)

    def get_status(self, *, token: str | None = None, deadline_s: float | None = None) -> ServerStatus:
        """Tells whether the server is ready and how many twins live; needs no token on the same machine."""
        request = fleet_service_pb2.GetStatusRequest()
        return fleet_proto.status_from_proto(
            self._connection.call(self._fleet.GetStatus, request, self._or_own(token), deadline_s)
        )

    def register_grid(
        self, grid: GridSpec, *, token: str | None = None, deadline_s: float | None = None
    ) -> RegisteredGrid:
        """Adds a grid with one location of its own; repeating it with the same content changes nothing.

        Raises:
            ConflictError: one of its names is taken by something else.
            InvalidArgumentError: a name or the data sheet cannot be used.
        """
        response = self._connection.call(
            self._fleet.RegisterGrid, fleet_proto.grid_to_proto(grid), self._or_own(token), deadline_s
        )
        return fleet_proto.registered_grid_from_proto(response)

    def list_alerts(
        self,
        location_id: str = "",
        battery_id: str = "",
        *,
        states: Iterable[AlertState] = (),
        min_severity: Severity | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 100,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> AlertPage:
        """Lists alerts, newest first, one page at a time; what is left out selects everything.

        Args:
            location_id: only this location.
            battery_id: only this battery.
            states: only these states; `batterytwin.alerts.ACTIVE_STATES` are those that need somebody.
            min_severity: only this rank or higher.
            start_time: only alerts raised at or after this time.
            end_time: only alerts raised before this time.
            page_size: alerts in a page, 1...1,000.
            page_token: `next_page_token` of the page before; empty = first page.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = requests.list_alerts_request(
            location_id=location_id,
            battery_id=battery_id,
            states=states,
            min_severity=min_severity,
            start_time=start_time,
            end_time=end_time,
            page_size=page_size,
            page_token=page_token,
        )
        response = self._connection.call(self._alerts.ListAlerts, request, self._or_own(token), deadline_s)
        return alerts_proto.page_from_proto(response)

    def watch_alerts(
        self, location_id: str = "", *, resume_token: str = "", token: str | None = None
    ) -> Iterator[AlertEvent]:
        """Yields every change of every alert, losing none, until the iterator is closed.

        Without a `resume_token` it begins with the alerts that are active now (`change` is None). A broken connection
        is resumed where it broke; to resume later, keep the `resume_token` of the last event.
        """
        request = alert_service_pb2.WatchAlertsRequest(location_id=location_id, resume_token=resume_token)
        for response in self._connection.watch(self._alerts.WatchAlerts, lambda: request, self._or_own(token)):
            request.resume_token = response.resume_token
            yield alerts_proto.event_from_proto(response)

    def acknowledge_alert(
        self, alert_id: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> Alert:
        """Notes that the caller has seen an alert (note up to 1,000 characters). Repeating it changes nothing.

        Raises:
            UnknownAlertError: no such alert.
            ConflictError: its state forbids it.
        """
        request = requests.acknowledge_request(alert_id, note)
        response = self._connection.call(self._alerts.AcknowledgeAlert, request, self._or_own(token), deadline_s)
        return alerts_proto.alert_from_proto(response.alert)

    def resolve_alert(
        self, alert_id: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> Alert:
        """Closes an alert; if its condition still holds an hour later it is raised again, at once if its rank rises.

        Raises:
            UnknownAlertError: no such alert.
            ConflictError: its state forbids it.
        """
        request = requests.resolve_request(alert_id, note)
        response = self._connection.call(self._alerts.ResolveAlert, request, self._or_own(token), deadline_s)
        return alerts_proto.alert_from_proto(response.alert)

    def ingest(self, batch: ReadingBatch, *, token: str | None = None, deadline_s: float | None = None) -> IngestResult:
        """Sends one batch of readings; returns when it is durable and applied. `GatewayClient` is for streams.

        Good rows are kept when others are refused; look at `rejected_rows`. Sending a batch again changes nothing.
        """
        request = requests.ingest_request(batch)
        response = self._connection.call(self._ingest, request, self._or_own(token), deadline_s)
        return result_from_proto(response)

    def _or_own(self, token: str | None) -> str:
        return (self._token if token is None else token) or ""
