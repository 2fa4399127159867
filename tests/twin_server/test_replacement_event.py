"""Replacements: what is refused, what they do to the twin, and how its past stays that of the old block."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import pytest_asyncio

from actors.string_state import forget_block, initial_states
from batterytwin.errors import ConflictError, InvalidArgumentError, PermissionDeniedError
from batterytwin.events import CurrentSensor, EventKind, HealthEvidenceKind, Replacement
from clients.types import Event
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, now_ns
from tests.twin_server.test_event_service import ONE, Callers, ago, callers_of, record_test


@pytest_asyncio.fixture
async def callers(running_server: RunningServer) -> AsyncIterator[Callers]:
    async with callers_of(running_server) as made:
        yield made


async def replace_block(callers: Callers, at: datetime, serial: str = "NEW-1", **changes: Any) -> Event:
    given = {"battery_id": ONE, "replacement": Replacement(serial), **changes}
    return await callers.engineer.record_event(EventKind.REPLACEMENT, at, **given)


async def test_a_replaced_block_is_a_fresh_twin_and_its_past_stays(callers: Callers) -> None:
    for minutes in (30, 20, 10):
        await callers.feed([ONE], now_ns(-60 * minutes))
    await record_test(callers.engineer)
    old = await callers.viewer.get_twin(ONE)
    then = ago(minutes=25)
    before = await callers.admin.get_twin_at(ONE, then, deadline_s=60.0)  # its process begins with this call
    event = await replace_block(callers, ago(minutes=15))
    assert event.replacement == Replacement("NEW-1", old.serial)
    new = await callers.viewer.get_twin(ONE)
    assert (new.serial, new.unit_seq, new.install_time) == ("NEW-1", old.unit_seq + 1, event.start_time)
    assert new.capacity_evidence_kind is HealthEvidenceKind.UNSPECIFIED, "the test was one of the old block"
    assert new.soh_capacity is not None
    assert new.soh_capacity.value == pytest.approx(1.0, abs=0.02)
    assert new.as_of == old.as_of
    past = await callers.admin.get_twin_at(ONE, then)
    assert (past.twin.serial, past.twin.unit_seq) == (old.serial, old.unit_seq)
    assert past.twin.soh_capacity == before.twin.soh_capacity
    present = await callers.admin.get_twin_at(ONE, ago(minutes=1))
    assert present.twin.soh_capacity is not None
    assert (present.twin.serial, present.twin.soh_capacity.value) == ("NEW-1", new.soh_capacity.value)
    assert present.revision == 1
    neighbour = await callers.viewer.get_twin("AAA-U1-S01-B02")
    assert neighbour.unit_seq == 1


async def test_it_survives_a_restart(database_url: str, tmp_path: Path) -> None:
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed([ONE], now_ns(-60))
        await replace_block(callers, ago(minutes=2))
        told = await callers.admin.get_twin(ONE)
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        again = await callers.admin.get_twin(ONE)
        assert (again.serial, again.unit_seq, again.soh_capacity) == ("NEW-1", 2, told.soh_capacity)


async def test_one_that_was_stored_and_not_applied_is_applied_at_the_next_start(
    database_url: str, tmp_path: Path
) -> None:
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        await callers.feed([ONE], now_ns(-60))
        await replace_block(callers, ago(minutes=2))
        told = await callers.admin.get_twin(ONE)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM twin_input")
        connection.execute("DELETE FROM twin_snapshot")
        connection.execute("DELETE FROM twin_revision")
    async with serve(database_url, tmp_path) as running, callers_of(running) as callers:
        for _ in range(1_000):
            twin = await callers.admin.get_twin(ONE)
            if twin.soh_capacity == told.soh_capacity:
                break
            await asyncio.sleep(0.01)
        assert twin.soh_capacity == told.soh_capacity


async def test_repeating_the_call_replaces_once(callers: Callers) -> None:
    old = await callers.viewer.get_twin(ONE)
    again: dict[str, Any] = {
        "at": ago(minutes=5),
        "replacement": Replacement("NEW-1", old.serial),
        "request_id": str(uuid.uuid4()),
    }
    first = await replace_block(callers, **again)
    assert await replace_block(callers, **again) == first
    assert (await callers.viewer.get_twin(ONE)).unit_seq == 2
    later = await replace_block(callers, ago(minutes=4), "NEW-2")
    assert await replace_block(callers, **again) == first, "however late the call is repeated"
    twin = await callers.viewer.get_twin(ONE)
    assert (twin.serial, twin.unit_seq) == ("NEW-2", 3)
    assert list(await callers.viewer.list_events(battery_id=ONE)) == [later, first]


async def test_the_same_call_twice_at_once_replaces_once(callers: Callers) -> None:
    again: dict[str, Any] = {"at": ago(minutes=5), "request_id": str(uuid.uuid4())}
    one, other = await asyncio.gather(replace_block(callers, **again), replace_block(callers, **again))
    assert one == other
    assert (await callers.viewer.get_twin(ONE)).unit_seq == 2


async def test_a_test_is_repeated_after_its_block_has_gone(callers: Callers) -> None:
    await callers.feed([ONE], now_ns(-60))
    name = str(uuid.uuid4())
    tested = await record_test(callers.engineer, request_id=name)
    await replace_block(callers, ago(minutes=5))
    fresh = await callers.viewer.get_twin(ONE)
    assert await record_test(callers.engineer, request_id=name) == tested
    twin = await callers.viewer.get_twin(ONE)
    assert (twin.soh_capacity, twin.capacity_evidence_kind) == (fresh.soh_capacity, fresh.capacity_evidence_kind)


async def test_another_call_cannot_bring_the_block_that_stands_there(callers: Callers) -> None:
    await replace_block(callers, ago(minutes=5))
    with pytest.raises(InvalidArgumentError, match="stands there already"):
        await replace_block(callers, ago(minutes=5))
    assert (await callers.viewer.get_twin(ONE)).unit_seq == 2


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"replacement": None}, "event.replacement.new_serial", "1 to 64"),
        ({"replacement": Replacement("  ")}, "event.replacement.new_serial", "1 to 64"),
        ({"replacement": Replacement("x" * 65)}, "event.replacement.new_serial", "1 to 64"),
        ({"replacement": Replacement("N", "another")}, "event.replacement.old_serial", "holds block"),
        ({"battery_id": "", "string_id": "AAA-U1-S01"}, "event.battery_id", "one of a battery"),
        ({"end_time": ago(days=9_000), "at": ago(days=9_001)}, "event.start_time", "came into service"),
        ({"at": ago(hours=-1)}, "event.start_time", "ahead of the clock"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    callers: Callers, changes: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=words) as refused:
        await replace_block(callers, **{"at": ago(minutes=5), **changes})
    assert refused.value.field == field


async def test_blocks_come_in_order_and_only_for_those_who_may(callers: Callers) -> None:
    await replace_block(callers, ago(minutes=5))
    with pytest.raises(InvalidArgumentError, match="a later one comes after it"):
        await replace_block(callers, ago(minutes=6), "NEW-2")
    await replace_block(callers, ago(minutes=4), "NEW-2")
    assert (await callers.viewer.get_twin(ONE)).unit_seq == 3
    with pytest.raises(InvalidArgumentError, match="has no replacement"):
        await callers.engineer.record_event(
            EventKind.INSPECTION, ago(minutes=1), battery_id=ONE, replacement=Replacement("N")
        )
    with pytest.raises(InvalidArgumentError, match="came into service"):
        await record_test(callers.engineer)
    with pytest.raises(PermissionDeniedError):
        await callers.viewer.record_event(
            EventKind.REPLACEMENT, ago(minutes=1), battery_id=ONE, replacement=Replacement("N")
        )


async def test_of_two_at_once_one_wins(callers: Callers) -> None:
    at = ago(minutes=5)
    told = await asyncio.gather(
        replace_block(callers, at, "NEW-1"), replace_block(callers, at, "NEW-2"), return_exceptions=True
    )
    assert sum(isinstance(one, Event) for one in told) == 1
    assert sum(isinstance(one, ConflictError | InvalidArgumentError) for one in told) == 1
    assert (await callers.viewer.get_twin(ONE)).unit_seq == 2


async def test_work_on_the_sensor_of_a_string_reaches_all_its_twins(callers: Callers) -> None:
    string = "AAA-U1-S01"
    await callers.feed(blocks(string), now_ns(-60))
    told = CurrentSensor(discharge_positive=True, offset_a=0.3)
    event = await callers.engineer.record_event(
        EventKind.CURRENT_SENSOR, ago(minutes=3), string_id=string, current_sensor=told
    )
    assert event.current_sensor == told
    assert list(await callers.viewer.list_events(battery_id=ONE)) == [event]
    for battery in (ONE, "AAA-U1-S01-B24"):
        assert (await callers.viewer.get_twin(battery)).current_sign_swapped
    assert not (await callers.viewer.get_twin("AAA-U1-S02-B01")).current_sign_swapped
    for changes, words in (
        ({"current_sensor": None, "string_id": string}, "is missing"),
        ({"battery_id": ONE}, "name the string"),
        ({"string_id": string, "current_sensor": CurrentSensor(True, 99.0)}, "leave it out"),
    ):
        given: dict[str, Any] = {"current_sensor": told, **changes}
        with pytest.raises(InvalidArgumentError, match=words):
            await callers.engineer.record_event(EventKind.CURRENT_SENSOR, ago(minutes=1), **given)
    with pytest.raises(InvalidArgumentError, match="has no current_sensor"):
        await callers.engineer.record_event(EventKind.INSPECTION, ago(minutes=1), string_id=string, current_sensor=told)


def test_a_string_forgets_one_block_and_no_other() -> None:
    state = initial_states(1, 4)
    state["raw_fast"], state["voltage_spikes"], state["active"] = 0.1, 3.0, True
    forget_block(state, 2)
    fresh = initial_states(1, 4)
    for name in ("raw_fast", "voltage_spikes"):
        assert np.array_equal(state[name][0, 2], fresh[name][0, 2], equal_nan=True)
        assert not np.array_equal(state[name][0, 1], fresh[name][0, 1], equal_nan=True)
    assert not state["active"][0, :, 2].any()
    assert state["active"][0, :, [0, 1, 3, 4]].all()
