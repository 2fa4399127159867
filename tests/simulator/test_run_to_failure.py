"""Fleets that run to failure: what monitors see, what an operator replaces, and the truth that stands apart."""

from dataclasses import replace

import numpy as np
import pytest

from simulator.failure_plan import FailurePlan, Upkeep, failure_plan
from simulator.run_to_failure import FleetMonth, FleetTruth, RunToFailure

PLAN = failure_plan(3, sites=1, strings_per_site=2, years=0.26)
FREQUENT = Upkeep(
    tests_per_year=4.0,
    test_sigma=0.02,
    planned_age_years=np.inf,
    string_share=1.0,
    resistance_days=1,
    resistance_sd=0.0,
)


def _lived(plan: FailurePlan) -> list[tuple[FleetMonth, FleetTruth]]:
    return list(RunToFailure(plan).months())


def test_the_same_plan_lives_the_same_life() -> None:
    for (one, true_one), (other, true_other) in zip(_lived(PLAN), _lived(PLAN), strict=True):
        for name in FleetMonth._fields:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
        np.testing.assert_array_equal(true_one.soh, true_other.soh)


def test_monitors_read_every_hour_and_every_minute_of_a_discharge() -> None:
    months = _lived(PLAN)
    assert len(months) == 3
    for month, _ in months:
        mine = month.slot == 0
        steps_s = np.diff(month.time_us[mine]) * 1e-6
        assert (steps_s > 0.0).all()
        assert steps_s.max() == 3_600.0
        loaded = (month.current_a[mine] < -1.0)[1:] & (month.current_a[mine] < -1.0)[:-1]
        assert (steps_s[loaded] <= 60.0).all()


def test_tests_show_the_truth_with_their_error_and_new_blocks_begin_anew() -> None:
    months = _lived(replace(PLAN, years=0.6, upkeep=FREQUENT))
    shown = np.concatenate([month.test_soh for month, _ in months])
    true = np.concatenate([truth.soh[month.test_slot] for month, truth in months])
    assert len(shown) >= 48
    assert np.std(shown / true - 1.0) == pytest.approx(0.02, rel=0.4)


def test_an_operator_replaces_what_has_failed_and_strings_that_are_too_old() -> None:
    old = replace(PLAN, upkeep=replace(FREQUENT, planned_age_years=0.05))
    (first, _), (_, truth), *_ = _lived(old)
    assert len(first.renewed) == 48
    assert truth.soh.min() > 0.9


def test_lives_go_on_from_where_they_are_when_nobody_watches_any_more() -> None:
    plan = replace(PLAN, years=1.1)
    *_, (_, truth) = _lived(plan)
    known = np.isfinite(truth.left_s)
    assert known.mean() > 0.9
    years = truth.left_s[known] / (365.25 * 86_400.0)
    assert 0.0 <= years.min() < years.max() < 40.0
    assert np.corrcoef(years, truth.soh[known])[0, 1] > 0.1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_plants_differ_and_their_twins_are_told_one_data_sheet(seed: int) -> None:
    plan, other = failure_plan(seed), failure_plan(seed + 10)
    assert plan.variant != other.variant
    assert plan.inventory.battery_count() == 192
    truth = plan.inventory.locations[0].systems[0].strings[0].datasheet
    told = RunToFailure(replace(plan, years=0.0)).datasheet
    assert truth.life_activation_energy_j_mol != told.life_activation_energy_j_mol
    assert 45_000.0 <= truth.life_activation_energy_j_mol <= 55_000.0
