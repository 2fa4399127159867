"""How long blocks would go on until the end of their life if the years to come were like those that were watched."""

from typing import Any, Final, NamedTuple

import numpy as np

from simulator.ageing import WATER_AT_END_OF_LIFE, capacity_of_life, voltage_stress
from simulator.parameters import Floats, Ints
from simulator.past import float_shares
from simulator.world import Fleet

_YEAR_S: Final = 365.25 * 86_400.0
_SHORTEST_WATCH_S: Final = 0.7 * _YEAR_S
_STEP_S: Final = 0.25 * _YEAR_S
_STEPS: Final = 160
_MOST_WATER: Final = 0.9


class AgeMark(NamedTuple):
    """Where blocks stood when they began to be watched, `(n_blocks,)` each.

    Attributes:
        time_s: when that was, s since 1970 UTC.
        life: life used up then.
        water_lost: electrolyte lost then, fraction.
    """

    time_s: Floats
    life: Floats
    water_lost: Floats


def remaining_s(fleet: Fleet, mark: AgeMark, strings: Ints, rated_ah: Floats, *, end_soh: float) -> Floats:
    """Time until the true capacity falls below the end of life.

    Life and water go on as since the mark, faster where drier blocks take their share of the string's voltage.

    Args:
        fleet: with the present state.
        mark: where its blocks stood before.
        strings: to look at.
        rated_ah: charge of both wells of a block of rated capacity, Ah, `(n_blocks,)`.
        end_soh: end of life, fraction of rated.

    Returns:
        s, `(n_blocks,)`; 0 where it is over; NaN in other strings and for blocks watched for less than most of a year.
    """
    left_s = np.full(len(rated_ah), np.nan)
    for s in strings:
        mine = slice(int(fleet.world.first_block[s]), int(fleet.world.first_block[s + 1]))
        left_s[mine] = _of_string(fleet, AgeMark(*(column[mine] for column in mark)), int(s), mine, rated_ah, end_soh)
    return left_s


def _of_string(  # noqa: PLR0917  # what its caller has in hand
    fleet: Fleet, mark: AgeMark, s: int, mine: slice, rated_ah: Floats, end_soh: float
) -> Floats:
    blocks: Any = fleet.world.blocks[mine]  # slices of records lose their type
    state: Any = fleet.blocks[mine]
    life, water = state.life.copy(), state.water_lost.copy()
    watched_s = fleet.strings[s].time_s - mark.time_s
    per_s = 1.0 / np.maximum(watched_s, 1.0)
    stress, gassing_a = _law(fleet, s, state.core_c, 0.5 * (mark.water_lost + water))
    life_rate = (life - mark.life) * per_s / stress
    water_rate = (water - mark.water_lost) * per_s / gassing_a
    before = _margin(blocks, life, water, rated_ah[mine], end_soh)
    left_s = np.where(before > 0.0, np.inf, 0.0)
    for step in range(_STEPS):
        stress, gassing_a = _law(fleet, s, state.core_c, water)
        life, water = (
            life + life_rate * stress * _STEP_S,
            np.minimum(water + water_rate * gassing_a * _STEP_S, _MOST_WATER),
        )
        after = _margin(blocks, life, water, rated_ah[mine], end_soh)
        ends = np.isinf(left_s) & (after <= 0.0)
        share = before / np.maximum(before - after, 1e-12)
        left_s = np.where(ends, (step + share) * _STEP_S, left_s)
        before = after
        if np.isfinite(left_s).all():
            break
    return np.where((watched_s > _SHORTEST_WATCH_S) & np.isfinite(left_s), left_s, np.nan)


def _law(fleet: Fleet, s: int, core_c: Floats, water: Floats) -> tuple[Floats, float]:
    """Factor of ageing by each block's share of the voltage, and the gassing current, A."""
    over_v, gassing_a = float_shares(fleet.world, s, core_c, water)
    return np.array([voltage_stress(v) for v in over_v]), gassing_a


def _margin(blocks: Any, life: Floats, water: Floats, rated_ah: Floats, end_soh: float) -> Floats:
    drier = np.maximum(water - WATER_AT_END_OF_LIFE * life, 0.0)
    soh = capacity_of_life(life, drier, blocks.soh_loss, blocks.soh_exponent)
    return np.asarray(blocks.capacity_ah * soh / rated_ah - end_soh, np.float64)
