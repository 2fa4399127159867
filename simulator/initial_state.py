"""Where the hidden state starts: full blocks on float, as old as their installation says."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np

from simulator.ageing import FLOAT_RISE_K, age_string, life_used
from simulator.electrochemistry import EMPTIEST_ROOM
from simulator.parameters import BlockState, StringState
from simulator.room import room_series_c
from simulator.world import World


def initial_state(world: World, begin: datetime, installed_on: Sequence[date]) -> tuple[BlockState, StringState]:
    """State of a fleet that has been on float since long.

    Args:
        world: constants and surroundings.
        begin: time of the state, with time zone.
        installed_on: when each block was installed, `n_blocks` of them.

    Returns:
        State of the blocks, `(n_blocks,)`, and of the strings, `(n_strings,)`.
    """
    now_s = begin.timestamp()
    installed_s = np.array([datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp() for d in installed_on])
    n_blocks, n_strings = len(installed_on), len(world.strings.site)
    now = np.array([now_s])
    site_c = [room_series_c(world.rooms, world.climate, world.mains, k, now)[0] for k in world.strings.site]
    around_c = np.repeat(site_c, np.diff(world.strings.first_block)) + world.blocks.position_k
    age_s = np.maximum(now_s - installed_s, 0.0)
    state = BlockState(
        soc=np.full(n_blocks, 1.0 - EMPTIEST_ROOM),
        well_gap=np.zeros(n_blocks),
        v1=np.zeros(n_blocks),
        v2=np.zeros(n_blocks),
        core_c=around_c + FLOAT_RISE_K,
        post_c=around_c.copy(),
        life=life_used(world, age_s),
        capacity_ah=world.blocks.capacity_ah.copy(),
        resistance_ratio=np.ones(n_blocks),
        ln_gas_a=world.blocks.ln_gas_a.copy(),
        voltage_v=np.full(n_blocks, np.nan),
    )
    for s in range(n_strings):
        age_string(world, state, s, 0.0)
    strings = StringState(
        time_s=np.full(n_strings, now_s),
        current_a=np.full(n_strings, 1e-3),
        disconnected=np.zeros(n_strings, dtype=np.int64),
        discharging=np.zeros(n_strings, dtype=np.int64),
    )
    return state, strings
