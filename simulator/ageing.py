"""Life of blocks: the share used up, the water lost, and what both do to capacity, resistance, gassing and voltage.

d(life)/dt = AF_T AF_U / life_at_20C + wear of discharges; AF_T = exp(Ea/R (1/293.15 - 1/T)) on core temperature,
AF_U = 2^(|U - U_recommended(T)| / 0.08 V) a cell, smooth around its minimum; 230 DOD^-1.6 discharges are a life.
"""

import math

import numpy as np

from simulator.compiled import compiled, kernel
from simulator.parameters import Floats
from simulator.world import Batteries

FORMED_AFTER_S = 90.0 * 86_400.0
"""Time constant at which a new block's resistance settles in its first months on float."""

UNFORMED_RESISTANCE = 0.08
"""Resistance that a block loses by that, relative."""

WATER_AT_END_OF_LIFE = 0.06
"""Electrolyte that an ordinary life in float service loses, fraction."""

FULL_DISCHARGES = 230.0
"""Discharges of all the charge that are a life."""

WEAR_EXPONENT = 1.6
"""Exponent of depth in the wear of a discharge."""

_ZERO_C_K = 273.15
_STRESS_V_CELL, _STRESS_ROUND_V, _STRESS_MOST_V = 0.08, 0.02, 0.24
# a drier block recombines more, until too little is left to gas
_LN_GAS_PER_WATER, _WATER_OF_MOST_GAS, _LN_GAS_DRY = 8.0, 0.2, 6.0  # five times as much at most
_LN_RESISTANCE_PER_WATER = 4.0
_LN_CAPACITY_PER_WATER = 1.2
_ACID_V_CELL, _ACID_LEFT_BEHIND = 0.295, 4.0  # acid above water, density; the same number is its voltage
_KNEE_STEEPER = 2.0
_LEAST_SOH = 0.02
_OLDEST = 8.0
_DIP_RECOVERY_S = 12.0 * 3_600.0
_DIP_RECOVERS_AT_SOC = 0.999
_COOKING_C, _COOKING_S = 90.0, 1_800.0


@compiled
def acceleration(core_c: float, activation_k: float) -> float:
    """Arrhenius factor of ageing against 20 degC."""
    return math.exp(activation_k * (1.0 / (_ZERO_C_K + 20.0) - 1.0 / (_ZERO_C_K + core_c)))


@compiled
def voltage_stress(over_v_cell: float) -> float:
    """Factor of ageing by a cell's voltage above or below what is recommended at its temperature, 1...7."""
    off_v = min(abs(over_v_cell), _STRESS_MOST_V)
    rounded_v = math.sqrt(off_v * off_v + _STRESS_ROUND_V**2) - _STRESS_ROUND_V
    return math.exp(math.log(2.0) * rounded_v / _STRESS_V_CELL)


@compiled
def soh_of_life(life: float, loss: float, exponent: float) -> float:
    """Capacity over new: 1 - loss life^n until the end of life, then a steeper exponential that never reaches 0."""
    if life < 1.0:
        return float(1.0 - loss * life**exponent)
    slope = _KNEE_STEEPER * loss * exponent / (1.0 - loss)
    return max((1.0 - loss) * math.exp(-slope * (life - 1.0)), _LEAST_SOH)


def capacity_of_life(life: Floats, drier: Floats, loss: Floats, exponent: Floats) -> Floats:
    """Capacity over new of many blocks before their knee: what `follow_age` computes for one without faults.

    Args:
        life: life fraction; beyond 1 the law of the years before is carried on.
        drier: water lost beyond that of an ordinary life.
        loss: capacity lost at the end of life, fraction.
        exponent: of the loss over life.
    """
    return np.maximum(1.0 - loss * life**exponent, _LEAST_SOH) * np.exp(-_LN_CAPACITY_PER_WATER * drier)


@compiled
def ln_gas_of_water(lost: float) -> float:
    """Rise of the logarithm of the gassing current with the water lost."""
    return _LN_GAS_PER_WATER * min(lost, _WATER_OF_MOST_GAS) - _LN_GAS_DRY * max(lost - _WATER_OF_MOST_GAS, 0.0)


@compiled
def acid_rise_v(cells: float, lost: float) -> float:
    """Rise of a block's open-circuit voltage with the water lost: stronger acid, less so where plates fall dry (V)."""
    return _ACID_V_CELL * cells * lost / (1.0 + _ACID_LEFT_BEHIND * lost)


@kernel
def age_string(batteries: Batteries, s: int, elapsed_s: float) -> bool:
    """Adds `elapsed_s` at the present temperatures and voltages to the lives of a string's blocks.

    Returns:
        Whether heat has shorted another cell.
    """
    blocks, strings, state, now = batteries.made, batteries.made_strings, batteries.blocks, batteries.now
    recovered = 1.0 - math.exp(-elapsed_s / _DIP_RECOVERY_S)
    keep2 = math.exp(-elapsed_s / strings[s].tau2_recovery_s)
    calm, loaded = batteries.strings[s].calm != 0, batteries.strings[s].discharging == 1
    cooked = False
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        core_c = state[i].core_c
        rate = now[i].ageing * acceleration(core_c, strings[s].activation_k) / blocks[i].life_s
        if not loaded:
            loose_v = now[i].inside_ohm * batteries.strings[s].current_a
            recommended_v = strings[s].recommended_v_cell + strings[s].recommended_v_cell_k * (core_c - 25.0)
            rate *= voltage_stress((state[i].voltage_v - loose_v) / now[i].cells - recommended_v)
        depth = max(state[i].discharged_from - state[i].soc, 0.0)
        wear = 0.0
        if depth > state[i].wear_counted:
            wear = (depth**WEAR_EXPONENT - state[i].wear_counted ** WEAR_EXPONENT) / FULL_DISCHARGES
            state[i].wear_counted = depth
        state[i].life = min(state[i].life + rate * elapsed_s + wear, _OLDEST)
        dry = now[i].water_per_s + blocks[i].water_per_ah * state[i].gassing_a / 3_600.0
        state[i].water_lost = min(state[i].water_lost + dry * elapsed_s, 0.9)
        if state[i].soc > _DIP_RECOVERS_AT_SOC and not loaded:
            state[i].dip_left += recovered * (1.0 - state[i].dip_left)
        if calm:
            state[i].v1 = state[i].well_gap = 0.0
            state[i].v2 *= keep2
        if core_c > _COOKING_C:
            before = math.floor(state[i].cooked_cells)
            state[i].cooked_cells = min(state[i].cooked_cells + elapsed_s / _COOKING_S, blocks[i].cells - 1.0)
            cooked = cooked or math.floor(state[i].cooked_cells) > before
    follow_age(batteries, s)
    return cooked


@kernel
def follow_age(batteries: Batteries, s: int) -> None:
    """Sets what follows from life, water and faults: capacity, resistance, gassing and open-circuit voltage."""
    blocks, strings, state, now = batteries.made, batteries.made_strings, batteries.blocks, batteries.now
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        life, water = state[i].life, state[i].water_lost
        fresh = math.exp(-max(batteries.strings[s].time_s - blocks[i].installed_s, 0.0) / FORMED_AFTER_S)
        drier = max(water - WATER_AT_END_OF_LIFE * life, 0.0)
        soh = soh_of_life(life, blocks[i].soh_loss, blocks[i].soh_exponent)
        state[i].capacity_ah = blocks[i].capacity_ah * now[i].capacity * soh * math.exp(-_LN_CAPACITY_PER_WATER * drier)
        ratio = (1.0 + blocks[i].resistance_gain * life * life * life) * (1.0 + UNFORMED_RESISTANCE * fresh)
        state[i].resistance_ratio = ratio * math.exp(_LN_RESISTANCE_PER_WATER * water) * now[i].resistance
        state[i].ln_gas_a = blocks[i].ln_gas_a + ln_gas_of_water(water) + now[i].ln_gas
        # water loss makes the acid stronger, sulfate that stays in the plates makes it weaker
        acid_v = acid_rise_v(strings[s].cells, water)
        state[i].ocv_shift_v = blocks[i].ocv_offset_v + acid_v - blocks[i].sulfation_v * min(life, 2.0)


def resistance_gain_of_life(gain: float) -> float:
    """Rise of resistance at the end of life that is left for corrosion when dry-out has its share of `gain`."""
    return max((1.0 + gain) / math.exp(_LN_RESISTANCE_PER_WATER * WATER_AT_END_OF_LIFE) - 1.0, 0.02)


def sulfation_of_life_v(cells: float) -> float:
    """Open-circuit voltage that sulfation takes at the end of an ordinary life: as much as dry-out gives."""
    return acid_rise_v(cells, WATER_AT_END_OF_LIFE)
