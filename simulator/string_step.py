"""One step of one string: which law holds, what current flows, and what that does to the blocks."""

import math

from simulator.block_laws import WELL_RATE_PER_K, WELL_RATE_PER_S
from simulator.compiled import compiled
from simulator.electrochemistry import linearise, string_voltage
from simulator.float_line import CALM, FULL_SOC, NOT_CALM, float_step, may_be_calm
from simulator.series_string import charger_current, load_current
from simulator.settling import settle
from simulator.world import Batteries, Step

FLOAT_SHARE = 0.03
"""A charging current below this share of the charger's limit is float of healthy blocks."""

CALM_SHARE = 0.1
"""Old blocks float at many times that; below this share of the limit the closed form may hold."""

_REST_A = 1.0
_CELL_ON_LOAD_V = 2.0


@compiled
def move_string(batteries: Batteries, s: int, duration_s: float, air_c: float, load_factor: float) -> None:
    """Moves string s over a step in its present regime: on float in closed form, else by the laws of its blocks.

    Args:
        batteries: the batteries; the state of the string and its blocks is changed in place.
        s: string.
        duration_s: length of the step, s.
        air_c: room air, degC.
        load_factor: load relative to the system's usual one.
    """
    strings, string = batteries.made_strings, batteries.strings
    post_c, core_c, least_soc, cells = _means(batteries, s)
    warm_v = strings[s].compensation_v_k * batteries.string_now[s].compensation * (post_c - 25.0)
    charger_v = strings[s].set_point_v + batteries.string_now[s].set_point_v + warm_v
    if string[s].calm != NOT_CALM:
        string[s].calm = float_step(batteries, s, duration_s, charger_v, air_c)
        return
    tau2_s = strings[s].tau2_s if abs(string[s].current_a) > _REST_A else strings[s].tau2_recovery_s
    load_w = load_c = 0.0
    if string[s].discharging == 1:
        load_w = strings[s].load_w * load_factor
        load_c = load_w / (_CELL_ON_LOAD_V * cells * strings[s].rated_ah)
    step = Step(
        duration_s=duration_s,
        keep1=math.exp(-duration_s / strings[s].tau1_s),
        keep2=math.exp(-duration_s / tau2_s),
        keep_gap=math.exp(-duration_s * WELL_RATE_PER_S * math.exp(WELL_RATE_PER_K * (core_c - 25.0))),
        load_c=load_c,
    )
    linearise(batteries, s, step)
    string[s].current_a = _current(batteries, s, load_w, charger_v)
    settle(batteries, s, step, air_c)
    on_charger = string[s].discharging == 0 and string[s].disconnected == 0
    may_float = 0.0 < string[s].current_a < CALM_SHARE * strings[s].charge_limit_a
    if on_charger and may_float and least_soc > FULL_SOC and may_be_calm(batteries, s):
        string[s].calm = CALM


@compiled
def _means(batteries: Batteries, s: int) -> tuple[float, float, float, float]:
    """Mean post and core temperature (degC), least charge and number of cells of a string's blocks."""
    first, last = batteries.first_block[s], batteries.first_block[s + 1]
    post_c = core_c = cells = 0.0
    least_soc = 1.0
    for i in range(first, last):
        post_c += batteries.blocks[i].post_c
        core_c += batteries.blocks[i].core_c
        least_soc = min(least_soc, batteries.blocks[i].soc)
        cells += batteries.now[i].cells
    return post_c / (last - first), core_c / (last - first), least_soc, cells


@compiled
def _current(batteries: Batteries, s: int, load_w: float, charger_v: float) -> float:
    """Solves the string over the step that `batteries.lines` describe: load, disconnected or charger."""
    strings, string = batteries.made_strings, batteries.strings
    lines = batteries.lines[batteries.first_block[s] : batteries.first_block[s + 1]]
    if string[s].discharging == 1:
        current_a = load_current(lines, load_w)
        if current_a < 0.0 and string_voltage(lines, current_a)[0] > strings[s].end_v:
            return current_a
        string[s].disconnected = 1
        string[s].discharging = 0
    if string[s].disconnected == 1:
        string_voltage(lines, 0.0)
        return 0.0
    return charger_current(lines, charger_v, strings[s].charge_limit_a, string[s].current_a)
