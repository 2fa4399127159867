"""What the fault campaign says of diagnoses that are right, wrong, late or missing."""

import pytest

from batterytwin.diagnosis import FaultClass
from tests.validation.fault_score import (
    HEALTHY,
    Injection,
    Said,
    Tally,
    score,
    share_found,
    share_of_all,
    wrong_per_1000_battery_months,
)

_SHORTED = Injection("shorted cell", string=3, position=5, start_s=1_000.0, start_frame=10)


def _said(fault: FaultClass, *, string: int = 3, positions: tuple[int, ...] = (5,), time_s: float = 1_300.0) -> Said:
    return Said(string, fault, positions, time_s, frame=14)


def test_the_right_class_in_the_right_block_is_found_with_its_delay() -> None:
    tally = score([_SHORTED], [_said(FaultClass.SHORTED_CELL)], battery_months=100.0)
    assert share_found(tally, "shorted cell") == 100.0
    assert tally.found["shorted cell"] == [300.0]
    assert tally.frames["shorted cell"] == [5]
    assert wrong_per_1000_battery_months(tally) == 0.0


@pytest.mark.parametrize(
    "said",
    [
        _said(FaultClass.DRY_OUT),
        _said(FaultClass.SHORTED_CELL, positions=(6,)),
        _said(FaultClass.SHORTED_CELL, time_s=900.0),
        _said(FaultClass.SHORTED_CELL, string=4),
    ],
)
def test_another_class_block_string_or_a_time_before_the_fault_is_wrong(said: Said) -> None:
    tally = score([_SHORTED], [said], battery_months=100.0)
    assert share_found(tally, "shorted cell") == 0.0
    assert wrong_per_1000_battery_months(tally) == 10.0


def test_a_right_diagnosis_does_not_excuse_a_wrong_one_beside_it() -> None:
    tally = score([_SHORTED], [_said(FaultClass.IMBALANCE), _said(FaultClass.SHORTED_CELL)], battery_months=1_000.0)
    assert share_found(tally, "shorted cell") == 100.0
    assert tally.wrong == {("shorted cell", "IMBALANCE"): 1}


def test_what_a_fault_brings_with_it_is_neither_found_nor_wrong() -> None:
    weak = Injection("weak block", string=3, position=5, start_s=0.0)
    tally = score([weak], [_said(FaultClass.IMBALANCE)], battery_months=1.0)
    assert share_found(tally, "weak block") == 0.0
    assert not tally.wrong


def test_a_fault_of_a_site_counts_once_and_excuses_its_other_strings() -> None:
    room = Injection("cooling failed", string=0, position=-1, start_s=0.0, also=(0, 1, 2))
    said = [_said(FaultClass.ROOM_COOLING, string=string, positions=()) for string in (0, 1, 2)]
    tally = score([room], said, battery_months=1.0)
    assert tally.injected["cooling failed"] == 1
    assert share_found(tally, "cooling failed") == 100.0
    assert not tally.wrong
    elsewhere = score([room], said[1:], battery_months=1.0)
    assert share_found(elsewhere, "cooling failed") == 0.0


def test_parts_of_a_campaign_add_up() -> None:
    whole = Tally()
    whole.add(score([_SHORTED], [_said(FaultClass.SHORTED_CELL)], battery_months=10.0))
    whole.add(score([_SHORTED], [_said(FaultClass.OPEN_CELL, string=9)], battery_months=30.0))
    assert whole.injected["shorted cell"] == 2
    assert share_of_all(whole) == 50.0
    assert whole.wrong == {(HEALTHY, "OPEN_CELL"): 1}
    assert wrong_per_1000_battery_months(whole) == pytest.approx(25.0)
