"""A string that floats at ease, period after period: the closed form of `float_line`, with block beside block.

What `evolve_string` does in such periods, operation by operation, without looking up each time what cannot change
before the string ages again: discharges, faults, conditions. The values of its blocks stand side by side, so that the
processor takes several at once.
"""

import math
from typing import NamedTuple

import numpy as np

from simulator.compiled import kernel
from simulator.evolution import CHARGE_STEP_S, FLOAT_STEP_S
from simulator.float_line import CALM, HOT, HOT_K, LEAST_OVER_REST_V_CELL, MOST_CURRENT_SHARE, NOT_CALM
from simulator.heat import BOILING_C, MOST_CONTACT_K, POST_CONTACT_K_PER_A2, POST_CORE_SHARE, POST_K_W, POST_TAU_S
from simulator.mains import current_or_next
from simulator.parameters import Floats
from simulator.world import Batteries, Fleet, batteries_of

LONGEST_PERIOD_S = CHARGE_STEP_S
"""Longest period that may be taken in one step whatever the blocks' temperature."""


class Tally(NamedTuple):
    """What is read of one string, summed up or the least and greatest of it: `(n_blocks,)` each, the last one `(3,)`.

    Attributes:
        voltage_v: sum of the voltages.
        voltage_min_v: least one.
        voltage_max_v: greatest one.
        post_c: sum of the posts' temperatures.
        core_c: sum of the cores' temperatures.
        string: sum of the string's voltage (V), sum of its current (A), least current (A).
    """

    voltage_v: Floats
    voltage_min_v: Floats
    voltage_max_v: Floats
    post_c: Floats
    core_c: Floats
    string: Floats


@kernel
def quiet_periods(fleet: Fleet, s: int, period_s: float, most: int) -> int:
    """Periods from now on, up to `most`, in which string s does nothing but float; 0 = it must be looked at closely."""
    string = fleet.strings[s]
    if string.calm == NOT_CALM or string.discharging == 1 or string.disconnected == 1:
        return 0
    starts_s, ends_s = fleet.world.discharges.start_s[s], fleet.world.discharges.end_s[s]
    change_s = min(starts_s[current_or_next(ends_s, string.time_s)], string.fault_change_s)
    if change_s - string.time_s < period_s:
        return 0
    return int(min((change_s - string.time_s) // period_s, float(most)))


@kernel
def float_periods(  # noqa: PLR0917 - kernels take no keywords
    fleet: Fleet, s: int, begin_s: float, first: int, period_s: float, air_c: Floats, tally: Tally
) -> int:
    """Moves a calm string on and tallies each period, until its blocks are to age or it is calm no longer.

    Args:
        fleet: the fleet; the state of the string and its blocks is changed in place, but they do not age.
        s: string.
        begin_s: time from which periods are counted, s since 1970 UTC.
        first: number of the next period.
        period_s: length of a period, at most `LONGEST_PERIOD_S`, s.
        air_c: room air in the middle of each period to come, degC; no more periods than these are taken.
        tally: what is read.

    Returns:
        Periods that were taken; 0 where the next one is not of this kind.
    """
    b: Batteries = batteries_of(fleet)
    made, string = b.made_strings[s], b.strings[s]
    begin, count = b.first_block[s], b.first_block[s + 1] - b.first_block[s]
    state, now = b.blocks[begin : begin + count], b.now[begin : begin + count]
    c_u, c_t, u0 = made.gas_cu_per_v, made.gas_ct_per_k, made.gas_u0_v_cell
    keep_post = math.exp(-period_s / POST_TAU_S)
    heat_s, thermal_k_w = made.heat_j_k * made.thermal_k_w, made.thermal_k_w
    keep_core = math.exp(-period_s / heat_s)
    core_c, post_c, voltage_v, ln_gas_a = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    position_k, cells, inside_ohm, loose_ohm = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    heat_w, rise_k_w, keep, rest_v = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    new_core_c, new_post_c, new_v, ln_q = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    full_v, rest_v_k = b.ocv_v[made.table, -1] / made.cells, made.docv_dt_v_k / made.cells
    all_cells = all_loose_ohm = 0.0
    for i in range(count):
        core_c[i], post_c[i], voltage_v[i] = state[i].core_c, state[i].post_c, state[i].voltage_v
        ln_gas_a[i], position_k[i], cells[i] = state[i].ln_gas_a, b.made[begin + i].position_k, now[i].cells
        inside_ohm[i], loose_ohm[i] = now[i].inside_ohm, now[i].inside_ohm + now[i].outside_ohm
        heat_w[i], rise_k_w[i] = now[i].heat_w, thermal_k_w * now[i].thermal
        keep[i] = keep_core if now[i].thermal == 1.0 else math.exp(-period_s / (heat_s * now[i].thermal))
        rest_v[i] = full_v + state[i].ocv_shift_v / made.cells
        all_cells += cells[i]
        all_loose_ohm += loose_ohm[i]
    set_point_v = made.set_point_v + b.string_now[s].set_point_v
    compensation_v_k = made.compensation_v_k * b.string_now[s].compensation
    current_a, calm, taken = string.current_a, string.calm, 0
    while taken < len(air_c):
        square_a2 = current_a * current_a
        mean_post_c = weighted = 0.0
        for i in range(count):
            mean_post_c += post_c[i]
        target_v = set_point_v + compensation_v_k * (mean_post_c / count - 25.0)
        hottest_c, hottest_k = -math.inf, 0.0
        for i in range(count):
            around_c = air_c[taken] + position_k[i]
            settled_c = around_c + (current_a * voltage_v[i] + heat_w[i]) * rise_k_w[i]
            new_core_c[i] = settled_c + keep[i] * (core_c[i] - settled_c)
            contact_k = min((POST_CONTACT_K_PER_A2 + loose_ohm[i] * POST_K_W) * square_a2, MOST_CONTACT_K)
            warm_c = around_c + POST_CORE_SHARE * (new_core_c[i] - around_c) + contact_k
            new_post_c[i] = warm_c + keep_post * (post_c[i] - warm_c)
            ln_q[i] = ln_gas_a[i] + c_t * (new_core_c[i] - 25.0)
        for i in range(count):
            weighted += cells[i] * ln_q[i]
            hottest_c = max(hottest_c, new_core_c[i])
            hottest_k = max(hottest_k, new_core_c[i] - (air_c[taken] + position_k[i]))
        ln_i = ((target_v - all_loose_ohm * current_a - all_cells * u0) * c_u + weighted) / all_cells
        new_a = math.exp(min(ln_i, 10.0))
        least_over_v = 1.0
        for i in range(count):
            cell_v = u0 + (ln_i - ln_q[i]) / c_u
            new_v[i] = cells[i] * cell_v + inside_ohm[i] * new_a
            least_over_v = min(least_over_v, cell_v - (rest_v[i] + rest_v_k * (new_core_c[i] - 25.0)))
        if (
            hottest_c > BOILING_C
            or new_a > MOST_CURRENT_SHARE * made.charge_limit_a
            or not least_over_v > LEAST_OVER_REST_V_CELL
        ):
            break
        calm, current_a, total_v = HOT if hottest_k > HOT_K else CALM, new_a, 0.0
        for i in range(count):
            core_c[i], post_c[i], voltage_v[i] = new_core_c[i], new_post_c[i], new_v[i]
            tally.voltage_v[i] += new_v[i]
            tally.voltage_min_v[i] = min(tally.voltage_min_v[i], new_v[i])
            tally.voltage_max_v[i] = max(tally.voltage_max_v[i], new_v[i])
            tally.post_c[i] += new_post_c[i]
            tally.core_c[i] += new_core_c[i]
            total_v += new_v[i]
        tally.string[0] += total_v
        tally.string[1] += current_a
        tally.string[2] = min(tally.string[2], current_a)
        taken += 1
        if begin_s + (first + taken) * period_s - string.aged_s >= FLOAT_STEP_S:
            break
    if taken > 0:
        for i in range(count):
            state[i].core_c, state[i].post_c, state[i].voltage_v = core_c[i], post_c[i], voltage_v[i]
            state[i].gassing_a = current_a
        b.strings[s].current_a, b.strings[s].calm = current_a, calm
        b.strings[s].time_s = begin_s + (first + taken) * period_s
    return taken
