"""A string that floats at ease, period after period: the closed form of `float_line`, with block beside block.

What `evolve_string` does in such periods, operation by operation, without looking up each time what cannot change
before the string ages again: discharges, faults, conditions. The values of its blocks stand side by side, so that the
processor takes several at once.
"""

import math
from typing import NamedTuple

import numpy as np

from simulator.compiled import compiled, kernel
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


class _Blocks(NamedTuple):
    """A string's blocks side by side, `(n_blocks,)` each; the last four are those of the period that is tried."""

    core_c: Floats
    post_c: Floats
    voltage_v: Floats
    ln_gas_a: Floats
    position_k: Floats
    cells: Floats
    inside_ohm: Floats
    loose_ohm: Floats
    heat_w: Floats
    rise_k_w: Floats
    keep_core: Floats
    rest_v: Floats
    next_core_c: Floats
    next_post_c: Floats
    next_voltage_v: Floats
    ln_q: Floats


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
    batteries = batteries_of(fleet)
    made, string = batteries.made_strings[s], batteries.strings[s]
    blocks = _side_by_side(batteries, s, period_s)
    count = len(blocks.cells)
    cells, loose_ohm = _in_series(blocks)
    c_u, u0 = made.gas_cu_per_v, made.gas_u0_v_cell
    rest_v_k, keep_post = made.docv_dt_v_k / made.cells, math.exp(-period_s / POST_TAU_S)
    set_point_v = made.set_point_v + batteries.string_now[s].set_point_v
    compensation_v_k = made.compensation_v_k * batteries.string_now[s].compensation
    current_a, calm, taken = string.current_a, string.calm, 0
    while taken < len(air_c):
        target_v = set_point_v + compensation_v_k * (_mean(blocks.post_c) - 25.0)
        weighted, hottest_c, hottest_k = _warm(blocks, air_c[taken], current_a, keep_post, made.gas_ct_per_k)
        ln_i = ((target_v - loose_ohm * current_a - cells * u0) * c_u + weighted) / cells
        next_a = math.exp(min(ln_i, 10.0))
        least_over_v = 1.0
        for i in range(count):
            cell_v = u0 + (ln_i - blocks.ln_q[i]) / c_u
            blocks.next_voltage_v[i] = blocks.cells[i] * cell_v + blocks.inside_ohm[i] * next_a
            least_over_v = min(least_over_v, cell_v - blocks.rest_v[i] - rest_v_k * (blocks.next_core_c[i] - 25.0))
        too_much = hottest_c > BOILING_C or next_a > MOST_CURRENT_SHARE * made.charge_limit_a
        if too_much or not least_over_v > LEAST_OVER_REST_V_CELL:
            break
        current_a, calm = next_a, HOT if hottest_k > HOT_K else CALM
        _take(blocks, current_a, tally)
        taken += 1
        if begin_s + (first + taken) * period_s - string.aged_s >= FLOAT_STEP_S:
            break
    if taken > 0:
        _put_back(batteries, s, blocks, current_a)
        batteries.strings[s].current_a, batteries.strings[s].calm = current_a, calm
        batteries.strings[s].time_s = begin_s + (first + taken) * period_s
    return taken


@compiled
def _side_by_side(batteries: Batteries, s: int, period_s: float) -> _Blocks:
    made, begin = batteries.made_strings[s], batteries.first_block[s]
    a = np.empty((16, batteries.first_block[s + 1] - begin))
    b = _Blocks(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15])
    heat_s, full_v = made.heat_j_k * made.thermal_k_w, batteries.ocv_v[made.table, -1] / made.cells
    keep_core = math.exp(-period_s / heat_s)
    for i in range(a.shape[1]):
        state, now = batteries.blocks[begin + i], batteries.now[begin + i]
        b.core_c[i], b.post_c[i], b.voltage_v[i] = state.core_c, state.post_c, state.voltage_v
        b.ln_gas_a[i], b.position_k[i] = state.ln_gas_a, batteries.made[begin + i].position_k
        b.cells[i], b.heat_w[i] = now.cells, now.heat_w
        b.inside_ohm[i], b.loose_ohm[i] = now.inside_ohm, now.inside_ohm + now.outside_ohm
        b.rise_k_w[i] = made.thermal_k_w * now.thermal
        b.keep_core[i] = keep_core if now.thermal == 1.0 else math.exp(-period_s / (heat_s * now.thermal))
        b.rest_v[i] = full_v + state.ocv_shift_v / made.cells
    return b


@compiled
def _in_series(blocks: _Blocks) -> tuple[float, float]:
    """Cells of a string, and resistance that its connections have too much."""
    cells = loose_ohm = 0.0
    for i in range(len(blocks.cells)):
        cells += blocks.cells[i]
        loose_ohm += blocks.loose_ohm[i]
    return cells, loose_ohm


@compiled
def _mean(values: Floats) -> float:
    total = 0.0
    for i in range(len(values)):
        total += values[i]
    return total / len(values)


@compiled
def _warm(
    b: _Blocks, air_c: float, current_a: float, keep_post: float, gas_ct_per_k: float
) -> tuple[float, float, float]:
    """Tries a period: temperatures after it, and what they make of the blocks' gassing.

    Returns:
        Sum of the cells' logarithms of gassing, warmest core (degC), greatest rise of a core over its air (K).
    """
    for i in range(len(b.cells)):
        around_c = air_c + b.position_k[i]
        settled_c = around_c + (current_a * b.voltage_v[i] + b.heat_w[i]) * b.rise_k_w[i]
        b.next_core_c[i] = settled_c + b.keep_core[i] * (b.core_c[i] - settled_c)
        contact_k = (POST_CONTACT_K_PER_A2 + b.loose_ohm[i] * POST_K_W) * current_a * current_a
        warm_c = around_c + POST_CORE_SHARE * (b.next_core_c[i] - around_c) + min(contact_k, MOST_CONTACT_K)
        b.next_post_c[i] = warm_c + keep_post * (b.post_c[i] - warm_c)
        b.ln_q[i] = b.ln_gas_a[i] + gas_ct_per_k * (b.next_core_c[i] - 25.0)
    weighted, hottest_c, hottest_k = 0.0, -math.inf, 0.0
    for i in range(len(b.cells)):
        weighted += b.cells[i] * b.ln_q[i]
        hottest_c = max(hottest_c, b.next_core_c[i])
        hottest_k = max(hottest_k, b.next_core_c[i] - (air_c + b.position_k[i]))
    return weighted, hottest_c, hottest_k


@compiled
def _take(b: _Blocks, current_a: float, tally: Tally) -> None:
    """Makes the period that was tried the present, and reads it."""
    total_v = 0.0
    for i in range(len(b.cells)):
        b.core_c[i], b.post_c[i], b.voltage_v[i] = b.next_core_c[i], b.next_post_c[i], b.next_voltage_v[i]
        tally.voltage_v[i] += b.voltage_v[i]
        tally.voltage_min_v[i] = min(tally.voltage_min_v[i], b.voltage_v[i])
        tally.voltage_max_v[i] = max(tally.voltage_max_v[i], b.voltage_v[i])
        tally.post_c[i] += b.post_c[i]
        tally.core_c[i] += b.core_c[i]
        total_v += b.voltage_v[i]
    tally.string[0] += total_v
    tally.string[1] += current_a
    tally.string[2] = min(tally.string[2], current_a)


@compiled
def _put_back(batteries: Batteries, s: int, b: _Blocks, current_a: float) -> None:
    begin, state = batteries.first_block[s], batteries.blocks
    for i in range(len(b.cells)):
        state[begin + i].core_c, state[begin + i].post_c = b.core_c[i], b.post_c[i]
        state[begin + i].voltage_v, state[begin + i].gassing_a = b.voltage_v[i], current_a
