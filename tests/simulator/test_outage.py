"""Outage and recharge: charge is conserved, weak blocks go first, step size does not matter."""

from pathlib import Path

import numpy as np
import pytest

from batterytwin.inventory import Inventory
from batterytwin.telemetry import StringMode
from simulator.ageing import follow_age
from simulator.block_laws import AVAILABLE_WELL, LEVEL_RESERVE, TEN_HOUR_SHARE
from simulator.plant import Plant
from simulator.visits import VisitTruth
from simulator.world import batteries_of
from tests.simulator.small_fleet import START, look, one_string, with_outages

HOUR_S = 3_600.0


def plant_with_outage(path: Path, begin_s: float, end_s: float, seed: int = 3) -> Plant:
    return with_outages(Plant(one_string(path / "fleet.toml"), seed=seed, start=START), (begin_s, end_s))


def test_a_string_has_one_current_and_the_voltage_of_its_blocks(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 660.0)
    for second in (30.0, 61.0, 300.0, 661.0, 2_000.0, 30_000.0):
        truth = look(plant, second)
        assert len(truth.current_a) == 1
        assert truth.voltage_v.sum() == pytest.approx(truth.string_voltage_v[0], abs=1e-3)


def test_load_takes_its_power_and_the_charger_keeps_its_limit(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 1_860.0)
    load_w = plant.fleet.world.strings.load_w[0]
    for second in range(61, 1_860, 100):
        truth = look(plant, float(second))
        assert truth.mode[0] == StringMode.DISCHARGE
        assert -truth.current_a[0] * truth.string_voltage_v[0] == pytest.approx(load_w, rel=1e-5)
    for second in range(1_861, 40_000, 500):
        truth = look(plant, float(second))
        assert truth.mode[0] == StringMode.FLOAT
        assert 0.0 <= truth.current_a[0] <= 12.0


def test_voltage_sags_and_current_rises_under_constant_power(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 1_860.0)
    # once the coup de fouet has passed
    looks = [look(plant, float(second)) for second in range(660, 1_860, 30)]
    assert np.all(np.diff([truth.string_voltage_v[0] for truth in looks]) < 0.0)
    assert np.all(np.diff([truth.current_a[0] for truth in looks]) < 0.0)


def test_what_goes_in_and_does_not_gas_is_stored(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 660.0)
    state, strings = plant.fleet.blocks, plant.fleet.world.strings
    look(plant, 60.0)
    before, stored_ah = state.soc.copy(), np.zeros(24)
    capacity_ah = state.capacity_ah.copy()
    for second in range(61, 3_661):  # one step a second: readings at its end hold for all of it
        core_c = state.core_c.copy()
        truth = look(plant, float(second))
        ln_gas = strings.gas_cu_per_v[0] * (truth.voltage_v / 6 - 2.23) + strings.gas_ct_per_k[0] * (core_c - 25.0)
        stored_ah += (truth.current_a[0] - np.exp(state.ln_gas_a + ln_gas)) / HOUR_S
    assert stored_ah == pytest.approx((state.soc - before) * capacity_ah, abs=2e-4)


def test_wells_never_run_below_empty_and_the_load_is_cut_at_the_end_voltage(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 12 * HOUR_S)
    state = plant.fleet.blocks
    modes, voltages = [], []
    for second in np.arange(70.0, 12 * HOUR_S, 60.0):
        truth = look(plant, float(second))
        modes.append(int(truth.mode[0]))
        voltages.append(truth.string_voltage_v[0])
        level = state.soc - (1.0 - AVAILABLE_WELL) * state.well_gap + LEVEL_RESERVE
        assert level.min() >= -0.03
        assert state.soc.min() >= -0.03
        if modes[-1] == StringMode.DISCHARGE:
            assert voltages[-1] > 24 * 10.5
    assert modes[0] == StringMode.DISCHARGE
    assert modes[-1] == StringMode.UNSPECIFIED  # cut off, and not connected again to a dead bus
    cut = modes.index(StringMode.UNSPECIFIED)
    assert voltages[-1] > voltages[cut] > 24 * 10.5  # rebound: charge is still inside
    assert look(plant, 12 * HOUR_S + 60.0).current_a[0] > 5.0


def test_the_weakest_block_sags_first(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 2 * HOUR_S)
    plant.fleet.world.blocks.capacity_ah[6] *= 0.6
    truth = look(plant, 61.0)
    while truth.mode[0] == StringMode.DISCHARGE:
        last, truth = truth, look(plant, float(truth.visits.time_us[0] / 1e6 - START.timestamp() + 30.0))
    assert last.voltage_v.argmin() == 6
    assert last.voltage_v[6] < np.median(last.voltage_v) - 0.5


def test_recharge_brings_the_charge_back_within_a_day(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 1_260.0)
    look(plant, 1_260.0)
    assert plant.fleet.blocks.soc.max() < 0.95
    half_hour = look(plant, 1_260.0 + 1_800.0)
    assert half_hour.current_a[0] > 1.0
    look(plant, 1_260.0 + 24 * HOUR_S)
    assert plant.fleet.blocks.soc.min() > 0.99


# share of the 20-hour capacity by time to the end voltage: CSB GP12400, 1.75 V/cell
CSB_HOURS = (1 / 6, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 20.0)
CSB_SHARE = (0.40, 0.47, 0.61, 0.75, 0.88, 0.93, 0.97, 1.00)


def drawn_ah(path: Path, current_a: float, core_c: float = 25.0, soh: float = 1.0) -> tuple[float, float]:
    """Hours to the end voltage at about a current, and charge that comes out; blocks alike, new, at one temperature."""
    plant = plant_with_outage(path, 60.0, 60 * HOUR_S)
    world, state = plant.fleet.world, plant.fleet.blocks
    world.strings.load_w[0] = current_a * 24 * (12.5 - current_a / 240.0)
    world.strings.heat_j_k[0] *= 1e4
    state.core_c[:] = core_c
    state.life[:] = ((1.0 - soh) / 0.2) ** (1.0 / 1.5)
    state.water_lost[:] = 0.0
    world.blocks.soh_loss[:], world.blocks.soh_exponent[:] = 0.2, 1.5
    world.blocks.capacity_ah[:] = 120.0 / TEN_HOUR_SHARE
    follow_age(batteries_of(plant.fleet), 0)
    look(plant, 60.0)
    full_ah = (state.soc * state.capacity_ah).mean()
    second, step_s = 0.0, 10.0 if current_a > 20.0 else 60.0
    while look(plant, 60.0 + step_s + second).mode[0] == StringMode.DISCHARGE:
        second += step_s
    return second / HOUR_S, float(full_ah - (state.soc * state.capacity_ah).mean())


@pytest.mark.parametrize("current_a", [6.1, 35.0, 60.0, 120.0, 240.0])
def test_capacity_at_a_rate_is_near_a_makers_table(tmp_path: Path, current_a: float) -> None:
    hours, drawn = drawn_ah(tmp_path, current_a)
    expected = np.interp(np.log(hours), np.log(CSB_HOURS), CSB_SHARE)
    assert drawn / 120.4 == pytest.approx(expected, abs=0.035)


@pytest.mark.parametrize("soh", [1.0, 0.8])
def test_capacity_in_the_truth_is_what_comes_out_in_ten_hours(tmp_path: Path, soh: float) -> None:
    hours, drawn = drawn_ah(tmp_path, 12.0 * soh, soh=soh)
    assert hours == pytest.approx(10.0, rel=0.05)
    assert drawn == pytest.approx(120.0 * soh, rel=0.01)


# the 20-hour capacity: Panasonic UP-PW1245, Vina 12V-40Ah
@pytest.mark.parametrize(("core_c", "share"), [(40.0, 1.02), (30.0, 1.02), (10.0, 0.90), (0.0, 0.85), (-15.0, 0.65)])
def test_warm_blocks_give_more_and_cold_ones_less(tmp_path: Path, core_c: float, share: float) -> None:
    _, warm = drawn_ah(tmp_path, 6.1, core_c)
    _, drawn = drawn_ah(tmp_path, 6.1)
    assert warm / drawn == pytest.approx(share, abs=0.03)


def trajectory(inventory: Inventory, step_s: float) -> list[VisitTruth]:
    plant = with_outages(Plant(inventory, seed=3, start=START), (90.0, 990.0))
    looks = []
    for second in np.arange(step_s, 12 * HOUR_S + 1.0, step_s):
        truth = look(plant, float(second))
        if second % 300.0 == 0.0:
            looks.append(truth)
    return looks


def test_steps_of_5_s_and_of_60_s_give_the_same_trajectory(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    for fine, coarse in zip(trajectory(inventory, 5.0), trajectory(inventory, 60.0), strict=True):
        assert coarse.voltage_v == pytest.approx(fine.voltage_v, rel=0.01)
        assert coarse.post_c == pytest.approx(fine.post_c, rel=0.01)
        assert coarse.current_a[0] == pytest.approx(fine.current_a[0], rel=0.01, abs=0.02)


def test_hidden_steps_keep_an_hourly_history_right(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    hourly = with_outages(Plant(inventory, seed=3, start=START), (90.0, 990.0))
    minutely = with_outages(Plant(inventory, seed=3, start=START), (90.0, 990.0))
    for hour in range(1, 31):
        coarse = look(hourly, hour * HOUR_S)
        for minute in range(1, 61):
            fine = look(minutely, (hour - 1) * HOUR_S + minute * 60.0)
        assert coarse.voltage_v == pytest.approx(fine.voltage_v, abs=0.05)
        assert hourly.fleet.blocks.soc == pytest.approx(minutely.fleet.blocks.soc, abs=0.002)
        assert coarse.current_a[0] == pytest.approx(fine.current_a[0], rel=0.02, abs=0.005)


def test_batteries_warm_on_recharge_more_than_on_float(tmp_path: Path) -> None:
    plant = plant_with_outage(tmp_path, 60.0, 1_860.0)
    before = look(plant, 30.0).post_c.mean()
    after = max(look(plant, 1_860.0 + 600.0 * k).post_c.mean() for k in range(20))
    assert 0.3 < after - before < 9.0
