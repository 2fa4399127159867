"""Fusion of evidence: what joins, what grows uncertain, and what may never make a twin more sure of itself."""

import math
from dataclasses import replace
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.capacity_test import tested_capacity as corrected
from actors.filter import FilterParameters, initial_state, run_evidence
from actors.filter_fusion import at_least, join
from actors.filter_layout import state_records
from actors.live_kernel import tell_live
from actors.twin_record import empty_records
from batterytwin.datasheet import load_datasheet
from batterytwin.events import CapacityTest, HealthEvidenceKind, TwinInput, TwinInputKind
from tests.actors.evidence import evidence
from tests.actors.filter_runs import START_US, battery, run

_YEAR_S = 365.25 * 86_400.0
_YEAR_US = round(_YEAR_S * 1e6)
SPEC = battery(installed=date(2019, 11, 14))
PARAMETERS = FilterParameters.from_specs([SPEC])
SHEET = load_datasheet("HX12-120")
BEGUN = run(SPEC, np.arange(0.0, 7_200.0, 60.0), 13.65, 0.02, 25.0)
NOW_US = START_US + 7_140_000_000

sohs = st.floats(0.3, 1.1)
sigmas = st.floats(0.01, 0.3)
kinds = st.sampled_from([TwinInputKind.CAPACITY_TEST, TwinInputKind.DISCHARGE_RANK])


def take(state: np.ndarray, *inputs: TwinInput) -> np.ndarray:
    """State after inputs."""
    after = state.copy()
    places = np.zeros(len(inputs), np.int32)
    run_evidence(after, PARAMETERS, places, places, inputs)
    return after


def told(state: np.ndarray) -> Any:
    return tell_live(state, PARAMETERS, np.zeros(1, np.int32), empty_records(1))[0]


def later(state: np.ndarray, years: float) -> np.ndarray:
    """State after years of quiet float, a reading every six hours."""
    start_s = (state_records(state)["sample_time_us"][0] - START_US) * 1e-6
    return run(SPEC, start_s + np.arange(21_600.0, years * _YEAR_S, 21_600.0), 13.65, 0.02, 25.0, state=state).state


@given(sohs, sigmas, sohs, sigmas)
def test_joining_adds_information_in_any_order(a: float, sa: float, b: float, sb: float) -> None:
    mean, variance = join(a, sa**2, b, sb**2)
    swapped = join(b, sb**2, a, sa**2)
    assert (mean, variance) == pytest.approx(swapped, rel=1e-12)
    assert variance <= min(sa, sb) ** 2
    assert 1.0 / variance == pytest.approx(sa**-2 + sb**-2)
    assert min(a, b) - 1e-12 <= mean <= max(a, b) + 1e-12


@given(sohs, sigmas, sohs, sigmas)
def test_a_lower_bound_moves_up_and_never_less_sure(m: float, s: float, bound: float, sb: float) -> None:
    mean, variance = at_least(m, s**2, bound, sb**2)
    assert mean >= m - 1e-9
    assert 0.0 < variance <= s**2 * (1.0 + 1e-6)


def test_a_lower_bound_has_the_moments_of_the_product() -> None:
    for m, s, bound, sb in ((0.9, 0.1, 0.95, 0.02), (0.8, 0.1, 1.0, 0.03), (0.9, 0.05, 0.6, 0.02)):
        x = np.linspace(m - 8 * s, m + 8 * s, 20_001)
        weight = np.exp(-0.5 * ((x - m) / s) ** 2) * np.array([NormalDist(bound, sb).cdf(v) for v in x])
        mean = (x * weight).sum() / weight.sum()
        variance = ((x - mean) ** 2 * weight).sum() / weight.sum()
        assert at_least(m, s**2, bound, sb**2) == pytest.approx((mean, variance), rel=1e-3)


@settings(max_examples=60)
@given(st.lists(st.tuples(kinds, sohs, sigmas), min_size=2, max_size=4), st.randoms())
def test_evidence_of_one_time_may_come_in_any_order(given_evidence: list, random: object) -> None:  # type: ignore[type-arg]
    inputs = [evidence(1, f"s{n}", soh, sigma, kind, NOW_US) for n, (kind, soh, sigma) in enumerate(given_evidence)]
    believed = state_records(BEGUN.state)["soh_capacity"][0]
    near = [believed + 0.1 * (soh - 0.7) * sigma for _, soh, sigma in given_evidence]
    inputs = [replace(i, soh_capacity=soh) for i, soh in zip(inputs, near, strict=True)]
    shuffled = inputs.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis' random
    one, other = told(take(BEGUN.state, *inputs)), told(take(BEGUN.state, *shuffled))
    assert one["soh_capacity"] == pytest.approx(other["soh_capacity"], abs=1e-6)
    assert one["soh_capacity_sigma"] == pytest.approx(other["soh_capacity_sigma"], rel=1e-5)


@settings(max_examples=60)
@given(kinds, st.floats(-2.5, 2.5), sigmas)
def test_more_evidence_never_makes_a_twin_less_sure(kind: TwinInputKind, surprise: float, sigma: float) -> None:
    before = told(BEGUN.state)
    soh = float(before["soh_capacity"]) + surprise * math.hypot(sigma, float(before["soh_capacity_sigma"]))
    after = told(take(BEGUN.state, evidence(1, "s", min(max(soh, 0.0), 1.2), sigma, kind, NOW_US)))
    assert after["soh_capacity_sigma"] <= before["soh_capacity_sigma"] + 1e-7
    assert after["soh_capacity_sigma"] <= max(sigma, 0.04) + 0.02


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(kinds, sohs, sigmas), max_size=3), st.floats(0.2, 2.0))
def test_a_twin_grows_less_sure_every_year_without_evidence_of_capacity(
    given_evidence: list[tuple[TwinInputKind, float, float]], years: float
) -> None:
    state = take(
        BEGUN.state,
        *(evidence(1, f"s{n}", soh, sigma, kind, NOW_US) for n, (kind, soh, sigma) in enumerate(given_evidence)),
    )
    before, after = told(state), told(later(state, years))
    grown = after["soh_capacity_sigma"] - before["soh_capacity_sigma"]
    ranked = any(kind is TwinInputKind.DISCHARGE_RANK for kind, _, _ in given_evidence)
    assert grown >= (0.010 if ranked else 0.015) * years - 1e-3
    assert after["capacity_evidence_us"] == before["capacity_evidence_us"]


def test_the_same_trend_repeated_makes_nothing_surer() -> None:
    time_s = np.arange(0.0, 90 * 86_400.0, 3_600.0)
    grown = 3.4 * np.where(time_s > 30 * 86_400.0, 1.25, 1.0)
    r = run(SPEC, time_s, 13.65, 0.02, 25.0, resistance_mohm=grown)
    sigma = r["soh_capacity_sigma"]
    settled = time_s > 40 * 86_400.0
    assert np.all(np.diff(sigma[settled]) >= -1e-6)
    assert sigma[-1] > sigma[0]


def test_a_capacity_test_is_within_three_percent_and_dated() -> None:
    for true_soh in (0.55, 0.8, 1.0):
        state = take(BEGUN.state, evidence(1, "test", true_soh, 0.025 * true_soh, time_us=NOW_US))
        row = told(state)
        assert row["soh_capacity"] == pytest.approx(true_soh, abs=0.03)
        assert row["soh_capacity_sigma"] <= 0.026
        assert row["capacity_evidence_us"] == NOW_US
        assert row["capacity_evidence_kind"] == HealthEvidenceKind.CAPACITY_TEST
        rung = HealthEvidenceKind.CAPACITY_TEST - 1
        assert row["evidence_us"][rung] == NOW_US
        assert row["evidence_soh"][rung] == pytest.approx(true_soh)
        assert row["evidence_sigma"][rung] == pytest.approx(0.025 * true_soh)


def test_an_old_test_says_less_and_is_brought_to_the_present() -> None:
    fresh, old = (
        told(take(BEGUN.state, evidence(1, "t", 0.9, 0.02, time_us=us))) for us in (NOW_US, NOW_US - _YEAR_US)
    )
    assert old["soh_capacity"] < fresh["soh_capacity"]
    assert old["soh_capacity_sigma"] > fresh["soh_capacity_sigma"] + 0.01
    newer_first = take(BEGUN.state, evidence(1, "t", 0.9, 0.02, time_us=NOW_US))
    both = told(take(newer_first, evidence(1, "u", 0.9, 0.02, time_us=NOW_US - _YEAR_US)))
    assert both["capacity_evidence_us"] == NOW_US
    assert both["evidence_us"][0] == NOW_US


@pytest.mark.parametrize("soh", [0.6, 1.1])
@pytest.mark.parametrize("hours", [1.0, 9.5])
def test_a_test_told_of_during_a_discharge_leaves_soc_in_its_range(soh: float, hours: float) -> None:
    load_s = 7_140.0 + np.arange(60.0, hours * 3600.0, 60.0)
    loaded = run(SPEC, load_s, np.nan, -12.0, 25.0, state=BEGUN.state)
    after = state_records(take(loaded.state, evidence(1, "t", soh, 0.1, time_us=NOW_US)))[0]
    assert 0.0 <= after["soc"] <= 1.0
    assert abs(after["soh_capacity"] - soh) < abs(loaded.end["soh_capacity"] - soh)


def test_a_stopped_test_is_a_lower_bound() -> None:
    believed = told(BEGUN.state)
    low, high = (
        told(take(BEGUN.state, evidence(1, "t", soh, 0.02, TwinInputKind.STOPPED_CAPACITY_TEST, NOW_US)))
        for soh in (0.5, float(believed["soh_capacity"]) + 0.1)
    )
    assert low.tobytes() == believed.tobytes()
    assert high["soh_capacity"] > believed["soh_capacity"] + 0.08
    assert high["soh_capacity_sigma"] < believed["soh_capacity_sigma"]
    assert high["capacity_evidence_kind"] == HealthEvidenceKind.DEEP_DISCHARGE


def test_ranks_are_told_and_leave_the_filter_alone() -> None:
    state = take(BEGUN.state, evidence(1, "r", 0.7, 0.06, TwinInputKind.DISCHARGE_RANK, NOW_US))
    assert told(state)["soh_capacity"] < told(BEGUN.state)["soh_capacity"]
    for name in ("soh_capacity", "p44", "soc", "capacity_evidence_us"):
        assert state_records(state)[name] == state_records(BEGUN.state)[name]
    many = take(state, *(evidence(1, f"r{n}", 0.7, 0.06, TwinInputKind.DISCHARGE_RANK, NOW_US) for n in range(200)))
    assert told(many)["evidence_sigma"][HealthEvidenceKind.DISCHARGE_RANK - 1] >= 0.04, "its own error stays"


def test_the_ladder_tells_what_there_is() -> None:
    assert np.isnan(told(initial_state(PARAMETERS))["evidence_soh"]).all()
    time_s = np.arange(0.0, 10 * 86_400.0, 3_600.0)
    row = told(run(SPEC, time_s, 13.65, 0.02, 25.0, resistance_mohm=3.4).state)
    known = {HealthEvidenceKind(place + 1) for place, soh in enumerate(row["evidence_soh"]) if not np.isnan(soh)}
    assert known == {
        HealthEvidenceKind.RESISTANCE_TREND,
        HealthEvidenceKind.FLOAT_MARKER,
        HealthEvidenceKind.PRIOR,
    }
    assert np.all(row["evidence_sigma"][3:] >= [0.10, 0.20, 0.02])
    assert np.all(row["evidence_us"][3:5] > START_US)


@given(st.floats(0.5, 1.1), st.floats(0.05, 1.0), st.floats(5.0, 40.0))
def test_a_test_at_any_rate_and_temperature_tells_the_same_capacity(soh: float, rate: float, warmth_c: float) -> None:
    """A block that is `soh` of a new one gives `soh` of what the new one gives in the same time."""
    full = corrected(CapacityTest(100.0 * rate, 100.0 * rate**1.1, warmth_c, 10.5), SHEET)
    same_time = CapacityTest(100.0 * rate * soh, 100.0 * rate**1.1 * soh, warmth_c, 10.5)
    smaller = corrected(same_time, SHEET)
    assert smaller.soh_capacity == pytest.approx(soh * full.soh_capacity)
    assert 0.02 <= smaller.sigma / smaller.soh_capacity < 0.06


def test_capacity_tests_are_corrected_to_ten_hours_and_25_degrees() -> None:
    for charge_ah, current_a, temperature_c, soh in (
        (120.0, 12.0, 25.0, 1.0),
        (0.75 / 0.987 * 120.0, 0.75 / 0.987 * 120.0, 25.0, 1.0),  # one hour
        (102.0, 10.2, 0.0, 1.0),
        (122.4, 12.24, 40.0, 1.0),
        (96.0, 9.6, 25.0, 0.8),
    ):
        tested = corrected(CapacityTest(charge_ah, current_a, temperature_c, 10.5), SHEET)
        assert tested.kind is TwinInputKind.CAPACITY_TEST
        assert tested.soh_capacity == pytest.approx(soh, abs=0.01)
    assert corrected(CapacityTest(60.0, 12.0, 25.0, 11.9), SHEET).kind is TwinInputKind.STOPPED_CAPACITY_TEST
