"""How the hidden state of a string moves through time."""

from simulator.ageing import age_string, follow_age
from simulator.compiled import compiled, kernel
from simulator.fault_effects import next_change_s, set_conditions
from simulator.float_line import CALM, NOT_CALM
from simulator.mains import current_or_next
from simulator.room import room_c
from simulator.string_step import FLOAT_SHARE, move_string
from simulator.world import Batteries, Fleet, batteries_of

LOAD_STEP_S = 5.0
"""Longest step while a string carries a load."""

BULK_STEP_S = 20.0
"""Longest step while a string takes a large share of the charger's current."""

CHARGE_STEP_S = 60.0
"""Longest step while a string recharges or rests, or a block runs hot."""

TOPPING_STEP_S = 300.0
"""Longest step while the last charge goes in and the shares of the blocks still move."""

FLOAT_STEP_S = 900.0
"""Longest step on float, where all is quasi-stationary; also how often blocks age."""

_BULK_SHARE = 0.1


@kernel
def evolve_string(fleet: Fleet, s: int, until_s: float) -> None:
    """Takes string s from its time to `until_s` in steps that its regime needs, cut where load or faults come or go.

    Args:
        fleet: the fleet; the state of the string and its blocks is changed in place.
        s: string.
        until_s: time to reach, s since 1970 UTC; nothing happens if it is not later than the string's.
    """
    world, batteries, string = fleet.world, batteries_of(fleet), fleet.strings
    starts_s, ends_s = world.discharges.start_s[s], world.discharges.end_s[s]
    while string[s].time_s < until_s:
        now_s = string[s].time_s
        if now_s >= string[s].fault_change_s:
            _change_faults(batteries, s)
        discharge = current_or_next(ends_s, now_s)
        out = now_s >= starts_s[discharge]
        _switch(batteries, s, out)
        change_s = min(ends_s[discharge] if out else starts_s[discharge], string[s].fault_change_s)
        next_s = min(until_s, change_s, now_s + _longest_step_s(batteries, s, out))
        # air of the middle of the step stands for all of it
        site = world.strings[s].site
        air_c = room_c(world.rooms, world.climate, world.mains, site, 0.5 * (now_s + next_s))
        move_string(batteries, s, next_s - now_s, air_c, world.discharges.load_factor[s, discharge])
        string[s].time_s = next_s
        if next_s - string[s].aged_s >= FLOAT_STEP_S:
            age_until_now(batteries, s)


@compiled
def _switch(batteries: Batteries, s: int, out: bool) -> None:
    """Puts a string on its load or on its charger."""
    string, state = batteries.strings, batteries.blocks
    if not out:
        string[s].disconnected = 0
    discharging = 1 if out and string[s].disconnected == 0 else 0
    if discharging == string[s].discharging and (string[s].calm == NOT_CALM or not out):
        return
    age_until_now(batteries, s)  # by the regime that ends
    string[s].calm = NOT_CALM
    if discharging == 1 and string[s].discharging == 0:
        for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
            state[i].discharged_from = state[i].soc
            state[i].wear_counted = 0.0
    string[s].discharging = discharging


@compiled
def age_until_now(batteries: Batteries, s: int) -> None:
    """Lets the blocks of a string age from when they last did to its present, at what they show at present."""
    string = batteries.strings
    elapsed_s = string[s].time_s - string[s].aged_s
    if elapsed_s <= 0.0:
        return
    cooked = age_string(batteries, s, elapsed_s)
    string[s].aged_s = string[s].time_s
    if cooked or batteries.first_fault[s + 1] > batteries.first_fault[s]:
        _set_conditions(batteries, s)


@compiled
def _change_faults(batteries: Batteries, s: int) -> None:
    """Lets faults begin or end."""
    age_until_now(batteries, s)
    _set_conditions(batteries, s)
    batteries.strings[s].fault_change_s = next_change_s(batteries, s, batteries.strings[s].time_s)
    batteries.strings[s].calm = NOT_CALM


@compiled
def _set_conditions(batteries: Batteries, s: int) -> None:
    set_conditions(batteries, s, batteries.strings[s].time_s)
    follow_age(batteries, s)


@compiled
def _longest_step_s(batteries: Batteries, s: int, out: bool) -> float:
    string = batteries.strings
    if string[s].discharging == 1:
        return LOAD_STEP_S
    if string[s].calm == CALM:
        return FLOAT_STEP_S
    share = string[s].current_a / batteries.made_strings[s].charge_limit_a
    if share > _BULK_SHARE:
        return BULK_STEP_S
    on_float = 0.0 < share < FLOAT_SHARE
    if out or not on_float or string[s].calm != NOT_CALM:
        return CHARGE_STEP_S
    return TOPPING_STEP_S
