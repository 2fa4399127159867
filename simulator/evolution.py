"""How the hidden state of a string moves through time."""

import math

from simulator.ageing import age_string, follow_age
from simulator.block_laws import WELL_RATE_PER_K, WELL_RATE_PER_S
from simulator.compiled import compiled, kernel
from simulator.electrochemistry import linearise, string_voltage
from simulator.fault_effects import next_change_s, set_conditions
from simulator.float_line import CALM, FULL_SOC, NOT_CALM, float_step, may_be_calm
from simulator.mains import current_or_next
from simulator.room import room_c
from simulator.series_string import charger_current, load_current
from simulator.settling import settle
from simulator.world import Fleet, Step

LOAD_STEP_S = 5.0
"""Longest step while a string carries a load."""

CHARGE_STEP_S = 60.0
"""Longest step while a string recharges or rests, or a block runs hot."""

TOPPING_STEP_S = 300.0
"""Longest step while the last charge goes in and the shares of the blocks still move."""

FLOAT_STEP_S = 900.0
"""Longest step on float, where all is quasi-stationary; also how often blocks age."""

FLOAT_SHARE = 0.01
"""A charging current below this share of the charger's limit is float."""

_REST_A = 1.0
_CELL_ON_LOAD_V = 2.0


@kernel
def evolve_string(fleet: Fleet, s: int, until_s: float) -> None:
    """Takes string s from its time to `until_s` in steps that its regime needs, cut where load or faults come or go.

    Args:
        fleet: the fleet; the state of the string and its blocks is changed in place.
        s: string.
        until_s: time to reach, s since 1970 UTC; nothing happens if it is not later than the string's.
    """
    string, discharges = fleet.strings, fleet.world.discharges
    while string[s].time_s < until_s:
        now_s = string[s].time_s
        if now_s >= string[s].fault_change_s:
            _change_faults(fleet, s)
        discharge = current_or_next(discharges.end_s[s], now_s)
        out = now_s >= discharges.start_s[s, discharge]
        _switch(fleet, s, out)
        change_s = discharges.end_s[s, discharge] if out else discharges.start_s[s, discharge]
        change_s = min(change_s, string[s].fault_change_s)
        next_s = min(until_s, change_s, now_s + _longest_step_s(fleet, s, out))
        _step(fleet, s, next_s, discharges.load_factor[s, discharge])
        string[s].time_s = next_s
        if next_s - string[s].aged_s >= FLOAT_STEP_S:
            _age(fleet, s)


@compiled
def _switch(fleet: Fleet, s: int, out: bool) -> None:
    """Puts a string on its load or on its charger."""
    string, state = fleet.strings, fleet.blocks
    if not out:
        string[s].disconnected = 0
    discharging = 1 if out and string[s].disconnected == 0 else 0
    if discharging == string[s].discharging and (string[s].calm == NOT_CALM or not out):
        return
    _age(fleet, s)  # by the regime that ends
    string[s].calm = NOT_CALM
    if discharging == 1 and string[s].discharging == 0:
        for i in range(fleet.world.first_block[s], fleet.world.first_block[s + 1]):
            state[i].discharged_from = state[i].soc
            state[i].wear_counted = 0.0
    string[s].discharging = discharging


@compiled
def _age(fleet: Fleet, s: int) -> None:
    string, faults = fleet.strings, fleet.world.faults
    elapsed_s = string[s].time_s - string[s].aged_s
    if elapsed_s <= 0.0:
        return
    cooked = age_string(fleet, s, elapsed_s)
    string[s].aged_s = string[s].time_s
    if cooked or faults.first[s + 1] > faults.first[s]:
        _set_conditions(fleet, s)


@compiled
def _change_faults(fleet: Fleet, s: int) -> None:
    """Lets faults begin or end."""
    _age(fleet, s)
    _set_conditions(fleet, s)
    fleet.strings[s].fault_change_s = next_change_s(fleet, s, fleet.strings[s].time_s)
    fleet.strings[s].calm = NOT_CALM


@compiled
def _set_conditions(fleet: Fleet, s: int) -> None:
    set_conditions(fleet, s, fleet.strings[s].time_s)
    follow_age(fleet, s)


@compiled
def _longest_step_s(fleet: Fleet, s: int, out: bool) -> float:
    string = fleet.strings
    if string[s].discharging == 1:
        return LOAD_STEP_S
    if string[s].calm == CALM:
        return FLOAT_STEP_S
    on_float = 0.0 < string[s].current_a < FLOAT_SHARE * fleet.world.strings[s].charge_limit_a
    if out or not on_float or string[s].calm != NOT_CALM:
        return CHARGE_STEP_S
    return TOPPING_STEP_S


@compiled
def _step(fleet: Fleet, s: int, next_s: float, load_factor: float) -> None:
    strings, string, world = fleet.world.strings, fleet.strings, fleet.world
    duration_s = next_s - string[s].time_s
    # air of the middle of the step stands for all of it
    air_c = room_c(world.rooms, world.climate, world.mains, strings[s].site, next_s - 0.5 * duration_s)
    post_c, core_c, least_soc, cells = _means(fleet, s)
    warm_v = strings[s].compensation_v_k * fleet.string_now[s].compensation * (post_c - 25.0)
    charger_v = strings[s].set_point_v + fleet.string_now[s].set_point_v + warm_v
    if string[s].calm != NOT_CALM:
        string[s].calm = float_step(fleet, s, duration_s, charger_v, air_c)
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
    linearise(fleet, s, step)
    string[s].current_a = _current(fleet, s, load_w, charger_v)
    settle(fleet, s, step, air_c)
    on_charger = string[s].discharging == 0 and string[s].disconnected == 0
    on_float = 0.0 < string[s].current_a < FLOAT_SHARE * strings[s].charge_limit_a
    if on_charger and on_float and least_soc > FULL_SOC and may_be_calm(fleet, s):
        string[s].calm = CALM


@compiled
def _means(fleet: Fleet, s: int) -> tuple[float, float, float, float]:
    """Mean post and core temperature (degC), least charge and number of cells of a string's blocks."""
    first, last = fleet.world.first_block[s], fleet.world.first_block[s + 1]
    post_c = core_c = cells = 0.0
    least_soc = 1.0
    for i in range(first, last):
        post_c += fleet.blocks[i].post_c
        core_c += fleet.blocks[i].core_c
        least_soc = min(least_soc, fleet.blocks[i].soc)
        cells += fleet.now[i].cells
    return post_c / (last - first), core_c / (last - first), least_soc, cells


@compiled
def _current(fleet: Fleet, s: int, load_w: float, charger_v: float) -> float:
    """Solves the string over the step that `fleet.lines` describe: load, disconnected or charger."""
    strings, string = fleet.world.strings, fleet.strings
    lines = fleet.lines[fleet.world.first_block[s] : fleet.world.first_block[s + 1]]
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
