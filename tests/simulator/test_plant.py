"""The fleet as a whole: deterministic, plausible in health, the same whenever it is started."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from batterytwin.inventory import load_fleet
from simulator.ageing import age_string
from simulator.plant import Plant
from simulator.visits import Visits
from simulator.world import batteries_of
from tests.simulator.small_fleet import START, START_S, look


def hourly(plant: Plant, hours: int) -> np.ndarray:
    """Voltages of every block at each hour."""
    n_strings = len(plant.fleet.strings.time_s)
    times_us = np.repeat([round((START_S + 3_600.0 * h) * 1e6) for h in range(1, hours + 1)], n_strings)
    truth = plant.visit(Visits(np.tile(np.arange(n_strings), hours), times_us))
    return truth.voltage_v.reshape(hours, -1)


def test_same_seed_same_trajectory_and_another_seed_another() -> None:
    inventory = load_fleet()
    first, again, other = (hourly(Plant(inventory, seed, START), 48) for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other, atol=0.01)


def test_a_fleet_is_mostly_healthy_with_some_ageing_and_a_few_at_their_end(product_plant: Plant) -> None:
    soh = product_plant.soh_capacity
    red, yellow = np.count_nonzero(soh < 0.80), np.count_nonzero((soh >= 0.80) & (soh < 0.85))
    assert len(soh) == 1_944
    assert 1 <= red <= 20
    assert 10 <= yellow <= 120
    assert np.median(soh) > 0.90


def test_float_spreads_as_gassing_does_and_stays_within_alarm_limits(product_plant: Plant) -> None:
    voltage_v = product_plant.fleet.blocks.voltage_v
    assert np.mean(voltage_v) == pytest.approx(13.65, abs=0.05)
    assert 0.10 < np.std(voltage_v) < 0.20
    assert 11.5 < voltage_v.min() < voltage_v.max() < 14.5


def test_older_and_warmer_blocks_are_weaker_and_more_resistant(product_plant: Plant) -> None:
    state = product_plant.fleet.blocks
    assert np.corrcoef(state.life, product_plant.soh_capacity)[0, 1] < -0.8
    assert np.all(np.diff(state.resistance_ratio[np.argsort(state.resistance_ratio)]) >= 0.0)
    assert np.corrcoef(state.life, state.resistance_ratio)[0, 1] > 0.7


def test_ten_kelvin_more_cost_half_the_life(string_plant: Plant) -> None:
    state, used = string_plant.fleet.blocks, []
    string_plant.fleet.strings.discharging[0] = 1  # no stress by voltage
    for core_c in (25.0, 35.0):
        state.core_c[:] = core_c
        before = state.life.copy()
        age_string(batteries_of(string_plant.fleet), 0, 86_400.0)
        used.append(state.life - before)
    assert used[1] / used[0] == pytest.approx(np.full(24, 1 / (1 - 0.48)), rel=0.02)


def test_a_restart_finds_the_fleet_that_was_left() -> None:
    """Age, temperatures and charge of a plant started 60 days later equal those of one that has run until then."""
    inventory = load_fleet()
    later = START + timedelta(days=60)
    running, restarted = Plant(inventory, 7, START), Plant(inventory, 7, later)
    for day in range(1, 61):
        running.advance(START_S + 86_400.0 * day)
    assert len(running.fleet.strings.time_s) == 81
    left, found = running.fleet.blocks, restarted.fleet.blocks
    assert found.life == pytest.approx(left.life, abs=2e-3)
    assert restarted.soh_capacity == pytest.approx(running.soh_capacity, abs=1e-3)
    assert found.resistance_ratio == pytest.approx(left.resistance_ratio, rel=2e-3)
    assert found.core_c == pytest.approx(left.core_c, abs=0.1)
    assert found.voltage_v == pytest.approx(left.voltage_v, abs=0.02)
    assert found.soc == pytest.approx(left.soc, abs=0.005)


def test_outages_of_years_to_come_are_known_when_they_are_needed() -> None:
    plant = Plant(load_fleet(), 7, datetime(2026, 12, 31, tzinfo=UTC))
    plant.cover(datetime(2030, 5, 1, tzinfo=UTC).timestamp())
    mains = plant.fleet.world.mains
    assert mains.start_s[mains.start_s < 4e9].max() > datetime(2030, 10, 1, tzinfo=UTC).timestamp()


def test_time_does_not_run_backwards(string_plant: Plant) -> None:
    now = look(string_plant, 600.0)
    earlier = look(string_plant, 300.0)
    assert np.array_equal(now.voltage_v, earlier.voltage_v)
    assert string_plant.fleet.strings.time_s[0] == START_S + 600.0


def test_strings_of_another_model_follow_their_own_data_sheet() -> None:
    inventory = load_fleet()
    small = (
        inventory.locations[0]
        .systems[0]
        .strings[0]
        .datasheet.model_copy(
            update={
                "model": "SMALL",
                "rated_capacity_ah": 12.0,
                "cells": 3,
                "ocv_v": tuple(v / 2 for v in (11.53, 11.75, 11.94, 12.23, 12.49, 12.74, 12.83, 12.90)),
            }
        )
    )
    site = inventory.locations[0]
    strings = tuple(replace(string, datasheet=small) for string in site.systems[0].strings)
    changed = replace(site, systems=(replace(site.systems[0], strings=strings), *site.systems[1:]))
    plant = Plant(replace(inventory, locations=(changed, *inventory.locations[1:])), 7, START)
    voltage_v = plant.fleet.blocks.voltage_v
    assert voltage_v[:72].mean() == pytest.approx(6.825, abs=0.05)
    assert voltage_v[72:].mean() == pytest.approx(13.65, abs=0.05)
