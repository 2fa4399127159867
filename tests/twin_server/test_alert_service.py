"""Alerts reach who watches without loss, in order, once, and only those who may see them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from batterytwin.access import Role
from batterytwin.alerts import AlertChange, AlertRule, AlertTransition, Severity
from batterytwin.v1 import alert_pb2, alert_service_pb2, auth_service_pb2, twin_service_pb2
from batterytwin.v1.alert_service_pb2_grpc import AlertServiceStub
from batterytwin.v1.auth_service_pb2_grpc import AuthServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from tests.fixtures.server import Metadata, RunningServer, bearer
from tests.twin_server.calls import columns, now_ns, reason_of, request
from twin_server.access_admin import add_user

HOT = "AAA-U1-S01-B07"
ALSO_HOT = "BBB-U1-S01-B01"

Change = alert_service_pb2.WatchAlertsResponse


class Desk:
    """Heats batteries and handles what comes of it."""

    def __init__(self, server: RunningServer, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.channel = channel
        self.alerts = AlertServiceStub(channel)

    async def heat(self, battery_id: str, minutes_ago: int = 0, temperature_c: float = 50.0) -> None:
        """Ten minutes of samples at a temperature."""
        for minute in range(10, 0, -1):
            message = request(
                columns([battery_id], now_ns(-60.0 * (minutes_ago + minute)), temperature_c=temperature_c)
            )
            await IngestServiceStub(self.channel).IngestReadings(message, metadata=self.server.admin, timeout=20)

    async def watch(self, metadata: Metadata | None = None, **fields: Any) -> "grpc.aio.UnaryStreamCall[Any, Change]":
        """A watch that the server has taken up: what happens from now on has to come."""
        message = alert_service_pb2.WatchAlertsRequest(**fields)
        call = self.alerts.WatchAlerts(message, metadata=metadata or self.server.admin)
        await call.initial_metadata()
        return call

    async def list(self, **fields: Any) -> list[alert_pb2.Alert]:
        message = alert_service_pb2.ListAlertsRequest(**fields)
        return list((await self.alerts.ListAlerts(message, metadata=self.server.admin, timeout=20)).alerts)

    async def user(self, name: str, role: Role, location_id: str) -> Metadata:
        await add_user(self.server.store, name, role, [location_id], password="a password of people")
        login = auth_service_pb2.LoginRequest(username=name, password="a password of people")
        return bearer((await AuthServiceStub(self.channel).Login(login)).session.access_token)


@pytest_asyncio.fixture
async def desk(running_server: RunningServer) -> AsyncIterator[Desk]:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        yield Desk(running_server, channel)


async def take(call: "grpc.aio.UnaryStreamCall[Any, Change]", count: int) -> list[Change]:
    found = []
    for _ in range(count):
        response = await asyncio.wait_for(call.read(), 20)
        assert isinstance(response, Change)
        found.append(response)
    return found


def transition(number: int, location_id: str = "AAA", at_us: int | None = None) -> AlertTransition:
    at_us = now_ns() // 1_000 if at_us is None else at_us
    return AlertTransition(
        f"test/{number}", None, f"{location_id}-U1-S01", location_id, AlertRule.NO_DATA, Severity.WARNING,
        AlertChange.RAISED, at_us, 1.0, 2.0, "s", "made by a test",
    )  # fmt: skip


async def test_a_hot_battery_is_told_counted_listed_acknowledged_and_resolved(desk: Desk) -> None:
    watch = await desk.watch()
    await desk.heat(HOT)
    (raised,) = await take(watch, 1)
    alert = raised.alert
    assert (raised.change, alert.battery_id, alert.location_id) == (alert_service_pb2.ALERT_CHANGE_RAISED, HOT, "AAA")
    ids = [found.alert_id for found in await desk.list(battery_id=HOT)]
    assert alert.alert_id in ids

    stub = TwinServiceStub(desk.channel)
    wanted = twin_service_pb2.GetTwinRequest(battery_id=HOT)
    assert (await stub.GetTwin(wanted, metadata=desk.server.admin)).twin.active_alert_count == len(ids)

    engineer = await desk.user("engineer", Role.ENGINEER, "AAA")
    acknowledge = alert_service_pb2.AcknowledgeAlertRequest(alert_id=alert.alert_id, note="seen")
    for _ in range(2):
        answer = (await desk.alerts.AcknowledgeAlert(acknowledge, metadata=engineer)).alert
        assert (answer.state, answer.acknowledged_by, answer.acknowledge_note) == (
            alert_pb2.ALERT_STATE_ACKNOWLEDGED, "engineer", "seen",
        )  # fmt: skip
    resolve = alert_service_pb2.ResolveAlertRequest(alert_id=alert.alert_id, note="fan repaired")
    answer = (await desk.alerts.ResolveAlert(resolve, metadata=engineer)).alert
    assert answer.state == alert_pb2.ALERT_STATE_RESOLVED
    after = (await stub.GetTwin(wanted, metadata=desk.server.admin)).twin.active_alert_count
    assert after == len(ids) - 1
    changes = [c.change for c in await take(watch, len(ids) + 1) if c.alert.alert_id == alert.alert_id]
    assert changes == [alert_service_pb2.ALERT_CHANGE_ACKNOWLEDGED, alert_service_pb2.ALERT_CHANGE_RESOLVED]
    watch.cancel()


async def test_a_resumed_watch_misses_nothing_and_repeats_nothing(desk: Desk) -> None:
    store, poke = desk.server.store, desk.server.server.poke_alerts
    watch = await desk.watch()
    seen: list[Change] = []
    for number in range(12):
        if number in (4, 9):
            watch.cancel()
        await store.apply_transitions([transition(number)])
        poke()
        if number in (6, 10):  # others happened while nobody watched
            watch = await desk.watch(resume_token=seen[-1].resume_token)
            seen += await take(watch, number - len(seen) + 1)
        elif number not in (4, 5, 9):
            seen += await take(watch, 1)
    assert [change.alert.alert_id for change in seen] == [f"test/{number}" for number in range(12)]
    tokens = [int(change.resume_token) for change in seen]
    assert tokens == sorted(set(tokens))
    watch.cancel()


async def test_who_lags_behind_the_memory_of_the_server_reads_on_from_the_database(desk: Desk) -> None:
    store, poke = desk.server.store, desk.server.server.poke_alerts
    watch = await desk.watch()
    await store.apply_transitions([transition(0)])
    poke()
    (first,) = await take(watch, 1)
    watch.cancel()
    for begin in range(1, 2_600, 650):
        await store.apply_transitions([transition(number) for number in range(begin, begin + 650)])
    poke()
    late = await desk.watch(resume_token=first.resume_token)
    assert [change.alert.alert_id for change in await take(late, 2_600)] == [f"test/{n}" for n in range(1, 2_601)]
    late.cancel()


async def test_a_fresh_watch_begins_with_what_stands(desk: Desk) -> None:
    await desk.server.store.apply_transitions([transition(1), transition(2, "BBB")])
    desk.server.server.poke_alerts()
    watcher = await desk.watch(metadata=await desk.user("viewer", Role.VIEWER, "BBB"))
    (only,) = await take(watcher, 1)
    assert (only.change, only.alert.location_id) == (alert_service_pb2.ALERT_CHANGE_UNSPECIFIED, "BBB")
    assert only.resume_token
    watcher.cancel()


async def test_what_is_long_past_is_listed_and_notifies_nobody(desk: Desk) -> None:
    watch = await desk.watch()
    await desk.heat(HOT, minutes_ago=600)
    await desk.heat(ALSO_HOT)
    (first,) = await take(watch, 1)
    assert first.alert.battery_id == ALSO_HOT
    assert await desk.list(battery_id=HOT)
    watch.cancel()


async def test_an_engineer_of_another_site_finds_no_such_alert(desk: Desk) -> None:
    await desk.server.store.apply_transitions([transition(1)])
    stranger = await desk.user("stranger", Role.ENGINEER, "BBB")
    for alert_id in ("test/1", "test/99"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await desk.alerts.AcknowledgeAlert(
                alert_service_pb2.AcknowledgeAlertRequest(alert_id=alert_id), metadata=stranger
            )
        assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_ALERT")
    listed = await desk.alerts.ListAlerts(alert_service_pb2.ListAlertsRequest(), metadata=stranger)
    assert not listed.alerts


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"states": [99]}, "INVALID_ARGUMENT"),
        ({"min_severity": 9}, "INVALID_ARGUMENT"),
        ({"battery_id": "nope"}, "UNKNOWN_BATTERY"),
        ({"location_id": "nope"}, "UNKNOWN_LOCATION"),
        ({"page_token": "nope"}, "INVALID_PAGE_TOKEN"),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(desk: Desk, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.list(**fields)
    assert reason_of(caught.value) == reason


@pytest.mark.parametrize("token", ["nope", "-1", "999999", "9" * 40])
async def test_a_resume_token_of_another_server_is_refused(desk: Desk, token: str) -> None:
    watch = await desk.watch(resume_token=token)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(watch.read(), 20)
    assert reason_of(caught.value) == "INVALID_PAGE_TOKEN"


async def test_a_note_of_a_novel_is_refused(desk: Desk) -> None:
    await desk.server.store.apply_transitions([transition(1)])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await desk.alerts.ResolveAlert(
            alert_service_pb2.ResolveAlertRequest(alert_id="test/1", note="x" * 1_001), metadata=desk.server.admin
        )
    assert reason_of(caught.value) == "INVALID_ARGUMENT"
