"""A fleet whose twins tell of their lives what a test has written down."""

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS, life_records
from actors.local_fleet import LocalFleet

DAY_US = 86_400_000_000


class ScriptedLives(LocalFleet):
    """`LocalFleet` with inputs of lives that a test sets.

    Attributes:
        told: inputs of each shard; NaN = not known.
        asked: how often inputs were asked for.
    """

    told: list[NDArray[np.float64]]
    asked: int

    def write(self, as_of_us: int, soh: float = 0.95) -> None:
        """All twins were read at a time, after three years of service."""
        self.asked = 0
        self.told = [np.full((len(specs), N_LIFE_INPUTS), np.nan) for specs in self.shard_specs]
        for values in self.told:
            known = life_records(values)
            known["as_of_us"], known["installed_us"] = as_of_us, as_of_us - 1_096 * DAY_US
            known["told_soh_capacity"] = soh

    async def life_inputs(self, shard: int) -> NDArray[np.float64]:
        self.asked += 1
        return self.told[shard]
