"""Laws of the keeper of drills, over hosts that do what the test says."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    NotFoundError,
    Reason,
    StoreUnavailableError,
    TooManyDrillsError,
    UnavailableError,
    UnknownDrillError,
)
from batterytwin.scenarios import DrillState
from batterytwin.v1 import scenario_pb2
from batterytwin.v1.scenario_service_pb2 import StartScenarioRequest
from storage.drill_records import DrillRecord
from storage.server_store import ServerStore
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.scripted_drills import BEGIN_US, ScriptedDatabases, ScriptedHosts, scripted_place
from twin_server.drill_keeper import MOST_DRILLS, DrillKeeper
from twin_server.drill_order import DrillOrder, read_order
from twin_server.scenario_parts import read_parts

FLEET = small_inventory()


class Stage:
    """A keeper with scripted hosts, and a clock that the test moves."""

    def __init__(self, store: ServerStore, data_dir: Path) -> None:
        self.store = store
        self.hosts = ScriptedHosts()
        self.databases = ScriptedDatabases()
        self.now_s = 0.0
        self.place = scripted_place(self.hosts, self.databases, data_dir)
        self.keeper = self.make()

    def make(self) -> DrillKeeper:
        return DrillKeeper(self.store, self.place, 8.0, lambda: self.now_s)

    async def start(self, request_id: str = "", **fields: Any) -> DrillRecord:
        return await self.keeper.start(order(**fields), request_id or str(uuid.uuid4()), "anna", None)

    async def change(self, drill_id: str, request_id: str = "", **fields: Any) -> DrillRecord:
        wanted: dict[str, Any] = {"parts": None, "speed": None, "revision": 0} | fields
        asked = request_id or str(uuid.uuid4())
        return await self.keeper.change(
            drill_id,
            wanted["parts"],
            wanted["speed"],
            revision=wanted["revision"],
            request_id=asked,
            by="bob",
            audit=None,
        )

    async def until_there_are(self, databases: int) -> None:
        async with asyncio.timeout(10):
            while len(self.databases.there) < databases:  # noqa: ASYNC110 # they are made in threads
                await asyncio.sleep(0.01)

    async def ended(self, drill_id: str) -> DrillRecord:
        """A drill that ends by itself."""
        async with asyncio.timeout(10):
            seq = 0
            while any(one.drill_id == drill_id for one in self.keeper.live()):
                seq, _ = await self.keeper.news.wait_newer(seq)
        found = await self.store.drill(drill_id)
        assert found is not None
        return found


def order(**fields: Any) -> DrillOrder:
    parts = fields.pop("parts", None) or [part("hvac_failure", "AAA")]
    return read_order(StartScenarioRequest(parts=parts, **fields), FLEET, sees_all=True)


def part(name: str, *targets: str, **parameters: float) -> scenario_pb2.ScenarioPart:
    return scenario_pb2.ScenarioPart(scenario_name=name, targets=targets, parameters=parameters)


@pytest_asyncio.fixture
async def stage(server_store: ServerStore, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(server_store, tmp_path)
    yield stage
    await stage.keeper.close()


async def test_a_drill_from_its_start_to_its_report(stage: Stage) -> None:
    record = await stage.start(speed=60, seed=5, duration_h=2, title="Monday")
    plan = stage.hosts.made[0].plan
    assert plan is not None
    assert (plan.names, plan.speed, plan.seed, plan.duration_h) == (("AAA",), 60.0, 5, 2.0)
    assert plan.database_url.endswith(record.drill_id)
    assert (record.state, record.title, record.revision) == (DrillState.RUNNING, "Monday", 1)
    assert (record.begin_us, record.end_us) == (BEGIN_US, BEGIN_US + 7_200_000_000)
    assert record.parts[0].parameters["duration_h"] > 0
    assert '"effect"' in record.parts[0].definition
    assert stage.databases.there == {record.drill_id}

    await stage.keeper.turn()
    (now,) = stage.keeper.live()
    assert now.now_us == BEGIN_US + 1_000_000
    assert (await stage.keeper.report(record.drill_id)).alert_count == 2

    stopped = await stage.keeper.stop(record.drill_id, "bob", None)
    assert (stopped.state, stopped.stopped_by, stopped.reason) == (DrillState.STOPPED, "bob", "")
    assert stage.hosts.made[0].is_stopped
    assert stage.databases.there == set()
    assert stage.keeper.live() == []
    assert (await stage.keeper.stop(record.drill_id, "carl", None)).stopped_by == "bob"
    kept = await stage.keeper.report(record.drill_id)
    assert [one.acknowledged_by for one in kept.alerts] == ["anna", "anna"]
    changes = await stage.store.drill_changes(record.drill_id)
    assert [(one.changed_by, one.words.split()[0]) for one in changes] == [("anna", "started"), ("bob", "stopped")]


async def test_the_sixth_is_refused_before_anything_is_made(stage: Stage) -> None:
    stage.hosts.gate.clear()  # those that still start count as well
    starting = [asyncio.create_task(stage.start()) for _ in range(MOST_DRILLS)]
    await stage.until_there_are(MOST_DRILLS)
    with pytest.raises(TooManyDrillsError, match=r"^Max 5 concurrent simulations exceeded; stop one of") as refused:
        await stage.start()
    assert refused.value.reason is Reason.TOO_MANY_DRILLS
    assert len(stage.hosts.made) == MOST_DRILLS
    stage.hosts.gate.set()
    records = await asyncio.gather(*starting)
    await stage.keeper.stop(records[0].drill_id, "anna", None)
    await stage.start()


async def test_a_repeated_call_changes_nothing(stage: Stage) -> None:
    started, changed = str(uuid.uuid4()), str(uuid.uuid4())
    stage.hosts.gate.clear()
    both = [asyncio.create_task(stage.start(started)) for _ in range(2)]
    await asyncio.sleep(0.05)
    stage.hosts.gate.set()
    first, second = await asyncio.gather(*both)
    assert first.drill_id == second.drill_id == (await stage.start(started)).drill_id
    assert len(stage.hosts.made) == 1
    for _ in range(2):
        assert (await stage.change(first.drill_id, changed, speed=600.0)).revision == 2
    await stage.keeper.stop(first.drill_id, "anna", None)
    assert (await stage.start(started)).state is DrillState.STOPPED


async def test_a_start_goes_on_when_its_caller_has_gone(stage: Stage) -> None:
    asked = str(uuid.uuid4())
    stage.hosts.gate.clear()
    starting = asyncio.create_task(stage.start(asked))
    await asyncio.sleep(0.05)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    stage.hosts.gate.set()
    assert (await stage.start(asked)).state is DrillState.RUNNING
    assert len(stage.hosts.made) == 1


async def test_a_start_that_fails_leaves_nothing(stage: Stage) -> None:
    stage.hosts.refusal = InvalidArgumentError("There is no reading then.")
    with pytest.raises(InvalidArgumentError, match="no reading"):
        await stage.start()
    assert await stage.store.drills(limit=9) == []

    asked = str(uuid.uuid4())
    stage.hosts.refusal = UnavailableError("Its process has died.")
    for _ in range(2):
        with pytest.raises(UnavailableError, match="died"):
            await stage.start(asked)
    (failed,) = await stage.store.drills(limit=9)
    assert (failed.state, failed.reason) == (DrillState.FAILED, "Its process has died.")
    assert len(stage.hosts.made) == 2
    assert all(host.is_stopped for host in stage.hosts.made)
    assert stage.databases.there == set()
    assert stage.keeper.live() == []


async def test_what_a_start_that_fails_must_leave_goes_once_the_database_is_back(stage: Stage) -> None:
    asked = str(uuid.uuid4())
    stage.hosts.refusal = stage.databases.refusal = StoreUnavailableError("It is away.")
    with pytest.raises(StoreUnavailableError):
        await stage.start(asked)
    with pytest.raises(UnavailableError, match="could not be started: It is away"):
        await stage.start(asked)
    (left,) = stage.keeper.live()
    stage.databases.refusal = None
    await stage.keeper.turn()
    ended = await stage.ended(left.drill_id)
    assert (ended.state, ended.reason) == (DrillState.FAILED, "It is away.")
    assert await stage.store.drills(only_active=True, limit=9) == []
    assert stage.databases.there == set()


async def test_what_changes_is_told_and_a_change_of_something_else_is_refused(stage: Stage) -> None:
    drill_id = (await stage.start()).drill_id
    parts = read_parts([part("hvac_failure", "AAA", duration_h=4.0), part("power_outage", "AAA")])
    changed = await stage.change(drill_id, parts=parts, speed=600.0, revision=1)
    assert (changed.revision, changed.speed) == (2, 600.0)
    assert [one.scenario_name for one in changed.parts] == ["hvac_failure", "power_outage"]
    words = (await stage.store.drill_changes(drill_id))[-1].words
    assert "pace 1 → 600" in words
    assert "→ 4" in words
    assert "adds power_outage at AAA" in words
    with pytest.raises(ConflictError) as stale:
        await stage.change(drill_id, speed=2.0, revision=1)
    assert stale.value.reason is Reason.DRILL_CHANGED
    with pytest.raises(InvalidArgumentError, match="not in the branch"):
        await stage.change(drill_id, parts=read_parts([part("hvac_failure", "BBB")]))
    await stage.change(drill_id, parts=read_parts([part("power_outage", "AAA")]), revision=2)
    assert (await stage.store.drill_changes(drill_id))[-1].words == "ends hvac_failure"
    await stage.keeper.stop(drill_id, "anna", None)
    for unknown in (drill_id, "nothing"):
        with pytest.raises(UnknownDrillError, match=unknown):
            await stage.change(unknown, speed=2.0)


async def test_what_is_new_begins_at_the_drills_present_and_what_was_played_goes_on(stage: Stage) -> None:
    """Else an outage of an hour that is added in the fifth would be over before it began, and nothing would happen."""
    drill_id = (await stage.start()).drill_id
    host = stage.hosts.made[0]
    host.now_us = BEGIN_US + 5 * 3_600_000_000
    hvac, outage = part("hvac_failure", "AAA", duration_h=9.0), part("power_outage", "AAA")
    later = part("room_set_point", "AAA")
    later.start_s = 90_000.0
    changed = await stage.change(drill_id, parts=read_parts([hvac, outage, later]))
    kept, new, delayed = (one.start_s for one in changed.parts)
    assert (kept, delayed) == (0.0, 90_000.0)
    assert new == pytest.approx(18_000.0, abs=10.0)
    assert host.plan is not None
    assert [one.start_s for one in host.plan.parts] == [kept, new, delayed]
    for start_s in (new, new + 2.9, 0.0):  # as a form rounds it; as it is played
        outage.start_s = start_s
        assert [one.start_s for one in (await stage.change(drill_id, parts=read_parts([outage]))).parts] == [new]
    host.now_us += 3_600_000_000
    outage.start_s = new + 60.0  # once more
    (again,) = (await stage.change(drill_id, parts=read_parts([outage]))).parts
    assert again.start_s == pytest.approx(new + 3_600.0, abs=20.0)


async def test_a_change_that_could_not_be_noted_can_be_repeated(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    drill_id, asked = (await stage.start()).drill_id, str(uuid.uuid4())

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("It is away.")

    parts = read_parts([part("power_outage", "AAA")])
    with monkeypatch.context() as patched:
        patched.setattr(stage.store, "save_drill", away)
        with pytest.raises(StoreUnavailableError):
            await stage.change(drill_id, asked, parts=parts, speed=60.0, revision=1)
    await stage.keeper.turn()
    for _ in range(2):
        changed = await stage.change(drill_id, asked, parts=parts, speed=60.0, revision=1)
        assert (changed.revision, changed.speed, changed.parts[0].scenario_name) == (2, 60.0, "power_outage")
    words = [change.words for change in await stage.store.drill_changes(drill_id)]
    assert len(words) == 2
    assert "pace 1 → 60" in words[1]


async def test_one_that_dies_fails_alone_with_its_reason(stage: Stage) -> None:
    dead, alive = [(await stage.start()).drill_id for _ in range(2)]
    stage.hosts.made[0].failure = UnavailableError("The process of this drill has died.")
    await stage.keeper.turn()
    failed = await stage.ended(dead)
    assert (failed.state, failed.reason) == (DrillState.FAILED, "The process of this drill has died.")
    assert failed.stopped_us is not None
    assert stage.databases.there == {alive}
    with pytest.raises(UnknownDrillError):
        stage.keeper.channel_of(dead)
    assert stage.keeper.channel_of(alive)[0].drill_id == alive


async def test_it_ends_by_itself_after_its_duration_and_after_the_longest_time(stage: Stage) -> None:
    short, long = [(await stage.start()).drill_id for _ in range(2)]
    stage.hosts.made[0].is_over = True
    await stage.keeper.turn()
    assert (await stage.ended(short)).state is DrillState.STOPPED
    stage.now_s = 8 * 3_600.0 + 1
    await stage.keeper.turn()
    ended = await stage.ended(long)
    assert (ended.state, ended.stopped_by) == (DrillState.STOPPED, "")
    assert "it has lived for 8 h" in (await stage.store.drill_changes(long))[-1].words
    assert (await stage.keeper.report(long)).alert_count == 2


async def test_a_database_that_cannot_be_dropped_is_dropped_later(stage: Stage) -> None:
    drill_id = (await stage.start()).drill_id
    stage.databases.refusal = StoreUnavailableError("It is away.")
    with pytest.raises(StoreUnavailableError):
        await stage.keeper.stop(drill_id, "bob", None)
    assert [one.state for one in stage.keeper.live()] == [DrillState.STOPPING]
    stage.databases.refusal = None
    await stage.keeper.turn()
    ended = await stage.ended(drill_id)
    assert (ended.state, ended.stopped_by) == (DrillState.STOPPED, "bob")
    assert stage.databases.there == set()


async def test_a_restart_drops_what_is_left_and_says_so(stage: Stage) -> None:
    drill_id = (await stage.start()).drill_id
    restarted = stage.make()
    await restarted.load()
    assert stage.databases.there == set()
    found = await restarted.get(drill_id)
    assert (found.state, found.reason) == (DrillState.FAILED, "the server was restarted")
    await restarted.close()


async def test_a_server_that_stops_ends_all(stage: Stage) -> None:
    lives = (await stage.start()).drill_id
    stage.hosts.gate.clear()
    starting = asyncio.create_task(stage.start())
    await stage.until_there_are(2)
    await stage.keeper.close()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert stage.databases.there == set()
    assert stage.hosts.is_closed
    found = await stage.store.drills(limit=9)
    assert {one.reason for one in found} == {"the server was stopped"}
    assert (await stage.store.drill_report(lives)).alert_count == 2
    with pytest.raises(UnavailableError):
        await stage.start()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parts": [part("hvac_failure", "CCC")]}, "CCC"),
        ({"parts": [part("hvac_failure", "AAA-U1-S01-B01")]}, "aimed at"),
        ({"parts": [part("hvac_failure", "AAA", nothing=1.0)]}, "no parameter"),
        ({"parts": [part("hvac_failure", "AAA", duration_h=-1.0)]}, "limits"),
        ({"parts": [part("hvac_failure", "AAA", duration_h=float("nan"))]}, "duration_h"),
        ({"parts": [part("nothing")]}, "nothing"),
        ({"parts": [scenario_pb2.ScenarioPart(definition="{}")]}, "cannot be used"),
        ({"parts": [part("hvac_failure", "BBB")], "names": ["AAA"]}, "not in the branch"),
        ({"names": ["CCC"]}, "CCC"),
        ({"speed": 0.5}, "speed"),
        ({"speed": 3_601.0}, "speed"),
        ({"speed": float("nan")}, "speed"),
        ({"duration_h": -1.0}, "duration_h"),
        ({"title": "x" * 201}, "title"),
        ({"seed": -1}, "seed"),
    ],
)
def test_an_order_that_cannot_be_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        order(**fields)


def test_what_is_copied_follows_from_the_targets_and_from_who_asks() -> None:
    assert order().names == ("AAA",)
    assert order(parts=[part("shorted_cell", "BBB-U1-S01-B02")]).location_ids == ("BBB",)
    assert order(names=["AAA-U1-S01"], parts=[part("shorted_cell", "AAA-U1-S01-B02")]).battery_count == 24
    everywhere = order(parts=[part("hvac_failure")])
    assert (everywhere.names, everywhere.location_ids, everywhere.battery_count) == ((), ("AAA", "BBB"), 96)
    mine = read_order(StartScenarioRequest(parts=[part("hvac_failure")]), small_inventory(("AAA",)), sees_all=False)
    assert mine.names == ("AAA",)
    for names in ([], ["BBB"]):
        request = StartScenarioRequest(parts=[part("hvac_failure", "BBB")], names=names)
        with pytest.raises(NotFoundError):
            read_order(request, small_inventory(("AAA",)), sees_all=False)
    nobody = StartScenarioRequest(parts=[part("hvac_failure")])
    with pytest.raises(NotFoundError, match="no location for you"):
        read_order(nobody, small_inventory(()), sees_all=False)
