"""Rooms: held at their set point, warm where cooling is missing, and functions of time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batterytwin.inventory import Inventory, load_fleet
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from simulator.room import room_series_c
from simulator.room_changes import room_changes
from simulator.wanted_events import RoomChange
from tests.simulator.small_fleet import START, START_S, with_outages, write_fleet

HOUR_S = 3_600.0
Floats = np.ndarray[Any, np.dtype[np.float64]]


def room_of(plant: Plant, site: int, times_s: Floats) -> Floats:
    world = plant.fleet.world
    return room_series_c(world.rooms, world.climate, world.mains, site, times_s)


def two_sites(path: Path, *faults: FaultEvent) -> Plant:
    return with_outages(Plant(two_inventory(path), 3, START, faults))


def two_inventory(path: Path) -> Inventory:
    return load_fleet(write_fleet(path / "fleet.toml", sites=("BRK", "PKN"), blocks=2))


def hours(begin: float, end: float) -> Floats:
    return START_S + HOUR_S * np.arange(begin, end, 0.25)


def test_rooms_hold_their_set_point_within_what_leaks_in(product_plant: Plant) -> None:
    times_s = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + HOUR_S * np.arange(8_760, dtype=np.float64)
    for site, set_point_c in enumerate(product_plant.fleet.world.rooms.set_point_c):
        series_c = room_of(product_plant, site, times_s)
        assert 24.0 <= set_point_c <= 27.0
        assert np.abs(np.median(series_c) - set_point_c) < 0.5
        assert series_c.max() < 35.0


def test_a_room_warms_while_the_mains_are_out_and_cools_after(product_plant: Plant) -> None:
    mains = product_plant.fleet.world.mains
    site, outage = np.unravel_index(
        np.argmax(np.where(mains.start_s < 4e9, mains.end_s - mains.start_s, 0.0)), mains.start_s.shape
    )
    start_s, end_s = mains.start_s[site, outage], mains.end_s[site, outage]
    before_c, end_c, after_c = room_of(product_plant, int(site), np.array([start_s, end_s, end_s + 12 * HOUR_S]))
    assert end_c - before_c == pytest.approx((end_s - start_s) / HOUR_S * 2.0, rel=0.3)
    assert after_c == pytest.approx(before_c, abs=1.0)


def test_without_cooling_a_room_warms_by_two_kelvin_an_hour_to_38_degrees(tmp_path: Path) -> None:
    failed = two_sites(tmp_path, FaultEvent(FaultKind.HVAC_FAILURE, "BRK", START_S, START_S + 24 * HOUR_S))
    healthy = two_sites(tmp_path)
    rise_k = room_of(failed, 0, hours(0, 3)) - room_of(healthy, 0, hours(0, 3))
    assert rise_k[-1] / 2.75 == pytest.approx(2.0, rel=0.2)
    assert room_of(failed, 0, hours(8, 24)).max() == pytest.approx(38.0, abs=1.0)
    assert np.array_equal(room_of(failed, 0, hours(-24, 0)), room_of(healthy, 0, hours(-24, 0)))
    assert np.array_equal(room_of(failed, 1, hours(0, 24)), room_of(healthy, 1, hours(0, 24)))
    assert np.abs(room_of(failed, 0, hours(36, 48)) - room_of(healthy, 0, hours(36, 48))).max() < 0.1


def test_degraded_cooling_warms_a_room_by_what_it_lacks(tmp_path: Path) -> None:
    end_c = []
    for lost in (0.1, 0.5, 0.8):
        plant = two_sites(tmp_path, FaultEvent(FaultKind.HVAC_DEGRADED, "BRK", START_S, magnitude=lost))
        end_c.append(room_of(plant, 0, hours(0, 48)).max())
    healthy_c = room_of(two_sites(tmp_path), 0, hours(0, 48)).max()
    assert end_c[0] == pytest.approx(healthy_c, abs=0.1)  # the reserve covers it
    assert healthy_c + 1.0 < end_c[1] < end_c[2] - 1.0 < 38.0


def test_batteries_feel_the_heat_of_their_room_late(tmp_path: Path) -> None:
    plant = two_sites(tmp_path, FaultEvent(FaultKind.HVAC_FAILURE, "BRK", START_S))
    plant.advance(START_S + 7 * HOUR_S)
    room_c = room_of(plant, 0, np.array([START_S + 7 * HOUR_S]))[0]
    core_c, elsewhere_c = plant.fleet.blocks.core_c[:2], plant.fleet.blocks.core_c[2:]
    assert np.all(core_c < room_c - 2.0)
    assert np.all(core_c > elsewhere_c + 3.0)


def test_a_changed_room_warms_at_its_rate_up_to_its_limit_and_returns(tmp_path: Path) -> None:
    healthy, changed = two_sites(tmp_path), two_sites(tmp_path)
    changes = [RoomChange("BRK", START_S, START_S + 12 * HOUR_S, 100.0, rate_k_h=2.0, hottest_c=38.0)]
    world = changed.fleet.world
    rooms = world.rooms._replace(changes=room_changes(two_inventory(tmp_path), changes))
    changed.fleet = changed.fleet._replace(world=world._replace(rooms=rooms))
    set_point_c = float(rooms.set_point_c[0])
    rise_k = room_of(changed, 0, hours(0, 48)) - room_of(healthy, 0, hours(0, 48))
    assert rise_k[12] == pytest.approx(6.0)
    assert rise_k[44:48] == pytest.approx(38.0 - set_point_c)
    assert rise_k[-1] == pytest.approx(0.0, abs=0.01)
    assert np.array_equal(room_of(changed, 1, hours(0, 48)), room_of(healthy, 1, hours(0, 48)))
