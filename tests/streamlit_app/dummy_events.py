"""Made-up events of a battery, its string and its site, and what a capacity test does to a twin."""

from dataclasses import replace
from datetime import datetime, timedelta

from batterytwin.errors import InvalidArgumentError, Reason
from clients import types as clients
from tests.streamlit_app.dummy_fleet import NOW


def of_battery(battery_id: str) -> list[clients.Event]:
    """An outage of the site this night, work on the string last week, a look at the battery a month ago."""
    site, string_id = battery_id.split("-", 1)[0], battery_id.rsplit("-", 1)[0]
    night = NOW - timedelta(seconds=31_500)
    return [
        _event(clients.EventKind.OUTAGE, night, timedelta(minutes=48), site, note="On battery: U1, U2", by="server"),
        _event(
            clients.EventKind.MAINTENANCE, NOW - timedelta(days=6), timedelta(hours=3), site, string_id,
            note="Connections *tightened*",
        ),
        _event(clients.EventKind.INSPECTION, NOW - timedelta(days=29), timedelta(0), site, string_id, battery_id),
    ]  # fmt: skip


def check(start_time: datetime, test: clients.CapacityTest | None) -> None:
    """Refuses what the server would refuse, in its words."""
    if start_time > NOW + timedelta(minutes=2):
        raise InvalidArgumentError(
            "start_time lies ahead of the clock; record what has happened.",
            reason=Reason.TIME_IN_FUTURE,
            field="event.start_time",
        )
    if test and not 0 < test.discharged_ah <= 240:
        raise InvalidArgumentError(
            f"discharged_ah is {test.discharged_ah:g}; give more than 0 and at most 240 Ah.",
            field="event.capacity_test.discharged_ah",
        )


def tested(twin: clients.Twin, event: clients.Event) -> clients.Twin:
    """The twin after a capacity test at the 10-hour rate."""
    charge = event.capacity_test.discharged_ah if event.capacity_test else 0.0
    kinds = clients.HealthEvidenceKind
    shown = clients.Estimate(charge / twin.rated_capacity_ah, 0.02)
    return replace(
        twin,
        soh_capacity=shown,
        capacity_evidence_time=event.end_time,
        capacity_evidence_kind=kinds.CAPACITY_TEST,
        health_evidence=(
            clients.HealthEvidence(kinds.CAPACITY_TEST, shown, event.end_time),
            *(clients.HealthEvidence(e.kind, clients.Estimate(e.soh_capacity.value, 0.08), e.time)
              for e in twin.health_evidence),
        ),
    )  # fmt: skip


def _event(  # noqa: PLR0917 - a row of a table
    kind: clients.EventKind,
    start: datetime,
    length: timedelta,
    site: str,
    string_id: str = "",
    battery_id: str = "",
    *,
    note: str = "",
    by: str = "somchai",
) -> clients.Event:
    name = f"{kind.name}/{start.isoformat()}"
    return clients.Event(name, kind, site, string_id, battery_id, start, start + length, note, None, by, start)
