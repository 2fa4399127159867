"""Strings watched by a server: whole frames, a bulk load passed over, faults as alerts once, baselines that stay."""

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from actors.string_state import LAYOUT, initial_states, pack_state, unpack_state
from batterytwin.alerts import AlertRule, AlertState
from batterytwin.diagnosis import FaultClass
from batterytwin.errors import UnavailableError
from batterytwin.events import EventKind, Replacement, TwinInput
from batterytwin.readings import ReadingBatch, StringReadingColumns
from batterytwin.telemetry import READING_DTYPE, StringMode
from clients.async_client import AsyncTwinClient
from tests.fixtures.server import RunningServer, serve
from tests.fixtures.small_fleet import small_inventory, specs_of
from tests.twin_server.calls import blocks, columns, now_ns
from twin_server.frame_budget import FRAMES_A_SECOND, FrameBudget
from twin_server.frame_collector import FRAMES_A_TURN, FrameCollector, FrameSet
from twin_server.routing import FleetMap
from twin_server.string_samples import StringSamples
from twin_server.string_watch import LOOK_S

STRING, BLOCK = "AAA-U1-S01", 7


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def collector(clock: Clock) -> FrameCollector:
    inventory = small_inventory()
    return FrameCollector(FleetMap(inventory, [specs_of(inventory)]), clock)


def put(frames: FrameCollector, ordinals: list[int], time_us: int, *, sample: bool = False) -> None:
    rows = np.zeros(len(ordinals), READING_DTYPE)
    rows["sample_time_us"], rows["voltage_v"], rows["current_a"] = time_us, 13.5, 0.02
    samples = None
    if sample:
        one = np.array([324.0], np.float32)
        modes = np.array([int(StringMode.FLOAT)], np.int16)
        samples = StringSamples(np.array([0], np.int32), np.array([time_us]), one, one * 0, modes)
    frames.put(rows, np.array(ordinals, np.int32), samples)


def test_a_frame_closes_when_it_is_whole_or_after_its_grace() -> None:
    clock = Clock()
    frames = collector(clock)
    put(frames, list(range(24)), 1_000_000)
    put(frames, list(range(24, 40)), 1_000_000)
    ((whole,),) = frames.take()
    assert whole.strings.tolist() == [0]
    assert not np.isnan(whole.frame.voltage_v).any()
    assert frames.take() == []
    put(frames, list(range(40, 44)), 1_000_000)
    assert frames.take() == []
    clock.now_s += 10.0
    ((partial,),) = frames.take()
    assert partial.strings.tolist() == [1]
    assert np.isnan(partial.frame.voltage_v).sum() == 4


def test_a_frame_waits_for_what_is_measured_over_its_string() -> None:
    frames = collector(Clock())
    put(frames, list(range(24)), 1_000_000, sample=True)
    ((first,),) = frames.take()
    assert first.frame.string_voltage_v.tolist() == [324.0]
    assert first.frame.mode.tolist() == [StringMode.FLOAT]
    put(frames, list(range(24)), 2_000_000)
    assert frames.take() == []
    put(frames, [], 2_000_000, sample=True)
    ((second,),) = frames.take()
    assert second.frame.string_voltage_v.tolist() == [324.0]


def test_of_a_bulk_load_only_the_newest_frames_are_taken() -> None:
    frames = collector(Clock())
    for minute in range(500):
        put(frames, list(range(24)), (minute + 1) * 60_000_000)
    turns = frames.take()
    times = [int(turn[0].frame.time_us[0]) for turn in turns]
    assert times == [(minute + 1) * 60_000_000 for minute in range(500 - FRAMES_A_TURN, 500)]
    assert frames.skipped_frames == 500 - FRAMES_A_TURN
    put(frames, list(range(24)), 60_000_000)  # the past comes again
    assert frames.take() == []


def test_a_burst_is_analysed_whole_and_a_lasting_load_in_part() -> None:
    clock = Clock()
    budget = FrameBudget(clock)
    assert budget.most() == FRAMES_A_TURN
    analysed = 0
    for _ in range(60):
        found = budget.most()
        budget.spend(found)
        analysed += found
        clock.now_s += 1.0
    assert FRAMES_A_TURN <= analysed <= FRAMES_A_TURN + 60 * FRAMES_A_SECOND
    clock.now_s += FRAMES_A_TURN / FRAMES_A_SECOND
    assert budget.most() == FRAMES_A_TURN


def test_what_came_in_while_frames_were_put_together_stays_behind_what_is_open() -> None:
    frames = collector(Clock())
    put(frames, list(range(12)), 1_000_000)
    turns, still_open = frames.put_together(frames.empty(), FRAMES_A_TURN)
    assert not turns
    put(frames, list(range(24)), 2_000_000)
    frames.put_back(still_open)
    assert [int(turn[0].frame.time_us[0]) for turn in frames.take()] == [1_000_000, 2_000_000]
    assert not frames.empty()


def test_a_state_survives_its_bytes_and_nothing_else_is_taken_for_one() -> None:
    state = initial_states(1, 24)
    state["raw_slow"][0] = np.arange(24.0)
    state["active"][0, FaultClass.SHORTED_CELL, BLOCK] = True
    state["active"][0, FaultClass.CURRENT_SIGN, -1] = True
    content = pack_state(state, 24)
    assert len(content) < 4_000
    back = unpack_state(content, 24, 30)
    assert back["raw_slow"][0, :24].tolist() == list(range(24))
    assert np.argwhere(back["active"][0]).tolist() == [[FaultClass.SHORTED_CELL, BLOCK], [FaultClass.CURRENT_SIGN, 30]]
    assert unpack_state(content, 24, 24).tobytes() == state.tobytes()
    for wrong, count in ((content, 23), (b"no state", 24)):
        with pytest.raises(ValueError, match="state"):
            unpack_state(wrong, count, 24)


def shorted_frame(time_ns: int, *, missing: bool) -> ReadingBatch:
    voltage_v = np.full(24, 13.65)
    if missing:
        voltage_v += 0.095
        voltage_v[BLOCK] -= 2.2
    voltage_v += 0.004 * np.random.default_rng(time_ns % 2**32).standard_normal(24)
    readings = columns(blocks(STRING), time_ns, np.round(voltage_v, 3).tolist(), math.nan)
    total = np.array([voltage_v.sum()], np.float32)
    modes = np.array([StringMode.FLOAT], np.int32)
    times, current = np.array([time_ns], np.int64), np.array([0.02], np.float32)
    return ReadingBatch(readings, StringReadingColumns([STRING], times, total, current, modes))


async def feed(server: RunningServer, *, begin_s: float, count: int, missing: bool) -> None:
    async with AsyncTwinClient(server.target, server.admin_token) as client:
        for number in range(count):
            await client.ingest(shorted_frame(now_ns(begin_s + 60.0 * number), missing=missing), deadline_s=30.0)
            await server.server.strings.turn()


async def alerts_of(server: RunningServer) -> list[tuple[AlertRule | int, AlertState | int, str | None]]:
    async with AsyncTwinClient(server.target, server.admin_token) as client:
        found = await client.list_alerts()
        return [(a.rule, a.state, a.battery_id) for a in found if a.rule == AlertRule.SHORTED_CELL]


async def test_a_shorted_cell_is_one_alert_across_a_restart(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as server:
        await feed(server, begin_s=-3_000.0, count=5, missing=False)
        await feed(server, begin_s=-2_700.0, count=6, missing=True)
        assert await alerts_of(server) == [(AlertRule.SHORTED_CELL, AlertState.RAISED, blocks(STRING)[BLOCK])]
        async with AsyncTwinClient(server.target, server.admin_token) as client:
            (diagnosis,) = (await client.get_string(STRING)).diagnoses
        assert diagnosis.fault == FaultClass.SHORTED_CELL
        assert diagnosis.battery_ids == (blocks(STRING)[BLOCK],)
        assert diagnosis.evidence[0].value == pytest.approx(1.0, abs=0.1)
    async with serve(database_url, tmp_path) as server:
        async with AsyncTwinClient(server.target, server.admin_token) as client:
            assert [one.fault for one in (await client.get_string(STRING)).diagnoses] == [FaultClass.SHORTED_CELL]
        await feed(server, begin_s=-2_000.0, count=3, missing=True)
        assert len(await alerts_of(server)) == 1
        states = await server.store.load_string_states(LAYOUT)
        assert set(states) == {STRING}


async def test_a_block_whose_replacement_was_answered_by_nobody_is_forgotten_when_the_call_is_repeated(
    running_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed(running_server, begin_s=-3_000.0, count=5, missing=False)
    await feed(running_server, begin_s=-2_700.0, count=6, missing=True)
    events = running_server.server._events
    submit = events._submit_inputs

    async def lose_the_answer(inputs: Sequence[TwinInput]) -> list[bool]:
        monkeypatch.undo()
        await submit(inputs)
        raise UnavailableError("the shard died behind its commit")

    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        monkeypatch.setattr(events, "_submit_inputs", lose_the_answer)
        at = datetime.now(UTC) - timedelta(seconds=600)
        event = await client.record_event(  # it repeats the call
            EventKind.REPLACEMENT, at, battery_id=blocks(STRING)[BLOCK], replacement=Replacement("NEW-1")
        )
        assert event.replacement is not None
        assert (await client.get_string(STRING)).diagnoses == ()


async def test_a_look_spreads_the_frames_of_a_bulk_load(
    running_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    strings, at_s = running_server.server.strings, list[float]()
    analyse = strings._analyse

    def noting(sets: list[FrameSet]) -> list[int]:
        at_s.append(time.monotonic())
        return analyse(sets)

    monkeypatch.setattr(strings, "_analyse", noting)
    client = AsyncTwinClient(running_server.target, running_server.admin_token)
    async with client, strings._one_at_a_time:  # no look of the server's own takes some of them away
        for number in range(5):
            await client.ingest(shorted_frame(now_ns(-600.0 + 60.0 * number), missing=False), deadline_s=30.0)
        begun_s = time.monotonic()
    while len(at_s) < 5:
        await strings.look()
    assert np.all(np.array(at_s) - begun_s >= 0.99 * LOOK_S / 5 * np.arange(5))  # later on a busy machine


async def test_the_analysis_tells_its_cost(running_server: RunningServer) -> None:
    strings = running_server.server.strings
    await feed(running_server, begin_s=-600.0, count=2, missing=False)
    assert strings.frames == 2
    assert 0.0 < strings.cost_s < time.process_time()
