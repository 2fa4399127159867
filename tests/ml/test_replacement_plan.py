"""Laws of life curves, advice, plans and forecasts."""

import itertools
import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batterytwin.life_plan import ReplacementAdvice, ReplacementPrices, ReplacementUrgency
from batterytwin.quarters import MONSOON_MONTHS, Quarter, day_start_us, site_day
from ml.life_curve import chance_of_end, days_at_risk
from ml.maintenance_plan import make_plan
from ml.replacement_advice import DEFERRED_RISK, advise
from ml.replacement_forecast import (
    ForecastLives,
    count_distribution,
    count_interval,
    forecast_location,
    value_of_cooling,
)
from ml.string_choice import PlanBattery, choose, due_by_quarter
from ml.work_window import window_notes, work_window

DAY_US = 86_400_000_000
PRICES = ReplacementPrices()

quantiles = st.lists(st.integers(0, 6_000), min_size=5, max_size=5).map(lambda days: np.array(sorted(days), float))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2032, 12, 31)).map(  # noqa: DTZ001 - given a zone here
    lambda time: int(time.replace(tzinfo=UTC).timestamp() * 1e6)
)
healths = st.one_of(st.just(math.nan), st.floats(0.5, 1.1))
risks = st.floats(0.01, 0.5)


@settings(max_examples=40)
@given(quantiles, st.floats(-10.0, 20_000.0), st.floats(0.0, 5_000.0))
def test_the_chance_of_an_end_never_falls_and_meets_the_quantiles(
    days: NDArray[np.float64], when: float, more: float
) -> None:
    curve = days[np.newaxis]
    first, second = (float(chance_of_end(curve, np.array(t))[0]) for t in (when, when + more))
    assert 0.0 <= first <= second + 1e-12 <= 1.0 + 1e-12
    if len(set(days)) == 5 and days[0] > 0:
        told = [float(chance_of_end(curve, np.array(t))[0]) for t in days]
        np.testing.assert_allclose(told, [0.05, 0.25, 0.5, 0.75, 0.95], atol=1e-9)


@settings(max_examples=40)
@given(quantiles, risks)
def test_days_at_risk_is_the_inverse(days: NDArray[np.float64], risk: float) -> None:
    steps = np.maximum.accumulate(days + np.arange(1.0, 6.0))
    found = float(chance_of_end(steps[np.newaxis], days_at_risk(steps[np.newaxis], risk))[0])
    assert found == pytest.approx(risk)


@settings(max_examples=40)
@given(quantiles, moments, st.integers(0, 400), healths, risks)
def test_advice_keeps_its_promises(
    days: NDArray[np.float64], now_us: int, old_days: int, soh: float, risk: float
) -> None:
    advice = advise(days, now_us - old_days * DAY_US, now_us, soh, risk)
    present = Quarter.of_time(now_us)
    left = days[2] - old_days
    assert advice.quarter >= present
    if soh < 0.80 or left < 90.0:
        assert (advice.quarter, advice.urgency, advice.moved_by_season) == (present, ReplacementUrgency.NOW, False)
        return
    assert advice.urgency != ReplacementUrgency.NOW
    if soh < 0.85:
        assert advice.quarter <= present.plus(2)
    due = site_day(now_us) + timedelta(days=max(float(days_at_risk(days[np.newaxis], risk)[0]) - old_days, 0.0))
    if not advice.moved_by_season:
        assert advice.quarter < Quarter.of(due) or advice.quarter == present
    elif advice.quarter >= Quarter.of(due):  # deferred
        until = (advice.quarter.first_day - site_day(now_us)).days + old_days
        assert chance_of_end(days[np.newaxis], np.array(until))[0] <= DEFERRED_RISK


@settings(max_examples=40)
@given(quantiles, moments, healths, risks)
def test_only_what_cannot_wait_is_left_in_the_monsoon(
    days: NDArray[np.float64], now_us: int, soh: float, risk: float
) -> None:
    advice = advise(days, now_us, now_us, soh, risk)
    if advice.quarter.number == 3 and advice.urgency != ReplacementUrgency.NOW:
        deferred_us = day_start_us(date(advice.quarter.year, 11, 30))
        chance = chance_of_end(days[np.newaxis], np.array((deferred_us - now_us) / DAY_US))[0]
        assert chance > DEFERRED_RISK or soh < 0.85


@settings(max_examples=40)
@given(days=quantiles, more=st.floats(0.0, 500.0), now_us=moments, soh=st.floats(0.86, 1.1))
def test_a_longer_life_is_never_replaced_much_earlier(
    days: NDArray[np.float64], more: float, now_us: int, soh: float
) -> None:
    shorter, longer = (advise(life, now_us, now_us, soh, 0.1).quarter for life in (days, days + more))
    assert longer >= shorter.plus(-2)  # the season may bring it forward by two quarters at most


@settings(max_examples=40)
@given(moments, st.integers(0, 11), st.booleans())
def test_windows_lie_on_working_days_outside_the_monsoon_unless_it_presses(
    now_us: int, ahead: int, presses: bool
) -> None:
    today = site_day(now_us)
    quarter = Quarter.of(today).plus(ahead)
    begin, end = work_window(quarter, today, presses=presses)
    assert begin < end
    assert begin.date() >= max(today, quarter.first_day)
    assert begin.weekday() < 5
    if not presses and quarter.number in (1, 2, 4) and ahead:
        assert begin.month not in MONSOON_MONTHS
        assert end.month not in MONSOON_MONTHS
    holiday = any("Songkran" in note for note in window_notes(begin, end))
    assert holiday == (begin.date() <= date(begin.year, 4, 17) and end.date() >= date(begin.year, 4, 11))


@pytest.mark.parametrize("year", range(2025, 2040))
def test_a_weekend_before_the_monsoon_is_no_time_to_work(year: int) -> None:
    today = date(year, 5, 31)
    while today.weekday() < 5:
        today -= timedelta(days=1)
    advice = advise(
        np.array([100.0, 400.0, 900.0, 1_500.0, 2_500.0]), day_start_us(today), day_start_us(today), 1.0, 0.05
    )
    begin, end = work_window(advice.quarter, today, presses=False)
    assert {begin.month, end.month}.isdisjoint(MONSOON_MONTHS)


def _fleet(draws: list[tuple[int, float]], strings: int, blocks: int, present: Quarter) -> list[PlanBattery]:
    fleet = []
    for number, (ahead, left) in enumerate(draws):
        string = number // blocks
        urgency = ReplacementUrgency.NOW if ahead == 0 else ReplacementUrgency.PLANNED
        advice = ReplacementAdvice(present.plus(ahead), urgency, False, "") if ahead < 20 else None
        site = f"L{string // 2}"
        fleet.append(PlanBattery(f"{site}-S{string}-B{number}", f"{site}-S{string}", site, advice, left))
    assert len(fleet) == strings * blocks
    return fleet


plans = st.lists(
    st.tuples(st.sampled_from((0, 1, 1, 3, 5, 9, 11, 15, 20)), st.floats(0.0, 4_000.0)), min_size=24, max_size=24
)


@settings(max_examples=40)
@given(plans, moments, st.integers(1, 12))
def test_everything_due_is_exchanged_once_and_in_time(
    draws: list[tuple[int, float]], now_us: int, quarters: int
) -> None:
    present = Quarter.of_time(now_us)
    fleet = _fleet(draws, 4, 6, present)
    plan = make_plan(fleet, now_us=now_us, quarter_count=quarters, risk=0.1, prices=PRICES, new_life_days=3_000.0)
    planned = [
        (battery_id, visit.quarter) for visit in plan.visits for s in visit.strings for battery_id in s.battery_ids
    ]
    when = dict(planned)
    assert len(when) == len(planned) == plan.block_count
    for battery in fleet:
        if battery.advice is not None and battery.advice.quarter < present.plus(quarters):
            assert when[battery.battery_id] <= battery.advice.quarter
    assert [(v.quarter, v.location_id) for v in plan.visits] == sorted(
        {(v.quarter, v.location_id) for v in plan.visits}
    )
    assert plan.cost == pytest.approx(sum(visit.cost for visit in plan.visits))
    assert plan.cost >= plan.block_count * PRICES.block + len(plan.visits) * PRICES.visit
    unknown = [battery.battery_id for battery in fleet if battery.advice is None and battery.battery_id not in when]
    assert list(plan.unknown_battery_ids) == unknown, "and nothing is planned for them"


@settings(max_examples=40)
@given(plans, moments)
def test_a_whole_string_is_exchanged_only_where_that_costs_less(draws: list[tuple[int, float]], now_us: int) -> None:
    today = site_day(now_us)
    fleet = _fleet(draws, 4, 6, Quarter.of(today))
    for _, of_string in itertools.groupby(fleet, key=lambda battery: battery.string_id):
        blocks = list(of_string)
        due = due_by_quarter(blocks, today)
        choice = choose(blocks, due, today, dict.fromkeys(due, 1), prices=PRICES, new_life_days=3_000.0)
        assert (choice is None) == (not due)
        if choice is not None:
            assert choice.whole == (choice.whole_cost < choice.single_cost and sum(map(len, due.values())) > 1)
            shared = choose(blocks, due, today, dict.fromkeys(due, 2), prices=PRICES, new_life_days=3_000.0)
            assert shared is not None
            assert shared.single_cost <= choice.single_cost  # visits that others need anyway save nothing


def test_a_worn_string_is_exchanged_whole_and_a_young_one_block_by_block() -> None:
    today = date(2026, 11, 29)
    present = Quarter.of(today)

    def string(left: float) -> list[PlanBattery]:
        first = [ReplacementAdvice(present.plus(n % 5), ReplacementUrgency.PLANNED, False, "") for n in range(6)]
        far = ReplacementAdvice(present.plus(14), ReplacementUrgency.LATER, False, "")
        return [PlanBattery(f"B{n}", "S", "L", first[n] if n < 6 else far, 200.0 if n < 6 else left) for n in range(24)]

    for left, whole in ((250.0, True), (2_500.0, False)):
        blocks = string(left)
        due = due_by_quarter(blocks, today)
        choice = choose(blocks, due, today, dict.fromkeys(due, 1), prices=PRICES, new_life_days=3_000.0)
        assert choice is not None
        assert choice.whole is whole


def test_blocks_of_which_nothing_is_known_are_not_thrown_away_for_two_old_ones() -> None:
    present = Quarter(2026, 4)
    old = [ReplacementAdvice(present.plus(n), ReplacementUrgency.PLANNED, False, "") for n in (1, 5)]
    new = [PlanBattery(f"B{n}", "S", "L", None, 0.0) for n in range(2, 24)]  # came last week, not yet read
    blocks = [PlanBattery(f"B{n}", "S", "L", advice, 200.0) for n, advice in enumerate(old)] + new
    plan = make_plan(
        blocks, now_us=day_start_us(date(2026, 11, 29)), quarter_count=8, risk=0.1, prices=PRICES, new_life_days=3_000.0
    )
    assert [string.battery_ids for visit in plan.visits for string in visit.strings] == [("B0",), ("B1",)]
    assert set(plan.unknown_battery_ids) == {block.battery_id for block in new}


@settings(max_examples=40)
@given(st.lists(st.floats(0.0, 1.0), min_size=0, max_size=9))
def test_counts_of_independent_events(chances: list[float]) -> None:
    found = count_distribution(np.array(chances))
    exact = np.zeros(len(chances) + 1)
    for outcome in itertools.product((0, 1), repeat=len(chances)):
        exact[sum(outcome)] += math.prod(p if hit else 1 - p for p, hit in zip(chances, outcome, strict=True))
    np.testing.assert_allclose(found, exact, atol=1e-12)
    lower, upper = count_interval(np.array(chances))
    assert exact[lower:].sum() >= 0.95 - 1e-9
    assert exact[: upper + 1].sum() >= 0.95 - 1e-9
    assert lower == len(chances) or exact[lower + 1 :].sum() < 0.95 + 1e-9


@settings(max_examples=40)
@given(st.lists(quantiles, min_size=1, max_size=8), moments)
def test_quarters_of_a_forecast_make_its_year(lives: list[NDArray[np.float64]], now_us: int) -> None:
    of_fleet = ForecastLives(np.array(lives), np.full(len(lives), now_us, np.int64))
    forecast = forecast_location("L", of_fleet, now_us, PRICES)
    assert sum(period.expected_count for period in forecast.quarters) == pytest.approx(forecast.year.expected_count)
    assert forecast.quarters[0].start_time == forecast.year.start_time
    assert forecast.quarters[-1].end_time == forecast.year.end_time
    for one, two in itertools.pairwise(forecast.quarters):
        assert one.end_time == two.start_time
        assert one.quarter is not None
        assert two.quarter == one.quarter.plus(1)
    assert forecast.year.lower_count <= forecast.year.expected_count + 1
    assert forecast.year.upper_count >= forecast.year.expected_count - 1


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(0.0, 4_000.0), st.floats(1.0, 2.0)), min_size=1, max_size=9))
def test_cooling_never_costs_lives(lives: list[tuple[float, float]]) -> None:
    now, ratio = np.array(lives).T
    value = value_of_cooling(
        "L", 5.0, now_days=now, cooler_days=now * ratio, age_days=np.full(len(now), 400.0), prices=PRICES
    )
    assert value.gained_days >= 0.0
    assert value.avoided_per_year >= 0.0
    assert value.saved_per_year == pytest.approx(value.avoided_per_year * PRICES.single_block)
    gone = np.append(now, np.nan)  # a block that went while this was asked
    assert value == value_of_cooling(
        "L",
        5.0,
        now_days=gone,
        cooler_days=gone * np.append(ratio, 1.0),
        age_days=np.full(len(gone), 400.0),
        prices=PRICES,
    )
    none = value_of_cooling("L", 5.0, now_days=now, cooler_days=now, age_days=np.full(len(now), 400.0), prices=PRICES)
    assert none.avoided_per_year == pytest.approx(0.0)
