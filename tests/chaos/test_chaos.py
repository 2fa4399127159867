"""Faults under load, in the short form: nothing acknowledged is lost, nothing is there twice."""

import pytest

from tests.chaos.runner import run, short


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_whatever_dies() -> None:
    experiments = list(short(seed=1).values())
    outcomes = run(experiments, budget_s=240.0, say=print)
    assert [violation for outcome in outcomes for violation in outcome.violations] == []
    assert len(outcomes) == len(experiments) + 1
    assert sum(outcome.acked for outcome in outcomes) > 1_000
