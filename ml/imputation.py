"""Ends that nobody saw, drawn from what was known of the battery when it was last seen.

A life that was cut off is no failure and no missing row: dropping it or taking it for an end makes all lives too short.
Each battery has one end, so that its months agree. It is drawn beyond the last look, in lives of the data sheet, from
how fast the twin then believed it to age.
"""

import numpy as np

from actors.remaining_life import PhysicsLife
from batterytwin.life import QUANTILES, Floats
from ml.life_table import LifeTable
from ml.population_fit import last_rows

_DAY_S = 86_400.0
_LEVELS = np.array([0.001, *QUANTILES, 0.999])
_TAIL = 1.5
"""Quantiles at 0.1 % and 99.9 % against those at 5 and 95 %, in distances from the quartiles' side."""


def imputed_days(table: LifeTable, physics: PhysicsLife, *, seed: int) -> Floats:
    """Days to the end of each row: as seen, or as drawn where no end was seen, `(n_rows,)`.

    Args:
        table: battery-months.
        physics: of its rows.
        seed: chooses the draws.
    """
    last = last_rows(table)
    draw = np.random.default_rng(seed).uniform(size=len(last))
    speed = physics.speed_quantiles[last]
    low = speed[:, :1] + _TAIL * (speed[:, :1] - speed[:, 1:2])
    high = speed[:, -1:] - _TAIL * (speed[:, -2:-1] - speed[:, -1:])
    curves = np.exp(-np.concatenate([low, speed, high], axis=1))
    wear, per_s = physics.rates.wear, physics.rates.per_s
    end = np.empty(len(last))
    for k, row in enumerate(last):
        curve = np.maximum.accumulate(curves[k])
        passed = np.interp(wear[row], curve, _LEVELS, left=0.0, right=0.999)
        end[k] = np.interp(passed + (1.0 - passed) * draw[k], _LEVELS, curve)
    numbers = table.battery[last]
    place = np.searchsorted(numbers, table.battery)
    drawn = (end[place] - wear) / (per_s * _DAY_S)
    return np.asarray(np.where(table.ended, table.upper_days, np.maximum(drawn, table.lower_days + 1.0)), np.float64)
