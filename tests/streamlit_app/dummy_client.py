# ruff: noqa: ARG002 - the signatures are those of the client that it stands for
"""A client that needs no server: the product's own fleet with made-up values, and users with passwords."""

import itertools
from collections.abc import Generator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from batterytwin.alerts import AlertState, Severity
from batterytwin.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    Reason,
    UnauthenticatedError,
    UnavailableError,
    UnknownAlertError,
    UnknownBatteryError,
    UnknownStringError,
)
from clients import types as clients
from clients.history_requests import Bucket
from tests.streamlit_app import dummy_events, dummy_fleet, dummy_life, dummy_strings
from tests.streamlit_app.dummy_fleet import NOW, SITES
from tests.streamlit_app.dummy_life_client import DummyLife
from tests.streamlit_app.dummy_scenario_client import DummyScenarios

PASSWORD: Final = "correct horse battery"
USERS: Final[dict[str, tuple[clients.Role, tuple[str, ...]]]] = {
    "anna": (clients.Role.ADMIN, ()),
    "somchai": (clients.Role.ENGINEER, ("BRK", "NBI")),
    "viewer": (clients.Role.VIEWER, ("HKT",)),
}


class DummyClient(DummyLife, DummyScenarios):
    """Answers what the dashboard asks, in place of a server.

    Attributes:
        away: True makes every call fail as if nobody answered.
        deaf: True makes recording fail, as when an answer is lost.
        calls: names of the calls made, in order.
        caller_addresses: for whom logins were asked, in order.
        request_ids: those under which events were recorded.
        access_s: life of an access token, s.
        life_degraded: why remaining lives are degraded; empty = they are not.
        models: models of remaining life, newest first.
    """

    def __init__(self) -> None:
        self.away = False
        self.deaf = False
        self.calls: list[str] = []
        self.caller_addresses: list[str] = []
        self.access_s = 1_800.0
        self.life_degraded = ""
        self.models = dummy_life.models()
        self._access: dict[str, str] = {}
        self._refresh: dict[str, str] = {}
        self.request_ids: list[str] = []
        self._events: list[clients.Event] = []
        self._serial = itertools.count(1)
        self._alerts_by_id = {alert.alert_id: alert for alert in dummy_fleet.first_alerts()}
        self._play()

    def close(self) -> None:
        """Nothing is open."""

    def expire_access_tokens(self) -> None:
        """Makes the server refuse every access token given out so far."""
        self._access.clear()

    def expire_sessions(self) -> None:
        """Makes the server refuse every token given out so far."""
        self._access.clear()
        self._refresh.clear()

    def login(
        self, username: str, password: str, *, caller_address: str = "", deadline_s: float | None = None
    ) -> clients.Session:
        self._note("login")
        self.caller_addresses.append(caller_address)
        if username not in USERS or password != PASSWORD:
            raise UnauthenticatedError("User name or password is wrong.", reason=Reason.WRONG_CREDENTIALS)
        return self._session(username)

    def refresh(self, refresh_token: str, *, deadline_s: float | None = None) -> clients.Session:
        self._note("refresh")
        username = self._refresh.pop(refresh_token, None)
        if username is None:
            raise UnauthenticatedError("The session is over.", reason=Reason.TOKEN_INVALID)
        return self._session(username)

    def logout(self, refresh_token: str, *, deadline_s: float | None = None) -> None:
        self._note("logout")
        self._refresh.pop(refresh_token, None)

    def change_password(
        self, old_password: str, new_password: str, *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.Session:
        username = self._user(token, "change_password")
        if old_password != PASSWORD:
            raise UnauthenticatedError("The present password is wrong.", reason=Reason.WRONG_CREDENTIALS)
        return self._session(username)

    def list_locations(
        self, *, token: str | None = None, deadline_s: float | None = None
    ) -> tuple[clients.Location, ...]:
        seen = self._seen(token, "list_locations")
        return tuple(
            dummy_fleet.location(site) for site in SITES if site.location_id in seen and self._holds(site.location_id)
        )

    def get_fleet_health(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.FleetHealth:
        seen = [name for name in self._seen(token, "get_fleet_health") if location_id in ("", name)]
        alerts = list(self._alerts_by_id.values())
        return clients.FleetHealth(
            dummy_fleet.health("", seen, alerts), tuple(dummy_fleet.health(name, [name], alerts) for name in seen)
        )

    def get_fleet_snapshot(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.FleetSnapshot:
        seen = [name for name in self._seen(token, "get_fleet_snapshot") if location_id in ("", name)]
        columns = dummy_fleet.columns(seen, self._alerts_by_id.values())
        return clients.FleetSnapshot(columns, NOW, dummy_fleet.MODEL_VERSION)

    def get_twin(self, battery_id: str, *, token: str | None = None, deadline_s: float | None = None) -> clients.Twin:
        if battery_id.split("-", 1)[0] not in self._seen(token, "get_twin"):
            raise UnknownBatteryError(f"There is no battery {battery_id}.")
        twin = self._simulated(dummy_fleet.twin(battery_id, self._alerts_by_id.values()))
        tests = [event for event in self._events if event.battery_id == battery_id and event.capacity_test]
        return dummy_events.tested(twin, tests[-1]) if tests else twin

    def get_twin_at(
        self,
        battery_id: str,
        time: datetime,
        *,
        known_time: datetime | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.PastTwin:
        if battery_id.split("-", 1)[0] not in self._seen(token, "get_twin_at"):
            raise UnknownBatteryError(f"There is no battery {battery_id}.")
        if time > NOW:
            raise InvalidArgumentError("The time is in the future.", field="time", value=time)
        twin = replace(dummy_fleet.twin(battery_id, ()), as_of=time, voltage_v=12.345)
        return clients.PastTwin(twin, clients.TwinSource.REPLAYED, time - timedelta(minutes=90), 91, 0, NOW)

    def get_string(
        self,
        string_id: str,
        *,
        load_w: float | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.StringTwin:
        if string_id.split("-", 1)[0] not in self._seen(token, "get_string"):
            raise UnknownStringError(f"There is no string {string_id}.")
        return dummy_strings.string(string_id, self._alerts_by_id.values(), load_w)

    def query_history(
        self,
        battery_id: str,
        start_time: datetime,
        end_time: datetime,
        *,
        metrics: Iterable[clients.Metric] = (),
        bucket: Bucket = None,
        max_points: int = 0,
        with_events: bool = False,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.History:
        self._seen(token, "query_history")
        length = (end_time - start_time) / max_points if bucket == "auto" else bucket or timedelta(minutes=1)
        history = dummy_fleet.history(start_time, end_time, length, tuple(metrics))
        if not with_events:
            return history
        alerts = [alert for alert in self._alerts_by_id.values() if battery_id == alert.battery_id]
        return replace(
            history,
            bucket=length,
            events=tuple(self._events_of(battery_id, start_time, end_time)),
            alerts=tuple(alert for alert in alerts if alert.raise_time < end_time),
        )

    def export_history(
        self,
        start_time: datetime,
        end_time: datetime,
        *,
        battery_id: str = "",
        string_id: str = "",
        location_id: str = "",
        metrics: Iterable[clients.Metric] = (),
        file_format: clients.ExportFormat = clients.ExportFormat.PARQUET,
        bucket: timedelta | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> Generator[clients.ExportChunk]:
        if battery_id.split("-", 1)[0] not in self._seen(token, "export_history"):
            raise UnknownBatteryError(f"There is no battery {battery_id}.")
        for n in range(1, 4):
            if n == 3 and self.deaf:
                raise UnavailableError("The server cannot be reached.")
            yield clients.ExportChunk(f"{file_format.name} {bucket} {n}{self._tag()}\n".encode(), n, n / 3)

    def list_events(
        self,
        location_id: str = "",
        string_id: str = "",
        battery_id: str = "",
        *,
        kinds: Iterable[clients.EventKind] = (),
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 100,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.EventPage:
        self._seen(token, "list_events")
        return clients.EventPage(tuple(self._events_of(battery_id, start_time, end_time)[:page_size]), "")

    def _events_of(self, battery_id: str, start: datetime | None, end: datetime | None) -> list[clients.Event]:
        found = [
            event
            for event in [*dummy_events.of_battery(battery_id), *self._events]
            if event.battery_id in ("", battery_id)
            and (start is None or (event.end_time or event.start_time) > start)
            and (end is None or event.start_time < end)
        ]
        return sorted(found, key=lambda event: event.start_time, reverse=True)

    def record_event(
        self,
        kind: clients.EventKind,
        start_time: datetime,
        *,
        location_id: str = "",
        string_id: str = "",
        battery_id: str = "",
        end_time: datetime | None = None,
        note: str = "",
        capacity_test: clients.CapacityTest | None = None,
        replacement: clients.Replacement | None = None,
        current_sensor: clients.CurrentSensor | None = None,
        request_id: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> clients.Event:
        username = self._user(token, "record_event")
        if USERS[username][0] == clients.Role.VIEWER:
            raise PermissionDeniedError("Viewers may not record events.")
        self.request_ids.append(request_id)
        if self.deaf:
            raise UnavailableError("The server cannot be reached.")
        dummy_events.check(start_time, capacity_test)
        place = (location_id or (string_id or battery_id).split("-", 1)[0], string_id, battery_id)
        event = clients.Event(
            *(request_id, kind, *place, start_time, end_time, note, capacity_test, username, NOW),
            replacement=replacement,
            current_sensor=current_sensor,
        )
        self._events.append(event)
        return event

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
    ) -> clients.AlertPage:
        seen, wanted = self._seen(token, "list_alerts"), tuple(states)
        found = [
            alert
            for alert in self._alerts_by_id.values()
            if alert.location_id in seen
            and location_id in ("", alert.location_id)
            and battery_id in ("", alert.battery_id)
            and (not wanted or alert.state in wanted)
            and (min_severity is None or alert.severity >= min_severity)
        ]
        found.sort(key=lambda alert: alert.raise_time, reverse=True)
        return clients.AlertPage(tuple(found[:page_size]), "")

    def acknowledge_alert(
        self, alert_id: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.Alert:
        alert, username = self._handled(alert_id, token, "acknowledge_alert")
        self._alerts_by_id[alert_id] = replace(
            alert,
            state=AlertState.ACKNOWLEDGED,
            acknowledge_time=NOW,
            acknowledged_by=username,
            acknowledge_note=note,
        )
        return self._alerts_by_id[alert_id]

    def resolve_alert(
        self, alert_id: str, note: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> clients.Alert:
        alert, username = self._handled(alert_id, token, "resolve_alert")
        self._alerts_by_id[alert_id] = replace(
            alert, state=AlertState.RESOLVED, resolve_time=NOW, resolved_by=username, resolve_note=note
        )
        return self._alerts_by_id[alert_id]

    def raise_alert(self, alert: clients.Alert) -> None:
        """Adds an alert, as if its condition had just become true."""
        self._alerts_by_id[alert.alert_id] = alert

    def alert(self, alert_id: str) -> clients.Alert:
        """An alert as the server knows it."""
        return self._alerts_by_id[alert_id]

    def _note(self, name: str) -> None:
        self.calls.append(f"{name}{self._tag()}")
        if self.away:
            raise UnavailableError("The server cannot be reached.")
        self._must_live()

    def _session(self, username: str) -> clients.Session:
        role, location_ids = USERS[username]
        number = next(self._serial)
        self._access[f"access-{number}"] = username
        self._refresh[f"refresh-{number}"] = username
        present = datetime.now(UTC)
        return clients.Session(
            access_token=f"access-{number}",
            access_expire_time=present + timedelta(seconds=self.access_s),
            refresh_token=f"refresh-{number}",
            refresh_expire_time=present + timedelta(days=7),
            username=username,
            role=role,
            location_ids=location_ids,
        )

    def _user(self, token: str | None, call: str) -> str:
        self._note(call)
        if token not in self._access:
            raise UnauthenticatedError("The token has expired.", reason=Reason.TOKEN_EXPIRED)
        return self._access[token]

    def _seen(self, token: str | None, call: str) -> list[str]:
        assigned = USERS[self._user(token, call)][1]
        return [site.location_id for site in SITES if not assigned or site.location_id in assigned]

    def _handled(self, alert_id: str, token: str | None, call: str) -> tuple[clients.Alert, str]:
        username = self._user(token, call)
        if USERS[username][0] == clients.Role.VIEWER:
            raise PermissionDeniedError("Viewers may not handle alerts.")
        if alert_id not in self._alerts_by_id:
            raise UnknownAlertError(f"There is no alert {alert_id}.")
        return self._alerts_by_id[alert_id], username
