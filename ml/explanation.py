"""What each feature adds to a prediction: Shapley values within every tree, exactly additive, the same for any batch.

A feature that is not yet known of a battery stands for all training rows that agree with what is known (their share of
the leaves). Trees have four splits, so all orders are tried and every leaf's answer is worked out once, when a model is
loaded. CatBoost's own values are not used: they depend on the rows that are asked about together.
"""

import itertools
import json
import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from catboost import CatBoostRegressor
from numpy.typing import NDArray

from batterytwin.life import Floats
from ml.features import FEATURE_NAMES

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Explanation:
    """Answers of all leaves of a model.

    Attributes:
        base: what all predictions share.
        leaves: of each tree, what each feature adds in each leaf, `(n_leaves, n_features)`.
    """

    base: float
    leaves: tuple[Floats, ...]

    @classmethod
    def of(cls, trees: CatBoostRegressor) -> Self:
        """Works out a model."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trees.json"
            trees.save_model(str(path), format="json")
            told = json.loads(path.read_text(encoding="utf-8"))
        scale, bias = told["scale_and_bias"]
        explained = [_tree(tree) for tree in told["oblivious_trees"]]
        base = float(bias[0] if isinstance(bias, list) else bias) + scale * math.fsum(mean for mean, _ in explained)
        return cls(base, tuple(scale * leaves for _, leaves in explained))

    def shares(self, trees: CatBoostRegressor, features: NDArray[np.float32]) -> Floats:
        """What each feature adds to the prediction of each row, `(n_rows, n_features)`; with `base` they sum to it."""
        reached = np.asarray(trees.calc_leaf_indexes(features, thread_count=1))
        found = np.zeros((len(features), len(FEATURE_NAMES)))
        for number, leaves in enumerate(self.leaves):
            found += leaves[reached[:, number]]
        return found


def _tree(tree: dict[str, Any]) -> tuple[float, Floats]:
    """Mean of a tree, and what each feature adds in each leaf; bit k of a leaf's number is the answer of split k."""
    values = np.array(tree["leaf_values"], np.float64)
    weights = np.array(tree["leaf_weights"], np.float64) + _TINY
    split_feature = [int(split["float_feature_index"]) for split in tree["splits"] or []]
    players = sorted(set(split_feature))
    leaf = np.arange(len(values))
    expected: dict[frozenset[int], Floats] = {}
    for size in range(len(players) + 1):
        for known in itertools.combinations(players, size):
            mask = sum(1 << k for k, feature in enumerate(split_feature) if feature in known)
            alike = (leaf[:, None] & mask) == (leaf[None, :] & mask)
            expected[frozenset(known)] = (alike * weights * values).sum(axis=1) / (alike * weights).sum(axis=1)
    leaves = np.zeros((len(values), len(FEATURE_NAMES)))
    for player in players:
        others = [feature for feature in players if feature != player]
        for size in range(len(others) + 1):
            share = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(players))
            for known in itertools.combinations(others, size):
                leaves[:, player] += share * (expected[frozenset((*known, player))] - expected[frozenset(known)])
    return float(expected[frozenset()][0]), leaves
