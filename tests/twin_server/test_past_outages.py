"""Outages that lie in history which came in bulk."""

from datetime import UTC, datetime
from pathlib import Path

import grpc
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.events import EventKind
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from clients.async_client import AsyncTwinClient
from storage.event_records import EventQuery
from storage.string_load_reads import StringLoad
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request
from twin_server.outage_finder import Outage, find_outages

MINUTE_US = 60_000_000
SYSTEM_OF = {"a1": "A", "a2": "A", "a3": "A", "b1": "B"}


def loads(minute: int, *loaded: str, heard: tuple[str, ...] = tuple(SYSTEM_OF)) -> list[StringLoad]:
    at_us = minute * MINUTE_US
    return [
        StringLoad(name, at_us, 24, 24 * (name in loaded), at_us + 7, at_us + 7 if name in loaded else None)
        for name in heard
    ]


def test_an_outage_lasts_from_its_first_sample_to_the_first_after_it() -> None:
    seen = [*loads(0), *loads(1, "a1", "a2", "a3"), *loads(2, "a1", "a2", "a3", "b1"), *loads(3, "b1"), *loads(4)]
    assert find_outages(seen, SYSTEM_OF) == [Outage(MINUTE_US + 7, 4 * MINUTE_US + 7, ("A", "B"))]


def test_one_string_under_test_is_no_outage_and_neither_is_one_that_is_heard_alone() -> None:
    assert find_outages([*loads(0), *loads(1, "a1"), *loads(2)], SYSTEM_OF) == []
    alone = [*loads(0), *loads(60, "a1", heard=("a1",)), *loads(61, heard=("a1",)), *loads(120)]
    assert find_outages(alone, SYSTEM_OF) == []


def test_what_has_not_ended_is_left_to_the_watch_over_the_present() -> None:
    assert find_outages([*loads(0), *loads(1, *SYSTEM_OF)], SYSTEM_OF) == []


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_outages_are_the_runs_of_failed_minutes(failed: list[bool]) -> None:
    history = [*failed, False]
    seen = [load for minute, away in enumerate(history) for load in loads(minute, *(SYSTEM_OF if away else ()))]
    edges = np.flatnonzero(np.diff(np.array([False, *history, False]).astype(int)))
    runs = [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
    found = [(o.start_us // MINUTE_US, o.end_us // MINUTE_US) for o in find_outages(seen, SYSTEM_OF)]
    assert found == runs


async def test_an_outage_of_last_week_is_recorded_when_its_history_arrives(running_server: RunningServer) -> None:
    week_ago_s = -7 * 86_400
    names = [*blocks("AAA-U1-S01"), *blocks("AAA-U1-S02")]
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        for minute in range(30):
            away = 10 <= minute < 20
            batch = columns(names, now_ns(week_ago_s + 60 * minute), 12.3 if away else 13.6, -40.0 if away else 0.05)
            await IngestServiceStub(channel).IngestReadings(request(batch), metadata=running_server.gateway("AAA"))
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        for _ in range(2):  # looking again records nothing more
            await running_server.server.look_for_outages()
            (outage,) = list(await client.list_events(kinds=[EventKind.OUTAGE]))
    assert outage.location_id == "AAA"
    assert outage.end_time is not None
    assert 590 < (outage.end_time - outage.start_time).total_seconds() < 610
    assert abs((datetime.now(UTC) - outage.start_time).total_seconds() + week_ago_s + 600) < 120


async def test_history_that_came_just_before_a_stop_is_looked_through_after_the_start(
    database_url: str, tmp_path: Path
) -> None:
    week_ago_s = -7 * 86_400
    names = [*blocks("AAA-U1-S01"), *blocks("AAA-U1-S02")]
    async with serve(database_url, tmp_path) as running, grpc.aio.insecure_channel(running.target) as channel:
        for minute in range(30):
            away = 10 <= minute < 20
            batch = columns(names, now_ns(week_ago_s + 60 * minute), 12.3 if away else 13.6, -40.0 if away else 0.05)
            await IngestServiceStub(channel).IngestReadings(request(batch), metadata=running.gateway("AAA"))
    async with serve(database_url, tmp_path) as running:
        assert list(await running.store.load_noted_history()) == ["AAA"]
        await running.server.look_for_outages()
        assert await running.store.load_noted_history() == {}
        (outage,) = await running.store.list_events(EventQuery(kinds=[EventKind.OUTAGE]))
    assert outage.end_us is not None
    assert 590 < (outage.end_us - outage.start_us) / 1e6 < 610
