"""How long blocks would go on until the end of their life if the years to come were like those they have had."""

import numpy as np

from simulator.ageing import WATER_AT_END_OF_LIFE, capacity_of_life
from simulator.parameters import Floats, Records

_LONGEST_LIVES = 60.0
_HALVINGS = 48
_SHORTEST_PAST_S = 0.5 * 365.25 * 86_400.0


def remaining_s(blocks: Records, state: Records, rated_ah: Floats, end_soh: float, now_s: float) -> Floats:
    """Time until the true capacity falls below the end of life, at the mean rate since installation.

    Args:
        blocks: constants of the blocks, `(n_blocks,)`.
        state: their state.
        rated_ah: charge of both wells of a block of rated capacity, Ah.
        end_soh: end of life, fraction of rated.
        now_s: time of the state, s since 1970 UTC.

    Returns:
        s, `(n_blocks,)`; 0 where it is over. NaN for a block whose past is shorter than half a year.
    """
    age_s = np.asarray(now_s - blocks.installed_s, np.float64)
    low, high = np.ones(len(age_s)), np.full(len(age_s), _LONGEST_LIVES)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        drier = np.maximum(state.water_lost - WATER_AT_END_OF_LIFE * state.life, 0.0)
        soh = capacity_of_life(state.life * middle, drier * middle, blocks.soh_loss, blocks.soh_exponent)
        alive = blocks.capacity_ah * soh / rated_ah > end_soh
        low, high = np.where(alive, middle, low), np.where(alive, high, middle)
    left_s: Floats = np.where(age_s > _SHORTEST_PAST_S, (low - 1.0) * age_s, np.nan)
    return left_s
