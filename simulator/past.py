"""What blocks have lived through since they were installed: life used and water lost, integrated in large steps."""

import math

import numpy as np
from numpy.typing import NDArray

from simulator.ageing import FULL_DISCHARGES, WEAR_EXPONENT, ln_gas_of_water, voltage_stress
from simulator.climate import SECONDS_PER_YEAR
from simulator.parameters import Floats
from simulator.room import room_series_c
from simulator.world import World

FLOAT_RISE_K = 0.15
"""Core above air on float: 13.65 V times 20 mA through 0.58 K/W."""

_ZERO_C_K = 273.15
_CLIMATE_SAMPLES = 400
_STEPS = 24
_CELL_ON_LOAD_V = 2.0
_MOST_DEPTH = 0.75


def life_and_water(world: World, age_s: Floats, begin_s: float) -> tuple[Floats, Floats]:
    """Life used up and water lost since installation.

    The mean of the exponential over the seasons and days of the block's room, not the exponential of the mean
    temperature; the share of the string's voltage that its gassing gave it; the discharges of its site.

    Args:
        world: constants and surroundings; the warmth that outages leave does not count.
        age_s: time since each block was installed, s, `(n_blocks,)`.
        begin_s: the present, s since 1970 UTC.

    Returns:
        Life fraction and water lost, fraction, of each block.
    """
    blocks, strings, rooms = world.blocks, world.strings, world.rooms
    # a golden-ratio step visits all seasons and hours evenly; years before any scheduled outage know none
    times_s = (np.arange(_CLIMATE_SAMPLES, dtype=np.float64) * 0.6180339887 % 1.0) * 4.0 * SECONDS_PER_YEAR
    air_c = [room_series_c(rooms, world.climate, world.mains, site, times_s) for site in range(len(rooms.leak))]
    life, water = np.zeros(len(age_s)), np.zeros(len(age_s))
    for s, site in enumerate(strings.site):
        mine = slice(int(world.first_block[s]), int(world.first_block[s + 1]))
        core_c = air_c[site][:, None] + blocks.position_k[mine] + FLOAT_RISE_K
        factor = np.exp(strings.activation_k[s] * (1.0 / (_ZERO_C_K + 20.0) - 1.0 / (core_c + _ZERO_C_K)))
        mean_c, step_s = core_c.mean(axis=0), age_s[mine] / _STEPS
        wear = _wear(world, s, begin_s - age_s[mine], begin_s) / _STEPS
        for _ in range(_STEPS):
            over_v, gassing_a = float_shares(world, s, mean_c, water[mine])
            stress = np.array([voltage_stress(v) for v in over_v])
            life[mine] += step_s * factor.mean(axis=0) * stress / blocks.life_s[mine] + wear
            water[mine] += step_s * blocks.water_per_ah[mine] * gassing_a / 3_600.0
    return life, water


def float_shares(world: World, s: int, core_c: Floats, water: Floats) -> tuple[Floats, float]:
    """Voltage of each block's cells above the recommended one (V), and the string's current (A)."""
    blocks, strings = world.blocks, world.strings
    mine = slice(int(world.first_block[s]), int(world.first_block[s + 1]))
    ln_q = blocks.ln_gas_a[mine] + np.array([ln_gas_of_water(w) for w in water])
    ln_q += strings.gas_ct_per_k[s] * (core_c - 25.0)
    cells, c_u, u0 = blocks.cells[mine], strings.gas_cu_per_v[s], strings.gas_u0_v_cell[s]
    string_v = strings.set_point_v[s] + strings.compensation_v_k[s] * (core_c.mean() - 25.0)
    ln_i = ((string_v - cells.sum() * u0) * c_u + (cells * ln_q).sum()) / cells.sum()
    recommended_v = strings.recommended_v_cell[s] + strings.recommended_v_cell_k[s] * (core_c - 25.0)
    over_v: NDArray[np.float64] = u0 + (ln_i - ln_q) / c_u - recommended_v
    return over_v, math.exp(ln_i)


def _wear(world: World, s: int, installed_s: Floats, begin_s: float) -> Floats:
    """Life that the discharges of a string have taken from each of its blocks."""
    strings, start_s, end_s = world.strings, world.discharges.start_s[s], world.discharges.end_s[s]
    cells = strings.cells[s] * (world.first_block[s + 1] - world.first_block[s])
    load_c = strings.load_w[s] / (_CELL_ON_LOAD_V * cells * strings.rated_ah[s])
    depth = np.minimum(load_c * world.discharges.load_factor[s] * (end_s - start_s) / 3_600.0, _MOST_DEPTH)
    lived = (start_s >= installed_s[:, None]) & (end_s <= begin_s)
    wear: Floats = (lived * depth**WEAR_EXPONENT).sum(axis=1) / FULL_DISCHARGES
    return wear
