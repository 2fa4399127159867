"""The one current of a series string: on a charger, or under a constant-power load."""

import math

from simulator.compiled import compiled
from simulator.electrochemistry import string_voltage
from simulator.parameters import Floats

_TOLERANCE_V = 1e-6
_LOGARITHMIC_BELOW_A = 0.2
_LEAST_A = 1e-8  # what passes a broken connection is still solved for
_MOST_ITERATIONS = 60


@compiled
def charger_current(lines: Floats, target_v: float, limit_a: float, guess_a: float) -> float:
    """Current that a charger drives: constant voltage, but never above the limit and never backwards.

    Newton's method, kept inside a bracket that shrinks; the string's voltage rises with its current.

    Args:
        lines: laws of the string's blocks; voltages and gassing currents of the solution are left in them.
        target_v: charger's voltage, V.
        limit_a: charger's current limit, A.
        guess_a: current to start from, A.

    Returns:
        Current, A, 0...limit_a.
    """
    low_a, high_a = 0.0, limit_a
    current_a = min(max(guess_a, 1e-4), limit_a)
    for _ in range(_MOST_ITERATIONS):
        voltage_v, slope_ohm = string_voltage(lines, current_a)
        excess_v = voltage_v - target_v
        if abs(excess_v) < _TOLERANCE_V:
            return current_a
        if excess_v > 0.0:
            high_a = current_a
        else:
            if current_a >= limit_a:
                return limit_a
            low_a = current_a
        if current_a < _LOGARITHMIC_BELOW_A:
            # gassing makes float voltage a straight line over the logarithm of the current
            current_a *= math.exp(min(max(-excess_v / (slope_ohm * current_a), -6.0), 3.0))
        else:
            current_a -= excess_v / slope_ohm
        if high_a < _LEAST_A:
            string_voltage(lines, 0.0)
            return 0.0
        if not low_a < current_a < high_a:
            at_limit = current_a >= limit_a == high_a
            current_a = limit_a if at_limit else max(math.sqrt(low_a * high_a), 0.1 * high_a)
    return current_a


@compiled
def load_current(lines: Floats, power_w: float) -> float:
    """Current (A, < 0) at which a string gives a power, or 0 where it cannot give that much.

    Newton's method from a current below the answer: power over current is concave, so the steps never pass it.

    Args:
        lines: laws of the string's blocks; voltages and gassing currents of the solution are left in them.
        power_w: load, W, > 0.
    """
    open_v, _ = string_voltage(lines, 0.0)
    current_a = -power_w / open_v
    for _ in range(_MOST_ITERATIONS):
        voltage_v, slope_ohm = string_voltage(lines, current_a)
        missing_w = power_w + voltage_v * current_a
        if abs(missing_w) < 1e-6 * power_w:
            return current_a
        gain_v = voltage_v + current_a * slope_ohm
        if gain_v <= 0.0 or open_v <= 0.0:
            break  # past the point of greatest power
        current_a -= missing_w / gain_v
    string_voltage(lines, 0.0)
    return 0.0
