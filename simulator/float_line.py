"""Float in closed form: nothing but gassing takes current, so Tafel's line gives the string's current at once.

ln I = ((V_string - sum n_i u0) c_u + sum n_i (ln q_i + c_T (T_i - 25))) / sum n_i, and each block's share follows.
"""

import math

from simulator.compiled import compiled
from simulator.heat import BOILING_C, MOST_WATER_LOST, POST_TAU_S, boiled_off, core_after, post_settled_c
from simulator.world import Batteries

NOT_CALM, CALM, HOT = 0, 1, 2
"""Whether the closed form holds, and whether a block is so warm that steps must be short."""

FULL_SOC = 1.0 - 2e-5
"""Charge from which a block's share of the float voltage is its gassing alone."""

HOT_K = 4.0
"""Rise of a core over the air around it from which steps must be short, K."""

LEAST_OVER_REST_V_CELL = 0.006
"""A calm cell stays at least so far above its open-circuit voltage, V."""

MOST_CURRENT_SHARE = 0.2
"""A calm string takes no more than this share of the charger's limit."""

_SETTLED_V = 0.02
_SETTLED_GAP = 1e-4
_BROKEN_OHM = 0.1
_LN_Q = 0


@compiled
def may_be_calm(batteries: Batteries, s: int) -> bool:
    """Whether all blocks are full, at ease and held above their open-circuit voltage."""
    strings, state, now = batteries.made_strings, batteries.blocks, batteries.now
    full_v = batteries.ocv_v[strings[s].table, -1]
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        if state[i].soc < FULL_SOC or abs(state[i].v1) + abs(state[i].v2) > _SETTLED_V:
            return False
        if abs(state[i].well_gap) > _SETTLED_GAP or now[i].inside_ohm + now[i].outside_ohm > _BROKEN_OHM:
            return False
        rest_v = full_v + strings[s].docv_dt_v_k * (state[i].core_c - 25.0) + state[i].ocv_shift_v
        over_v_cell = state[i].voltage_v / now[i].cells - rest_v / strings[s].cells
        if over_v_cell < 2.0 * LEAST_OVER_REST_V_CELL:
            return False
    return True


@compiled
def float_step(batteries: Batteries, s: int, duration_s: float, target_v: float, air_c: float) -> int:
    """Moves a calm string over a step on its charger; what the step does to charge is nothing.

    Args:
        batteries: the batteries.
        s: string.
        duration_s: length of the step, s.
        target_v: charger's voltage, V.
        air_c: room air, degC.

    Returns:
        Whether the string stays calm: `NOT_CALM`, `CALM` or `HOT`.
    """
    strings, state, now, lines = batteries.made_strings, batteries.blocks, batteries.now, batteries.lines
    first, last = batteries.first_block[s], batteries.first_block[s + 1]
    c_u, c_t, u0 = strings[s].gas_cu_per_v, strings[s].gas_ct_per_k, strings[s].gas_u0_v_cell
    current_a = batteries.strings[s].current_a
    keep_post = math.exp(-duration_s / POST_TAU_S)
    heat_s, thermal_k_w = strings[s].heat_j_k * strings[s].thermal_k_w, strings[s].thermal_k_w
    keep_core = math.exp(-duration_s / heat_s)
    cells = weighted = loose_ohm = hottest_k = 0.0
    for i in range(first, last):
        around_c = air_c + batteries.made[i].position_k
        loose = now[i].inside_ohm + now[i].outside_ohm
        thermal, heat_w = now[i].thermal, current_a * state[i].voltage_v + now[i].heat_w
        keep = keep_core if thermal == 1.0 else math.exp(-duration_s / (heat_s * thermal))
        core_c = core_after(state[i].core_c, around_c + heat_w * thermal_k_w * thermal, keep)
        if core_c > BOILING_C:
            lost = boiled_off(core_c, strings[s].heat_j_k, strings[s].rated_ah, strings[s].cells)
            state[i].water_lost = min(state[i].water_lost + lost, MOST_WATER_LOST)
            core_c = BOILING_C
        state[i].core_c = core_c
        post_c = post_settled_c(around_c, core_c, loose, current_a)
        state[i].post_c = post_c + keep_post * (state[i].post_c - post_c)
        ln_q = state[i].ln_gas_a + c_t * (core_c - 25.0)
        lines[i, _LN_Q] = ln_q
        cells += now[i].cells
        weighted += now[i].cells * ln_q
        loose_ohm += loose
        hottest_k = max(hottest_k, core_c - around_c)
    ln_i = ((target_v - loose_ohm * current_a - cells * u0) * c_u + weighted) / cells
    current_a = math.exp(min(ln_i, 10.0))
    calm = HOT if hottest_k > HOT_K else CALM
    if current_a > MOST_CURRENT_SHARE * strings[s].charge_limit_a:
        return NOT_CALM
    least_over_v = 1.0
    rest_v_k = strings[s].docv_dt_v_k / strings[s].cells
    full_v = batteries.ocv_v[strings[s].table, -1] / strings[s].cells
    for i in range(first, last):
        cell_v = u0 + (ln_i - lines[i, _LN_Q]) / c_u
        state[i].voltage_v = now[i].cells * cell_v + now[i].inside_ohm * current_a
        state[i].gassing_a = current_a
        rest_v = full_v + rest_v_k * (state[i].core_c - 25.0) + state[i].ocv_shift_v / strings[s].cells
        least_over_v = min(least_over_v, cell_v - rest_v)
    batteries.strings[s].current_a = current_a
    return calm if least_over_v > LEAST_OVER_REST_V_CELL else NOT_CALM
