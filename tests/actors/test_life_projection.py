"""Projected lives: the life law in the middle, its spread around it, and nothing but the scenario between two runs."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from actors.life_inputs import life_records
from actors.life_projection import LifeBlocks, LifeEnsemble, SiteAgeing, project_life
from actors.remaining_life import physics_life
from batterytwin.errors import InvalidArgumentError
from batterytwin.life import MEDIAN, QUANTILES
from tests.actors.life_rows import YEAR_S, life_rows

YEAR_D = 365.25
OFFSETS_K = np.arange(-12.0, 13.0)


def blocks(
    count: int = 200, life: float = 0.0, soh: float = 1.0, sigma: float = 1e-6, spread: float = 0.3
) -> LifeBlocks:
    scores = np.array([NormalDist().inv_cdf(level) for level in QUANTILES])

    def all_of(value: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.full(count, value)

    return LifeBlocks(
        site=np.zeros(count, np.int64),
        offset_k=all_of(0.0),
        wear=all_of(life),
        ln_speed=np.tile(spread * scores, (count, 1)),
        soh=all_of(soh),
        soh_sigma=all_of(sigma),
        life_s=all_of(10.0 * YEAR_D * 86_400.0),
        exponent=all_of(1.5),
        fade_at_end=all_of(0.2),
        stress=all_of(1.0),
        cycles_per_s=all_of(0.0),
        factor_day=np.zeros(1),
        factor=np.ones((1, count)),
    )


def room(celsius: float, years: float = 20.0) -> SiteAgeing:
    days = round(years * YEAR_D)
    factor: np.ndarray[tuple[int], np.dtype[np.float64]] = np.exp(
        50_000.0 / 8.314462618 * (1 / 293.15 - 1 / (celsius + OFFSETS_K + 273.15))
    )
    aged_s = 86_400.0 * np.arange(days + 1, dtype=np.float64)[np.newaxis, :, np.newaxis] * factor
    return SiteAgeing(OFFSETS_K, aged_s)


def project(
    start: LifeBlocks, celsius: float, members: int = 20, seed: int = 3, soh_days: tuple[int, ...] = ()
) -> LifeEnsemble:
    return project_life(start, room(celsius), members=members, seed=seed, soh_days=soh_days)


def test_half_of_new_blocks_at_20_degrees_outlive_their_data_sheet() -> None:
    first = project(blocks(), 20.0).end_day[:, :, 0]
    assert np.median(first) == pytest.approx(10.0 * YEAR_D, rel=0.03)
    assert np.std(np.log(first[np.isfinite(first)])) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("celsius", [20.0, 25.0, 30.0])
def test_ten_kelvin_more_take_40_to_50_percent_of_what_is_left(celsius: float) -> None:
    start = blocks(life=0.2, soh=1.0 - 0.2 * 0.2**1.5, sigma=0.01)
    left = [np.median(project(start, warm).end_day[:, :, 0]) for warm in (celsius, celsius + 10.0)]
    assert 0.50 <= left[1] / left[0] <= 0.60


def test_a_warmer_room_shortens_every_life_of_every_member() -> None:
    cool, warm = (project(blocks(life=0.3, soh=0.95, sigma=0.02), celsius).end_day for celsius in (24.0, 27.0))
    finite = np.isfinite(cool[:, :, 0])
    assert np.all(warm[:, :, 0][finite] < cool[:, :, 0][finite])


def test_members_are_the_same_for_the_same_seed_and_for_more_of_them() -> None:
    first, again = project(blocks(30), 25.0, members=5), project(blocks(30), 25.0, members=17)
    ends = again.end_day[:5, :, : first.end_day.shape[2]]
    assert np.array_equal(first.end_day, ends)
    assert not np.array_equal(first.end_day, project(blocks(30), 25.0, members=5, seed=4).end_day)


def test_successors_come_to_their_end_after_those_they_replace() -> None:
    ends = project(blocks(life=0.8, soh=0.86, sigma=0.03), 30.0).end_day
    later, sooner = ends[:, :, 1:], ends[:, :, :-1]
    assert np.all((later > sooner) | np.isinf(later))
    assert (np.isfinite(ends).sum(axis=2) >= 2).mean() > 0.9


def test_a_block_that_is_at_its_end_is_replaced_now_and_ageing_by_a_factor_counts_as_time() -> None:
    assert np.all(project(blocks(life=1.0, soh=0.8, spread=0.0), 25.0).end_day[:, :, 0] == 0.0)
    usual, fast = blocks(), replace(blocks(), factor=np.full((1, 200), 4.0))
    ratio = project(usual, 30.0).end_day[:, :, 0] / project(fast, 30.0).end_day[:, :, 0]
    assert np.nanmedian(ratio) == pytest.approx(4.0, rel=0.02)


def test_a_factor_acts_from_its_begin_to_its_end_and_no_longer() -> None:
    """Four times as fast for 100.5 days is 301.5 days more of age, wherever in a life they lie."""
    usual = blocks(spread=0.0)
    for first in (0.0, 1.25, 700.0):
        factors = np.array([[1.0], [4.0], [1.0]]).repeat(200, 1)
        spans = replace(usual, factor_day=np.array([0.0, first, first + 100.5]), factor=factors)
        for celsius in (20.0, 30.0):
            lost = project(usual, celsius).end_day[:, :, 0] - project(spans, celsius).end_day[:, :, 0]
            assert np.median(lost) == pytest.approx(301.5, abs=0.1)
    late = replace(usual, factor_day=np.array([0.0, 30.0 * YEAR_D]), factor=np.array([[1.0], [50.0]]).repeat(200, 1))
    assert np.array_equal(project(late, 30.0).end_day, project(usual, 30.0).end_day)


def test_successors_are_counted_to_the_horizon_or_not_at_all() -> None:
    fast = replace(blocks(20, spread=0.0), factor=np.full((1, 20), 20.0))
    ends = project(fast, 20.0).end_day
    last = np.where(np.isfinite(ends), ends, 0.0).max(axis=2)
    assert np.all(last > 17.0 * YEAR_D), "lives of half a year are told until the end of the 20 years"
    with pytest.raises(InvalidArgumentError, match="fewer years"):
        project(replace(fast, factor=np.full((1, 20), 1_000.0)), 20.0)


def test_capacities_fall_with_time_and_begin_with_the_sigma_of_the_twins() -> None:
    soh = project(blocks(life=0.4, soh=0.93, sigma=0.03), 27.0, soh_days=(0, 183, 730)).soh
    assert np.all(np.diff(soh, axis=0) < 0.0)
    assert soh[0].std() == pytest.approx(0.03, rel=0.1)
    assert soh[0].mean() == pytest.approx(0.93, abs=0.002)


def test_whoever_is_told_of_the_progress_may_cancel() -> None:
    told: list[float] = []

    def stop(share: float) -> None:
        told.append(share)
        if share >= 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        project_life(blocks(10), room(25.0), members=100, seed=1, progress=stop)
    assert told == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])


@pytest.mark.parametrize("celsius", [22.0, 30.0])
def test_lives_are_those_that_the_live_product_tells_of_the_same_batteries(celsius: float) -> None:
    """Whatever is known of them: age, a capacity test, a resistance that rises, discharges."""
    known = life_rows(60, room_c=celsius)
    x = life_records(known)
    rng = np.random.default_rng(5)
    age_s = rng.uniform(0.2, 9.0, 60) * YEAR_S
    x["installed_us"] = x["as_of_us"] - 1e6 * age_s
    factor = x["ageing_month_1"]
    x["observed_s"], x["thermal_age_s"], x["stress_age_s"] = age_s, age_s * factor, 1.1 * age_s * factor
    x["cycle_wear"] = rng.uniform(0.0, 0.1, 60)
    tested, drifted = slice(0, 30), slice(20, 50)
    x["test_us"][tested] = x["as_of_us"][tested] - 1e6 * 0.1 * age_s[tested]
    x["test_soh"][tested], x["test_sigma"][tested] = rng.uniform(0.82, 1.02, 30), 0.025
    x["resistance_drift"][drifted], x["resistance_drift_sigma"][drifted] = rng.uniform(0.0, 0.4, 30), 0.03
    told = physics_life(known)
    start = replace(
        blocks(60, soh=0.95, sigma=0.03),
        wear=told.rates.wear,
        ln_speed=told.speed_quantiles[:, ::-1],
        stress=told.rates.voltage_factor,
        cycles_per_s=told.rates.cycles_per_s,
    )
    first = project_life(start, room(celsius, 40.0), members=600, seed=1).end_day[:, :, 0]
    expected = told.quantile_days
    usual = (expected[:, MEDIAN] > 30.0) & (expected[:, MEDIAN] < 12_000.0)
    assert usual.sum() > 45
    median_days = np.median(first, axis=0)[usual]
    assert np.all(np.abs(median_days - expected[usual, MEDIAN]) < np.maximum(0.1 * expected[usual, MEDIAN], 100.0))
    assert np.median(median_days / expected[usual, MEDIAN]) == pytest.approx(1.0, abs=0.02)
    quartile = np.quantile(first, 0.75, axis=0)[usual] / expected[usual, QUANTILES.index(0.75)]
    assert np.median(quartile) == pytest.approx(1.0, abs=0.03)
