"""What a step whose current is known does to the charge, polarisation and heat of a string's blocks."""

import math

from simulator.block_laws import (
    AVAILABLE_WELL,
    DIP_CHARGE,
    LEVEL_RESERVE,
    mean_share,
    ocv_and_slope,
    slow_factor,
    ten_hour_soc,
    unusable_share,
)
from simulator.compiled import compiled
from simulator.electrochemistry import EMPTIEST_ROOM, GASSING, VOLTAGE
from simulator.heat import BOILING_C, MOST_WATER_LOST, POST_TAU_S, boiled_off, core_after, post_settled_c
from simulator.world import Batteries, Step

_ZERO_C_K = 273.15


@compiled
def settle(batteries: Batteries, s: int, step: Step, air_c: float) -> None:
    """Moves the state of a string's blocks over a step whose current, voltages and gassing are known."""
    blocks, strings, state, now = batteries.made, batteries.made_strings, batteries.blocks, batteries.now
    current_a, table = batteries.strings[s].current_a, batteries.ocv_v[strings[s].table]
    keep_post = math.exp(-step.duration_s / POST_TAU_S)
    heat_s = strings[s].heat_j_k * strings[s].thermal_k_w
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        voltage_v, gassing_a = batteries.lines[i, VOLTAGE], batteries.lines[i, GASSING]
        main_a = current_a - gassing_a
        soc, whole = state[i].soc, now[i].cells / strings[s].cells
        r2_ohm = blocks[i].r2_ohm * state[i].resistance_ratio * whole * slow_factor(soc)
        state[i].v1 = step.keep1 * state[i].v1 + blocks[i].r1_ohm * (1.0 - step.keep1) * main_a
        state[i].v2 = step.keep2 * state[i].v2 + r2_ohm * (1.0 - step.keep2) * main_a

        ah_share = step.duration_s / (3_600.0 * state[i].capacity_ah)
        gap_share = mean_share(step.keep_gap) / AVAILABLE_WELL
        stored_a = main_a
        if main_a < 0.0:
            # an exhausted block gives no more charge; what still passes through it reverses it
            unusable = unusable_share(state[i].core_c)
            level = soc - (1.0 - AVAILABLE_WELL) * step.keep_gap * state[i].well_gap + LEVEL_RESERVE - unusable
            level_per_a = ah_share * (1.0 + (1.0 - AVAILABLE_WELL) * gap_share)
            stored_a = -min(-main_a, max(level, 0.0) / level_per_a, max(soc - unusable, 0.0) / ah_share)
        state[i].well_gap = step.keep_gap * state[i].well_gap - ah_share * gap_share * stored_a
        state[i].soc = min(soc + ah_share * stored_a, 1.0 - EMPTIEST_ROOM)
        weak_soc = state[i].weak_soc + ah_share * main_a / now[i].weak_share
        state[i].weak_soc = min(max(weak_soc, 0.0), state[i].soc) if now[i].weak_share < 1.0 else state[i].soc

        if step.load_c > 0.0:
            state[i].dip_passed += step.load_c * step.duration_s / (3_600.0 * DIP_CHARGE)
        elif state[i].dip_passed > 0.0:
            # what has passed of a coup de fouet does not come again
            state[i].dip_left *= math.exp(-state[i].dip_passed)
            state[i].dip_passed = 0.0

        ocv_v, _ = ocv_and_slope(table, ten_hour_soc(soc))
        # what the reaction itself takes up or gives as heat: cooling while discharging
        reversible_v = (state[i].core_c + _ZERO_C_K) * strings[s].docv_dt_v_k
        loss_v = voltage_v - now[i].inside_ohm * current_a
        heat_w = main_a * (loss_v - whole * (ocv_v + state[i].ocv_shift_v - reversible_v)) + gassing_a * loss_v
        around_c = air_c + blocks[i].position_k
        settled_c = around_c + (heat_w + now[i].heat_w) * strings[s].thermal_k_w * now[i].thermal
        core_c = core_after(state[i].core_c, settled_c, math.exp(-step.duration_s / (heat_s * now[i].thermal)))
        if core_c > BOILING_C:
            lost = boiled_off(core_c, strings[s].heat_j_k, strings[s].rated_ah, strings[s].cells)
            state[i].water_lost = min(state[i].water_lost + lost, MOST_WATER_LOST)
        state[i].core_c = min(core_c, BOILING_C)
        loose_ohm = now[i].inside_ohm + now[i].outside_ohm
        post_c = post_settled_c(around_c, state[i].core_c, loose_ohm, current_a)
        state[i].post_c = post_c + keep_post * (state[i].post_c - post_c)
        state[i].voltage_v, state[i].gassing_a = voltage_v, gassing_a
