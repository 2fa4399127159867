"""One block as a non-linear resistance over a time step: what string solvers need of it.

Main reaction (open-circuit voltage, ohmic drop, two polarisations, two wells of charge, charge resistance) in parallel
with gassing. Everything that changes during a step is linearised in the step's current with its exact discretisation,
so a step of minutes on float and a step of a second in an outage are the same code.
"""

import math

import numpy as np

from simulator.block_laws import (
    AVAILABLE_WELL,
    DIP_CHARGE,
    LEVEL_RESERVE,
    dip_v,
    mean_share,
    ocv_and_slope,
    ohmic_factor,
    slow_factor,
    ten_hour_soc,
    unusable_share,
)
from simulator.compiled import compiled
from simulator.parameters import Floats
from simulator.world import Batteries, Step

CONCENTRATION_V_CELL = 0.026
"""Voltage of acid depletion at the plates per cell and factor e (RT/F)."""

EMPTIEST_ROOM = 1e-8
"""Least room for charge that a full block keeps, fraction: keeps the charge resistance finite."""

VOLTAGE, GASSING = 0, 1
"""Columns of the solution: terminal voltage (V) and gassing current (A) of each block."""

# columns of the laws: voltage of the main reaction, exponent of gassing, then resistance and argument of Wright's omega
# while discharging and while charging, and the current between the two
_E, _A, _R, _Z, _R_CHARGE, _Z_CHARGE, _TURN = 2, 3, 4, 5, 6, 7, 8
_INSIDE, _OUTSIDE = 9, 10
_LEAST_LEVEL = 1e-3
_COLLAPSE_V_CELL, _COLLAPSE_LEVEL = 2.0, 0.008
_REVERSAL_V = 3.6  # from 2 V to the polarisation of a cell that is charged the wrong way round


@compiled
def wright_omega(z: float) -> float:
    """Solves w + ln w = z for w > 0, to double precision (iteration of Fritsch, Shafer and Crowley, 1973)."""
    if z < -30.0:
        return math.exp(z)
    if z < -1.0:
        w = math.exp(z) / (1.0 + math.exp(z))
    elif z < 1.5:
        w = 0.5671 + 0.3619 * z + 0.0737 * z * z
    else:
        w = z - math.log(z)
    for _ in range(3):
        residual = z - w - math.log(w)
        if abs(residual) < 1e-14 * (1.0 + abs(z)):
            break
        q = 2.0 * (1.0 + w) * (1.0 + w + 2.0 / 3.0 * residual)
        w *= 1.0 + residual / (1.0 + w) * (q - residual) / (q - 2.0 * residual)
    return w


@compiled
def linearise(batteries: Batteries, s: int, step: Step) -> None:
    """Writes the law of each block of string s over the coming step into its rows of `batteries.lines`.

    Main reaction: V = e + r I_main, with one r while discharging and one while charging.
    Gassing: I_gas = exp(b + a V). In series with both: what is loose or broken.
    """
    blocks, strings, state, now = batteries.made, batteries.made_strings, batteries.blocks, batteries.now
    lines = batteries.lines
    for i in range(batteries.first_block[s], batteries.first_block[s + 1]):
        soc, core_c, cells = state[i].soc, state[i].core_c, now[i].cells
        whole = cells / strings[s].cells
        ah_share = step.duration_s / (3_600.0 * state[i].capacity_ah)
        ocv, slope = ocv_and_slope(batteries.ocv_v[strings[s].table], ten_hour_soc(soc))
        e = whole * (ocv + strings[s].docv_dt_v_k * (core_c - 25.0) + state[i].ocv_shift_v)
        # level of the available well without current, and its change per ampere
        gap = (1.0 - AVAILABLE_WELL) * step.keep_gap * state[i].well_gap
        per_a = ah_share * (1.0 + (1.0 - AVAILABLE_WELL) / AVAILABLE_WELL * mean_share(step.keep_gap))
        unusable = unusable_share(core_c)
        usable = 1.0 / (1.0 - unusable)
        even = max(soc - unusable, 0.0) * usable
        level = max(soc - gap - unusable + LEVEL_RESERVE, 0.0) * usable
        if level > even:
            level, per_a = even, ah_share
        per_a *= usable
        depletion_v = cells * CONCENTRATION_V_CELL
        collapse_v = collapse_slope = 0.0
        if abs(level - even) > 1e-9:
            e += depletion_v * math.log((level + _LEAST_LEVEL) / (even + _LEAST_LEVEL))
        if level < 0.3:
            collapse_v = cells * _COLLAPSE_V_CELL * math.exp(-level / _COLLAPSE_LEVEL)
            collapse_slope = collapse_v * per_a / _COLLAPSE_LEVEL
        if now[i].weak_share < 1.0:
            # the others drive their current through an empty cell and turn it round
            weak_level = max(state[i].weak_soc - gap / now[i].weak_share - unusable + LEVEL_RESERVE, 0.0) * usable
            reversal_v = _REVERSAL_V * math.exp(-weak_level / _COLLAPSE_LEVEL)
            collapse_v += reversal_v
            collapse_slope += reversal_v * per_a / now[i].weak_share / _COLLAPSE_LEVEL
        e += step.keep1 * state[i].v1 + step.keep2 * state[i].v2 - collapse_v
        if step.load_c > 0.0 and state[i].dip_left > 0.0:
            passed = state[i].dip_passed + step.load_c * step.duration_s / (3_600.0 * DIP_CHARGE)
            e -= cells * dip_v(blocks[i].dip_v_cell, state[i].dip_left, passed, step.load_c)
        aged = state[i].resistance_ratio * whole
        r = blocks[i].r0_ohm * aged * ohmic_factor(soc, core_c, strings[s].r_per_k)
        r += blocks[i].r1_ohm * (1.0 - step.keep1) + blocks[i].r2_ohm * aged * slow_factor(soc) * (1.0 - step.keep2)
        r += (whole * slope - depletion_v * usable / (even + _LEAST_LEVEL)) * ah_share
        r += depletion_v / (level + _LEAST_LEVEL) * per_a + collapse_slope
        # the last charge goes in exponentially: its mean current over the step, not that at the step's begin
        room = max(1.0 - soc, EMPTIEST_ROOM)
        charge_r = blocks[i].charge_r_ohm
        h = step.duration_s * strings[s].charge_overvoltage_v / (3_600.0 * state[i].capacity_ah * charge_r)
        r_charge = r + charge_r * soc / room * h / -math.expm1(-h)
        a = strings[s].gas_cu_per_v / cells
        b = state[i].ln_gas_a - strings[s].gas_cu_per_v * strings[s].gas_u0_v_cell
        b += strings[s].gas_ct_per_k * (core_c - 25.0)
        lines[i, _E], lines[i, _A] = e, a
        lines[i, _R], lines[i, _Z] = r, math.log(a * r) + b + a * e
        lines[i, _R_CHARGE], lines[i, _Z_CHARGE] = r_charge, math.log(a * r_charge) + b + a * e
        # gassing takes the whole current unless that lifts the block above its main reaction's voltage
        lines[i, _TURN] = math.exp(min(b + a * e, 50.0))
        lines[i, _INSIDE], lines[i, _OUTSIDE] = now[i].inside_ohm, now[i].outside_ohm


@compiled
def string_voltage(lines: Floats, current_a: float) -> tuple[float, float]:
    """Voltage over a string at a current (V), and its slope (ohm).

    A block's law is solved exactly: with w + ln w = ln(a r) + b + a (e + r I), V = e + r I - w/a and I_gas = w/(a r).

    Args:
        lines: laws of the string's blocks (see `linearise`); columns `VOLTAGE` and `GASSING` take each one's solution.
        current_a: current of the string, A, > 0 charges.
    """
    total_v = 0.0
    slope_ohm = 0.0
    for k in range(len(lines)):
        charging = current_a > lines[k, _TURN]
        r = lines[k, _R_CHARGE] if charging else lines[k, _R]
        w = wright_omega((lines[k, _Z_CHARGE] if charging else lines[k, _Z]) + lines[k, _A] * r * current_a)
        voltage_v = lines[k, _E] + r * current_a - w / lines[k, _A] + lines[k, _INSIDE] * current_a
        lines[k, VOLTAGE] = voltage_v
        lines[k, GASSING] = w / (lines[k, _A] * r)
        total_v += voltage_v + lines[k, _OUTSIDE] * current_a
        slope_ohm += r / (1.0 + w) + lines[k, _INSIDE] + lines[k, _OUTSIDE]
    return total_v, slope_ohm


def new_lines(n_blocks: int) -> Floats:
    """Room for the laws of blocks, a row each, so that strings can be solved side by side."""
    return np.zeros((n_blocks, 11))
