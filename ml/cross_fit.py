"""What models say of plants that they have not seen: the only predictions of training data that may be judged."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from catboost import CatBoostRegressor
from numpy.typing import NDArray

from actors.remaining_life import LifePopulation, PhysicsLife, physics_life
from batterytwin.life import MEDIAN, Floats, Ints
from ml.calibration import twin_spread
from ml.features import model_features
from ml.imputation import imputed_days
from ml.life_table import LifeTable
from ml.median_model import fit_median, predict_ln_ratio
from ml.population_fit import fit_population

FOLDS: Final = 4


@dataclass(frozen=True, slots=True)
class Fitted:
    """What training makes of battery-months.

    Attributes:
        population: how fast their blocks age.
        trees: the median of ln(life / the twin's life).
    """

    population: LifePopulation
    trees: CatBoostRegressor


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was said of battery-months, `(n_rows,)` each unless said.

    Attributes:
        twin_days: the twin's median.
        ln_ratio: ln(the model's median / the twin's).
        spread: of the twin, see `twin_spread`, `(n_rows, 2)`.
        features: that the model saw, `(n_rows, n_features)`.
        life_days: time to the end, drawn where no end was seen, see `imputed_days`.
    """

    twin_days: Floats
    ln_ratio: Floats
    spread: Floats
    features: NDArray[np.float32]
    life_days: Floats


def fit(table: LifeTable, *, seed: int = 1) -> Fitted:
    """Fits population and trees.

    Args:
        table: battery-months, in time order within each battery.
        seed: chooses what ends are drawn where none was seen, and of the trees.
    """
    told = physics_life(table.inputs)
    population = fit_population(table, told.rates.wear, told.rates.watched_wear, told.rates.per_s)
    physics = physics_life(table.inputs, population)
    life_days = imputed_days(table, physics, seed=seed)
    features = model_features(table.inputs, physics.rates, population)
    trees = fit_median(features, life_days, physics.quantile_days[:, MEDIAN], ~table.ended, seed=seed)
    return Fitted(population, trees)


def predict(fitted: Fitted, table: LifeTable, *, seed: int = 1) -> Predictions:
    """What a fitted model says of battery-months, in time order within each battery."""
    physics: PhysicsLife = physics_life(table.inputs, fitted.population)
    features = model_features(table.inputs, physics.rates, fitted.population)
    return Predictions(
        physics.quantile_days[:, MEDIAN],
        predict_ln_ratio(fitted.trees, features),
        twin_spread(physics.quantile_days),
        features,
        imputed_days(table, physics, seed=seed),
    )


def folds_of(plant: Ints, count: int = FOLDS) -> Ints:
    """Fold of each row: whole plants, by turns, `(n_rows,)`."""
    return np.asarray(plant % count, np.int64)


def cross_fit(table: LifeTable, *, count: int = FOLDS, seed: int = 1) -> Predictions:
    """Predictions of each row by a model that has seen no battery of its plant.

    Args:
        table: battery-months of at least `count` plants.
        count: folds.
        seed: see `fit`.
    """
    fold = folds_of(table.plant, count)
    parts = []
    for number in range(count):
        fitted = fit(table.take(fold != number), seed=seed)
        parts.append(predict(fitted, table.take(fold == number)))
    order = np.argsort(np.concatenate([np.flatnonzero(fold == number) for number in range(count)]), kind="stable")
    return Predictions(
        *(
            np.concatenate([getattr(part, name) for part in parts])[order]
            for name in ("twin_days", "ln_ratio", "spread", "features", "life_days")
        )
    )
