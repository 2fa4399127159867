"""Events: who may record and read what, what is refused, and what a capacity test does to its twin."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.access import Role
from batterytwin.errors import ConflictError, InvalidArgumentError, Reason, TwinError
from batterytwin.events import CapacityTest, EventKind, HealthEvidenceKind
from batterytwin.v1 import event_pb2
from batterytwin.v1 import history_service_pb2 as pb
from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from clients.async_client import AsyncTwinClient
from clients.errors import error_from_rpc
from clients.types import Event
from tests.fixtures.server import QUICK_HASHES, RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request
from twin_server.access_admin import add_user
from twin_server.passwords import Passwords

ONE = "AAA-U1-S01-B01"
TEST = CapacityTest(discharged_ah=90.0, current_a=12.0, temperature_c=25.0, end_voltage_v=10.5)
PASSWORD = "correct horse battery"


@dataclass
class Callers:
    """A server with people of all kinds."""

    server: RunningServer
    admin: AsyncTwinClient
    engineer: AsyncTwinClient
    """Of AAA."""
    viewer: AsyncTwinClient
    """Of AAA."""
    stranger: AsyncTwinClient
    """Engineer of BBB."""

    async def feed(self, batteries: list[str], time_ns: int, voltage_v: float = 13.65, current_a: float = 0.05) -> None:
        location = batteries[0][:3]
        async with grpc.aio.insecure_channel(self.server.target) as channel:
            await IngestServiceStub(channel).IngestReadings(
                request(columns(batteries, time_ns, voltage_v, current_a)), metadata=self.server.gateway(location)
            )


@pytest_asyncio.fixture
async def callers(running_server: RunningServer) -> AsyncIterator[Callers]:
    async with callers_of(running_server) as made:
        yield made


class callers_of:  # noqa: N801  # used like a function
    """People of all kinds at a server."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._clients: list[AsyncTwinClient] = []

    async def __aenter__(self) -> Callers:
        made = {}
        for name, role, location in (
            ("engineer", Role.ENGINEER, "AAA"),
            ("viewer", Role.VIEWER, "AAA"),
            ("stranger", Role.ENGINEER, "BBB"),
        ):
            with contextlib.suppress(ConflictError):  # the database may have seen them before
                await add_user(
                    self._server.store, name, role, [location], password=PASSWORD, passwords=Passwords(QUICK_HASHES)
                )
            client = AsyncTwinClient(self._server.target)
            session = await client.login(name, PASSWORD)
            await client.close()
            made[name] = AsyncTwinClient(self._server.target, session.access_token)
        admin = AsyncTwinClient(self._server.target, self._server.admin_token)
        self._clients = [admin, *made.values()]
        return Callers(self._server, admin, **made)

    async def __aexit__(self, *error: object) -> None:
        for client in self._clients:
            await client.close()


def ago(**parts: float) -> datetime:
    return (datetime.now(UTC) - timedelta(**parts)).replace(microsecond=0)


async def record_test(client: AsyncTwinClient, battery: str = ONE, **changes: Any) -> Event:
    return await client.record_event(
        EventKind.CAPACITY_TEST, ago(hours=9), battery_id=battery, capacity_test=TEST, **changes
    )


async def test_a_capacity_test_is_part_of_the_twin_when_it_is_recorded(callers: Callers) -> None:
    await callers.feed([ONE, "AAA-U1-S01-B02"], now_ns(-60))
    before = await callers.viewer.get_twin(ONE)
    event = await record_test(callers.engineer, note="yearly test")
    twin = await callers.viewer.get_twin(ONE)
    assert before.soh_capacity is not None
    assert twin.soh_capacity is not None
    assert twin.soh_capacity.value == pytest.approx(0.75, abs=0.03)
    assert twin.soh_capacity.sigma < min(0.03, before.soh_capacity.sigma)
    assert twin.capacity_evidence_kind is HealthEvidenceKind.CAPACITY_TEST
    assert twin.capacity_evidence_time == event.start_time + timedelta(hours=7.5)
    (rung,) = [rung for rung in twin.health_evidence if rung.kind is HealthEvidenceKind.CAPACITY_TEST]
    assert rung.soh_capacity.value == pytest.approx(0.76, abs=0.01)
    assert rung.time == twin.capacity_evidence_time
    neighbour = await callers.viewer.get_twin("AAA-U1-S01-B02")
    assert neighbour.capacity_evidence_kind is HealthEvidenceKind.UNSPECIFIED


async def test_an_event_comes_back_as_it_was_recorded(callers: Callers) -> None:
    test = await record_test(callers.engineer, note="yearly test\nall fine")
    assert test.battery_id == ONE
    assert (test.string_id, test.location_id) == ("AAA-U1-S01", "AAA")
    assert test.capacity_test == TEST
    assert test.recorded_by == "engineer"
    assert abs((datetime.now(UTC) - test.record_time).total_seconds()) < 60.0
    outage = await callers.engineer.record_event(
        EventKind.OUTAGE, ago(days=3), end_time=ago(days=2.9), location_id="AAA"
    )
    assert list(await callers.viewer.list_events("AAA")) == [test, outage]


async def test_the_same_request_records_once_and_gives_the_first(callers: Callers) -> None:
    name = str(uuid.uuid4())
    first = await record_test(callers.engineer, request_id=name)
    again = await callers.engineer.record_event(
        EventKind.INSPECTION, ago(hours=1), location_id="AAA", request_id=name.upper()
    )
    assert again == first
    assert list(await callers.viewer.list_events()) == [first]
    with pytest.raises(TwinError) as refused:
        await callers.stranger.record_event(EventKind.INSPECTION, ago(hours=1), location_id="BBB", request_id=name)
    assert refused.value.reason == Reason.ALREADY_EXISTS


async def test_an_event_is_in_the_audit_trail_once(callers: Callers) -> None:
    name = str(uuid.uuid4())
    event = await record_test(callers.engineer, request_id=name)
    await record_test(callers.engineer, request_id=name)
    entries = [e for e in await callers.server.store.audit_trail(50) if e.action == "event.record"]
    assert [(entry.actor, entry.target) for entry in entries] == [("engineer", event.event_id)]


async def test_viewers_read_and_strangers_do_not_even_that(callers: Callers) -> None:
    await record_test(callers.engineer)
    with pytest.raises(TwinError) as refused:
        await record_test(callers.viewer)
    assert refused.value.reason == Reason.ROLE_NOT_ALLOWED
    assert len(await callers.viewer.list_events()) == 1
    assert len(await callers.stranger.list_events()) == 0
    places: list[dict[str, Any]] = [{"location_id": "AAA"}, {"string_id": "AAA-U1-S01"}, {"battery_id": ONE}]
    for place in places:
        for attempt in (
            callers.stranger.list_events(**place),
            callers.stranger.record_event(EventKind.INSPECTION, ago(hours=1), **place),
        ):
            with pytest.raises(TwinError) as hidden:
                await attempt
            assert hidden.value.reason in {Reason.LOCATION_NOT_ALLOWED, Reason.UNKNOWN_STRING, Reason.UNKNOWN_BATTERY}


def good() -> event_pb2.Event:
    start = Timestamp()
    start.FromDatetime(ago(hours=9))
    return event_pb2.Event(
        kind=event_pb2.EVENT_KIND_CAPACITY_TEST,
        battery_id=ONE,
        start_time=start,
        capacity_test=event_pb2.CapacityTest(
            discharged_ah=90.0, current_a=12.0, temperature_c=25.0, end_voltage_v=10.5
        ),
    )


def at(**parts: float) -> Timestamp:
    time = Timestamp()
    time.FromDatetime(ago(**parts))
    return time


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no kind": ({"kind": 0}, "event.kind"),
    "a kind of the future": ({"kind": 99}, "event.kind"),
    "no place": ({"battery_id": ""}, "event.location_id"),
    "another location's battery": ({"location_id": "BBB"}, "event.location_id"),
    "another string's battery": ({"string_id": "AAA-U1-S02"}, "event.string_id"),
    "a test of a string": ({"battery_id": "", "string_id": "AAA-U1-S01"}, "event.battery_id"),
    "no start": ({"start_time": None}, "event.start_time"),
    "tomorrow": ({"start_time": at(days=-1)}, "event.start_time"),
    "ends tomorrow": ({"end_time": at(days=-1)}, "event.end_time"),
    "ends before it begins": ({"end_time": at(hours=10)}, "event.end_time"),
    "shorter than its charge takes": ({"end_time": at(hours=7)}, "event.end_time"),
    "before the block was there": ({"start_time": at(days=9_000)}, "event.start_time"),
    "a long note": ({"note": "x" * 2_001}, "event.note"),
    "an inspection with a result": ({"kind": event_pb2.EVENT_KIND_INSPECTION}, "event.capacity_test"),
    "a test without a result": ({"capacity_test": None}, "event.capacity_test"),
    "no charge": ({"capacity_test.discharged_ah": 0.0}, "event.capacity_test.discharged_ah"),
    "a negative charge": ({"capacity_test.discharged_ah": -90.0}, "event.capacity_test.discharged_ah"),
    "no number": ({"capacity_test.discharged_ah": float("nan")}, "event.capacity_test.discharged_ah"),
    "more than any block holds": ({"capacity_test.discharged_ah": 200.0}, "event.capacity_test.discharged_ah"),
    "a test that is not over": ({"capacity_test.current_a": 2.0}, "event.capacity_test.discharged_ah"),
    "a test of ages": ({"capacity_test.current_a": 1e-9}, "event.capacity_test.discharged_ah"),
    "a test without an end": ({"capacity_test.current_a": 5e-324}, "event.capacity_test.discharged_ah"),
    "half a minute": ({"capacity_test.discharged_ah": 0.1}, "event.capacity_test.discharged_ah"),
    "a charging current": ({"capacity_test.current_a": -12.0}, "event.capacity_test.current_a"),
    "a short circuit": ({"capacity_test.current_a": 6_000.0}, "event.capacity_test.current_a"),
    "kelvin": ({"capacity_test.temperature_c": 298.0}, "event.capacity_test.temperature_c"),
    "volts of the string": ({"capacity_test.end_voltage_v": 252.0}, "event.capacity_test.end_voltage_v"),
}


@pytest.mark.parametrize("case", BAD)
async def test_what_cannot_be_is_refused_by_field(callers: Callers, case: str) -> None:
    changes, field = BAD[case]
    event = good()
    for name, value in changes.items():
        *path, leaf = name.split(".")
        target: Any = event.capacity_test if path else event
        if value is None:
            target.ClearField(leaf)
        elif isinstance(value, Timestamp):
            getattr(target, leaf).CopyFrom(value)
        else:
            setattr(target, leaf, value)
    error = await refusal(callers, pb.RecordEventRequest(event=event, request_id=str(uuid.uuid4())))
    assert error.field == field, error.message
    assert len(error.message) > 30, "what to do about it"
    assert len(await callers.admin.list_events()) == 0


async def test_a_request_needs_a_name_of_its_own(callers: Callers) -> None:
    for name in ("", "again"):
        assert (await refusal(callers, pb.RecordEventRequest(event=good(), request_id=name))).field == "request_id"


async def refusal(callers: Callers, message: pb.RecordEventRequest) -> InvalidArgumentError:
    async with grpc.aio.insecure_channel(callers.server.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await HistoryServiceStub(channel).RecordEvent(message, metadata=callers.server.admin, timeout=20)
    error = error_from_rpc(refused.value, callers.server.target)
    assert isinstance(error, InvalidArgumentError)
    return error


async def test_events_are_listed_by_whom_they_concern(callers: Callers) -> None:
    async def event(hours: float, kind: EventKind = EventKind.INSPECTION, **place: Any) -> Event:
        return await callers.admin.record_event(kind, ago(hours=hours), **place)

    everywhere = await event(5, EventKind.OUTAGE, location_id="AAA")
    of_string = await event(4, string_id="AAA-U1-S01")
    of_one = await event(3, EventKind.MAINTENANCE, battery_id=ONE)
    of_other = await event(2, battery_id="AAA-U1-S01-B02")
    elsewhere = await event(1, location_id="BBB")
    found = callers.admin.list_events
    assert list(await found()) == [elsewhere, of_other, of_one, of_string, everywhere]
    assert list(await found(battery_id=ONE)) == [of_one, of_string, everywhere]
    assert list(await found(string_id="AAA-U1-S01")) == [of_other, of_one, of_string, everywhere]
    assert list(await found(string_id="AAA-U1-S02")) == [everywhere]
    assert list(await found("BBB")) == [elsewhere]
    assert list(await found(kinds=[EventKind.OUTAGE, EventKind.MAINTENANCE])) == [of_one, everywhere]
    assert list(await found("AAA", start_time=ago(hours=3.5))) == [of_other, of_one, everywhere], "the outage lasts"
    assert list(await found(end_time=ago(hours=3.5))) == [of_string, everywhere]
    with pytest.raises(InvalidArgumentError):
        await found("BBB", battery_id=ONE)


async def test_pages_neither_repeat_nor_lose_events(callers: Callers) -> None:
    recorded = [
        await callers.admin.record_event(EventKind.INSPECTION, ago(hours=2 + number // 3), location_id="AAA")
        for number in range(10)
    ]
    seen: list[Event] = []
    token = ""
    while True:
        page = await callers.admin.list_events(page_size=3, page_token=token)
        if not seen:
            await callers.admin.record_event(EventKind.INSPECTION, ago(hours=1), location_id="AAA")
        seen += page
        token = page.next_page_token
        if not token:
            break
    assert len(seen) == 10
    assert sorted(seen, key=lambda e: e.event_id) == sorted(recorded, key=lambda e: e.event_id)
    assert [e.start_time for e in seen] == sorted((e.start_time for e in recorded), reverse=True)
    with pytest.raises(InvalidArgumentError):
        await callers.admin.list_events("AAA", page_token="nonsense")


async def test_a_test_that_was_stored_and_not_applied_is_applied_at_the_next_start(
    database_url: str, tmp_path: Path
) -> None:
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed([ONE], now_ns(-60))
        await record_test(callers.admin)
        told = await callers.admin.get_twin(ONE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM twin_input")
        connection.execute("DELETE FROM twin_snapshot")
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        for _ in range(100):
            twin = await callers.admin.get_twin(ONE)
            if twin.capacity_evidence_time is not None:
                break
        assert twin.soh_capacity == told.soh_capacity or twin.soh_capacity is not None
        assert twin.soh_capacity is not None
        assert told.soh_capacity is not None
        assert twin.soh_capacity.value == pytest.approx(told.soh_capacity.value, abs=1e-3)


async def test_a_twin_keeps_its_evidence_over_a_restart(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed([ONE], now_ns(-60))
        event = await record_test(callers.admin)
        told = await callers.admin.get_twin(ONE)
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        twin = await callers.admin.get_twin(ONE)
        assert twin.health_evidence == told.health_evidence
        assert twin.capacity_evidence_time == told.capacity_evidence_time
        assert list(await callers.admin.list_events(battery_id=ONE)) == [event]


ALL_AAA = [*blocks("AAA-U1-S01"), *blocks("AAA-U1-S02")]


async def outages(callers: Callers) -> list[Event]:
    await callers.server.server.look_for_outages()
    return list(await callers.admin.list_events(kinds=[EventKind.OUTAGE]))


async def test_an_outage_is_recorded_from_its_first_sample_to_the_first_after_it(
    database_url: str, tmp_path: Path
) -> None:
    times = {name: now_ns(offset) for name, offset in (("before", -40), ("begin", -30), ("during", -20), ("end", -10))}
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed(ALL_AAA, times["before"])
        await callers.feed(blocks("BBB-U1-S01"), times["before"])
        assert await outages(callers) == []
        await callers.feed(blocks("AAA-U1-S01"), times["begin"], 12.4, -40.0)
        assert await outages(callers) == [], "one string alone is under test, not the mains away"
        await callers.feed(blocks("AAA-U1-S02"), times["begin"], 12.4, -40.0)
        (lasting,) = await outages(callers)
        assert (lasting.location_id, lasting.string_id, lasting.end_time) == ("AAA", "", None)
        assert lasting.start_time.timestamp() == pytest.approx(times["begin"] / 1e9, abs=1e-3)
        assert lasting.recorded_by == "server"
        assert "AAA-U1" in lasting.note
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed(ALL_AAA, times["during"], 12.3, -40.0)
        assert await outages(callers) == [lasting], "a restart finds it open"
        await callers.feed(ALL_AAA, times["end"], 13.3, 10.0)
        (ended,) = await outages(callers)
        assert ended.event_id == lasting.event_id
        assert ended.end_time is not None
        assert ended.end_time.timestamp() == pytest.approx(times["end"] / 1e9, abs=1e-3)
