"""Float of a series string against the closed form of Tafel gassing, and its well-known consequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.electrochemistry import GASSING, VOLTAGE, linearise, wright_omega
from simulator.plant import Plant
from simulator.series_string import charger_current
from simulator.world import Step, batteries_of
from tests.simulator.small_fleet import look

HOUR = Step(3_600.0, 0.0, np.exp(-0.36), np.exp(-5.0), 0.0)
BLOCKS = 24
STRING_V = 24 * 13.65


def float_voltages(plant: Plant, gas_ct_per_k: float | None = None) -> tuple[float, np.ndarray, np.ndarray]:
    """Current, voltages and gassing currents of the string at 24 x 13.65 V, in the plant's present state."""
    fleet = plant.fleet
    if gas_ct_per_k is not None:
        fleet.world.strings.gas_ct_per_k[:] = gas_ct_per_k
    linearise(batteries_of(fleet), 0, HOUR)
    current_a = charger_current(fleet.lines[:BLOCKS], STRING_V, 12.0, 0.02)
    return current_a, fleet.lines[:BLOCKS, VOLTAGE].copy(), fleet.lines[:BLOCKS, GASSING].copy()


@pytest.fixture
def uniform_plant(string_plant: Plant) -> Plant:
    """24 new blocks, all alike, at 25 degC."""
    state = string_plant.fleet.blocks
    state.ln_gas_a[:] = np.log(0.012)
    state.ocv_shift_v[:] = 0.0
    state.core_c[:] = 25.0
    return string_plant


def test_uniform_string_at_25_c(uniform_plant: Plant) -> None:
    current_a, voltage_v, _ = float_voltages(uniform_plant)
    assert current_a == pytest.approx(0.0197, abs=1e-4)
    assert voltage_v == pytest.approx(13.650, abs=1e-3)


def test_one_block_five_kelvin_warmer_sits_lower_and_lifts_the_others(uniform_plant: Plant) -> None:
    uniform_plant.fleet.blocks.core_c[6] += 5.0
    _, voltage_v, _ = float_voltages(uniform_plant, gas_ct_per_k=0.06)
    assert voltage_v[6] == pytest.approx(13.493, abs=2e-3)
    assert np.delete(voltage_v, 6) == pytest.approx(13.657, abs=2e-3)


def test_shorted_cell_takes_two_volts_off_its_block(uniform_plant: Plant) -> None:
    uniform_plant.fleet.now.cells[6] = 5.0
    current_a, voltage_v, _ = float_voltages(uniform_plant)
    assert voltage_v[6] == pytest.approx(11.455, abs=2e-3)
    assert np.delete(voltage_v, 6) == pytest.approx(13.745, abs=2e-3)
    assert current_a == pytest.approx(0.0234, abs=2e-4)


def test_three_times_the_gassing_costs_a_block_half_a_volt(uniform_plant: Plant) -> None:
    uniform_plant.fleet.blocks.ln_gas_a[6] += np.log(3.0)
    _, voltage_v, _ = float_voltages(uniform_plant)
    assert voltage_v[6] == pytest.approx(13.08, abs=5e-3)


@given(
    spread=st.lists(st.floats(-1.0, 1.0), min_size=BLOCKS, max_size=BLOCKS),
    core_c=st.lists(st.floats(10.0, 50.0), min_size=BLOCKS, max_size=BLOCKS),
)
def test_any_string_floats_as_the_closed_form_says(
    product_plant: Plant, spread: list[float], core_c: list[float]
) -> None:
    state, strings = product_plant.fleet.blocks, product_plant.fleet.world.strings
    saved = state.ln_gas_a.copy(), state.core_c.copy(), state.soc.copy()
    state.soc[:BLOCKS] = 1.0 - 1e-8
    state.ln_gas_a[:BLOCKS] = np.log(0.012) + np.array(spread)
    state.core_c[:BLOCKS] = core_c
    current_a, voltage_v, gassing_a = float_voltages(product_plant)

    c_u, c_t = strings.gas_cu_per_v[0], strings.gas_ct_per_k[0]
    ln_q = state.ln_gas_a[:BLOCKS] + c_t * (state.core_c[:BLOCKS] - 25.0)
    ln_i = ((STRING_V - BLOCKS * 6 * 2.23) * c_u + (6 * ln_q).sum()) / (6 * BLOCKS)
    expected_v = 6 * (2.23 + (ln_i - ln_q) / c_u)
    for array, old in zip((state.ln_gas_a, state.core_c, state.soc), saved, strict=True):
        array[:] = old
    # a block whose share falls below its open-circuit voltage is held up by its main reaction: not the float regime
    if expected_v.min() > 13.0:
        assert voltage_v == pytest.approx(expected_v, abs=3e-3)
        assert current_a == pytest.approx(np.exp(ln_i), rel=2e-3)
        assert gassing_a == pytest.approx(current_a, rel=2e-3)
    assert voltage_v.sum() == pytest.approx(STRING_V, abs=1e-4)


@given(st.floats(-700.0, 1e6))
def test_wright_omega_solves_its_equation(z: float) -> None:
    w = wright_omega(z)
    assert w > 0.0
    assert w + np.log(w) == pytest.approx(z, rel=1e-12, abs=1e-12)


def test_compensated_charger_follows_the_room(string_plant: Plant) -> None:
    truth = look(string_plant, 3_600.0)
    set_v = 24 * (13.65 - 0.018 * (truth.post_c.mean() - 25.0))
    assert truth.string_voltage_v[0] == pytest.approx(set_v, abs=0.1)
    assert 0.01 < truth.current_a[0] < 0.06


def test_float_heat_is_small_and_rooms_are_what_batteries_feel(product_plant: Plant) -> None:
    state, world = product_plant.fleet.blocks, product_plant.fleet.world
    rise_k = state.core_c - state.post_c
    assert 0.0 < np.median(rise_k) < 0.5
    set_point_c = np.repeat(world.rooms.set_point_c[world.strings.site], np.diff(world.first_block))
    assert np.abs(state.post_c - set_point_c - world.blocks.position_k).max() < 1.5
