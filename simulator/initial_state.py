"""Where the hidden state starts: full blocks on float, as old as their installation says."""

from datetime import datetime

import numpy as np

from simulator.electrochemistry import EMPTIEST_ROOM
from simulator.parameters import BlockState, Floats, Records, StringState, records
from simulator.past import FLOAT_RISE_K, life_and_water
from simulator.room import room_series_c
from simulator.world import World


def initial_state(world: World, begin: datetime) -> tuple[Records, Records]:
    """State of a fleet that has been on float since long; capacity and all else that follows age is still that of new.

    Args:
        world: constants and surroundings.
        begin: time of the state, with time zone.

    Returns:
        State of the blocks, `(n_blocks,)`, and of the strings, `(n_strings,)`.
    """
    now_s = begin.timestamp()
    age_s = np.maximum(now_s - world.blocks.installed_s, 0.0)
    return floating_state(world, now_s, *life_and_water(world, age_s, now_s))


def floating_state(world: World, now_s: float, life: Floats, water_lost: Floats) -> tuple[Records, Records]:
    """The same at a time (s since 1970 UTC), of blocks of which life and water lost are known, `(n_blocks,)` each."""
    n_blocks, n_strings = len(world.blocks.cells), len(world.strings.site)
    now = np.array([now_s])
    site_c = [room_series_c(world.rooms, world.climate, world.mains, k, now)[0] for k in world.strings.site]
    around_c = np.repeat(site_c, np.diff(world.first_block)) + world.blocks.position_k
    full = np.full(n_blocks, 1.0 - EMPTIEST_ROOM)
    state = BlockState(
        soc=full,
        well_gap=np.zeros(n_blocks),
        weak_soc=full.copy(),
        v1=np.zeros(n_blocks),
        v2=np.zeros(n_blocks),
        dip_left=np.ones(n_blocks),
        dip_passed=np.zeros(n_blocks),
        core_c=around_c + FLOAT_RISE_K,
        post_c=around_c.copy(),
        life=life,
        water_lost=water_lost,
        cooked_cells=np.zeros(n_blocks),
        discharged_from=full.copy(),
        wear_counted=np.zeros(n_blocks),
        capacity_ah=world.blocks.capacity_ah.copy(),
        resistance_ratio=np.ones(n_blocks),
        ln_gas_a=world.blocks.ln_gas_a.copy(),
        ocv_shift_v=world.blocks.ocv_offset_v.copy(),
        voltage_v=np.full(n_blocks, np.nan),
        gassing_a=np.zeros(n_blocks),
    )
    strings = StringState(
        time_s=np.full(n_strings, now_s),
        aged_s=np.full(n_strings, now_s),
        fault_change_s=np.full(n_strings, -np.inf),
        current_a=np.full(n_strings, 1e-3),
        disconnected=np.zeros(n_strings, dtype=np.int64),
        discharging=np.zeros(n_strings, dtype=np.int64),
        calm=np.zeros(n_strings, dtype=np.int64),
    )
    return records(state), records(strings)
