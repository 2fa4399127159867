"""Laws of remaining life by physics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.life_inputs import AGEING_MONTHS, life_records
from actors.remaining_life import SHORTEST_DAYS, LifePopulation, physics_life
from batterytwin.life import FACTORS, MEDIAN, LifeFactor
from tests.actors.life_rows import YEAR_S, ageing_factor, life_rows

AGES = st.floats(0.0, 25.0)
HEALTH = st.floats(0.5, 1.05)


def _test_of(soh: float, sigma: float = 0.025, ago_years: float = 0.2) -> dict[str, float]:
    return {"test_soh": soh, "test_sigma": sigma, "test_us": 1.8e15 - ago_years * YEAR_S * 1e6}


def _median(values: np.ndarray, warmer_k: float = 0.0) -> float:
    return float(physics_life(values, warmer_k=warmer_k).quantile_days[0, MEDIAN])


@pytest.mark.parametrize("base_c", [20.0, 25.0, 30.0])
@given(age_years=AGES, soh=HEALTH)
def test_ten_kelvin_more_shorten_a_life_by_what_arrhenius_says(base_c: float, age_years: float, soh: float) -> None:
    values = life_rows(age_years=age_years, room_c=base_c, cycle_wear=0.0, **_test_of(soh))
    before = _median(values)
    if before > 2.0:  # shorter ones stand at the least that is told
        change = _median(values, warmer_k=10.0) / before - 1.0
        assert change == pytest.approx(ageing_factor(base_c) / ageing_factor(base_c + 10.0) - 1.0, abs=1e-9)
        assert -0.50 <= change <= -0.40


def test_the_present_temperature_does_not_move_a_life_but_the_climate_of_the_site_does() -> None:
    now = life_rows(temperature_mean_30d_c=40.0, temperature_max_30d_c=45.0, time_above_30c_30d_h=720.0)
    assert _median(now) == _median(life_rows())
    climate = life_rows()
    life_records(climate)["ageing_month_4"] = ageing_factor(35.0)
    assert _median(climate) < _median(life_rows())


def test_a_month_never_seen_is_filled_from_those_around_it() -> None:
    values = life_rows(3)
    x = life_records(values)
    x["ageing_month_1"] = 3.0
    x["ageing_month_7"][1] = np.nan  # summer here tells nothing of January
    x["ageing_month_1"][2] = np.nan
    factor = physics_life(values).rates.temperature_factor
    usual = ageing_factor(25.0)
    assert factor[0] == pytest.approx((11.0 * usual + 3.0) / 12.0)
    assert factor[1] == pytest.approx(factor[0], rel=0.02)
    assert factor[2] == pytest.approx(usual)
    for name in AGEING_MONTHS:
        x[name] = np.nan
    assert physics_life(values).rates.temperature_factor == pytest.approx(usual)


@given(age_years=AGES, soh=HEALTH, better=st.floats(0.0, 0.2), drift=st.floats(-0.05, 1.0))
def test_better_health_never_shortens_a_life(age_years: float, soh: float, better: float, drift: float) -> None:
    def row(soh: float, drift: float) -> np.ndarray:
        return life_rows(
            age_years=age_years, resistance_drift=drift, resistance_drift_sigma=0.03, **_test_of(soh, sigma=0.03)
        )

    worse = _median(row(soh, drift))
    assert _median(row(soh + better, drift)) >= worse * (1.0 - 1e-12)
    assert _median(row(soh, drift - better)) >= worse * (1.0 - 1e-12)


@given(age_years=AGES, soh=HEALTH, drift=st.floats(-0.1, 1.5), marker=st.floats(-2.0, 2.0))
def test_quantiles_are_in_order_and_effects_add_up(age_years: float, soh: float, drift: float, marker: float) -> None:
    values = life_rows(
        2,
        age_years=age_years,
        resistance_drift=drift,
        resistance_drift_sigma=0.03,
        resistance_rate_per_year=drift / 4.0,
        resistance_rate_sigma=0.01,
        resistance_trend_s=YEAR_S,
        marker_drift=marker,
        stress_age_s=1.1 * age_years * YEAR_S * ageing_factor(25.0),
        **_test_of(soh),
    )
    life = physics_life(values, LifePopulation(-0.3, 0.2))
    assert (np.diff(life.quantile_days, axis=1) >= 0.0).all()
    assert (life.quantile_days > 0.0).all()
    assert life.effects.sum(axis=1) == pytest.approx(np.log(life.quantile_days[:, MEDIAN] / 3_652.5), abs=1e-9)


def test_evidence_lies_between_what_was_believed_and_what_was_measured_and_makes_it_surer() -> None:
    age_years, soh = 4.0, 0.97
    believed = physics_life(life_rows(age_years=age_years)).quantile_days[0]
    told = physics_life(life_rows(age_years=age_years, **_test_of(soh, ago_years=0.0))).quantile_days[0]
    wear = age_years * ageing_factor(25.0) / 10.0 + 0.001
    measured_years = ((1.0 / ((1.0 - soh) / 0.2) ** (1.0 / 1.5)) - 1.0) * wear * 10.0 / ageing_factor(25.0)
    assert believed[MEDIAN] < told[MEDIAN] < measured_years * 365.25
    assert np.log(told[-1] / told[0]) < np.log(believed[-1] / believed[0])


def test_a_block_that_has_outlived_its_kind_is_a_slow_one() -> None:
    old = physics_life(life_rows(age_years=14.0))
    assert np.exp(old.speed_quantiles[0, MEDIAN]) < 0.6
    assert old.quantile_days[0, MEDIAN] > 30.0


@given(age_years=AGES, below=st.floats(0.01, 0.5))
def test_a_block_whose_capacity_is_known_to_be_gone_has_come_to_its_end(age_years: float, below: float) -> None:
    sigma, limit = 0.028, 0.8
    told = {"told_soh_capacity": limit - 2.0 * sigma - below, "told_soh_capacity_sigma": sigma}
    measured = _test_of(told["told_soh_capacity"], sigma=sigma)
    life = physics_life(life_rows(age_years=age_years, **told, **measured))
    assert (life.quantile_days == SHORTEST_DAYS).all(), "however young it is"
    assert life.effects.sum() == pytest.approx(np.log(SHORTEST_DAYS / 3_652.5), abs=1e-9)
    unsure = told | {"told_soh_capacity_sigma": below + 2.0 * sigma}
    assert _median(life_rows(age_years=age_years, **unsure, **measured)) == _median(
        life_rows(age_years=age_years, **measured)
    )
    assert _median(life_rows(age_years=age_years, **told)) == _median(life_rows(age_years=age_years)), "by law alone"


def test_each_reason_stands_in_its_column() -> None:
    cool, warm = (physics_life(life_rows(room_c=room_c)).effects[0] for room_c in (20.0, 30.0))
    column = {factor: place for place, factor in enumerate(FACTORS)}
    assert cool[column[LifeFactor.TEMPERATURE]] == pytest.approx(0.0)
    assert warm[column[LifeFactor.TEMPERATURE]] == pytest.approx(-np.log(ageing_factor(30.0)))
    new = physics_life(life_rows(age_years=0.0, cycle_wear=0.0)).effects[0]
    assert new[column[LifeFactor.AGE]] == pytest.approx(0.0, abs=0.01)
    weak = physics_life(life_rows(**_test_of(0.82))).effects[0]
    assert weak[column[LifeFactor.CAPACITY]] < -0.1
    cycled = physics_life(life_rows(cycle_wear=0.1)).effects[0]
    assert cycled[column[LifeFactor.CYCLES]] < -0.1


def test_nothing_is_told_of_a_battery_without_readings() -> None:
    values = life_rows(2)
    x = life_records(values)
    for name in ("observed_s", "thermal_age_s", "stress_age_s", "cycle_wear", *AGEING_MONTHS):
        x[name][0] = np.nan
    x["as_of_us"][0] = 0.0
    life = physics_life(values)
    assert np.isnan(life.quantile_days[0]).all()
    assert np.isfinite(life.quantile_days[1]).all()


def test_answers_do_not_depend_on_the_batch() -> None:
    values = np.concatenate([life_rows(age_years=age, **_test_of(0.9)) for age in np.linspace(0.0, 15.0, 40)])
    whole = physics_life(values)
    for k in range(len(values)):
        one = physics_life(values[k : k + 1])
        assert (one.quantile_days[0] == whole.quantile_days[k]).all()
        assert (one.effects[0] == whole.effects[k]).all()
