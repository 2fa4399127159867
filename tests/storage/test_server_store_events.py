"""Laws of the list of events: whatever time is asked for in parts, each part shows what belongs to it."""

import itertools

import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from batterytwin.events import EventKind
from storage.event_records import EventQuery, EventRecord
from storage.server_store import ServerStore
from tests.storage.server_stores import HOUR_US, NOW_US, small_inventory

Span = tuple[int, int | None]
"""Begin and end of an event, h; without an end it happened at once."""

LENGTH_H = 7
SPANS = st.lists(
    st.integers(0, 6).flatmap(lambda begin: st.tuples(st.just(begin), st.none() | st.integers(begin, 6))), max_size=6
)
_numbers = itertools.count()


@pytest_asyncio.fixture
async def store(server_store: ServerStore) -> ServerStore:
    await server_store.register_inventory(small_inventory("BRK"))
    return server_store


def event(origin_us: int, span: Span) -> EventRecord:
    name = f"event {next(_numbers)}"
    begin, end = span
    start_us = origin_us + begin * HOUR_US
    return EventRecord(
        event_id=name, request_id=name, kind=EventKind.INSPECTION, location_id="BRK", string_id="",
        battery_key=None, battery_id="", start_us=start_us, end_us=None if end is None else origin_us + end * HOUR_US,
        note="", capacity_test=None, recorded_by="ann", record_us=start_us,
    )  # fmt: skip


# without shrinking: each example is some questions to a database, and small as it is
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=40,
    phases=[Phase.explicit, Phase.generate],
)
@given(spans=SPANS, cuts=st.sets(st.integers(1, LENGTH_H - 1), max_size=5))
async def test_times_that_follow_each_other_show_each_event_where_it_was(
    store: ServerStore, spans: list[Span], cuts: set[int]
) -> None:
    origin_us = NOW_US + next(_numbers) * LENGTH_H * HOUR_US  # a time of its own for each example
    stored = [await store.record_event(event(origin_us, span)) for span in spans]
    seen = 0
    for begin, end in itertools.pairwise(sorted(cuts | {0, LENGTH_H})):
        shown = await store.list_events(
            EventQuery(start_us=origin_us + begin * HOUR_US, end_us=origin_us + end * HOUR_US)
        )
        there = [begin <= first < end or first < begin < (last or first) for first, last in spans]
        assert {one.event_id for one in shown} == {
            one.event_id for one, is_in in zip(stored, there, strict=True) if is_in
        }
        seen += sum(one.end_us in {None, one.start_us} for one in shown)
    assert seen == sum(last in {None, first} for first, last in spans), "what happened at once is shown once"
