"""Laws of one block that no single number shows: dip, heat, rest, age."""

from pathlib import Path

import numpy as np
import pytest

from simulator.ageing import age_string, follow_age, soh_of_life, voltage_stress
from simulator.minutes import summarise
from simulator.plant import Plant
from simulator.world import batteries_of
from tests.simulator.small_fleet import START, look, one_string, with_outages

HOUR_S, DAY_S = 3_600.0, 86_400.0


def early_dip_v(path: Path, load_share: float = 1.0, *outages: tuple[float, float]) -> float:
    """How far the first three minutes of the last outage lie below what follows them, V a block."""
    plant = with_outages(Plant(one_string(path / "fleet.toml"), 3, START), *outages)
    plant.fleet.world.strings.load_w[0] *= load_share
    begin_s = outages[-1][0]
    volts = [look(plant, begin_s + float(second)).voltage_v.mean() for second in range(5, 900, 5)]
    dip = int(np.argmin(volts[:36]))
    return float(max(volts[dip:]) - volts[dip])


def test_a_discharge_after_long_float_begins_with_a_dip_deeper_at_more_current(tmp_path: Path) -> None:
    usual = early_dip_v(tmp_path, 1.0, (HOUR_S, 2 * HOUR_S))
    assert 0.02 < usual < 0.3
    assert usual > early_dip_v(tmp_path, 0.3, (HOUR_S, 2 * HOUR_S))


def test_soon_after_another_discharge_there_is_no_dip(tmp_path: Path) -> None:
    again = early_dip_v(tmp_path, 1.0, (HOUR_S, HOUR_S + 900.0), (2 * HOUR_S, 3 * HOUR_S))
    assert again < 0.2 * early_dip_v(tmp_path, 1.0, (HOUR_S, 2 * HOUR_S))


def test_the_reaction_cools_while_discharging_and_heats_while_charging(tmp_path: Path) -> None:
    heat_k = []
    for entropy in (0.0, 1.0):
        plant = with_outages(Plant(one_string(tmp_path / "fleet.toml"), 3, START), (HOUR_S, HOUR_S + 1_800.0))
        plant.fleet.world.strings.docv_dt_v_k[0] *= entropy
        before, emptied, filled = (look(plant, s).core_c.mean() for s in (HOUR_S, HOUR_S + 1_800.0, 5 * HOUR_S))
        heat_k.append((emptied - before, filled - emptied))
    assert heat_k[1][0] < heat_k[0][0] - 0.1
    assert heat_k[1][1] > heat_k[0][1] + 0.1


def test_a_resting_block_loses_three_percent_a_month(tmp_path: Path) -> None:
    plant = with_outages(Plant(one_string(tmp_path / "fleet.toml"), 3, START), (0.0, 40 * DAY_S))
    plant.fleet.strings.disconnected[0] = 1
    plant.fleet.world.rooms.set_point_c[:] = 25.0
    state = plant.fleet.blocks
    look(plant, 30 * DAY_S)
    # rooms without mains are warm: back to 25 degC by a doubling each 10 K
    share = (1.0 - state.soc.mean()) / np.exp(0.0693 * (state.core_c.mean() - 25.0))
    assert 0.015 < share < 0.05


def test_stress_of_voltage_has_two_sides_and_a_life_halves_at_a_twelfth_of_a_volt() -> None:
    over_v = np.linspace(-0.2, 0.2, 41)
    stress = np.array([voltage_stress(v) for v in over_v])
    assert stress == pytest.approx(stress[::-1])
    assert stress[20] == 1.0
    assert np.all(np.diff(stress[20:]) > 0.0)
    assert voltage_stress(0.18) / voltage_stress(0.10) == pytest.approx(2.0, rel=0.05)


def test_capacity_ends_its_life_at_four_fifths_then_falls_faster_and_never_to_nothing() -> None:
    life = np.linspace(0.0, 8.0, 801)
    soh = np.array([soh_of_life(x, 0.2, 1.5) for x in life])
    assert soh[100] == pytest.approx(0.8)
    assert np.all(np.diff(soh) <= 0.0)
    assert soh.min() > 0.0
    assert soh[99] - soh[100] < 0.6 * (soh[100] - soh[101])


@pytest.mark.parametrize(("depth", "cycles"), [(1.0, 230.0), (0.5, 697.0), (0.3, 1_579.0)])
def test_discharges_wear_by_their_depth(string_plant: Plant, depth: float, cycles: float) -> None:
    batteries, state = batteries_of(string_plant.fleet), string_plant.fleet.blocks
    before = state.life.copy()
    state.soc[:] = state.discharged_from - depth
    age_string(batteries, 0, 0.0)
    age_string(batteries, 0, 0.0)  # counted once
    assert state.life - before == pytest.approx(np.full(24, 1.0 / cycles), rel=0.01)


def test_water_raises_the_rest_voltage_and_sulfate_lowers_it_and_health_does_not_scale_it(string_plant: Plant) -> None:
    batteries, state = batteries_of(string_plant.fleet), string_plant.fleet.blocks
    shifts = []
    for life, water in ((0.2, 0.02), (0.2, 0.10), (0.9, 0.02)):
        state.life[:], state.water_lost[:] = life, water
        follow_age(batteries, 0)
        shifts.append(state.ocv_shift_v.copy())
    assert np.all(shifts[1] > shifts[0])
    assert np.all(shifts[2] < shifts[0])
    assert np.abs(shifts[2] - shifts[0]).max() < 0.2  # a fifth of 12.9 V would be 2.6 V


def test_capacity_and_resistance_follow_life_each_with_its_own_scatter(product_plant: Plant) -> None:
    state = product_plant.fleet.blocks
    curve = np.polyfit(state.life, product_plant.soh_capacity, 3)
    off = product_plant.soh_capacity - np.polyval(curve, state.life)
    rise = state.resistance_ratio - np.polyval(np.polyfit(state.life, state.resistance_ratio, 3), state.life)
    assert 0.01 < off.std() < 0.04
    assert 0.01 < rise.std() < 0.06
    assert abs(np.corrcoef(off, rise)[0, 1]) < 0.5


def test_years_past_the_end_of_life_stay_plausible(tmp_path: Path) -> None:
    plant = Plant(one_string(tmp_path / "fleet.toml", installed_on="2018-01-01"), 3, START)
    summary = summarise(plant, 365 * DAY_S, 12, period_s=HOUR_S)
    for column in summary:
        assert np.isfinite(column).all()
    assert np.all(np.diff(summary.life, axis=0) > 0.0)
    assert np.all(np.diff(summary.capacity_ah, axis=0) < 0.0)
    assert summary.life[-1].max() > 1.5
    assert summary.capacity_ah[-1].min() > 0.0
    assert np.all((summary.voltage_mean_v > 12.0) & (summary.voltage_mean_v < 16.0))


def test_a_summary_is_what_single_looks_see(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    looked, reduced = (with_outages(Plant(inventory, 3, START), (1_800.0, 2_400.0)) for _ in range(2))
    truths = [look(looked, 60.0 * minute) for minute in range(1, 121)]
    summary = summarise(reduced, HOUR_S, 2)
    for hour in (0, 1):
        of_hour = truths[60 * hour : 60 * hour + 60]
        volts = np.stack([truth.voltage_v for truth in of_hour])
        assert summary.voltage_mean_v[hour] == pytest.approx(volts.mean(axis=0), rel=1e-12)
        assert np.array_equal(summary.voltage_min_v[hour], volts.min(axis=0))
        assert summary.current_min_a[hour, 0] == min(truth.current_a[0] for truth in of_hour)
    assert np.array_equal(looked.fleet.blocks.core_c, reduced.fleet.blocks.core_c)
