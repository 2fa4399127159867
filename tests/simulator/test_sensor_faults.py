"""Each faulty sensor leaves its signature on what is seen, nothing on what is, and nothing on its neighbours."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from simulator.faults import FaultEvent, FaultKind
from simulator.plant import Plant
from simulator.sensor_faults import sensor_faults
from simulator.sensors import VisitReadings, measure
from simulator.visits import Visits, VisitTruth
from tests.simulator.small_fleet import START, START_S, one_string, with_outages

Floats = np.ndarray[Any, np.dtype[np.float64]]
MINUTES = 2_880
BEGIN_S, END_S = START_S + 43_200.0, START_S + 129_600.0
BLOCK, STRING = "BRK-U1-S01-B07", "BRK-U1-S01"
DURING = slice(719, 2_159)  # samples inside the fault


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Inventory:
    return one_string(tmp_path_factory.mktemp("fleet") / "fleet.toml")


@pytest.fixture(scope="module")
def truth(inventory: Inventory) -> VisitTruth:
    """Two days of a healthy string, once a minute, with an outage in the second."""
    plant = with_outages(Plant(inventory, 3, START), (90_000.0, 91_200.0))
    times_us = np.array([round((START_S + 60.0 * m) * 1e6) for m in range(1, MINUTES + 1)])
    return plant.visit(Visits(np.zeros(MINUTES, dtype=np.int64), times_us))


def read(truth: VisitTruth, inventory: Inventory, *faults: FaultEvent) -> VisitReadings:
    return measure(truth, 7, sensor_faults(inventory, faults))


def fault(kind: FaultKind, magnitude: float = 0.0, target: str = BLOCK) -> FaultEvent:
    return FaultEvent(kind, target, BEGIN_S, END_S, magnitude)


def differences(truth: VisitTruth, inventory: Inventory, event: FaultEvent, column: str) -> Floats:
    """Faulty minus healthy readings of block 7 (or of the string) inside the fault; elsewhere they are equal."""
    healthy, faulty = read(truth, inventory), read(truth, inventory, event)
    per_visit = len(getattr(healthy, column)) // MINUTES
    difference: Floats = np.empty(0)
    for name in VisitReadings._fields:
        one, two = getattr(healthy, name).copy(), getattr(faulty, name).copy()
        if name == column:
            one, two = one.reshape(MINUTES, per_visit), two.reshape(MINUTES, per_visit)
            place = 6 if per_visit > 1 else 0
            difference = two[DURING, place].astype(float) - one[DURING, place]
            one[DURING, place] = two[DURING, place] = 0.0
        assert np.array_equal(one, two, equal_nan=True)
    return difference


def test_healthy_sensors_read_what_they_would_without_a_table(truth: VisitTruth, inventory: Inventory) -> None:
    for one, two in zip(measure(truth, 7), read(truth, inventory), strict=True):
        assert np.array_equal(one, two, equal_nan=True)


@pytest.mark.parametrize(
    ("kind", "column", "magnitude"),
    [
        (FaultKind.VOLTAGE_OFFSET, "voltage_v", 0.3),
        (FaultKind.VOLTAGE_OFFSET, "voltage_v", -0.3),
        (FaultKind.TEMPERATURE_OFFSET, "temperature_c", 5.0),
    ],
)
def test_an_offset_is_added_to_every_sample(
    truth: VisitTruth, inventory: Inventory, kind: FaultKind, column: str, magnitude: float
) -> None:
    assert np.allclose(differences(truth, inventory, fault(kind, magnitude), column), magnitude, atol=0.002)


@pytest.mark.parametrize(
    ("kind", "column", "rate"),
    [(FaultKind.VOLTAGE_DRIFT, "voltage_v", 0.05), (FaultKind.TEMPERATURE_DRIFT, "temperature_c", -2.0)],
)
def test_a_drift_grows_from_nothing_by_its_rate(
    truth: VisitTruth, inventory: Inventory, kind: FaultKind, column: str, rate: float
) -> None:
    step = {"voltage_v": 0.002, "temperature_c": 0.11}[column]
    days = np.arange(1_440) / 1_440.0
    assert np.allclose(differences(truth, inventory, fault(kind, rate), column), rate * days, atol=step)


@pytest.mark.parametrize(
    ("kind", "column", "usual"),
    [
        (FaultKind.VOLTAGE_STUCK, "voltage_v", 13.65),
        (FaultKind.TEMPERATURE_STUCK, "temperature_c", 25.0),
        (FaultKind.CURRENT_STUCK, "current_a", 0.0),
    ],
)
def test_a_stuck_sensor_shows_one_plausible_value_through_an_outage(
    truth: VisitTruth, inventory: Inventory, kind: FaultKind, column: str, usual: float
) -> None:
    within = {"voltage_v": 0.25, "temperature_c": 6.0, "current_a": 0.25}[column]
    target = STRING if column == "current_a" else BLOCK
    faulty = getattr(read(truth, inventory, fault(kind, target=target)), column).reshape(MINUTES, -1)
    seen = faulty[DURING, 6 if target == BLOCK else 0]
    assert len(set(seen.tolist())) == 1
    assert seen[0] == pytest.approx(usual, abs=within)


@pytest.mark.parametrize(
    ("kind", "column", "magnitude"),
    [(FaultKind.VOLTAGE_SPIKES, "voltage_v", 2.0), (FaultKind.TEMPERATURE_SPIKES, "temperature_c", 20.0)],
)
def test_spikes_spoil_one_sample_in_fifty(
    truth: VisitTruth, inventory: Inventory, kind: FaultKind, column: str, magnitude: float
) -> None:
    difference = differences(truth, inventory, fault(kind, magnitude), column)
    spiked = np.abs(difference) > 0.5 * magnitude
    assert 0.01 < spiked.mean() < 0.035
    assert np.allclose(np.abs(difference[spiked]), magnitude, atol=0.11)
    assert np.allclose(difference[~spiked], 0.0)
    assert {1.0, -1.0} == set(np.sign(difference[spiked]).tolist())


def test_a_current_sensor_the_wrong_way_round_shows_a_discharge_as_a_charge(
    truth: VisitTruth, inventory: Inventory
) -> None:
    event = fault(FaultKind.CURRENT_SIGN, target=STRING)
    healthy, faulty = read(truth, inventory), read(truth, inventory, event)
    loaded = truth.current_a < -5.0
    assert loaded.sum() >= 10
    assert np.all(faulty.current_a[loaded] > 5.0)
    assert np.allclose(faulty.current_a[DURING], -healthy.current_a[DURING])


def test_an_offset_of_the_current_is_the_same_under_load_and_on_float(truth: VisitTruth, inventory: Inventory) -> None:
    event = fault(FaultKind.CURRENT_OFFSET, 1.5, STRING)
    assert np.allclose(differences(truth, inventory, event, "current_a"), 1.5, atol=0.011)


def test_what_is_seen_does_not_depend_on_the_order_of_asking(truth: VisitTruth, inventory: Inventory) -> None:
    kinds = [kind for kind in FaultKind if FaultKind.VOLTAGE_OFFSET <= kind <= FaultKind.CURRENT_STUCK]
    events = [fault(kind, 0.5, STRING if kind >= FaultKind.CURRENT_OFFSET else BLOCK) for kind in kinds]
    whole = read(truth, inventory, *events)
    for begin in (2_000, 800, 0):
        part = read(part_of(truth, begin, begin + 500), inventory, *events)
        assert np.array_equal(part.voltage_v, whole.voltage_v[24 * begin : 24 * (begin + 500)])
        assert np.array_equal(part.temperature_c, whole.temperature_c[24 * begin : 24 * (begin + 500)])
        assert np.array_equal(part.current_a, whole.current_a[begin : begin + 500])


def part_of(truth: VisitTruth, begin: int, end: int) -> VisitTruth:
    rows = slice(24 * begin, 24 * end)
    return truth._replace(
        visits=Visits(truth.visits.string[begin:end], truth.visits.time_us[begin:end]),
        first_row=truth.first_row[: end - begin + 1],
        block=truth.block[rows],
        voltage_v=truth.voltage_v[rows],
        post_c=truth.post_c[rows],
        instrument_ohm=truth.instrument_ohm[rows],
        string_voltage_v=truth.string_voltage_v[begin:end],
        current_a=truth.current_a[begin:end],
        mode=truth.mode[begin:end],
        since_us=truth.since_us[begin:end],
    )


def test_faults_of_sensors_and_gateways_are_absent_from_the_truth(tmp_path: Path) -> None:
    inventory = one_string(tmp_path / "fleet.toml")
    events = [
        FaultEvent(kind, target_of(kind), START_S, magnitude=0.5)
        for kind in FaultKind
        if kind >= FaultKind.VOLTAGE_OFFSET
    ]
    visits = Visits(np.zeros(60, dtype=np.int64), np.array([round((START_S + 60.0 * m) * 1e6) for m in range(1, 61)]))
    healthy, faulty = (
        with_outages(Plant(inventory, 3, START, faults), (600.0, 1_200.0)).visit(visits) for faults in ((), events)
    )
    for name in VisitTruth._fields:
        if name not in {"visits", "block_faults", "string_faults"}:
            assert np.array_equal(getattr(healthy, name), getattr(faulty, name))


def target_of(kind: FaultKind) -> str:
    if kind in {FaultKind.CLOCK_SKEW, FaultKind.LATE_ROWS, FaultKind.REPEATED_ROWS}:
        return "BRK"
    return STRING if kind >= FaultKind.CURRENT_OFFSET else BLOCK


@pytest.mark.parametrize("targets", [["XXX-U1-S01-B01"], [BLOCK, "BRK"]])
def test_a_target_that_the_fleet_does_not_have_is_named(inventory: Inventory, targets: Sequence[str]) -> None:
    events = [FaultEvent(FaultKind.VOLTAGE_OFFSET, target, START_S) for target in targets]
    with pytest.raises(InvalidArgumentError, match=targets[-1]):
        sensor_faults(inventory, events)
