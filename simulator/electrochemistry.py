"""One block as a non-linear resistance over a time step: what string solvers need of it.

Main reaction (open-circuit voltage, ohmic drop, two polarisations, two wells of charge, charge resistance) in parallel
with gassing. Everything that changes during a step is linearised in the step's current with its exact discretisation,
so a step of an hour on float and a step of a second in an outage are the same code.
"""

import math

import numpy as np

from simulator.compiled import compiled
from simulator.parameters import Floats
from simulator.world import Fleet, Step

AVAILABLE_WELL = 0.38
"""Share of the charge that is available at once (KiBaM's c)."""

WELL_RATE_PER_S = 5.0 / 3_600.0
"""Rate at which the wells level out at 25 degC (KiBaM's k); with the share above: 0.49 of the capacity in 10 minutes,
0.75 in an hour, 0.90 in three, near the table of CSB GP12400."""

WELL_RATE_PER_K = 0.02
"""Relative rise of that rate per K (acid diffusion, about 15 kJ/mol)."""

CONCENTRATION_V_CELL = 0.026
"""Voltage of acid depletion at the plates per cell and factor e (RT/F)."""

EMPTIEST_ROOM = 1e-8
"""Least room for charge that a full block keeps, fraction: keeps the charge resistance finite."""

VOLTAGE, GASSING = 0, 1
"""Columns of the solution: terminal voltage (V) and gassing current (A) of each block."""

# columns of the laws: voltage of the main reaction, exponent of gassing, then resistance and argument of Wright's omega
# while discharging and while charging, and the current between the two
_E, _A, _R, _Z, _R_CHARGE, _Z_CHARGE, _TURN = 2, 3, 4, 5, 6, 7, 8
_LEAST_LEVEL = 1e-3
_COLLAPSE_V_CELL, _COLLAPSE_LEVEL = 2.0, 0.008


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
def ocv_and_slope(table: Floats, soc: float) -> tuple[float, float]:
    """Open-circuit voltage (V) and its slope (V per unit of charge) from an even grid over 0...1."""
    position = min(max(soc, 0.0), 1.0) * (len(table) - 1)
    cell = min(int(position), len(table) - 2)
    rise = table[cell + 1] - table[cell]
    return table[cell] + (position - cell) * rise, rise * (len(table) - 1)


@compiled
def ohmic_factor(soc: float, core_c: float, r_per_k: float) -> float:
    """Ohmic resistance over that of a full block at 25 degC: 1.25 at 20 % charge, 2.4 when empty."""
    return (1.0 + 1.4 * math.exp(-soc / 0.116)) * (1.0 + r_per_k * (core_c - 25.0))


@compiled
def slow_factor(soc: float) -> float:
    """Resistance of the slow polarisation by charge, over that of a full block."""
    return 1.0 + 2.0 * math.exp(-soc / 0.12)


@compiled
def mean_share(keep: float) -> float:
    """Mean of an exponential decay over a step at whose end `keep` is left."""
    return 1.0 if keep > 1.0 - 1e-9 else (1.0 - keep) / -math.log(keep)


@compiled
def linearise(fleet: Fleet, s: int, step: Step) -> None:
    """Writes the law of each block of string s over the coming step into `fleet.lines`.

    Main reaction: V = e + r I_main, with one r while discharging and one while charging.
    Gassing: I_gas = exp(b + a V).
    """
    blocks, strings, state, lines = fleet.world.blocks, fleet.world.strings, fleet.blocks, fleet.lines
    first = strings.first_block[s]
    for k in range(strings.first_block[s + 1] - first):
        i = first + k
        soc = state.soc[i]
        cells = blocks.cells[i]
        ah_share = step.duration_s / (3_600.0 * state.capacity_ah[i])
        ocv, slope = ocv_and_slope(strings.ocv_v[strings.table[s]], soc)
        whole = cells / strings.cells[s]
        e = whole * (ocv + strings.docv_dt_v_k[s] * (state.core_c[i] - 25.0)) + blocks.ocv_offset_v[i]
        # level of the available well without current, and its change per ampere
        level = max(soc - (1.0 - AVAILABLE_WELL) * step.keep_gap * state.well_gap[i], 0.0)
        per_a = ah_share * (1.0 + (1.0 - AVAILABLE_WELL) / AVAILABLE_WELL * mean_share(step.keep_gap))
        depletion_v = cells * CONCENTRATION_V_CELL
        collapse_v = 0.0
        if abs(level - soc) > 1e-9:
            e += depletion_v * math.log((level + _LEAST_LEVEL) / (soc + _LEAST_LEVEL))
        if level < 0.3:
            collapse_v = cells * _COLLAPSE_V_CELL * math.exp(-level / _COLLAPSE_LEVEL)
        e += step.keep1 * state.v1[i] + step.keep2 * state.v2[i] - collapse_v
        aged = state.resistance_ratio[i]
        r = blocks.r0_ohm[i] * aged * ohmic_factor(soc, state.core_c[i], strings.r_per_k[s])
        r += blocks.r1_ohm[i] * (1.0 - step.keep1) + blocks.r2_ohm[i] * aged * slow_factor(soc) * (1.0 - step.keep2)
        r += (whole * slope - depletion_v / (soc + _LEAST_LEVEL)) * ah_share
        r += (depletion_v / (level + _LEAST_LEVEL) + collapse_v / _COLLAPSE_LEVEL) * per_a
        # the last charge goes in exponentially: its mean current over the step, not that at the step's begin
        room = max(1.0 - soc, EMPTIEST_ROOM)
        charge_r = blocks.charge_r_ohm[i]
        h = step.duration_s * strings.charge_overvoltage_v[s] / (3_600.0 * state.capacity_ah[i] * charge_r)
        r_charge = r + charge_r * soc / room * h / -math.expm1(-h)
        a = strings.gas_cu_per_v[s] / cells
        b = state.ln_gas_a[i] - strings.gas_cu_per_v[s] * strings.gas_u0_v_cell[s]
        b += strings.gas_ct_per_k[s] * (state.core_c[i] - 25.0)
        lines[k, _E], lines[k, _A] = e, a
        lines[k, _R], lines[k, _Z] = r, math.log(a * r) + b + a * e
        lines[k, _R_CHARGE], lines[k, _Z_CHARGE] = r_charge, math.log(a * r_charge) + b + a * e
        # gassing takes the whole current unless that lifts the block above its main reaction's voltage
        lines[k, _TURN] = math.exp(min(b + a * e, 50.0))


@compiled
def string_voltage(lines: Floats, n_blocks: int, current_a: float) -> tuple[float, float]:
    """Voltage over a string at a current (V), and its slope (ohm).

    A block's law is solved exactly: with w + ln w = ln(a r) + b + a (e + r I), V = e + r I - w/a and I_gas = w/(a r).

    Args:
        lines: laws of the blocks (see `linearise`); columns `VOLTAGE` and `GASSING` take each block's solution.
        n_blocks: blocks in the string.
        current_a: current of the string, A, > 0 charges.
    """
    total_v = 0.0
    slope_ohm = 0.0
    for k in range(n_blocks):
        charging = current_a > lines[k, _TURN]
        r = lines[k, _R_CHARGE] if charging else lines[k, _R]
        w = wright_omega((lines[k, _Z_CHARGE] if charging else lines[k, _Z]) + lines[k, _A] * r * current_a)
        voltage_v = lines[k, _E] + r * current_a - w / lines[k, _A]
        lines[k, VOLTAGE] = voltage_v
        lines[k, GASSING] = w / (lines[k, _A] * r)
        total_v += voltage_v
        slope_ohm += r / (1.0 + w)
    return total_v, slope_ohm


def new_lines(most_blocks: int) -> Floats:
    """Room for the laws of one string's blocks."""
    return np.empty((most_blocks, 9))
