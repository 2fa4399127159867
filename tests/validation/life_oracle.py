"""What could be told of lives by somebody who knew the health of every block: the bound on all that evidence can give.

The oracle knows what the twins know and, of every battery-month, the true capacity, as nobody does. It learns from the
true lives of the plants that are judged, each told by trees that saw the others: more than any model has to learn from.
Where even the oracle misses a target, the lives of these plants do not hold what the target asks for.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from catboost import CatBoostRegressor

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation, physics_life
from batterytwin.life import MEDIAN, Floats
from ml.features import model_features
from ml.judge import accuracy, alpha_lambda, lead_times
from ml.life_table import LifeTable
from ml.train import thinned

_DAY_US: Final = 86_400e6
_SEED: Final = 7
_SHORTEST_DAYS: Final = 1.0
_WEIGHT_EXPONENT: Final = 0.7
"""Errors count by the life they are of, as for the shipped model."""
_LIMITS_DAYS: Final = np.linspace(30.0, 900.0, 59)
_MOST_EARLY: Final = 0.10


def oracle_figures(table: LifeTable, population: LifePopulation, soh_sigma: float) -> dict[str, float]:
    """How true an oracle is.

    Args:
        table: battery-months of at least two simulated plants, in time order within each battery.
        population: how fast blocks of the kind age.
        soh_sigma: error of the capacity that it is told each month, fraction of rated; 0 = none.
    """
    told = oracle_days(table, population, soh_sigma)
    x = life_records(table.inputs)
    age_days = (x["as_of_us"] - x["installed_us"]) / _DAY_US
    ended = table.ended
    curve = lead_times(
        table.battery[ended], table.lower_days[ended], told[ended], lead_days=90.0, limits_days=_LIMITS_DAYS
    )
    return accuracy(table.true_days, told) | {
        "alpha_lambda": alpha_lambda(age_days[ended], table.lower_days[ended], told[ended]),
        "announced_90_days_with_10_percent_early": float(
            max((in_time for _, in_time, early in curve if early <= _MOST_EARLY), default=0.0)
        ),
    }


def oracle_days(table: LifeTable, population: LifePopulation, soh_sigma: float) -> Floats:
    """Median life that an oracle tells, days, `(n_rows,)`; arguments as of `oracle_figures`."""
    noise = soh_sigma * np.random.default_rng(_SEED).standard_normal(len(table))
    known = replace(table, true_soh=table.true_soh + noise)
    told = np.empty(len(table))
    for plant in np.unique(table.plant):
        judged = table.plant == plant
        told[judged] = _taught_by(thinned(known.take(~judged)), known.take(judged), population)
    return told


def _taught_by(seen: LifeTable, judged: LifeTable, population: LifePopulation) -> Floats:
    features, twin_days = _features(seen, population)
    trees = CatBoostRegressor(
        loss_function="MAE",
        iterations=400,
        depth=6,
        learning_rate=0.06,
        random_seed=_SEED,
        thread_count=2,
        verbose=False,
        allow_writing_files=False,
    )
    known = np.isfinite(seen.true_days)
    ln_ratio = np.log(np.maximum(seen.true_days, _SHORTEST_DAYS) / twin_days)
    trees.fit(features[known], ln_ratio[known], sample_weight=twin_days[known] ** _WEIGHT_EXPONENT)
    features, twin_days = _features(judged, population)
    return np.asarray(twin_days * np.exp(trees.predict(features)), np.float64)


def _features(table: LifeTable, population: LifePopulation) -> tuple[Floats, Floats]:
    """What the oracle sees, `(n_rows, n_features)`, and the twin's life, days."""
    physics = physics_life(table.inputs, population)
    rates = physics.rates
    health = np.column_stack([table.true_soh, rates.wear, rates.per_s, physics.speed_quantiles[:, MEDIAN]])
    features = model_features(table.inputs, rates, population)
    return np.concatenate([features, health], axis=1), physics.quantile_days[:, MEDIAN]
