"""Outages in history that comes in later: the same events in whatever parts and order it comes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batterytwin.errors import StoreUnavailableError
from batterytwin.events import EventKind
from storage.event_records import SERVER, EventQuery, EventRecord
from storage.string_load_reads import StringLoad
from twin_server.live_table import LiveTable
from twin_server.outage_finder import find_outages
from twin_server.past_outages import PastOutages

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
BEGIN_US = 20_700 * DAY_US
STRINGS = {"L": {"a1": "A", "a2": "A", "b1": "B"}, "M": {"m1": "C"}}
Span = tuple[float, float]


@dataclass
class Loads:
    """A store in memory, with readings of two locations by the minute."""

    stored: dict[tuple[str, int], StringLoad] = field(default_factory=dict)
    events: dict[str, EventRecord] = field(default_factory=dict)
    asked: list[tuple[tuple[str, ...], int, int]] = field(default_factory=list)
    noted: dict[str, tuple[int, int]] = field(default_factory=dict)
    writes: int = 0
    looked: int = 0
    on_read: Callable[[], None] = lambda: None

    async def string_loads(
        self, batteries_of: Mapping[str, Sequence[int]], start_us: int, end_us: int
    ) -> list[StringLoad]:
        self.asked.append((tuple(batteries_of), start_us, end_us))
        self.on_read()
        found = [load for (name, us), load in self.stored.items() if name in batteries_of and start_us <= us < end_us]
        return sorted(found, key=lambda load: load.minute_us)

    async def may_have_readings(self, battery_keys: Sequence[int], start_us: int, end_us: int) -> bool:
        self.looked += 1
        names = {["a1", "a2", "b1", "m1"][key] for key in battery_keys}
        return any(name in names and start_us <= us < end_us for name, us in self.stored)

    async def list_events(self, query: EventQuery) -> list[EventRecord]:
        assert query.location_ids is not None
        assert query.start_us is not None
        assert query.end_us is not None
        return [
            event
            for event in self.events.values()
            if event.location_id in query.location_ids
            and (event.end_us is None or event.end_us > query.start_us)
            and event.start_us < query.end_us
        ]

    async def change_outages(
        self, added: Sequence[EventRecord], moved: Sequence[EventRecord], removed: Sequence[str]
    ) -> None:
        for event_id in removed:
            del self.events[event_id]
        for event in moved:
            assert event.event_id in self.events
            self.events[event.event_id] = event
        for event in added:
            self.events[event.event_id] = replace(event, event_key=len(self.events) + 1)

    async def save_noted_history(self, spans_us: Mapping[str, tuple[int, int]]) -> None:
        self.noted |= spans_us
        self.writes += 1

    async def load_noted_history(self) -> dict[str, tuple[int, int]]:
        return dict(self.noted)

    async def forget_noted_history(self, location_id: str) -> None:
        self.noted.pop(location_id, None)

    def bring(
        self, hours: Span, away: Sequence[Span], strings: Sequence[str] = ("a1", "a2", "b1"), step: int = 1
    ) -> None:
        """Stores a sample of each string every so many minutes."""
        for us in range(at(hours[0]), at(hours[1]), step * MINUTE_US):
            failed = any(at(start) <= us < at(end) for start, end in away)
            for name in strings:
                self.stored[name, us] = StringLoad(name, us, 24, 24 * failed, us, us if failed else None)

    def outages(self, location_id: str = "L") -> list[Span]:
        """Begin and end of each recorded outage, h."""
        mine = [event for event in self.events.values() if event.location_id == location_id]
        return sorted(((e.start_us - BEGIN_US) / HOUR_US, (e.done_us - BEGIN_US) / HOUR_US) for e in mine)


class Clock:
    """Seconds that go on only when they are told to."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def at(hour: float) -> int:
    return BEGIN_US + round(hour * 60) * MINUTE_US


def watch_over(store: Loads, clock: Clock | None = None) -> PastOutages:
    strings = [(location, name, system) for location, of in STRINGS.items() for name, system in of.items()]
    fleet_map = SimpleNamespace(
        find_location={"L": 0, "M": 1}.get,
        locations=[(SimpleNamespace(location_id="L"), slice(0, 3)), (SimpleNamespace(location_id="M"), slice(3, 4))],
        location_of=np.array([0, 0, 0, 1]),
        string_location=np.array([0, 0, 0, 1]),
        battery_keys=np.arange(4),
        strings=[(name, slice(n, n + 1)) for n, (_, name, _) in enumerate(strings)],
        identities=[SimpleNamespace(system=SimpleNamespace(system_id=system)) for _, _, system in strings],
    )
    now_us = BEGIN_US + 2_000 * HOUR_US
    clocks = SimpleNamespace(now_us=lambda _: now_us, wall_us=lambda: now_us)
    live = cast(LiveTable, SimpleNamespace(fleet_map=fleet_map, clocks=clocks))
    return PastOutages(store, live, clock or Clock())


def note(outages: PastOutages, hours: Span, location: int = 0) -> None:
    ordinals = np.full(2, 3 * location, np.int32)
    outages.note(ordinals, np.array([at(hours[0]), at(hours[1]) - MINUTE_US]))


def recorded(start_us: int, end_us: int | None, by: str = SERVER) -> EventRecord:
    name = f"outage/L/{start_us}"
    return EventRecord(name, name, EventKind.OUTAGE, "L", "", None, "", start_us, end_us, "", None, by, start_us)


async def test_an_outage_that_comes_in_two_parts_is_one() -> None:
    store = Loads()
    outages = watch_over(store)
    for part in ((0.0, 5.0), (5.0, 10.0)):
        store.bring(part, [(1, 9)])
        note(outages, part)
        await outages.look(0)
    assert store.outages() == [(1, 9)]


async def test_what_comes_later_corrects_what_was_recorded_and_keeps_the_event() -> None:
    store = Loads()
    outages = watch_over(store)
    store.bring((0.0, 12.0), [(1, 9)], step=60)
    note(outages, (0.0, 12.0))
    await outages.look(0)
    assert store.outages() == [(1, 9)]
    (before,) = store.events
    store.bring((0.0, 12.0), [(1.25, 3), (4.5, 8.75)])
    note(outages, (0.0, 12.0))
    await outages.look(0)
    assert store.outages() == [(1.25, 3), (4.5, 8.75)]
    assert before in store.events


async def test_a_look_that_fails_forgets_nothing_of_what_was_noted_before_and_meanwhile() -> None:
    store = Loads()
    outages = watch_over(store)
    store.bring((0.0, 10.0), [(1, 9)])
    note(outages, (0.0, 10.0))

    def fail() -> None:
        store.on_read = lambda: None
        store.bring((900.0, 901.0), [(900.2, 900.5)])
        note(outages, (900.0, 901.0))
        raise StoreUnavailableError("The database is away.", retry_after_s=1.0)

    store.on_read = fail
    with pytest.raises(StoreUnavailableError):
        await outages.look(0)
    await outages.look(0)
    assert store.outages() == [(1, 9), (900.2, 900.5)]


async def test_a_location_waits_for_no_other_and_is_read_alone_and_day_by_day() -> None:
    store, clock = Loads(), Clock()
    outages = watch_over(store, clock)
    store.bring((0.0, 10.0), [(1, 9)])
    note(outages, (0.0, 10.0))
    clock.now_s = 25.0
    note(outages, (500.0, 1_200.0), location=1)
    await outages.look(20)
    assert store.outages() == [(1, 9)]
    assert {strings for strings, _, _ in store.asked} == {("a1", "a2", "b1")}
    assert all(end_us - start_us <= DAY_US + HOUR_US for _, start_us, end_us in store.asked)


async def test_a_year_of_history_is_held_a_day_at_a_time() -> None:
    store = Loads()
    outages = watch_over(store)
    note(outages, (0.0, 365 * 24.0))
    await outages.look(0)
    assert len(store.asked) < 365 + 40
    assert all(end_us - start_us <= DAY_US + HOUR_US for _, start_us, end_us in store.asked)


async def test_a_sample_of_a_clock_that_is_years_behind_costs_no_question_a_day() -> None:
    years_h = 5 * 365 * 24.0
    store = Loads()
    outages = watch_over(store)
    stale = replace(recorded(at(1_000), at(1_001)), request_id="past-outage/L/1")  # of what is not there any more
    store.events[stale.event_id] = stale
    store.bring((0.0, 0.5), [])
    store.bring((years_h, years_h + 60), [(years_h + 1, years_h + 9), (years_h + 30, years_h + 40)])
    note(outages, (0.0, years_h + 60))
    await outages.look(0)
    assert store.outages() == [(years_h + 1, years_h + 9), (years_h + 30, years_h + 40)]
    assert len(store.asked) + store.looked < 80


async def test_history_that_goes_on_coming_is_looked_through_without_an_end_of_it() -> None:
    store, clock = Loads(), Clock()
    outages = watch_over(store, clock)
    store.bring((0.0, 60.0), [(1, 9), (30, 40)])
    for turn in range(70):
        clock.now_s = 10.0 * turn
        note(outages, (0.0, 60.0))
        await outages.look(20)
    assert store.outages() == [(1, 9), (30, 40)]


async def test_what_is_noted_outlasts_a_restart_until_it_is_looked_through() -> None:
    store = Loads()
    before = watch_over(store)
    store.bring((0.0, 10.0), [(1, 9)])
    note(before, (0.0, 10.0))
    await before.look(20)  # too early
    assert store.outages() == []
    after = watch_over(store)
    await after.load()
    await after.look(0)
    assert store.outages() == [(1, 9)]
    assert store.noted == {}


async def test_what_is_noted_is_kept_by_the_hour_and_not_by_the_batch() -> None:
    store = Loads()
    outages = watch_over(store)
    for minute in range(180):
        note(outages, (minute / 60, (minute + 1) / 60))
        await outages.look(20)
    assert store.writes <= 4
    ((start_us, end_us),) = store.noted.values()
    assert start_us <= at(0)
    assert end_us >= at(3) - MINUTE_US


@pytest.mark.parametrize(("by", "end_h"), [(SERVER, None), ("somchai", 5.0)])
async def test_an_outage_that_lasts_or_that_a_person_recorded_stays_as_it_is(by: str, end_h: float | None) -> None:
    store = Loads()
    known = recorded(at(2), None if end_h is None else at(end_h), by)
    store.events[known.event_id] = known
    outages = watch_over(store)
    store.bring((0.0, 10.0), [(1, 9)])
    note(outages, (0.0, 10.0))
    await outages.look(0)
    assert list(store.events.values()) == [known]


async def test_what_the_watch_over_the_present_saw_becomes_longer_and_is_never_taken_away() -> None:
    store = Loads()
    for hours in ((2, 8), (20, 21)):
        known = recorded(at(hours[0]), at(hours[1]))
        store.events[known.event_id] = known
    outages = watch_over(store)
    store.bring((0.0, 30.0), [(1, 9)])
    note(outages, (0.0, 30.0))
    await outages.look(0)
    assert store.outages() == [(1, 9), (20, 21)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[dict[str, list[Span]], list[tuple[str, Span]]]:
    """Outages of each system, and parts of the history in the order in which they come, some of them twice."""
    away = {
        name: [
            (float(start), float(start + length))
            for start, length in draw(st.lists(st.tuples(st.integers(0, 110), st.integers(1, 40)), max_size=4))
        ]
        for name in ("A", "B")
    }
    parts: list[tuple[str, Span]] = []
    for name in STRINGS["L"]:
        cuts = sorted({0, 120, *draw(st.lists(st.integers(1, 119), max_size=4))})
        parts += [(name, (float(begin), float(end))) for begin, end in pairwise(cuts)]
    more = draw(st.lists(st.sampled_from(parts), max_size=2))
    return away, draw(st.permutations(parts + more))


@settings(max_examples=60)
@given(histories(), st.lists(st.booleans(), min_size=1, max_size=8))
def test_any_parts_and_order_of_a_history_give_the_outages_of_the_whole(
    history: tuple[dict[str, list[Span]], list[tuple[str, Span]]], looks: list[bool]
) -> None:
    away, parts = history

    async def play(*, by_parts: bool) -> list[Span]:
        store = Loads()
        outages = watch_over(store)
        for number, (name, hours) in enumerate(parts):
            store.bring(hours, away[STRINGS["L"][name]], [name], step=30)
            note(outages, hours)
            if by_parts and looks[number % len(looks)]:
                await outages.look(0)
        await outages.look(0)
        loads = sorted(store.stored.values(), key=lambda load: load.minute_us)
        whole = find_outages(loads, STRINGS["L"])
        assert store.outages() == [((o.start_us - BEGIN_US) / HOUR_US, (o.end_us - BEGIN_US) / HOUR_US) for o in whole]
        return store.outages()

    assert asyncio.run(play(by_parts=True)) == asyncio.run(play(by_parts=False))
