"""A model of shuffled labels: what it is still worth has leaked."""

import numpy as np

from actors.remaining_life import DATASHEET_POPULATION, physics_life
from batterytwin.life import Floats
from ml.cross_fit import folds_of
from ml.features import model_features
from ml.judge import skill
from ml.leakage import shuffled_labels
from ml.life_table import LifeTable
from ml.median_model import fit_median, predict_ln_ratio

_TREES = 60


def shuffled_skill(table: LifeTable, twin_days: Floats, *, seed: int) -> float:
    """Skill over the twin, on a held-out fold, of a model that has learnt the ratios of other batteries.

    Args:
        table: battery-months.
        twin_days: the twin's median, which such a model cannot do better than by its mean ratio.
        seed: chooses the shuffle.
    """
    known = np.isfinite(table.true_days) & (table.true_days > 0.0)
    kept, twin = table.take(known), twin_days[known]
    features = model_features(kept.inputs, physics_life(kept.inputs).rates, DATASHEET_POPULATION)
    held = folds_of(kept.plant) == 0
    labels = shuffled_labels(kept.true_days, twin, kept.battery, seed=seed)
    trees = fit_median(
        features[~held],
        labels[~held],
        twin[~held],
        np.zeros(int((~held).sum()), np.bool_),
        iterations=_TREES,
        seed=seed,
    )
    told = predict_ln_ratio(trees, features[held])
    # what all batteries have in common is no knowledge of one of them
    common = float(np.median(np.log(labels[~held] / twin[~held])))
    return skill(kept.true_days[held], twin[held] * np.exp(told), twin[held] * np.exp(common))
