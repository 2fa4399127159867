"""How properties of one block depend on charge, temperature and age: small formulas that several kernels share."""

import math

from simulator.compiled import compiled
from simulator.parameters import Floats

AVAILABLE_WELL = 0.38
"""Share of the charge that is available at once (KiBaM's c)."""

WELL_RATE_PER_S = 4.2 / 3_600.0
"""Rate at which the wells level out at 25 degC (KiBaM's k)."""

LEVEL_RESERVE = 0.04
"""Charge level that the available well may lack against the mean before the acid at the plates is weaker."""

WELL_RATE_PER_K = 0.02
"""Relative rise of that rate per K (acid diffusion, about 15 kJ/mol)."""

TEN_HOUR_SHARE = 0.976
"""Share of the charge in both wells that comes out at the 10-hour rate and 25 degC."""

DIP_CHARGE = 0.01
"""Charge over capacity after which most of a coup de fouet has passed; it is deepest at 0.4 of it."""

_DIP_RATE_C = 0.02
_DIP_PEAK = 0.535


@compiled
def ocv_and_slope(table: Floats, soc: float) -> tuple[float, float]:
    """Open-circuit voltage (V) and its slope (V per unit of charge) from an even grid over 0...1."""
    position = min(max(soc, 0.0), 1.0) * (len(table) - 1)
    cell = min(int(position), len(table) - 2)
    rise = table[cell + 1] - table[cell]
    return table[cell] + (position - cell) * rise, rise * (len(table) - 1)


@compiled
def ten_hour_soc(soc: float) -> float:
    """Charge over the 10-hour capacity, from charge over that of both wells; below 0 at slow rates."""
    return 1.0 - (1.0 - soc) / TEN_HOUR_SHARE


@compiled
def temperature_factor(core_c: float, r_per_k: float) -> float:
    """Resistance over that at 25 degC; an exponential, so that it stays above 0 in a runaway."""
    return math.exp(r_per_k * (core_c - 25.0))


@compiled
def ohmic_factor(soc: float, core_c: float, r_per_k: float) -> float:
    """Ohmic resistance over that of a full block at 25 degC: 1.25 at 20 % charge, 2.4 when empty."""
    return (1.0 + 1.4 * math.exp(-soc / 0.116)) * temperature_factor(core_c, r_per_k)


@compiled
def slow_factor(soc: float) -> float:
    """Resistance of the slow polarisation by charge, over that of a full block."""
    return 1.0 + 2.0 * math.exp(-soc / 0.12)


@compiled
def unusable_share(core_c: float) -> float:
    """Share of the charge that cannot be drawn at a temperature, against 25 degC; below 0 when warmer.

    The 20-hour capacity of makers' sheets: 102 % at 40 degC, 90 at 10, 85 at 0, 65 at -15.
    """
    warm_k = core_c - 25.0
    if warm_k > 0.0:
        return -0.025 * (1.0 - math.exp(-warm_k / 8.0))
    return min(-0.0045 * warm_k + 1.0e-4 * warm_k * warm_k, 0.9)


@compiled
def dip_v(scale_v: float, left: float, passed: float, rate_c: float) -> float:
    """Coup de fouet of a cell (V): plates long on float lack the crystals on which lead sulfate grows.

    Args:
        scale_v: the cell's scale.
        left: depth of this discharge's dip, 1 = after a long float.
        passed: charge of the discharge over `DIP_CHARGE` of the capacity.
        rate_c: discharge current, multiples of capacity per hour.
    """
    shape = (math.exp(-passed) - math.exp(-5.0 * passed)) / _DIP_PEAK
    return scale_v * left * shape * math.asinh(rate_c / _DIP_RATE_C)


@compiled
def mean_share(keep: float) -> float:
    """Mean of an exponential decay over a step at whose end `keep` is left."""
    return 1.0 if keep > 1.0 - 1e-9 else (1.0 - keep) / -math.log(keep)
