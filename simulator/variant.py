"""How one plant differs from another: numbers that are the plant's own and stand on no data sheet."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PlantVariant:
    """A plant against the usual one. Other data sheets, ages and faults make the rest of the difference.

    Attributes:
        median_life: life that half of the blocks reach, over that of the data sheet, at 20 degC.
        ln_life_sd: spread of ln(life) between blocks of a string.
        ln_life_string_sd: the same between strings, which come from one lot each.
        warmer_k: what rooms are set to above the usual set points, K.
        warmer_sd_k: spread of that between rooms, K.
        leak: factor on the share of the weather that reaches the rooms.
        outages: factor on the number of outages.
        load: factor on the load.
    """

    median_life: float = 1.5
    ln_life_sd: float = 0.14
    ln_life_string_sd: float = 0.04
    warmer_k: float = 0.0
    warmer_sd_k: float = 0.0
    leak: float = 1.0
    outages: float = 1.0
    load: float = 1.0


USUAL_PLANT: Final = PlantVariant()
"""The plant that is simulated unless another one is asked for; makers stand for less than most blocks reach."""
