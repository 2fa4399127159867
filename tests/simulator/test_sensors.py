"""Sensors add noise to what is seen, never to what is."""

from pathlib import Path

import numpy as np
import pytest

from simulator.plant import Plant
from simulator.sensors import measure
from simulator.visits import Visits
from tests.simulator.small_fleet import START, START_S, look, one_string, with_outages

DAY_MINUTES = 1_440


def minutely(minutes: int) -> Visits:
    return Visits(
        np.zeros(minutes, dtype=np.int64), np.array([round((START_S + 60.0 * m) * 1e6) for m in range(1, minutes + 1)])
    )


def test_noise_is_a_function_of_seed_and_reading(string_plant: Plant) -> None:
    truth = string_plant.visit(minutely(60))
    first, again, other = measure(truth, 7), measure(truth, 7), measure(truth, 8)
    for one, two in zip(first, again, strict=True):
        assert np.array_equal(one, two, equal_nan=True)
    assert not np.array_equal(first.voltage_v, other.voltage_v)


def test_readings_do_not_depend_on_how_visits_are_batched(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    whole, parts = (with_outages(Plant(inventory, 3, START)) for _ in range(2))
    visits = minutely(30)
    at_once = measure(whole.visit(visits), 7)
    one_by_one = [
        measure(parts.visit(Visits(visits.string[k : k + 1], visits.time_us[k : k + 1])), 7) for k in range(30)
    ]
    assert np.array_equal(at_once.voltage_v, np.concatenate([readings.voltage_v for readings in one_by_one]))
    assert np.array_equal(at_once.current_a, np.concatenate([readings.current_a for readings in one_by_one]))


def test_noise_is_never_fed_back(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    watched, unwatched = (with_outages(Plant(inventory, 3, START), (600.0, 1_200.0)) for _ in range(2))
    for minute in range(1, 61):
        measure(look(watched, 60.0 * minute), 7)
        look(unwatched, 60.0 * minute)
    for seen, hidden in zip(watched.fleet.blocks, unwatched.fleet.blocks, strict=True):
        assert np.array_equal(seen, hidden)


def test_noise_has_the_size_and_the_resolution_of_good_sensors(string_plant: Plant) -> None:
    truth = string_plant.visit(minutely(600))
    readings = measure(truth, 7)
    assert np.std(readings.voltage_v - truth.voltage_v) == pytest.approx(0.004, rel=0.1)
    assert np.abs(np.mean(readings.voltage_v - truth.voltage_v)) < 2e-4
    assert np.std(readings.temperature_c - truth.post_c) == pytest.approx(0.085, rel=0.15)
    assert np.allclose(readings.temperature_c, np.round(readings.temperature_c, 1))
    assert np.abs(readings.current_a - truth.current_a).max() < 0.25
    assert np.abs(readings.string_voltage_v - truth.string_voltage_v).max() < 0.3


def test_resistance_is_measured_once_a_day_and_not_of_all_blocks_at_once(string_plant: Plant) -> None:
    truth = string_plant.visit(minutely(3 * DAY_MINUTES))
    measured = ~np.isnan(measure(truth, 7).resistance_mohm).reshape(3 * DAY_MINUTES, 24)
    assert np.all(measured.sum(axis=0) == 3)
    assert measured.sum(axis=1).max() <= 4
    values = measure(truth, 7).resistance_mohm.reshape(3 * DAY_MINUTES, 24)[measured]
    assert np.all((values > 2.5) & (values < 6.0))


def test_no_resistance_is_measured_under_load(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    plant = with_outages(Plant(inventory, 3, START), (0.0, 3_000.0))
    truth = plant.visit(minutely(49))
    assert np.isnan(measure(truth, 7).resistance_mohm).all()
