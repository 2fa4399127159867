"""The pump loses nothing, keeps the order of each sender, and lets nobody suffer for another's rows."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from batterytwin.errors import (
    LeaseLostError,
    OverloadedError,
    ShardUnavailableError,
    StoreUnavailableError,
    UnavailableError,
)
from batterytwin.telemetry import READING_DTYPE, Outcome, Rows
from tests.fixtures.small_fleet import small_inventory, specs_of
from tests.twin_server.scripted_fleet import ScriptedFleet
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap
from twin_server.shard_pump import ShardPump

T0_US = 1_700_000_000_000_000


class Bench:
    def __init__(self) -> None:
        inventory = small_inventory(("AAA",), strings=1)
        self.fleet = ScriptedFleet([specs_of(inventory)])
        clocks = LocationClocks([location.clock for location in inventory.locations])
        self.live = LiveTable(FleetMap(inventory, self.fleet.shard_specs), clocks)
        self.alert_pokes = 0
        self.pump = ShardPump(0, self.fleet, self.live, self._poke, max_waiting_rows=10, restore_timeout_s=0.2)

    def _poke(self) -> None:
        self.alert_pokes += 1

    def put(self, *times: int) -> "asyncio.Future[np.ndarray]":
        rows = rows_at(*times)
        self.pump.check_room(len(rows))
        return self.pump.put(rows)


def rows_at(*times: int) -> Rows:
    rows = np.zeros(len(times), READING_DTYPE)
    rows["sample_time_us"] = [T0_US + time for time in times]
    return rows


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.pump.start()
    yield made
    made.pump.abort()


async def test_what_waits_during_a_call_becomes_one_call_and_answers_are_divided(bench: Bench) -> None:
    bench.fleet.hold.clear()
    first = bench.put(1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second, third = bench.put(2, 3), bench.put(3, 4, 5)
    bench.fleet.hold.set()
    assert (await first).tolist() == [Outcome.APPLIED]
    assert (await second).tolist() == [Outcome.APPLIED, Outcome.APPLIED]
    assert (await third).tolist() == [Outcome.DUPLICATE, Outcome.APPLIED, Outcome.APPLIED]
    assert bench.fleet.calls == [(0, 1), (0, 5)]
    assert [time - T0_US for _, time in bench.fleet.applied[0]] == [1, 2, 3, 4, 5]


async def test_a_caller_that_goes_away_takes_nothing_back_and_disturbs_nobody(bench: Bench) -> None:
    bench.fleet.hold.clear()
    gone = bench.put(1)
    await asyncio.sleep(0.01)
    also_gone, stays = bench.put(2), bench.put(3)
    gone.cancel()
    also_gone.cancel()
    bench.fleet.hold.set()
    assert (await stays).tolist() == [Outcome.APPLIED]
    assert [time - T0_US for _, time in bench.fleet.applied[0]] == [1, 2, 3]


async def test_the_live_table_has_a_reading_when_it_is_acknowledged(bench: Bench) -> None:
    await bench.put(7)
    assert bench.live.rows["as_of_us"][0] == T0_US + 7


async def test_rows_of_a_dead_shard_wait_and_are_sent_again_when_it_is_back(bench: Bench) -> None:
    bench.fleet.lost_answers = [ShardUnavailableError("died after its commit")]
    bench.fleet.failures = [ShardUnavailableError("died before its commit")]
    outcome = await bench.put(1, 2)
    assert outcome.tolist() == [Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert [time - T0_US for _, time in bench.fleet.applied[0]] == [1, 2]
    assert bench.alert_pokes >= 1


async def test_a_shard_that_dies_while_nobody_sends_is_brought_back(bench: Bench) -> None:
    bench.pump.look_after()
    await asyncio.sleep(0.01)
    assert bench.fleet.restored == [0]
    bench.fleet.back.clear()
    bench.pump.look_after()
    waits = bench.put(1)
    await asyncio.sleep(0.01)
    assert not waits.done()
    bench.fleet.back.set()
    assert (await waits).tolist() == [Outcome.APPLIED]
    bench.fleet.back.clear()
    bench.pump.look_after()  # it stays away: nobody has to hear of that
    await asyncio.sleep(0.3)
    assert (await bench.put(2)).tolist() == [Outcome.APPLIED]


async def test_twins_that_have_another_owner_are_not_taken_back(bench: Bench) -> None:
    bench.fleet.failures = [LeaseLostError("taken over")]
    with pytest.raises(ShardUnavailableError):
        await bench.put(1)
    bench.pump.look_after()
    await asyncio.sleep(0.01)
    assert bench.fleet.restored == []
    await bench.put(2)  # it is the owner again
    bench.pump.look_after()
    await asyncio.sleep(0.01)
    assert bench.fleet.restored == [0]


async def test_a_shard_that_stays_away_fails_everything_that_waits_so_that_nothing_overtakes(bench: Bench) -> None:
    bench.fleet.failures = [ShardUnavailableError("died")]
    bench.fleet.back.clear()
    first = bench.put(1)
    await asyncio.sleep(0.01)
    second = bench.put(2)
    for future in (first, second):
        with pytest.raises(ShardUnavailableError) as caught:
            await future
        assert caught.value.retry_after_s
    assert bench.fleet.applied[0] == []
    assert (await bench.put(1)).tolist() == [Outcome.APPLIED]


async def test_an_absent_database_fails_everything_that_waits(bench: Bench) -> None:
    bench.fleet.hold.clear()
    bench.fleet.failures = [StoreUnavailableError("away", retry_after_s=1.0)]
    first = bench.put(1)
    await asyncio.sleep(0.01)
    second = bench.put(2)
    bench.fleet.hold.set()
    for future in (first, second):
        with pytest.raises(StoreUnavailableError):
            await future
    assert bench.fleet.applied[0] == []


async def test_alerts_of_a_commit_that_nobody_heard_of_are_looked_for_once_it_is_known_to_hold(bench: Bench) -> None:
    bench.fleet.lost_answers = [StoreUnavailableError("the connection broke during COMMIT", retry_after_s=0.1)]
    with pytest.raises(StoreUnavailableError):
        await bench.put(1)
    assert (await bench.put(1)).tolist() == [Outcome.DUPLICATE]
    assert bench.alert_pokes == 1
    await bench.put(2)
    assert bench.alert_pokes == 1


async def test_rows_that_a_shard_cannot_take_fail_alone(bench: Bench) -> None:
    bench.fleet.hold.clear()
    bench.fleet.poison = {T0_US + 3}
    blocker = bench.put(1)
    await asyncio.sleep(0.01)
    futures = [bench.put(2), bench.put(3), bench.put(4)]
    bench.fleet.hold.set()
    await blocker
    assert (await futures[0]).tolist() == [Outcome.APPLIED]
    with pytest.raises(ValueError, match="cannot take"):
        await futures[1]
    assert (await futures[2]).tolist() == [Outcome.APPLIED]
    assert [time - T0_US for _, time in bench.fleet.applied[0]] == [1, 2, 4]


async def test_a_full_queue_tells_when_to_come_back_and_an_empty_one_takes_any_batch(bench: Bench) -> None:
    bench.fleet.hold.clear()
    large = bench.put(*range(100, 130))
    await asyncio.sleep(0.01)
    waiting = bench.put(*range(1, 11))
    with pytest.raises(OverloadedError) as caught:
        bench.put(50)
    assert caught.value.retry_after_s
    bench.fleet.hold.set()
    await asyncio.gather(large, waiting)
    assert len(bench.fleet.applied[0]) == 40


async def test_inputs_that_wait_are_bounded_as_well(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin_server.shard_pump.MOST_WAITING_INPUTS", 2)
    bench.fleet.hold.clear()
    rows = bench.put(1)
    await asyncio.sleep(0.01)  # they wait behind a call with rows
    waiting = [bench.pump.put_inputs([]) for _ in range(2)]
    with pytest.raises(OverloadedError) as caught:
        bench.pump.put_inputs([])
    assert caught.value.retry_after_s
    bench.fleet.hold.set()
    await asyncio.gather(rows, *waiting)
    await bench.pump.put_inputs([])


async def test_stop_sends_what_waits_and_takes_nothing_more(bench: Bench) -> None:
    future = bench.put(1, 2)
    await bench.pump.stop()
    assert len(await future) == 2
    with pytest.raises(UnavailableError):
        bench.put(3)


async def test_abort_leaves_no_caller_waiting(bench: Bench) -> None:
    bench.fleet.hold.clear()
    in_flight = bench.put(1)
    await asyncio.sleep(0.01)
    waiting = bench.put(2)
    bench.pump.abort()
    for future in (in_flight, waiting):
        with pytest.raises(UnavailableError):
            await future


async def test_twins_that_another_server_has_taken_over_are_told_as_unavailable(bench: Bench) -> None:
    bench.fleet.failures = [LeaseLostError("revoked")]
    with pytest.raises(ShardUnavailableError) as caught:
        await bench.put(1)
    assert caught.value.retry_after_s
