"""Pace and windows of a drill: as fast as wanted or as the machine goes, without debt, and nothing is left out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from actors.branch_copy import copy_of_nothing
from actors.fleet import TwinSpec
from batterytwin.errors import OverloadedError
from batterytwin.inventory import Inventory, LocationClock
from batterytwin.readings import ReadingBatch
from batterytwin.telemetry import LIVE_DTYPE, Rows
from simulator.branch_plant import ScenarioPlant
from simulator.scenario_course import ScenarioPart, course_of
from simulator.scenario_library import find_scenario
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.branch_world import BranchOrigin
from twin_server.drill_batches import DrillBatches, split_visits
from twin_server.drill_feed import DrillClock, DrillFeed
from twin_server.drill_pace import DrillPace
from twin_server.ingest_router import IngestOutcome
from twin_server.ingest_validation import IngestValidation
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap

BEGIN_US = 1_760_000_000_000_000
MINUTE_US = 60_000_000


@dataclass
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_drill_is_where_its_speed_says_and_a_slow_machine_makes_no_debt() -> None:
    clock = Clock()
    pace = DrillPace(BEGIN_US, 60.0, clock)
    clock.now_s += 10.0
    assert pace.due_us == BEGIN_US + 600 * 1_000_000
    pace.reach(BEGIN_US + 590 * 1_000_000)
    assert pace.achieved_speed == pytest.approx(59.0)
    for _ in range(100):  # a tenth of what is wanted
        clock.now_s += 1.0
        pace.reach(pace.due_us - 54 * 1_000_000)
    clock.now_s += 10.0
    pace.reach(BEGIN_US + 7_000 * 1_000_000)
    assert pace.due_us == BEGIN_US + 7_000 * 1_000_000
    pace.set_speed(1.0, BEGIN_US)
    assert pace.achieved_speed == 0.0
    clock.now_s += 1.0
    assert pace.due_us == BEGIN_US + 1_000_000


@dataclass
class PlantWorld:
    inventory: Inventory
    specs: list[TwinSpec]
    plant: ScenarioPlant


def plant_world(*parts: ScenarioPart) -> PlantWorld:
    inventory = small_inventory(("AAA",), 2)
    specs = specs_of(inventory)
    origin = BranchOrigin(inventory, specs, copy_of_nothing(specs, BEGIN_US), {}, BEGIN_US)
    begin_s = BEGIN_US * 1e-6
    course = course_of(inventory, parts, begin_s)
    return PlantWorld(inventory, specs, ScenarioPlant(inventory, origin.copies, 1, begin_s, course))


def outage(start_s: float = 90.0) -> ScenarioPart:
    return ScenarioPart(find_scenario("power_outage"), ("AAA",), {"duration_h": 0.02}, start_s)


def test_what_arrives_is_what_the_monitors_saw() -> None:
    world = plant_world(outage())
    visits = world.plant.visits(BEGIN_US, BEGIN_US + 4 * MINUTE_US)
    fleet_map = FleetMap(world.inventory, [world.specs])
    validation = IngestValidation(fleet_map, LocationClocks([LocationClock.FEED]))
    valid = validation.check(DrillBatches(world.inventory).batch(visits), None)
    assert valid.refused_count == 0
    assert valid.rows.tobytes() == visits.rows.tobytes()
    assert valid.strings is not None
    assert valid.strings.modes.tolist() == visits.mode.tolist()


def test_parts_of_visits_are_all_of_them_and_never_too_many_of_a_string() -> None:
    visits = plant_world(outage()).plant.visits(BEGIN_US, BEGIN_US + 4 * MINUTE_US)
    parts = list(split_visits(visits, 16))
    assert len(parts) > 4
    assert max(np.bincount(part.string).max() for part in parts) == 16
    for name in ("string", "time_us", "rows", "string_voltage_v", "current_a", "mode"):
        assert np.concatenate([getattr(part, name) for part in parts]).tobytes() == getattr(visits, name).tobytes()
    for part in parts:
        of_rows = np.repeat(part.time_us, np.diff(part.first_row))
        assert (part.rows["sample_time_us"] == of_rows).all()
    assert list(split_visits(parts[0], 16)) == [parts[0]]


@dataclass
class FedDouble:
    """A server that counts, and can be full."""

    live_rows: Rows = field(default_factory=lambda: np.zeros(48, LIVE_DTYPE))
    full: int = 0
    fed: list[ReadingBatch] = field(default_factory=list)
    looks: int = 0
    on_feed: Callable[[], None] = lambda: None

    @property
    def rows(self) -> Rows:
        return self.live_rows

    @property
    def live(self) -> "FedDouble":
        return self

    async def feed(self, batch: ReadingBatch | None) -> IngestOutcome | None:
        if self.full:
            self.full -= 1
            raise OverloadedError("full")
        self.on_feed()
        if batch is None:
            self.looks += 1
            return None
        self.fed.append(batch)
        count = len(batch.readings)
        return IngestOutcome(count, 0, 0, 0, 0, 0, 0, [])


def feed_of(server: FedDouble, world: PlantWorld, speed: float, minutes: int) -> DrillFeed:
    clock = DrillClock(BEGIN_US)
    pace = DrillPace(BEGIN_US, speed)
    end_us = BEGIN_US + minutes * MINUTE_US
    return DrillFeed(server, world.plant, DrillBatches(world.inventory), clock, pace, end_us)  # type: ignore[arg-type] # a double


async def test_every_visit_is_fed_once_in_order_and_the_end_is_the_end() -> None:
    server = FedDouble(full=2)
    feed = feed_of(server, plant_world(outage()), 3_600.0, 10)
    await feed.run()
    assert (feed.is_over, feed.failure) == (True, "")
    expected = plant_world(outage()).plant.visits(BEGIN_US, BEGIN_US + 10 * MINUTE_US)
    times = np.concatenate([batch.readings.sample_time_unix_ns for batch in server.fed]) // 1_000
    assert times.tolist() == expected.rows["sample_time_us"].tolist()
    assert feed.reading_count == len(expected.rows)


async def test_a_change_comes_between_two_windows() -> None:
    server = FedDouble()
    world = plant_world()
    feed = feed_of(server, world, 600.0, 5)
    running = asyncio.create_task(feed.run())
    await feed.change(course_of(world.inventory, [outage(30.0)], BEGIN_US * 1e-6), 3_600.0)
    assert feed.pace.speed == 3_600.0
    await running
    currents_a = [batch.string_readings.current_a for batch in server.fed if batch.string_readings is not None]
    assert min(float(np.min(current_a)) for current_a in currents_a if current_a is not None) < -1.0


async def test_what_goes_wrong_is_told_and_ends_the_feed() -> None:
    server = FedDouble()

    def fail() -> None:
        raise ValueError("no such thing")

    server.on_feed = fail
    feed = feed_of(server, plant_world(), 3_600.0, 5)
    await feed.run()
    assert "no such thing" in feed.failure
    assert not feed.is_over
