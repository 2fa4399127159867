"""The signature table against the detectors: what must be raised, where and how soon, and nothing beside it."""

import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from actors.string_words import standing
from batterytwin.diagnosis import FaultClass as F
from batterytwin.telemetry import StringMode
from tests.actors.signature_string import N_BLOCKS, OF_STRINGS, SHEET, SignatureFleet

BLOCK, WHOLE = 7, N_BLOCKS
WARM_UP_HOURS = 26.0
SLOWLY_S = 600.0


@dataclass(frozen=True)
class Case:
    """A fault: what is set to what, the class it must be diagnosed as, and how soon, s."""

    name: str
    faults: tuple[tuple[str, float], ...]
    fault: F
    within_s: float

    @property
    def place(self) -> int:
        return WHOLE if self.faults[0][0] in OF_STRINGS else BLOCK


def case(name: str, fault: F, within_s: float, **faults: float) -> Case:
    return Case(name, tuple(faults.items()), fault, within_s)


MINUTE, HOUR = 60.0, 3_600.0
ON_FLOAT = [
    case("shorted cell", F.SHORTED_CELL, 10 * MINUTE, cells_lost=1.0),
    case("three shorted cells", F.SHORTED_CELL, 10 * MINUTE, cells_lost=3.0),
    case("open cell", F.OPEN_CELL, 2 * MINUTE, open_ohm=5_000.0),
    case("open strap", F.OPEN_CELL, 2 * MINUTE, open_ohm=200.0),
    case("voltage sensor", F.VOLTAGE_SENSOR, 2 * HOUR, voltage_offset_v=0.15),
    case("voltage sensor at zero", F.VOLTAGE_SENSOR, 2 * HOUR, voltage_offset_v=-13.5),
    case("a cell's worth of sensor", F.VOLTAGE_SENSOR, 2 * HOUR, voltage_offset_v=-2.15),
    case("temperature sensor", F.TEMPERATURE_SENSOR, 3 * HOUR, temperature_offset_k=4.0),
    case("cold temperature sensor", F.TEMPERATURE_SENSOR, 3 * HOUR, temperature_offset_k=-4.0),
    case("runaway", F.THERMAL_RUNAWAY, 4 * HOUR, ln_gas=1.6, warm_k=1.5),
    case("local heat", F.THERMAL_RUNAWAY, 4 * HOUR, warm_k=4.0),
    case("imbalance", F.IMBALANCE, 16 * HOUR, ln_gas=-0.9),
    case("current offset", F.CURRENT_OFFSET, 4 * HOUR, current_offset_a=0.4),
    case("large current offset", F.CURRENT_OFFSET, 4 * HOUR, current_offset_a=-3.0),
    case("charger", F.CHARGER_VOLTAGE, 3 * HOUR, charger_v=0.05),
    case("charger too low", F.CHARGER_VOLTAGE, 3 * HOUR, charger_v=-0.03),
    case("charger without compensation", F.CHARGER_VOLTAGE, 12 * HOUR, uncompensated=1.0),
    case("room", F.ROOM_COOLING, 2 * HOUR, room_k=6.0),
    case("stuck voltage", F.STUCK_SENSOR, 2 * HOUR, stuck_voltage=1.0),
    case("stuck temperature", F.STUCK_SENSOR, 3 * HOUR, stuck_temperature=1.0),
    case("stuck current", F.STUCK_SENSOR, 3 * HOUR, stuck_current=1.0),
    case("spiky voltage", F.NOISY_SENSOR, 12 * HOUR, spiky_voltage=1.0),
    case("spiky temperature", F.NOISY_SENSOR, 12 * HOUR, spiky_temperature=8.0),
]
UNDER_LOAD = [
    case("loose connection", F.LOOSE_CONNECTION, 2 * MINUTE, loose_ohm=0.008),
    case("loose outside", F.LOOSE_CONNECTION, 2 * MINUTE, outside_ohm=0.005),
    case("weak block", F.WEAK_BLOCK, 26 * MINUTE, weak=0.45),
    case("reversal", F.REVERSAL, 25 * MINUTE, reversed_v=4.5),
    case("current sign", F.CURRENT_SIGN, 1 * MINUTE, swapped=1.0),
    case("shorted cell under load", F.SHORTED_CELL, 10 * MINUTE, cells_lost=1.0),
]


def names(cases: list[Case]) -> list[str]:
    return [one.name for one in cases]


@cache
def _warm_fleet() -> SignatureFleet:
    fleet = SignatureFleet(len(ON_FLOAT) + 1, seed=3)
    fleet.rest_on_float(WARM_UP_HOURS, SLOWLY_S)
    fleet.rest_on_float(0.5)
    assert fleet.raised == []
    return fleet


def warm_fleet() -> SignatureFleet:
    """Strings that have been on float for a day, one for each case and healthy ones at the end."""
    return copy.deepcopy(_warm_fleet())


def begin(fleet: SignatureFleet, cases: list[Case]) -> None:
    for string, one in enumerate(cases):
        for name, value in one.faults:
            fleet.faults[name][string, 0 if name in OF_STRINGS else BLOCK] = value


@pytest.fixture(scope="module")
def on_float() -> tuple[SignatureFleet, float]:
    fleet = warm_fleet()
    begin(fleet, ON_FLOAT)
    begun_s = fleet.time_s
    fleet.rest_on_float(6.0)
    fleet.rest_on_float(10.0, period_s=300.0)  # until the slowest must have been found
    fleet.rest_on_float(66.0, SLOWLY_S)  # and nothing else comes
    return fleet, begun_s


@pytest.fixture(scope="module")
def under_load() -> tuple[SignatureFleet, float]:
    fleet = warm_fleet()
    begin(fleet, UNDER_LOAD)
    begun_s = fleet.time_s
    fleet.discharge(25.0)
    fleet.rest_on_float(0.2)
    return fleet, begun_s


def judge(fleet: SignatureFleet, begun_s: float, string: int, one: Case) -> None:
    assert fleet.raised_on(string) == {(one.fault, one.place)}
    times_s = [time_s for s, fault, _, time_s in fleet.raised if s == string and fault == one.fault]
    assert times_s[0] - begun_s <= one.within_s
    assert fleet.standing(string) == {(one.fault, one.place)}


@pytest.mark.parametrize("one", ON_FLOAT, ids=names(ON_FLOAT))
def test_a_fault_shows_on_float_as_itself_alone(on_float: tuple[SignatureFleet, float], one: Case) -> None:
    judge(*on_float, ON_FLOAT.index(one), one)


@pytest.mark.parametrize("one", UNDER_LOAD, ids=names(UNDER_LOAD))
def test_a_fault_shows_under_load_as_itself_alone(under_load: tuple[SignatureFleet, float], one: Case) -> None:
    judge(*under_load, UNDER_LOAD.index(one), one)


def test_healthy_strings_beside_them_stay_silent(
    on_float: tuple[SignatureFleet, float], under_load: tuple[SignatureFleet, float]
) -> None:
    for (fleet, _), cases in ((on_float, ON_FLOAT), (under_load, UNDER_LOAD)):
        assert [fleet.raised_on(string) for string in range(len(cases), fleet.n_strings)] == [set()] * (
            fleet.n_strings - len(cases)
        )


@pytest.mark.parametrize("one", ON_FLOAT, ids=names(ON_FLOAT))
def test_every_diagnosis_says_what_speaks_for_it(on_float: tuple[SignatureFleet, float], one: Case) -> None:
    string = ON_FLOAT.index(one)
    (diagnosis,) = standing(on_float[0].fleet.states[string : string + 1], SHEET, N_BLOCKS)
    assert diagnosis.fault == one.fault
    assert diagnosis.positions == (() if one.place == WHOLE else (BLOCK,))
    assert diagnosis.since_us >= on_float[1] * 1e6
    assert diagnosis.evidence
    assert all(np.isfinite(item.value) for item in diagnosis.evidence)


def test_a_string_that_stops_in_a_discharge_is_open() -> None:
    fleet = SignatureFleet(1, seed=4)
    fleet.rest_on_float(WARM_UP_HOURS, SLOWLY_S)
    fleet.discharge(2.0)
    fleet.faults["open_ohm"][0, BLOCK] = 1e6
    fleet.discharge(20 / 60)
    assert fleet.standing(0) == {(F.OPEN_CELL, WHOLE)}


def test_healthy_strings_stay_silent_through_discharges_and_weather() -> None:
    fleet = SignatureFleet(20, seed=5)
    fleet.rest_on_float(WARM_UP_HOURS, SLOWLY_S)
    for minutes, current_a, mode in ((5.0, 45.0, StringMode.DISCHARGE), (40.0, 60.0, StringMode.TEST)):
        fleet.discharge(minutes, current_a, mode=mode)
        fleet.rest_on_float(20.0, SLOWLY_S)
        fleet.rest_on_float(40.0, 2 * SLOWLY_S)
    fleet.faults["room_k"][...] = 1.5  # weather that the cooling lets through
    fleet.rest_on_float(12.0, SLOWLY_S)
    assert fleet.raised == []


def test_the_order_of_the_blocks_permutes_the_answer() -> None:
    order = np.random.default_rng(5).permutation(N_BLOCKS)
    straight, shuffled = SignatureFleet(2, seed=3), SignatureFleet(2, seed=3, order=order)
    for fleet in (straight, shuffled):
        fleet.rest_on_float(WARM_UP_HOURS, SLOWLY_S)
        fleet.faults["cells_lost"][0, BLOCK] = 1.0
        fleet.faults["voltage_offset_v"][1, 15] = 0.4
        fleet.rest_on_float(3.0, period_s=120.0)
    place_of = {int(block): place for place, block in enumerate(order)}
    assert straight.raised_on(0) == {(F.SHORTED_CELL, BLOCK)}
    assert straight.raised_on(1) == {(F.VOLTAGE_SENSOR, 15)}
    moved = [(string, fault, place_of.get(place, place), time_s) for string, fault, place, time_s in straight.raised]
    assert moved == shuffled.raised


def test_what_is_mended_falls() -> None:
    fleet = SignatureFleet(1, seed=6)
    fleet.rest_on_float(WARM_UP_HOURS, SLOWLY_S)
    fleet.faults["voltage_offset_v"][0, BLOCK] = 0.3
    fleet.rest_on_float(2.0)
    assert fleet.standing(0) == {(F.VOLTAGE_SENSOR, BLOCK)}
    fleet.faults["voltage_offset_v"][0, BLOCK] = 0.0
    fleet.rest_on_float(5.0, period_s=120.0)
    assert fleet.standing(0) == set()
    assert [entry[1:3] for entry in fleet.fallen] == [(F.VOLTAGE_SENSOR, BLOCK)]
