"""Life of blocks: the share used up, and what it does to capacity, resistance and gassing.

d(life)/dt = AF(T) / life_at_20C, AF = exp(Ea/R (1/293.15 - 1/T)) on core temperature; end of life at 1.
Capacity falls with a power of life, resistance rises with its cube: late, and then fast.
"""

import math

import numpy as np

from simulator.climate import SECONDS_PER_YEAR
from simulator.compiled import compiled, kernel
from simulator.parameters import BlockState, Floats
from simulator.room import room_series_c
from simulator.world import World

GASSING_LN_GAIN = 0.7
"""Rise of ln(gassing current) over a life: a drier block recombines more."""

FLOAT_RISE_K = 0.15
"""Core above air on float: 13.65 V times 20 mA through 0.58 K/W."""

_ZERO_C_K = 273.15
_CLIMATE_SAMPLES = 400


@compiled
def acceleration(core_c: float, activation_k: float) -> float:
    """Arrhenius factor of ageing against 20 degC."""
    return math.exp(activation_k * (1.0 / (_ZERO_C_K + 20.0) - 1.0 / (_ZERO_C_K + core_c)))


@kernel
def age_string(world: World, state: BlockState, s: int, elapsed_s: float) -> None:
    """Adds `elapsed_s` at the present core temperatures to the lives of a string's blocks, and its consequences."""
    blocks, strings = world.blocks, world.strings
    for i in range(strings.first_block[s], strings.first_block[s + 1]):
        state.life[i] += elapsed_s * acceleration(state.core_c[i], strings.activation_k[s]) / blocks.life_s[i]
        life = state.life[i]
        state.capacity_ah[i] = blocks.capacity_ah[i] * (1.0 - strings.soh_loss[s] * life ** strings.soh_exponent[s])
        state.resistance_ratio[i] = 1.0 + blocks.resistance_gain[i] * life * life * life
        state.ln_gas_a[i] = blocks.ln_gas_a[i] + GASSING_LN_GAIN * life


def life_used(world: World, age_s: Floats) -> Floats:
    """Life used up since installation, in closed form: age times the mean acceleration of the block's place.

    The mean of the exponential over the seasons and days of its room, not the exponential of the mean temperature.

    Args:
        world: constants and surroundings; the warmth that outages leave does not count.
        age_s: time since each block was installed, s, `(n_blocks,)`.

    Returns:
        Life fraction of each block, `(n_blocks,)`.
    """
    blocks, strings, rooms = world.blocks, world.strings, world.rooms
    # a golden-ratio step visits all seasons and hours evenly; years before any scheduled outage know none
    times_s = (np.arange(_CLIMATE_SAMPLES, dtype=np.float64) * 0.6180339887 % 1.0) * 4.0 * SECONDS_PER_YEAR
    air_c = [room_series_c(rooms, world.climate, world.mains, site, times_s) for site in range(len(rooms.leak))]
    used = np.empty(len(age_s))
    for s, site in enumerate(strings.site):
        mine = slice(int(strings.first_block[s]), int(strings.first_block[s + 1]))
        core_k = air_c[site][:, None] + blocks.position_k[mine] + FLOAT_RISE_K + _ZERO_C_K
        factor = np.exp(strings.activation_k[s] * (1.0 / (_ZERO_C_K + 20.0) - 1.0 / core_k)).mean(axis=0)
        used[mine] = age_s[mine] * factor / blocks.life_s[mine]
    return used
