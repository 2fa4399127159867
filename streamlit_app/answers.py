"""Every question that pages ask the server. None is asked per battery of a list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from batterytwin.alerts import ACTIVE_STATES, AlertState, Severity
from batterytwin.errors import UnknownBatteryError, UnknownLocationError, UnknownStringError
from clients.types import (
    Alert,
    BatteryString,
    Event,
    FleetHealth,
    FleetSnapshot,
    History,
    Location,
    Metric,
    PastTwin,
    StringTwin,
    Twin,
)
from streamlit_app.scoped_cache import Answer
from streamlit_app.visitor import Visitor

DEADLINE_S: Final = 4.0
"""A page would rather show the last known values than wait longer, s."""

PAST_DEADLINE_S: Final = 20.0
"""A state of the past is computed anew, and people who ask for one wait for it, s."""

ALERTS_SHOWN: Final = 500
"""Newest alerts that a list shows."""

EVENTS_SHOWN: Final = 200
"""Newest events that a list shows."""

POINTS_SHOWN: Final = 800
"""About so many points of a series: as many as a screen can show."""


def locations(visitor: Visitor) -> Answer[Sequence[Location]]:
    """Sites that the visitor may see, with systems, strings and batteries."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.inventory, "locations", lambda token: client.list_locations(token=token, deadline_s=DEADLINE_S)
    )


def location(visitor: Visitor, location_id: str) -> Location:
    """One site.

    Raises:
        UnknownLocationError: there is none of this name among those that the visitor may see.
    """
    for candidate in locations(visitor).value:
        if candidate.location_id == location_id:
            return candidate
    raise UnknownLocationError(_unknown(visitor, "site", location_id), field="site", value=location_id)


def location_of_battery(visitor: Visitor, battery_id: str) -> tuple[Location, str]:
    """Site and string of a battery.

    Raises:
        UnknownBatteryError: there is none of this name among those that the visitor may see.
    """
    for candidate in locations(visitor).value:
        for string in candidate.strings():
            if battery_id in string.battery_ids:
                return candidate, string.string_id
    raise UnknownBatteryError(_unknown(visitor, "battery", battery_id), field="battery", value=battery_id)


def location_of_string(visitor: Visitor, string_id: str) -> tuple[Location, BatteryString]:
    """Site of a string, and the string.

    Raises:
        UnknownStringError: there is none of this name among those that the visitor may see.
    """
    for candidate in locations(visitor).value:
        for string in candidate.strings():
            if string.string_id == string_id:
                return candidate, string
    raise UnknownStringError(_unknown(visitor, "string", string_id), field="string", value=string_id)


def _unknown(visitor: Visitor, kind: str, name: str) -> str:
    if visitor.drill_id:
        return f"{kind.capitalize()} {name} is not in this drill: it holds copies of other places."
    return f"There is no {kind} {name}, or {'it' if kind == 'site' else 'its site'} is not assigned to you."


def fleet_health(visitor: Visitor) -> Answer[FleetHealth]:
    """Sums over the fleet and each site."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live, "health", lambda token: client.get_fleet_health(token=token, deadline_s=DEADLINE_S)
    )


def snapshot(visitor: Visitor, location_id: str = "") -> Answer[FleetSnapshot]:
    """The present of every battery of a site, or of all sites, as columns."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("snapshot", location_id),
        lambda token: client.get_fleet_snapshot(location_id, token=token, deadline_s=DEADLINE_S),
    )


def twin(visitor: Visitor, battery_id: str) -> Answer[Twin]:
    """The live twin of a battery."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("twin", battery_id),
        lambda token: client.get_twin(battery_id, token=token, deadline_s=DEADLINE_S),
    )


def twin_at(visitor: Visitor, battery_id: str, instant: datetime) -> PastTwin:
    """A battery as it was. The past is asked for once, so no answer is remembered.

    Raises:
        InvalidArgumentError: the instant is in the future or before the first reading.
    """
    client = visitor.client
    return visitor.act(lambda token: client.get_twin_at(battery_id, instant, token=token, deadline_s=PAST_DEADLINE_S))


def string(visitor: Visitor, string_id: str, load_w: float | None = None) -> Answer[StringTwin]:
    """A string: blocks side by side, faults, and how long it carries a load (None = the server chooses one)."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("string", string_id, load_w),
        lambda token: client.get_string(string_id, load_w=load_w, token=token, deadline_s=DEADLINE_S),
    )


def history(
    visitor: Visitor, battery_id: str, span: timedelta, end: datetime, metrics: tuple[Metric, ...]
) -> Answer[History]:
    """The past of some quantities of a battery up to `end`, in buckets that suit a screen, and what happened in it."""
    client = visitor.client
    stop = end + timedelta(seconds=1)  # the newest sample is in it
    return visitor.ask(
        visitor.backend.live if visitor.drill_id else visitor.backend.history,  # a drill may run faster than life
        ("history", battery_id, span, metrics),
        lambda token: client.query_history(
            battery_id,
            stop - span,
            stop,
            metrics=metrics,
            bucket="auto",
            max_points=POINTS_SHOWN,
            with_events=True,
            token=token,
            deadline_s=DEADLINE_S,
        ),
    )


def history_between(
    visitor: Visitor, battery_id: str, start: datetime, end: datetime, metrics: tuple[Metric, ...]
) -> Answer[History]:
    """Some quantities of a battery between two instants, in buckets that suit half a screen; `end` may move on."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("history between", battery_id, start, metrics),
        lambda token: client.query_history(
            battery_id,
            start,
            end,
            metrics=metrics,
            bucket="auto",
            max_points=POINTS_SHOWN // 2,
            token=token,
            deadline_s=DEADLINE_S,
        ),
    )


def alerts(
    visitor: Visitor,
    *,
    location_id: str = "",
    battery_id: str = "",
    states: Sequence[AlertState] = ACTIVE_STATES,
    min_severity: Severity = Severity.INFO,
) -> Answer[Sequence[Alert]]:
    """The newest alerts that match, newest first."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("alerts", location_id, battery_id, tuple(states), min_severity),
        lambda token: (
            client.list_alerts(
                location_id,
                battery_id,
                states=states,
                min_severity=min_severity,
                page_size=ALERTS_SHOWN,
                token=token,
                deadline_s=DEADLINE_S,
            ).alerts
        ),
    )


def events(
    visitor: Visitor, battery_id: str, start: datetime | None = None, end: datetime | None = None
) -> Answer[Sequence[Event]]:
    """What happened to a battery, its string and its site, newest first."""
    client = visitor.client
    return visitor.ask(
        visitor.backend.live,
        ("events", battery_id, start, end),
        lambda token: (
            client.list_events(
                battery_id=battery_id,
                start_time=start,
                end_time=end,
                page_size=EVENTS_SHOWN,
                token=token,
                deadline_s=DEADLINE_S,
            ).events
        ),
    )
