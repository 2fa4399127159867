"""What each fault of blocks, strings and chargers does: the signatures by which engineers know them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.telemetry import StringMode
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from simulator.visits import VisitTruth
from tests.simulator.small_fleet import START, START_S, look, one_string, with_outages

STRING, BLOCK, AT = "BRK-U1-S01", "BRK-U1-S01-B07", 6
HOUR_S, DAY_S = 3_600.0, 86_400.0
OUTAGE = (2 * HOUR_S, 2 * HOUR_S + 900.0)

Make = Callable[..., Plant]


@pytest.fixture
def faulty(tmp_path: Path) -> Make:
    """Makes a string with faults (kind, magnitude, end in s after START) from 600 s on and with given outages."""
    inventory = one_string(tmp_path / "fleet.toml")

    def make(*faults: tuple[FaultKind, float, float], outages: tuple[tuple[float, float], ...] = ()) -> Plant:
        events = [
            FaultEvent(kind, BLOCK if kind < FaultKind.CHARGER_VOLTAGE else STRING, START_S + 600.0, START_S + end, m)
            for kind, m, end in faults
        ]
        return with_outages(Plant(inventory, 3, START, events), *outages)

    return make


def others(truth: VisitTruth) -> np.ndarray:
    return np.delete(truth.voltage_v, AT)


def outage_of_both(make: Make, kind: FaultKind, magnitude: float) -> tuple[VisitTruth, VisitTruth]:
    """Ten minutes into an outage, without and with a fault."""
    sound, ill = make(outages=(OUTAGE,)), make((kind, magnitude, np.inf), outages=(OUTAGE,))
    return look(sound, OUTAGE[0] + 600.0), look(ill, OUTAGE[0] + 600.0)


@pytest.mark.parametrize("cells", [1, 2])
def test_shorted_cells_take_their_volts_at_once_and_lift_the_others_and_the_current(faulty: Make, cells: int) -> None:
    plant = faulty((FaultKind.SHORTED_CELL, cells, 2 * DAY_S))
    before, after, later = look(plant, 600.0), look(plant, 601.0), look(plant, 3 * HOUR_S)
    assert after.voltage_v[AT] - before.voltage_v[AT] == pytest.approx(-2.185 * cells, abs=0.05)
    assert others(after) - others(before) == pytest.approx(np.full(23, 0.095 * cells), abs=0.01)
    assert after.current_a[0] / before.current_a[0] == pytest.approx(1.19**cells, rel=0.02)
    assert after.string_voltage_v == pytest.approx(before.string_voltage_v, abs=0.01)
    assert after.instrument_ohm[AT] < before.instrument_ohm[AT]
    assert 0.5 < later.core_c[AT] - before.core_c[AT] < 10.0  # heat of the short
    look(plant, 2 * DAY_S)
    healed = look(plant, 2 * DAY_S + HOUR_S)
    assert healed.voltage_v == pytest.approx(before.voltage_v, abs=0.05)


def test_an_open_cell_stops_the_string_on_float_and_loses_it_in_an_outage(faulty: Make) -> None:
    plant = faulty((FaultKind.OPEN_CELL, 0.0, np.inf), outages=(OUTAGE,))
    before, after = look(plant, 599.0), look(plant, 601.0)
    assert abs(after.current_a[0]) < 1e-3 < before.current_a[0]
    assert 28.0 < after.voltage_v[AT] < 32.0
    assert others(after) == pytest.approx(12.9, abs=0.15)
    assert after.voltage_v.sum() == pytest.approx(after.string_voltage_v[0], abs=1e-6)
    assert after.string_voltage_v == pytest.approx(before.string_voltage_v, abs=0.01)
    assert after.instrument_ohm[AT] > 0.1
    out = look(plant, OUTAGE[0] + 10.0)
    assert out.mode[0] == StringMode.UNSPECIFIED
    assert out.current_a[0] == 0.0


def test_a_weak_cell_is_turned_round_under_load_while_the_string_lives(faulty: Make) -> None:
    plant = faulty((FaultKind.REVERSED_BLOCK, 0.9, np.inf), outages=((2 * HOUR_S, 2 * HOUR_S + 2_100.0),))
    on_float = look(plant, 2 * HOUR_S)
    assert on_float.voltage_v[AT] == pytest.approx(look(faulty(), 2 * HOUR_S).voltage_v[AT], abs=0.01)
    loaded = look(plant, 2 * HOUR_S + 2_000.0)
    assert loaded.mode[0] == StringMode.DISCHARGE
    assert loaded.voltage_v[AT] < 10.0 < others(loaded).min()
    assert look(plant, 5 * DAY_S).voltage_v[AT] == pytest.approx(on_float.voltage_v[AT], abs=0.1)


def test_an_exhausted_block_goes_below_zero(faulty: Make) -> None:
    plant = faulty((FaultKind.WEAK_BLOCK, 0.85, np.inf), outages=((2 * HOUR_S, 3 * HOUR_S),))
    truth = look(plant, 2 * HOUR_S + 2_400.0)
    assert truth.mode[0] == StringMode.DISCHARGE
    assert truth.voltage_v[AT] < 0.0
    assert others(truth).min() > 11.0


@pytest.mark.parametrize(
    ("kind", "inside"), [(FaultKind.LOOSE_CONNECTION_INSIDE, True), (FaultKind.LOOSE_CONNECTION_OUTSIDE, False)]
)
def test_a_loose_connection_shows_under_load_where_it_is(faulty: Make, kind: FaultKind, inside: bool) -> None:
    sound, ill = outage_of_both(faulty, kind, 0.005)
    drop_v = -0.005 * ill.current_a[0]
    assert ill.voltage_v[AT] - sound.voltage_v[AT] == pytest.approx(-drop_v if inside else 0.0, abs=0.02)
    missing_v = ill.voltage_v.sum() - ill.string_voltage_v[0]
    assert missing_v == pytest.approx(0.0 if inside else drop_v, abs=1e-9)
    assert ill.post_c[AT] - sound.post_c[AT] > 2.0
    assert ill.core_c[AT] == pytest.approx(sound.core_c[AT], abs=0.1)
    quiet = faulty((kind, 0.005, np.inf))
    truth = look(quiet, HOUR_S)
    assert truth.voltage_v == pytest.approx(look(faulty(), HOUR_S).voltage_v, abs=1e-3)
    assert abs(truth.voltage_v.sum() - truth.string_voltage_v[0]) < 1e-3


def test_dry_out_takes_capacity_and_raises_gassing_and_resistance_most(faulty: Make) -> None:
    plant = faulty((FaultKind.DRY_OUT, 0.3, np.inf))
    before, after = look(plant, 600.0), look(plant, 120 * DAY_S)
    assert plant.fleet.blocks.water_lost[AT] == pytest.approx(0.3 * 120 / 365 + 0.02, abs=0.02)
    assert 0.85 < after.capacity_ah[AT] / before.capacity_ah[AT] < 0.97
    assert 1.2 < after.resistance_ratio[AT] / before.resistance_ratio[AT] < 2.0
    assert after.voltage_v[AT] < before.voltage_v[AT] - 0.2  # recombines more: sits lower
    assert np.delete(after.resistance_ratio / before.resistance_ratio, AT).max() < 1.05


def test_resistance_rises_within_a_day_and_float_shows_nothing_of_it(faulty: Make) -> None:
    plant = faulty((FaultKind.RESISTANCE_RISE, 0.5, np.inf))
    ratios = [look(plant, 600.0 + hours * HOUR_S).resistance_ratio[AT] for hours in (0, 6, 12, 24, 48)]
    assert np.array(ratios) / ratios[0] == pytest.approx([1.0, 1.125, 1.25, 1.5, 1.5], rel=0.01)
    sound, ill = look(faulty(), 48 * HOUR_S), look(plant, 48 * HOUR_S)
    assert ill.voltage_v[AT] == pytest.approx(sound.voltage_v[AT], abs=2e-3)


def test_accelerated_ageing_multiplies_the_rate_of_life_and_all_that_follows_it(faulty: Make) -> None:
    used = []
    for plant in (faulty(), faulty((FaultKind.ACCELERATED_AGEING, 20.0, np.inf))):
        before = look(plant, 600.0)
        after = look(plant, 60 * DAY_S)
        used.append(after.life[AT] - before.life[AT])
    assert used[1] / used[0] == pytest.approx(20.0, rel=0.05)
    assert after.capacity_ah[AT] < 0.95 * before.capacity_ah[AT]
    assert after.resistance_ratio[AT] > before.resistance_ratio[AT]


def test_a_weak_block_is_seen_under_load_and_not_on_float(faulty: Make) -> None:
    sound, ill = outage_of_both(faulty, FaultKind.WEAK_BLOCK, 0.4)
    assert ill.capacity_ah[AT] == pytest.approx(0.6 * sound.capacity_ah[AT], rel=1e-3)
    assert ill.voltage_v[AT] < sound.voltage_v[AT] - 0.03
    quiet = look(faulty((FaultKind.WEAK_BLOCK, 0.4, np.inf)), HOUR_S)
    assert quiet.voltage_v[AT] == pytest.approx(look(faulty(), HOUR_S).voltage_v[AT], abs=0.01)


def test_a_charger_a_tenth_of_a_volt_a_cell_high_lifts_all_blocks_and_triples_the_current(faulty: Make) -> None:
    plant = faulty((FaultKind.CHARGER_VOLTAGE, 0.1, DAY_S))
    before, after = look(plant, 599.0), look(plant, 700.0)
    assert after.voltage_v - before.voltage_v == pytest.approx(np.full(24, 0.6), abs=0.02)
    assert after.current_a[0] / before.current_a[0] == pytest.approx(np.exp(1.1), rel=0.03)
    assert look(plant, DAY_S + HOUR_S).voltage_v == pytest.approx(before.voltage_v, abs=0.05)


def test_without_compensation_the_charger_forgets_the_temperature(faulty: Make) -> None:
    truth = look(faulty((FaultKind.CHARGER_NO_COMPENSATION, 0.0, np.inf)), HOUR_S)
    assert truth.string_voltage_v[0] == pytest.approx(24 * 13.65, abs=1e-3)


def runaway(path: Path, factor: float, days: float) -> VisitTruth:
    """A whole string whose gassing and thermal resistance are multiplied, some days later."""
    events = [
        FaultEvent(FaultKind.THERMAL_RUNAWAY, f"{STRING}-B{k:02d}", START_S + 600.0, magnitude=factor)
        for k in range(1, 25)
    ]
    plant = with_outages(Plant(one_string(path / "fleet.toml"), 3, START, events))
    plant.fleet.blocks.ln_gas_a[:] = np.log(0.012)
    return look(plant, days * DAY_S)


def test_heat_runs_away_above_a_critical_factor_and_settles_below_it(tmp_path: Path) -> None:
    # P Rth = 0.3 W x 0.58 K/W x factor^2 against 1 / (e c_T) = 5.3 K
    calm, lost = runaway(tmp_path, 4.5, 12.0), runaway(tmp_path, 8.0, 12.0)
    around_c = look(with_outages(Plant(one_string(tmp_path / "fleet.toml"), 3, START)), 12.0 * DAY_S).core_c
    assert np.max(calm.core_c - around_c) < 16.7
    assert np.min(lost.core_c) > 90.0
    assert lost.current_a[0] > 10.0 * calm.current_a[0]


def test_current_and_heat_rise_together_at_falling_voltage_in_a_runaway(tmp_path: Path) -> None:
    looks = [runaway(tmp_path, 8.0, days) for days in (0.25, 0.5, 1.0, 2.0)]
    assert np.all(np.diff([truth.current_a[0] for truth in looks], 2) > -0.1)
    assert np.all(np.diff([truth.current_a[0] for truth in looks]) > 0.0)
    assert np.all(np.diff([truth.core_c.mean() for truth in looks]) > 0.0)
    assert np.all(np.diff([truth.string_voltage_v[0] for truth in looks]) < 0.0)  # the charger compensates


@pytest.mark.parametrize(("factor", "lost"), [(8.0, False), (20.0, True)])
def test_one_block_alone_feeds_its_runaway_from_its_own_charge(faulty: Make, factor: float, lost: bool) -> None:
    truth = look(faulty((FaultKind.THERMAL_RUNAWAY, factor, np.inf)), 4 * DAY_S)
    assert (truth.voltage_v[AT] < 8.0) == lost  # its cells have shorted
    assert np.delete(truth.core_c, AT).max() < 35.0


_PHYSICAL = [kind for kind in FaultKind if kind <= FaultKind.CHARGER_NO_COMPENSATION]
_FAULTS = st.lists(
    st.tuples(
        st.sampled_from(_PHYSICAL),
        st.floats(-10.0, 1e6) | st.floats(0.0, 1.0),
        st.sampled_from([1_200.0, 3 * HOUR_S, 20 * DAY_S, np.inf]),
    ),
    min_size=1,
    max_size=4,
)


@given(faults=_FAULTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_faults_make_numbers_that_are_none(faulty: Make, faults: list[tuple[FaultKind, float, float]]) -> None:
    plant = faulty(*faults, outages=(OUTAGE, (30 * HOUR_S, 31 * HOUR_S)))
    for second in (660.0, 2 * HOUR_S, *(OUTAGE[0] + k for k in (1, 60, 600)), 9 * HOUR_S, 31 * HOUR_S, 30 * DAY_S):
        truth = look(plant, second)
        for column in (*truth[3:8], *truth[10:19]):
            assert np.isfinite(column).all()
        outside_v = plant.fleet.now.outside_ohm.sum() * truth.current_a[0]
        assert truth.voltage_v.sum() + outside_v == pytest.approx(truth.string_voltage_v[0], abs=1e-6)
