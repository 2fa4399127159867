"""A fleet whose twins tell of their lives what a test has written down."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import AGEING_MONTHS, N_LIFE_INPUTS, life_records
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
            write_plain_life(values, as_of_us, service_days=1_096, soh=soh)

    async def life_inputs(self, shard: int, twins: NDArray[np.int32] | None = None) -> NDArray[np.float64]:
        self.asked += 1
        return self.told[shard] if twins is None else self.told[shard][twins]


def write_plain_life(
    values: NDArray[np.float64], as_of_us: int, *, service_days: int, soh: float | NDArray[np.floating[Any]]
) -> None:
    """Fills inputs of lives, `(n_twins, N_LIFE_INPUTS)`, with those of blocks on float that nothing has happened to."""
    known = life_records(values)
    known["as_of_us"], known["installed_us"] = as_of_us, as_of_us - service_days * DAY_US
    known["told_soh_capacity"] = soh
    known["capacity_ah"], known["fade_at_end"], known["fade_per_resistance"] = 120.0, 0.2, 0.44
    known["life_per_s_20c"], known["life_activation_k"], known["life_exponent"] = 1 / 3.16e8, 6_014.0, 1.5
    known["observed_s"] = known["thermal_age_s"] = known["stress_age_s"] = service_days * 86_400.0
    for name in ("discharges", "depth_sum", "depth_max", "cycle_wear", "discharged_ah", "temperature_cycles"):
        known[name] = 0.0
    for name in AGEING_MONTHS:
        known[name] = 1.4
