"""The equivalent circuit V = OCV + I R + acid + V1 + V2 (I > 0 charges): its voltage, and the SOC for a voltage."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import logarithm
from actors.ocv import ocv_and_slope

_R0_RISE: Final = 1.4
_SMALLEST_WARMTH_FACTOR: Final = 0.3
_SMALLEST_LEVEL: Final = 0.004
_PER_SMALLEST_LEVEL: Final = 1.0 / _SMALLEST_LEVEL
_ONE_FOLD_LEFT: Final = 2.72 * _SMALLEST_LEVEL
_CHARGE_LIMIT: Final = 1.004
_NOT_CHARGING: Final = 0.04
"""Of the charger's limit: what a sensor may read at rest, which must not act as a charge on a full block."""
_BISECTIONS: Final = 30


class Circuit(NamedTuple):
    """A voltage of the circuit, V, and how it moves with what is estimated."""

    voltage_v: float
    by_soc: float
    by_r0: float
    by_capacity: float
    load_v: float
    """Drop across resistance and acid, without V1 and V2."""
    acid_v: float
    acid_by_level: float


@compiled
def resistance_factor(soc: float) -> tuple[float, float]:
    """Series resistance over that of a full block, and its derivative by SOC.

    1 + 1.4 (1 - SOC)**8, which follows the GNB table of vrla facts 1.2.
    """
    empty = min(max(1.0 - soc, 0.0), 1.0)
    empty2 = empty * empty
    empty4 = empty2 * empty2
    empty7 = empty4 * empty2 * empty
    return 1.0 + _R0_RISE * empty7 * empty, -8.0 * _R0_RISE * empty7


@compiled
def warmth_at(p: TwinParameters, temperature_c: float) -> float:
    """Resistance at a temperature over that at 25 degC."""
    return max(1.0 + p.r_per_k * (temperature_c - 25.0), _SMALLEST_WARMTH_FACTOR)


@compiled
def warmth_factor(x: TwinState, p: TwinParameters) -> float:
    """Resistance at the present temperature over that at 25 degC."""
    return warmth_at(p, x.temperature_c)


@compiled
def plate_level(x: TwinState, p: TwinParameters) -> float:
    """Charge level at the plates: all charge less what has not yet followed (KiBaM; vrla facts, section 2).

    In units of the 10-hour capacity, like SOC; at that rate the plates are empty where SOC is 0.
    """
    return x.soc + p.spare_charge - (1.0 - p.available_share) * x.charge_gap


@compiled
def acid_voltage(x: TwinState, p: TwinParameters, current_a: float) -> tuple[float, float, float]:
    """What emptying plates cost beyond full ones, V, and its derivatives by SOC and by the level at the plates.

    Concentration: Nernst's ln(level / charge), which lasts as long as the level differs. Activation: Butler and
    Volmer's asinh(r / charge) - asinh(r), r = discharge current over exchange current, which falls with the charge.
    """
    charge = max(x.soc + p.spare_charge, _SMALLEST_LEVEL)
    level = max(plate_level(x, p), _SMALLEST_LEVEL)
    ratio = max(-current_a, 0.0) * p.per_exchange_a
    left = ratio / charge
    root = math.sqrt(left * left + 1.0)
    lost = logarithm(charge * (left + root) / (level * (ratio + math.sqrt(ratio * ratio + 1.0))))
    by_soc = p.kinetic_v * (left / root - 1.0) / charge
    by_level = p.kinetic_v / level
    return -p.kinetic_v * lost, by_soc, by_level


@compiled
def charge_resistance(p: TwinParameters, soc: float) -> tuple[float, float]:
    """Resistance that a block sets against the last of its charge, Ohm, and its derivative by SOC."""
    room = _CHARGE_LIMIT - min(max(soc, 0.0), 1.0)
    return p.charge_ohm * (_CHARGE_LIMIT - room) / room, p.charge_ohm * _CHARGE_LIMIT / (room * room)


@compiled
def circuit_at(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], current_a: float) -> Circuit:
    """Voltage of the circuit at a current, A."""
    open_v, by_soc = ocv_and_slope(ocv_v, x.soc)
    factor, factor_slope = resistance_factor(x.soc)
    warmth = warmth_factor(x, p)
    by_r0 = current_a * warmth * factor
    load_v = by_r0 * x.r0_ohm
    by_soc += current_a * warmth * factor_slope * x.r0_ohm
    acid_v, acid_by_soc, by_level = acid_voltage(x, p, current_a)
    by_soc += acid_by_soc + by_level
    by_capacity = by_level * (1.0 - p.available_share) * x.charge_gap / x.soh_capacity
    load_v += acid_v
    charging_a = current_a - _NOT_CHARGING * p.charge_limit_a
    if charging_a > 0.0:
        charge_ohm, charge_slope = charge_resistance(p, x.soc)
        load_v += charging_a * charge_ohm
        by_soc += charging_a * charge_slope
    voltage_v = open_v + x.table_error_v + p.docv_dt_v_k * (x.temperature_c - 25.0) + load_v + x.v1 + x.v2
    return Circuit(voltage_v, by_soc, by_r0, by_capacity, load_v, acid_v, by_level)


@compiled
def expressible(x: TwinState, p: TwinParameters, surprise_v: float) -> float:
    """Part of a surprise that emptying plates can explain, V; below them is only a cell that fails or reverses."""
    level = plate_level(x, p)
    if surprise_v > -p.kinetic_v and level > _ONE_FOLD_LEFT:
        return surprise_v
    folds_left = logarithm(max(level, _SMALLEST_LEVEL) * _PER_SMALLEST_LEVEL)
    return max(surprise_v, -p.kinetic_v * folds_left)


@compiled
def polarisation(x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64]) -> float:
    """Voltage of the circuit at its newest current above open circuit, V, without the drop across R0."""
    circuit = circuit_at(x, p, ocv_v, x.current_a)
    return float(x.v1 + x.v2 + circuit.load_v - circuit.by_r0 * x.r0_ohm)


@compiled
def soc_at_voltage(
    x: TwinState, p: TwinParameters, ocv_v: NDArray[np.float64], voltage_v: float, current_a: float
) -> tuple[float, float]:
    """SOC at which the settled circuit has this voltage, held to 0...1, and the slope there, V.

    The branches are taken at their end values, not as filtered: those have been bent to fit the voltage.
    """
    filtered_soc, v1, v2, gap = x.soc, x.v1, x.v2, x.charge_gap
    x.v1, x.v2, x.charge_gap = current_a * p.r1_ohm, current_a * p.r2_ohm, 0.0
    low, high, slope = 0.0, 1.0, 1.0
    for _ in range(_BISECTIONS):
        x.soc = 0.5 * (low + high)
        circuit = circuit_at(x, p, ocv_v, current_a)
        slope = circuit.by_soc
        if circuit.voltage_v < voltage_v:
            low = x.soc
        else:
            high = x.soc
    x.soc, x.v1, x.v2, x.charge_gap = filtered_soc, v1, v2, gap
    return 0.5 * (low + high), slope
