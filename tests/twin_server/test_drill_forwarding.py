"""A call that names a drill is answered there, to the letter, or refused; never by the live fleet."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from batterytwin.access import Role
from batterytwin.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    Reason,
    UnavailableError,
    UnknownBatteryError,
    UnknownDrillError,
)
from batterytwin.readings import ReadingBatch
from batterytwin.v1.twin_service_pb2 import GetTwinRequest
from batterytwin.v1.twin_service_pb2_grpc import TwinServiceStub
from clients.async_client import AsyncTwinClient
from clients.types import Drill, GridSpec, LocationClock, ScenarioPart
from tests.fixtures.server import QUICK_HASHES, RunningServer, serve
from tests.twin_server.calls import columns, now_ns, reason_of
from tests.twin_server.scripted_drills import ScriptedDatabases, ScriptedHosts, scripted_place
from twin_server.access_admin import add_user
from twin_server.operator_token import operator_token
from twin_server.passwords import Passwords

BATTERY = "AAA-U1-S01-B01"
PASSWORD = "a password for drills"
COOLING = ScenarioPart("hvac_failure")


class Pair:
    """A live server, and another one that stands for every drill of it.

    Attributes:
        live: the live server.
        inner: the drill's.
        client: of the live server; may do everything.
        hosts: of the live server's drills.
    """

    def __init__(self, live: RunningServer, inner: RunningServer, client: AsyncTwinClient, hosts: ScriptedHosts):
        self.live, self.inner, self.client, self.hosts = live, inner, client, hosts

    async def start(self) -> tuple[Drill, AsyncTwinClient]:
        drill = await self.client.start_scenario([COOLING])
        return drill, self.client.in_drill(drill.drill_id)

    async def feed_drill(self, voltage_v: float = 12.3) -> None:
        """Gives one battery of the drill a reading."""
        token = self.inner.gateway_tokens["AAA"]
        async with AsyncTwinClient(self.inner.target, token) as gateway:
            await gateway.ingest(ReadingBatch(columns([BATTERY], now_ns(), voltage_v)))


@pytest_asyncio.fixture
async def pair(make_database: Callable[[], str], tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as parts:
        inner = await parts.enter_async_context(serve(make_database(), tmp_path))
        hosts = ScriptedHosts(inner.target)
        place = scripted_place(hosts, ScriptedDatabases(), tmp_path)
        live = await parts.enter_async_context(serve(make_database(), tmp_path, drills=place))
        # of a user of the live server alone the other one would know nothing; a real drill looks users up there
        client = await parts.enter_async_context(AsyncTwinClient(live.target, operator_token(tmp_path)))
        yield Pair(live, inner, client, hosts)


async def test_answers_errors_and_names_of_calls_are_those_of_the_drill(pair: Pair) -> None:
    _, inside = await pair.start()
    await pair.feed_drill()
    twin = await inside.get_twin(BATTERY)
    assert twin.voltage_v == pytest.approx(12.3)
    assert (await pair.client.get_twin(BATTERY)).voltage_v is None
    assert len(await inside.list_locations()) == 2
    assert (await inside.get_status()).readings_accepted == 1
    assert (await pair.client.get_status()).readings_accepted == 0
    with pytest.raises(UnknownBatteryError) as unknown:
        await inside.get_twin("nothing")
    assert (unknown.value.field, unknown.value.value) == ("battery_id", "nothing")


async def test_the_name_of_a_call_and_its_deadline_go_with_it(pair: Pair, tmp_path: Path) -> None:
    drill, inside = await pair.start()
    metadata = (
        ("authorization", f"Bearer {operator_token(tmp_path)}"),
        ("batterytwin-drill", drill.drill_id),
        ("x-request-id", "from-far-away"),
    )
    async with grpc.aio.insecure_channel(pair.live.target) as channel:
        call = TwinServiceStub(channel).GetTwin(GetTwinRequest(battery_id="nothing"), metadata=metadata)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert reason_of(refused.value) == Reason.UNKNOWN_BATTERY
        trailing = dict(refused.value.trailing_metadata() or ())
        assert trailing["x-request-id"] == "from-far-away"
    end = datetime.now(UTC)
    chunks = [chunk async for chunk in inside.export_history(end - timedelta(hours=1), end, battery_id=BATTERY)]
    assert chunks[-1].done_fraction == 1.0


async def test_a_stream_is_the_drills_and_ends_with_it(pair: Pair) -> None:
    drill, inside = await pair.start()
    updates = inside.watch_twins(min_interval_s=0.1)
    first = await anext(updates)
    assert len(first.twins) == 96
    await pair.feed_drill()
    async with asyncio.timeout(20):
        assert list((await anext(updates)).twins.battery_ids) == [BATTERY]
    await pair.client.stop_scenario(drill.drill_id)
    with pytest.raises(UnknownDrillError, match=drill.drill_id):
        await anext(updates)


async def test_a_caller_who_goes_away_is_gone_there_too(pair: Pair) -> None:
    _, inside = await pair.start()
    updates = inside.watch_twins()
    await anext(updates)
    under_way = pair.inner.server._admission._under_way
    assert under_way[False] == 1
    await updates.aclose()  # type: ignore[attr-defined]  # it is a generator
    async with asyncio.timeout(10):
        while under_way[False]:  # noqa: ASYNC110 # it tells nobody
            await asyncio.sleep(0.01)


async def test_what_a_drill_has_not_is_refused(pair: Pair) -> None:
    _, inside = await pair.start()
    grid = GridSpec("lab", "LAB", "Laboratory", LocationClock.FEED, 10.0, 'model = "X"', ("LAB-1",))
    for call in (
        inside.list_models(),
        inside.get_remaining_life(BATTERY),
        inside.list_scenarios(),
        inside.register_grid(grid),
        inside.ingest(ReadingBatch(columns([BATTERY], now_ns()))),
        inside.login("admin", pair.live.admin_password),
    ):
        with pytest.raises(InvalidArgumentError) as refused:
            await call
        assert refused.value.reason is Reason.NOT_IN_A_DRILL
    assert (await pair.client.get_status()).readings_accepted == 0


async def test_a_drill_that_is_not_there_is_not_the_live_fleet(pair: Pair) -> None:
    drill, inside = await pair.start()
    await pair.client.stop_scenario(drill.drill_id)
    for gone in (inside, pair.client.in_drill("nothing")):
        with pytest.raises(UnknownDrillError):
            await gone.get_twin(BATTERY)
        with pytest.raises(UnknownDrillError):
            await anext(gone.watch_alerts())
    assert (await inside.in_drill("").get_status()).twins_total == 96


async def test_one_that_does_not_answer_says_so_and_costs_no_more_than_the_deadline(pair: Pair) -> None:
    pair.hosts.target = "127.0.0.1:1"
    drill, inside = await pair.start()
    with pytest.raises(UnavailableError, match=drill.drill_id) as away:
        await inside.get_twin(BATTERY, deadline_s=8.0)
    assert away.value.retry_after_s == 1.0


async def test_only_who_sees_all_of_it_sees_a_drill(pair: Pair) -> None:
    await add_user(pair.live.store, "bob", Role.ENGINEER, ["AAA"], password=PASSWORD, passwords=Passwords(QUICK_HASHES))
    await add_user(pair.live.store, "vera", Role.VIEWER, [], password=PASSWORD, passwords=Passwords(QUICK_HASHES))
    everywhere, _ = await pair.start()
    async with AsyncTwinClient(pair.live.target) as anyone:
        bob = (await anyone.login("bob", PASSWORD)).access_token
        vera = (await anyone.login("vera", PASSWORD)).access_token
        for call in (
            anyone.get_scenario(everywhere.drill_id, token=bob),
            anyone.update_scenario(everywhere.drill_id, speed=9.0, token=bob),
            anyone.stop_scenario(everywhere.drill_id, token=bob),
            anyone.in_drill(everywhere.drill_id).get_status(token=bob),
        ):
            with pytest.raises(UnknownDrillError):
                await call
        mine = await anyone.start_scenario([COOLING], token=bob)
        assert mine.location_ids == ("AAA",)
        assert [one.drill_id for one in await anyone.list_scenarios(token=bob)] == [mine.drill_id]
        assert [one.drill_id for one in await anext(anyone.watch_scenarios(token=bob))] == [mine.drill_id]
        assert len(await anyone.list_scenarios(token=vera)) == 2
        assert (await anyone.get_scenario(mine.drill_id, token=vera)).alert_count == 2
        for forbidden in (
            anyone.start_scenario([COOLING], token=vera),
            anyone.update_scenario(mine.drill_id, speed=9.0, token=vera),
            anyone.stop_scenario(mine.drill_id, token=vera),
        ):
            with pytest.raises(PermissionDeniedError):
                await forbidden


async def test_drills_are_listed_watched_changed_and_audited(pair: Pair) -> None:
    library = await pair.client.list_library()
    assert library.most_drills == 5
    cooling = next(one for one in library if one.name == "hvac_failure")
    own = ScenarioPart(definition=cooling.definition, targets=("AAA",))
    drills = [(await pair.client.start_scenario([own])) for _ in range(3)]
    assert pair.hosts.warmed == 1 + len(drills), "who looks at the library may start one, and so may who has"
    names = [drill.drill_id for drill in drills]
    page = await pair.client.list_scenarios(page_size=2)
    assert [one.drill_id for one in page] == names[:0:-1]
    assert [one.drill_id for one in await pair.client.list_scenarios(page_size=2, page_token=page.next_page_token)] == [
        names[0]
    ]
    news = pair.client.watch_scenarios(names[0])
    assert [one.drill_id for one in await anext(news)] == names[:1]
    await pair.client.update_scenario(names[0], speed=60.0, revision=1)
    async with asyncio.timeout(10):
        while (await anext(news))[0].speed != 60.0:
            pass
        begun = asyncio.get_running_loop().time()
        for _ in range(3):
            await anext(news)
        assert asyncio.get_running_loop().time() - begun < 6.0
    await pair.client.stop_scenario(names[0])
    assert len(await pair.client.list_scenarios(only_active=True)) == 2
    report = await pair.client.get_scenario(names[0])
    assert [change.words.split()[0] for change in report.changes] == ["started", "pace", "stopped"]
    assert report.alerts[0].acknowledged_by == "anna"
    trail = [(entry.action, entry.target) for entry in await pair.live.store.audit_trail(9)]
    for action in ("scenario.stop", "scenario.update"):
        assert (action, names[0]) in trail
    assert [action for action, _ in trail].count("scenario.start") == 3
