"""A figure can be missed, and nothing that should be measured is forgotten."""

from collections import Counter

import pytest

from tests.bench.sections import SECTIONS
from tests.bench.targets import TARGETS, Measurement, Target


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_every_target_can_be_met_and_missed(target: Target) -> None:
    better, worse = target.limit / 2, target.limit * 2
    if target.higher_is_better:
        better, worse = worse, better
    assert Measurement(target, target.limit).met
    assert Measurement(target, better).met
    assert not Measurement(target, worse).met


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_was_not_measured_is_missed_and_says_why(target: Target) -> None:
    missed = Measurement(target, None, "the server ended early")
    assert not missed.met
    assert missed.as_row()[1] == "the server ended early"
    assert missed.as_row()[3] == "NO"


def test_a_figure_that_is_no_number_is_missed() -> None:
    assert not any(Measurement(target, float("nan")).met for target in TARGETS)


def test_every_section_has_targets_and_every_target_its_section() -> None:
    assert {target.section for target in TARGETS} == set(SECTIONS)


def test_no_figure_has_two_targets() -> None:
    assert max(Counter(target.name for target in TARGETS).values()) == 1
