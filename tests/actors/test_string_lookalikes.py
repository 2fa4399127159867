"""What looks like a fault and is another one, or none: the laws that tell them apart."""

import copy
from functools import cache

import numpy as np

from batterytwin.diagnosis import FaultClass as F
from batterytwin.telemetry import StringMode
from tests.actors.signature_string import DAY_S, N_BLOCKS, SignatureFleet

BLOCK, WHOLE = 7, N_BLOCKS
HOUR_S = 3_600.0
RARELY_S = 30.0


STRINGS = 3


@cache
def _floated() -> SignatureFleet:
    fleet = SignatureFleet(STRINGS, seed=11)
    fleet.rest_on_float(26.0, period_s=600.0)
    fleet.rest_on_float(0.5)
    assert fleet.raised == []
    return fleet


def floated() -> SignatureFleet:
    """Strings that have been on float for a day; each test goes on with copies of the same ones."""
    return copy.deepcopy(_floated())


def raised(fleet: SignatureFleet) -> list[set[tuple[int, int]]]:
    return [fleet.raised_on(string) for string in range(STRINGS)]


def test_gassing_that_changes_in_many_blocks_at_once_is_imbalance_and_no_break() -> None:
    fleet = floated()
    fleet.faults["ln_gas"][...] = 0.8 * np.clip(np.random.default_rng(12).standard_normal((STRINGS, N_BLOCKS)), -2, 2)
    fleet.rest_on_float(1.0)
    fleet.rest_on_float(14.0, period_s=300.0)
    assert raised(fleet) == [{(F.IMBALANCE, WHOLE)}] * STRINGS


def test_a_charger_below_what_full_blocks_rest_at_is_the_charger() -> None:
    fleet = floated()
    fleet.faults["charger_v"][...] = -0.12
    fleet.rest_on_float(2.0)
    assert raised(fleet) == [{(F.CHARGER_VOLTAGE, WHOLE)}] * STRINGS


def test_a_block_that_is_full_before_the_others_is_not_open() -> None:
    fleet = floated()
    fleet.discharge(30.0, period_s=RARELY_S)
    for _ in range(60):
        fleet.time_s += 60.0
        voltage_v = np.full((STRINGS, N_BLOCKS), 13.3)
        voltage_v[:, BLOCK] = 15.3
        fleet.look(voltage_v, np.full((STRINGS, 1), 1.2), voltage_v.sum(axis=1, keepdims=True), StringMode.FLOAT)
    assert raised(fleet) == [set()] * STRINGS


def test_a_charger_that_reaches_its_limit_between_rare_samples_turns_no_sign() -> None:
    fleet = floated()
    fleet.discharge(30.0, period_s=RARELY_S)
    for volts, amperes in ((12.9, 12.0), (13.2, 12.0), (13.6, 4.0), (13.65, 1.0)):
        fleet.time_s += HOUR_S
        voltage_v = np.full((STRINGS, N_BLOCKS), volts)
        fleet.look(voltage_v, np.full((STRINGS, 1), amperes), voltage_v.sum(axis=1, keepdims=True), StringMode.FLOAT)
    assert raised(fleet) == [set()] * STRINGS


def test_a_float_current_that_turns_round_is_a_sign_and_no_offset() -> None:
    fleet = SignatureFleet(1, seed=16)
    fleet.faults["ln_gas"][...] = 2.0  # old blocks, whose float current stands out of the sensor's noise
    fleet.rest_on_float(27.0, period_s=300.0)
    fleet.faults["swapped"][...] = 1.0
    fleet.rest_on_float(6.0)
    assert fleet.raised_on(0) == set()
    fleet.discharge(1.0)
    assert fleet.raised_on(0) == {(F.CURRENT_SIGN, WHOLE)}


def test_a_sensor_that_jumps_shows_no_weak_block() -> None:
    fleet = floated()
    fleet.faults["spiky_voltage"][0, BLOCK] = 1.0
    fleet.rest_on_float(8.0)
    fleet.discharge(60.0, period_s=RARELY_S)
    fleet.rest_on_float(0.2)
    assert raised(fleet) == [{(F.NOISY_SENSOR, BLOCK)}, set(), set()]


def test_ordinary_spread_of_capacity_is_not_weak_and_a_lost_third_is() -> None:
    fleet = floated()
    fleet.faults["weak"][:, BLOCK] = (0.0, 0.13, 0.35)
    fleet.discharge(85.0, period_s=RARELY_S)
    fleet.rest_on_float(0.2)
    assert raised(fleet) == [set(), set(), {(F.WEAK_BLOCK, BLOCK)}]


def test_a_sensor_that_drifts_for_months_is_found_though_a_baseline_would_follow_it() -> None:
    fleet = SignatureFleet(2, seed=19)
    fleet.rest_on_float(20 * 24.0, period_s=HOUR_S)
    for _ in range(40):
        fleet.faults["voltage_offset_v"][0, BLOCK] -= 0.003
        fleet.rest_on_float(24.0, period_s=HOUR_S)
    assert fleet.raised_on(0) == {(F.VOLTAGE_SENSOR, BLOCK)}
    assert fleet.raised_on(1) == set()
    (raised_s,) = [time_s for string, _, _, time_s in fleet.raised if string == 0]
    assert fleet.time_s - raised_s > 10 * DAY_S
