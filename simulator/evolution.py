"""How the hidden state of a string moves through time."""

import math

from simulator.ageing import age_string
from simulator.compiled import compiled, kernel
from simulator.electrochemistry import (
    AVAILABLE_WELL,
    EMPTIEST_ROOM,
    GASSING,
    VOLTAGE,
    WELL_RATE_PER_K,
    WELL_RATE_PER_S,
    linearise,
    mean_share,
    ocv_and_slope,
    slow_factor,
    string_voltage,
)
from simulator.mains import current_or_next
from simulator.room import room_c
from simulator.series_string import charger_current, load_current
from simulator.world import Fleet, Step

LOAD_STEP_S = 5.0
"""Longest step while a string carries a load."""

CHARGE_STEP_S = 60.0
"""Longest step while a string recharges or rests."""

TOPPING_STEP_S = 300.0
"""Longest step while the last charge goes in and the shares of the blocks still move."""

FLOAT_STEP_S = 3_600.0
"""Longest step on float, where all is quasi-stationary."""

FLOAT_SHARE = 0.01
"""A charging current below this share of the charger's limit is float."""

FULL_SOC = 1.0 - 2e-5
"""Charge from which a block's share of the float voltage is its gassing alone."""

POST_TAU_S = 900.0
"""Time constant of a post's temperature."""

_POST_CORE_SHARE = 0.6
_POST_CONTACT_K_PER_A2 = 2.0e-4  # 2 K at 100 A
_REST_A = 1.0
_ZERO_C_K = 273.15


@kernel
def evolve_string(fleet: Fleet, s: int, until_s: float) -> None:
    """Takes string s from its time to `until_s` in steps that its regime needs, cut where its load comes or goes.

    Args:
        fleet: the fleet; the state of the string and its blocks is changed in place.
        s: string.
        until_s: time to reach, s since 1970 UTC; nothing happens if it is not later than the string's.
    """
    string, discharges = fleet.strings, fleet.world.discharges
    begin_s = string.time_s[s]
    while string.time_s[s] < until_s:
        now_s = string.time_s[s]
        discharge = current_or_next(discharges.end_s[s], now_s)
        out = now_s >= discharges.start_s[s, discharge]
        if not out:
            string.disconnected[s] = 0
        string.discharging[s] = 1 if out and string.disconnected[s] == 0 else 0
        change_s = discharges.end_s[s, discharge] if out else discharges.start_s[s, discharge]
        next_s = min(until_s, change_s, now_s + _longest_step_s(fleet, s, out))
        _step(fleet, s, next_s, discharges.load_factor[s, discharge])
        string.time_s[s] = next_s
    if until_s > begin_s:
        age_string(fleet.world, fleet.blocks, s, until_s - begin_s)


@compiled
def _longest_step_s(fleet: Fleet, s: int, out: bool) -> float:
    if fleet.strings.discharging[s] == 1:
        return LOAD_STEP_S
    on_float = 0.0 < fleet.strings.current_a[s] < FLOAT_SHARE * fleet.world.strings.charge_limit_a[s]
    if out or not on_float:
        return CHARGE_STEP_S
    first, last = fleet.world.strings.first_block[s], fleet.world.strings.first_block[s + 1]
    return FLOAT_STEP_S if fleet.blocks.soc[first:last].min() > FULL_SOC else TOPPING_STEP_S


@compiled
def _step(fleet: Fleet, s: int, next_s: float, load_factor: float) -> None:
    strings, string = fleet.world.strings, fleet.strings
    first, last = strings.first_block[s], strings.first_block[s + 1]
    duration_s = next_s - string.time_s[s]
    tau2_s = strings.tau2_s[s] if abs(string.current_a[s]) > _REST_A else strings.tau2_recovery_s[s]
    core_c = fleet.blocks.core_c[first:last].mean()
    step = Step(
        duration_s=duration_s,
        keep1=math.exp(-duration_s / strings.tau1_s[s]),
        keep2=math.exp(-duration_s / tau2_s),
        keep_gap=math.exp(-duration_s * WELL_RATE_PER_S * math.exp(WELL_RATE_PER_K * (core_c - 25.0))),
    )
    linearise(fleet, s, step)
    string.current_a[s] = _current(fleet, s, load_factor)
    air_c = room_c(fleet.world.rooms, fleet.world.climate, fleet.world.mains, strings.site[s], next_s)
    _settle(fleet, s, step, air_c)


@compiled
def _current(fleet: Fleet, s: int, load_factor: float) -> float:
    """Solves the string over the step that `fleet.lines` describe: load, disconnected or charger."""
    strings, string, lines = fleet.world.strings, fleet.strings, fleet.lines
    first, last = strings.first_block[s], strings.first_block[s + 1]
    if string.discharging[s] == 1:
        current_a = load_current(lines, last - first, strings.load_w[s] * load_factor)
        if current_a < 0.0 and lines[: last - first, VOLTAGE].sum() > strings.end_v[s]:
            return current_a
        string.disconnected[s] = 1
        string.discharging[s] = 0
    if string.disconnected[s] == 1:
        string_voltage(lines, last - first, 0.0)
        return 0.0
    post_c = fleet.blocks.post_c[first:last].mean()
    target_v = strings.set_point_v[s] + strings.compensation_v_k[s] * (post_c - 25.0)
    return charger_current(lines, last - first, target_v, strings.charge_limit_a[s], string.current_a[s])


@compiled
def _settle(fleet: Fleet, s: int, step: Step, air_c: float) -> None:
    """Moves the state of a string's blocks over a step whose current, voltages and gassing are known."""
    blocks, strings, state, lines = fleet.world.blocks, fleet.world.strings, fleet.blocks, fleet.lines
    current_a = fleet.strings.current_a[s]
    keep_core = math.exp(-step.duration_s / (strings.heat_j_k[s] * strings.thermal_k_w[s]))
    keep_post = math.exp(-step.duration_s / POST_TAU_S)
    contact_k = _POST_CONTACT_K_PER_A2 * current_a * current_a
    gap_share = mean_share(step.keep_gap) / AVAILABLE_WELL
    first = strings.first_block[s]
    for i in range(first, strings.first_block[s + 1]):
        voltage_v, gassing_a = lines[i - first, VOLTAGE], lines[i - first, GASSING]
        main_a = current_a - gassing_a
        soc = state.soc[i]
        r2_ohm = blocks.r2_ohm[i] * state.resistance_ratio[i] * slow_factor(soc)
        state.v1[i] = step.keep1 * state.v1[i] + blocks.r1_ohm[i] * (1.0 - step.keep1) * main_a
        state.v2[i] = step.keep2 * state.v2[i] + r2_ohm * (1.0 - step.keep2) * main_a

        ah_share = step.duration_s / (3_600.0 * state.capacity_ah[i])
        stored_a = main_a
        if main_a < 0.0:
            # an exhausted block gives no more charge; what still passes through it reverses it
            level = soc - (1.0 - AVAILABLE_WELL) * step.keep_gap * state.well_gap[i]
            level_per_a = ah_share * (1.0 + (1.0 - AVAILABLE_WELL) * gap_share)
            stored_a = -min(-main_a, max(level, 0.0) / level_per_a)
        state.well_gap[i] = step.keep_gap * state.well_gap[i] - ah_share * gap_share * stored_a
        state.soc[i] = min(max(soc + ah_share * stored_a, 0.0), 1.0 - EMPTIEST_ROOM)

        ocv_v, _ = ocv_and_slope(strings.ocv_v[strings.table[s]], soc)
        reversible_v = (state.core_c[i] + _ZERO_C_K) * strings.docv_dt_v_k[s]
        heat_w = main_a * (voltage_v - ocv_v + reversible_v) + gassing_a * voltage_v
        around_c = air_c + blocks.position_k[i]
        settled_c = around_c + heat_w * strings.thermal_k_w[s]
        state.core_c[i] = settled_c + keep_core * (state.core_c[i] - settled_c)
        post_settled_c = around_c + _POST_CORE_SHARE * (state.core_c[i] - around_c) + contact_k
        state.post_c[i] = post_settled_c + keep_post * (state.post_c[i] - post_settled_c)
        state.voltage_v[i] = voltage_v
