"""Whether a system can carry its load for a time: the probability, and what one more string would add."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from actors.autonomy import BlockEstimates, autonomy_draws_s, usual_load_w
from actors.string_robust import Floats
from batterytwin.datasheet import BatteryDatasheet

_NEW_SOH_SIGMA: Final = 0.03
_ROOM_C: Final = 25.0


@dataclass(frozen=True, slots=True)
class StringEstimates:
    """One string of a system.

    Attributes:
        blocks: what its twins say.
        sheet: data sheet of its blocks.
    """

    blocks: BlockEstimates
    sheet: BatteryDatasheet


def carry_probability(
    strings: Sequence[StringEstimates], duration_s: float, *, load: float = 1.0, added: int = 0
) -> float:
    """Probability that parallel strings carry their system's load for a time.

    Strings share the load as their charge allows, so that they end at about the same time: at the mean of the times
    that each would take for an equal share.

    Args:
        strings: strings of the system, all known.
        duration_s: how long, s.
        load: load over that of a discharge of all its strings in one hour.
        added: strings of new blocks that are put beside them.
    """
    load_w = load * sum(usual_load_w(string.sheet, len(string.blocks.soc)) for string in strings)
    share_w = load_w / (len(strings) + added)
    all_strings = [*strings, *([_new_string(strings[0])] * added)]
    draws_s = [autonomy_draws_s(string.blocks, string.sheet, share_w) for string in all_strings]
    return float(np.mean(np.mean(draws_s, axis=0) >= duration_s))


def _new_string(like: StringEstimates) -> StringEstimates:
    count, sheet = len(like.blocks.soc), like.sheet

    def all_of(value: float) -> Floats:
        return np.full(count, value)

    blocks = BlockEstimates(
        soc=all_of(1.0),
        soc_sigma=all_of(0.0),
        soh_capacity=all_of(1.0),
        soh_sigma=all_of(_NEW_SOH_SIGMA),
        r0_ohm=all_of(sheet.r0_ohm),
        r0_sigma_ohm=all_of(0.05 * sheet.r0_ohm),
        temperature_c=all_of(_ROOM_C),
        cells_lost=all_of(0.0),
    )
    return StringEstimates(blocks, sheet)
