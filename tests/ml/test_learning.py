"""Lives that were not seen to end: what population and labels make of them."""

import numpy as np
import pytest

from actors.remaining_life import LifePopulation, physics_life
from batterytwin.life import MEDIAN
from ml.imputation import imputed_days
from ml.life_table import LifeTable, joined
from ml.population_fit import fit_population
from ml.train import EVERY_MONTHS, thinned
from tests.actors.life_rows import life_rows

TRUTH = LifePopulation(-0.3, 0.2)


def _table(seed: int, n: int = 600, watched_years: float = 5.0) -> LifeTable:
    """Two looks at batteries of known speeds, five years apart at most, in a room of 25 degC."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(0.0, 9.0, n)
    rows = np.concatenate([life_rows(age_years=years, cycle_wear=0.0) for years in age])
    rates = physics_life(rows).rates
    speed = np.exp(TRUTH.ln_mean + TRUTH.ln_sigma * rng.standard_normal(n))
    life_days = (1.0 / speed - rates.wear) / rates.per_s / 86_400.0
    serves = life_days > 0.0
    watch = np.full(n, 365.25 * watched_years)
    seen = life_days <= watch
    return LifeTable(
        inputs=rows,
        battery=np.arange(n),
        site=np.zeros(n, np.int64),
        plant=np.arange(n) % 4,
        watch_days=watch,
        lower_days=np.minimum(life_days, watch),
        upper_days=np.where(seen, life_days, np.inf),
        true_days=life_days,
        true_soh=np.full(n, np.nan),
    ).take(serves)


def test_the_population_is_found_though_most_lives_were_not_seen_to_end() -> None:
    table = _table(1, n=2_000, watched_years=3.0)
    assert table.censored_share > 0.5
    rates = physics_life(table.inputs).rates
    found = fit_population(table, rates.wear, rates.watched_wear, rates.per_s)
    assert found.ln_mean == pytest.approx(TRUTH.ln_mean, abs=0.04)
    assert found.ln_sigma == pytest.approx(TRUTH.ln_sigma, abs=0.04)


def test_lives_that_were_cut_off_are_carried_on_and_the_others_kept() -> None:
    table = _table(2)
    days = imputed_days(table, physics_life(table.inputs, TRUTH), seed=1)
    assert (days[table.ended] == table.upper_days[table.ended]).all()
    assert (days[~table.ended] > table.lower_days[~table.ended]).all()
    cut = ~table.ended
    assert np.median(days[cut]) == pytest.approx(np.median(table.true_days[cut]), rel=0.1)


def test_the_twin_is_calibrated_when_its_population_is_right() -> None:
    table = _table(3)
    days = physics_life(table.inputs, TRUTH).quantile_days
    inside = (table.true_days >= days[:, 0]) & (table.true_days <= days[:, -1])
    assert 0.86 < inside.mean() < 0.94
    assert np.median(table.true_days / days[:, MEDIAN]) == pytest.approx(1.0, abs=0.06)


def test_tables_are_joined_without_mixing_their_batteries() -> None:
    both = joined([_table(4, 20), _table(5, 30)])
    assert len(np.unique(both.battery)) == len(both)
    assert len(np.unique(both.plant)) == 8


def test_few_months_of_each_battery_are_learnt_from() -> None:
    table = _table(6, 40)
    months = joined([table])
    many = months.take(np.tile(np.arange(len(months)), 24))
    kept = thinned(many)
    _, count = np.unique(kept.battery, return_counts=True)
    assert (count == 24 // EVERY_MONTHS).all()
    assert (np.diff(kept.battery) >= 0).all()
