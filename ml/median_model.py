"""The learned part: ln(life / the twin's life) as a CatBoost model of what holds at any temperature."""

from typing import Final

import numpy as np
from catboost import CatBoostRegressor, Pool
from numpy.typing import NDArray

from batterytwin.life import Floats
from ml.features import FEATURE_NAMES, MONOTONE

LARGEST_LN_RATIO: Final = 2.5
"""What a label may say of the twin; beyond it is a twin that is no measure, shortly before an end."""

_WEIGHT_EXPONENT: Final = 0.7
"""Errors count by the life they are of: a month in ten years is nothing."""
_DRAWN_WEIGHT: Final = 0.5
"""What an end counts that was drawn and not seen."""


def ln_ratio(life_days: Floats, twin_days: Floats) -> Floats:
    """What the model learns, `(n_rows,)`."""
    return np.asarray(np.clip(np.log(life_days / twin_days), -LARGEST_LN_RATIO, LARGEST_LN_RATIO), np.float64)


def fit_median(
    features: NDArray[np.float32],
    life_days: Floats,
    twin_days: Floats,
    drawn: NDArray[np.bool_],
    *,
    iterations: int = 220,
    seed: int = 1,
) -> CatBoostRegressor:
    """Fits the median. Better health never makes it shorter: the columns of health are monotone.

    Args:
        features: `(n_rows, n_features)`.
        life_days: how long it lasted, `(n_rows,)`.
        twin_days: the twin's median.
        drawn: whether the end was drawn, because nobody saw it.
        iterations: trees.
        seed: of the fit, which is the same on every machine with two threads.
    """
    weight = twin_days**_WEIGHT_EXPONENT * np.where(drawn, _DRAWN_WEIGHT, 1.0)
    model = CatBoostRegressor(
        loss_function="Quantile:alpha=0.5",
        iterations=iterations,
        depth=4,
        learning_rate=0.08,
        l2_leaf_reg=6.0,
        random_seed=seed,
        monotone_constraints=list(MONOTONE),
        thread_count=2,
        verbose=False,
        allow_writing_files=False,
    )
    pool = Pool(
        features, ln_ratio(life_days, twin_days), weight=weight / weight.mean(), feature_names=list(FEATURE_NAMES)
    )
    model.fit(pool)
    return model


def predict_ln_ratio(model: CatBoostRegressor, features: NDArray[np.float32]) -> Floats:
    """ln(life / the twin's life), `(n_rows,)`."""
    return np.asarray(model.predict(features, thread_count=1), np.float64)
