"""Other kinds of model on the same plants: what the choice of the shipped one rests on."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from catboost import CatBoostRegressor, Pool
from numpy.typing import NDArray

from actors.life_inputs import life_records
from actors.remaining_life import LifePopulation, PhysicsLife, physics_life
from batterytwin.life import MEDIAN, Floats
from ml.cross_fit import fit, predict
from ml.features import model_features
from ml.fusion import TWIN_WEIGHT
from ml.judge import accuracy
from ml.life_table import LifeTable
from ml.median_model import fit_median, predict_ln_ratio
from ml.train import thinned

_THREADS: Final = 2
_ITERATIONS: Final = 300
_AFT_SCALE: Final = 0.4
_SEED: Final = 1
_YEAR_US: Final = 365.25 * 86_400e6
_PLAIN: Final = (
    "temperature_mean_30d_c",
    "temperature_max_30d_c",
    "discharges",
    "depth_sum",
    "cycle_wear",
    "thermal_age_s",
    "stress_age_s",
    "resistance_drift",
    "resistance_rate_per_year",
    "marker_drift",
    "told_soh_capacity",
    "told_soh_capacity_sigma",
    "test_soh",
    "deep_soh",
)

Told = Callable[[LifeTable, float], Floats]
"""Median life of battery-months, days, for a future that many K warmer."""


def compared(seen: LifeTable, unseen: LifeTable) -> dict[str, dict[str, float]]:
    """Figures of every candidate on plants that none of them has seen.

    Args:
        seen: to learn from.
        unseen: to be judged by.
    """
    found = {}
    for name, told in candidates(thinned(seen)).items():
        before = told(unseen, 0.0)
        figures = accuracy(unseen.true_days, before)
        figures["plus_10_k"] = float(np.nanmedian(told(unseen, 10.0) / before)) - 1.0
        found[name] = figures
    return found


def candidates(seen: LifeTable) -> Mapping[str, Told]:
    """Every kind of model, trained."""
    fitted = fit(seen, seed=_SEED)
    population = fitted.population

    def physics(table: LifeTable, warmer_k: float) -> Floats:
        return _twin(table, population, warmer_k).quantile_days[:, MEDIAN]

    def ratio(table: LifeTable, warmer_k: float) -> Floats:
        return np.asarray(physics(table, warmer_k) * np.exp(predict(fitted, table).ln_ratio), np.float64)

    def fused(table: LifeTable, warmer_k: float) -> Floats:
        half = (1.0 - TWIN_WEIGHT) * predict(fitted, table).ln_ratio
        return np.asarray(physics(table, warmer_k) * np.exp(half), np.float64)

    return {
        "physics alone": physics,
        "plain model": _plain(seen),
        "log ratio, ends that were seen alone": _ended_only(seen, population),
        "survival (AFT) of the ratio": _survival(seen, population),
        "log ratio": ratio,
        "log ratio fused with physics": fused,
    }


def _twin(table: LifeTable, population: LifePopulation, warmer_k: float = 0.0) -> PhysicsLife:
    return physics_life(table.inputs, population, warmer_k=warmer_k)


def _plain(seen: LifeTable) -> Told:
    """ln(life) from everything, temperature too; batteries whose end was not seen are left out."""
    ended = seen.take(seen.ended)
    model = _regressor("Quantile:alpha=0.5")
    model.fit(_plain_columns(ended, 0.0), np.log(np.maximum(ended.upper_days, 1.0)))
    return lambda table, warmer_k: np.exp(model.predict(_plain_columns(table, warmer_k)))


def _plain_columns(table: LifeTable, warmer_k: float) -> NDArray[np.float32]:
    x = life_records(table.inputs)
    columns = [x[name] + (warmer_k if name.startswith("temperature") else 0.0) for name in _PLAIN]
    columns.append((x["as_of_us"] - x["installed_us"]) / _YEAR_US)
    return np.stack(columns, axis=1).astype(np.float32)


def _ended_only(seen: LifeTable, population: LifePopulation) -> Told:
    ended = seen.take(seen.ended)
    physics = _twin(ended, population)
    trees = fit_median(
        model_features(ended.inputs, physics.rates, population),
        np.maximum(ended.upper_days, 1.0),
        physics.quantile_days[:, MEDIAN],
        np.zeros(len(ended), np.bool_),
        seed=_SEED,
    )

    def told(table: LifeTable, warmer_k: float) -> Floats:
        now = _twin(table, population, warmer_k)
        ln_ratio = predict_ln_ratio(trees, model_features(table.inputs, now.rates, population))
        return np.asarray(now.quantile_days[:, MEDIAN] * np.exp(ln_ratio), np.float64)

    return told


def _survival(seen: LifeTable, population: LifePopulation) -> Told:
    """Accelerated failure time of life over the twin's, with lives that were not seen to end as lower bounds."""
    physics = _twin(seen, population)
    twin_days = physics.quantile_days[:, MEDIAN]
    lower = np.maximum(seen.lower_days, 1.0) / twin_days
    upper = np.where(seen.ended, lower, -1.0)
    model = _regressor(f"SurvivalAft:dist=Normal;scale={_AFT_SCALE}")
    features = model_features(seen.inputs, physics.rates, population)
    model.fit(Pool(features, np.stack([lower, upper], axis=1)))

    def told(table: LifeTable, warmer_k: float) -> Floats:
        now = _twin(table, population, warmer_k)
        ln_ratio = model.predict(model_features(table.inputs, now.rates, population))
        return np.asarray(now.quantile_days[:, MEDIAN] * np.exp(ln_ratio), np.float64)

    return told


def _regressor(loss: str) -> CatBoostRegressor:
    return CatBoostRegressor(
        loss_function=loss,
        iterations=_ITERATIONS,
        depth=4,
        learning_rate=0.08,
        random_seed=_SEED,
        thread_count=_THREADS,
        verbose=False,
        allow_writing_files=False,
    )
