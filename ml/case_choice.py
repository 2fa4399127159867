"""Chooses past cases for a model's library from what cross-fitted models said of training data."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from batterytwin.life import Ints
from ml.case_library import CaseLibrary, standing_of
from ml.cross_fit import Predictions
from ml.life_table import LifeTable

MOST_CASES: Final = 1_500
_ENDED_SHARE: Final = 0.8
_SMALLEST_SCALE: Final = 0.02


def choose_cases(table: LifeTable, predictions: Predictions, *, seed: int) -> tuple[CaseLibrary, Ints]:
    """A library of months of many batteries, most of which were seen to end.

    Args:
        table: battery-months.
        predictions: of its rows, by models that had not seen their plants.
        seed: chooses the months.

    Returns:
        The library, and the row of the table of each case.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    ended = _few_each(table.battery, order[table.ended[order]], round(_ENDED_SHARE * MOST_CASES))
    others = _few_each(table.battery, order[~table.ended[order]], MOST_CASES - len(ended))
    rows = np.sort(np.concatenate([ended, others]))
    centre, scale = _scaling(predictions.features)
    chosen = predictions.features[rows]
    library = CaseLibrary(
        places=np.zeros_like(chosen),
        centre=centre,
        scale=scale,
        remaining_days=table.lower_days[rows].astype(np.float32),
        predicted_days=(predictions.twin_days * np.exp(predictions.ln_ratio))[rows].astype(np.float32),
        ended=table.ended[rows],
        **standing_of(table.inputs[rows]),
    )
    return library.at(library.placed(chosen)), rows


def _few_each(battery: Ints, rows: Ints, count: int) -> Ints:
    """At most `count` rows in the given order, in turns over batteries: first one of each, then two."""
    _, place = np.unique(battery[rows], return_inverse=True)
    by_battery = np.argsort(place, kind="stable")
    begin = np.searchsorted(place[by_battery], np.arange(place.max(initial=-1) + 1))
    turn = np.empty(len(rows), np.int64)
    turn[by_battery] = np.arange(len(rows)) - begin[place[by_battery]]
    return rows[np.argsort(turn, kind="stable")[:count]]


def _scaling(features: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Median and interquartile range of each feature; what hardly varies is not stretched."""
    centre, scale = np.zeros(features.shape[1], np.float32), np.ones(features.shape[1], np.float32)
    for place in range(features.shape[1]):
        known = features[np.isfinite(features[:, place]), place]
        if len(known):
            low, centre[place], high = np.percentile(known, (25, 50, 75))
            scale[place] = max(high - low, _SMALLEST_SCALE)
    return centre, scale
