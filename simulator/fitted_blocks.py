"""Blocks and strings as twins know them: what the data sheet says, moved to the estimates with their scatter."""

import calendar
from typing import Final

import numpy as np

from batterytwin.inventory import Inventory
from batterytwin.telemetry import Rows
from simulator.ageing import (
    FORMED_AFTER_S,
    UNFORMED_RESISTANCE,
    WATER_AT_END_OF_LIFE,
    ln_gas_of_water,
    soh_of_life,
)
from simulator.block_laws import TEN_HOUR_SHARE
from simulator.climate import SECONDS_PER_YEAR
from simulator.parameters import Floats, Ints, Records
from simulator.population import OHMIC_OVER_INSTRUMENT

_LIFE_SPREAD: Final = 0.30
"""Coefficient of variation of how fast blocks of one kind age."""

_FLOAT_SHARE: Final = 0.5
"""Share of the sigma of a float voltage that is error now: the rest is how far it may walk until the next reading.
With it, 60 to 76 % of what batteries show over a day lies within one sigma of an ensemble."""

_OLDEST_LIFE: Final = 3.0
_LEAST_SOH, _MOST_SOH = 0.05, 1.2
_LN_RESISTANCE_PER_WATER: Final = 4.0


def fit_blocks(blocks: Records, inventory: Inventory, copies: Rows, rng: np.random.Generator, scatter: float) -> None:
    """Moves the constants of new blocks to where twins say that the blocks are.

    Args:
        blocks: constants as the data sheet has them; changed in place.
        inventory: the blocks' strings, in the order of the rows.
        copies: `TWIN_COPY_DTYPE`, shape `(n_blocks,)`; a twin without a reading leaves its block as its age makes it.
        rng: draws the scatter.
        scatter: factor on the sigmas; 0 = every block is as its twin tells it.
    """
    strings = [string for location in inventory.locations for string in location.strings()]
    counts = [len(string.batteries) for string in strings]

    def nominal(name: str) -> Floats:
        return np.repeat([float(getattr(string.datasheet, name)) for string in strings], counts)

    def drawn(sigma: Floats) -> Floats:
        values: Floats = scatter * sigma * np.clip(rng.standard_normal(len(blocks)), -2.5, 2.5)
        return values

    day_us = [calendar.timegm(b.installed_on.timetuple()) * 1e6 for s in strings for b in s.batteries]
    installed_s = np.where(copies["installed_us"] > 0.0, copies["installed_us"], day_us) * 1e-6
    blocks.installed_s = installed_s
    blocks.life_s = nominal("life_years_20c") * SECONDS_PER_YEAR * np.exp(drawn(np.full(len(blocks), _LIFE_SPREAD)))
    blocks.soh_exponent = nominal("life_knee_exponent")
    blocks.soh_loss = 1.0 - nominal("end_of_life_soh")
    life = np.clip(copies["life_fraction"], 0.0, _OLDEST_LIFE)
    soh = np.clip(copies["soh_capacity"] + drawn(copies["soh_capacity_sigma"]), _LEAST_SOH, _MOST_SOH)
    of_life = np.array([soh_of_life(*row) for row in zip(life, blocks.soh_loss, blocks.soh_exponent, strict=True)])
    blocks.capacity_ah = nominal("rated_capacity_ah") * soh / of_life / TEN_HOUR_SHARE
    r0_ohm = np.maximum(copies["r0_ohm"] + drawn(copies["r0_sigma_ohm"]), 0.2 * nominal("r0_ohm"))
    fresh = np.exp(-np.maximum(copies["as_of_us"] * 1e-6 - installed_s, 0.0) / FORMED_AFTER_S)
    ratio = (1.0 + blocks.resistance_gain * life**3) * (1.0 + UNFORMED_RESISTANCE * fresh)
    ratio *= np.exp(_LN_RESISTANCE_PER_WATER * WATER_AT_END_OF_LIFE * life)
    measured = copies["instrument_mohm"] > 0.0
    seen_ohm = np.where(measured, copies["instrument_mohm"] * 1e-3, r0_ohm / OHMIC_OVER_INSTRUMENT)
    blocks.ohmic_over_instrument = r0_ohm / seen_ohm
    blocks.r0_ohm = r0_ohm / ratio


def fit_float(
    blocks: Records, strings: Records, first_block: Ints, copies: Rows, *, rng: np.random.Generator, scatter: float
) -> None:
    """Gives blocks the gassing and strings the charger that make the float voltages which the twins expect.

    Only the shares of a string's blocks can be seen; that its gassing is as much as the data sheet says is assumed.

    Args:
        blocks: constants of the blocks; changed in place, as `strings`.
        strings: constants of the strings.
        first_block: first block of each string, and one past the last of all.
        copies: `TWIN_COPY_DTYPE`, shape `(n_blocks,)`, with temperatures.
        rng: draws the scatter.
        scatter: factor on the sigmas.
    """
    float_v = copies["float_v"] + scatter * _FLOAT_SHARE * copies["float_sigma_v"] * rng.standard_normal(len(copies))
    water = WATER_AT_END_OF_LIFE * np.clip(copies["life_fraction"], 0.0, _OLDEST_LIFE)
    drier = np.array([ln_gas_of_water(one) for one in water])
    for s in range(len(strings)):
        mine = slice(int(first_block[s]), int(first_block[s + 1]))
        warm_k = copies["temperature_c"][mine] - 25.0
        over_v_cell = float_v[mine] / blocks.cells[mine] - strings.gas_u0_v_cell[s]
        ln_share = strings.gas_ct_per_k[s] * warm_k + over_v_cell * strings.gas_cu_per_v[s]
        usual = blocks.ln_gas_a[mine] + drier[mine]
        blocks.ln_gas_a[mine] = usual.mean() + ln_share.mean() - ln_share - drier[mine]
        strings.set_point_v[s] = float_v[mine].sum() - strings.compensation_v_k[s] * warm_k.mean()
