"""Sign and offset of the current sensor, as the block itself shows them.

A gateway may count discharge as positive, and a large sensor reads amperes where none flow. Both are corrected before
anything else is made of a reading, in each twin from its own readings alone.
"""

from typing import Final

from actors.compiled import compiled
from actors.filter_layout import TwinParameters, TwinState

_EDGE_PER_AH: Final = 10.0 / 120.0
_LONGEST_EDGE_S: Final = 120.0
_CLEAR_V: Final = 0.1
"""Step of the voltage of a 12 V block that is worth one unit of evidence."""
LARGEST_EVIDENCE: Final = 8.0
"""To which `sign_evidence` is held."""
_MOST_BY_ONE_EDGE: Final = 4.0
_DECIDES: Final = 3.0

_LARGEST_OFFSET_PER_AH: Final = 0.05
_OFFSET_VAR_PER_S: Final = 1e-5**2 / 3600.0
FIRST_OFFSET_PER_AH: Final = 0.01
"""Sigma of the offset before anything has been seen, multiples of capacity per hour."""
_READING_PER_AH: Final = 0.002
_READING_LASTS_S: Final = 600.0
"""Time for which the error of a reading beside the offset may stay the same."""
_FLOAT_CURRENT_SIGMA: Final = 1.0
"""Of the expected float current, relative."""
_IGNORED_SIGMAS: Final = 3.0
_IGNORED_PER_AH: Final = 0.0005


@compiled
def corrected(x: TwinState, p: TwinParameters, reported_a: float) -> float:
    """Current of the block, A, > 0 charges, for what the gateway reports; an offset within its noise is ignored."""
    smallest_a = _IGNORED_PER_AH * p.capacity_ah
    ignored_a2 = max(_IGNORED_SIGMAS * _IGNORED_SIGMAS * x.current_offset_var, smallest_a * smallest_a)
    offset_a = x.current_offset_a if x.current_offset_a * x.current_offset_a > ignored_a2 else 0.0
    return float((reported_a - offset_a) * x.current_sign)


@compiled
def check_sign(x: TwinState, p: TwinParameters, dt_s: float, reported_a: float, voltage_v: float) -> bool:
    """Weighs a step of current and voltage, which must go the same way; returns whether the sign turned round.

    A clear step (0.4 V of a 12 V block, such as a load makes on float) decides at once; smaller ones add up. What the
    wrong sign did before is undone as far as it was counted.
    """
    if x.current_known == 0.0 or x.voltage_v == 0.0 or not 0.0 < dt_s <= _LONGEST_EDGE_S:
        return False
    step_a = reported_a - x.reported_a
    step_v = (voltage_v - x.voltage_v) / (_CLEAR_V * p.block_scale)
    if abs(step_a) < _EDGE_PER_AH * p.capacity_ah or abs(step_v) < 1.0:
        return False
    weight = min(abs(step_v), _MOST_BY_ONE_EDGE)
    evidence = x.sign_evidence + (weight if step_a * step_v > 0.0 else -weight)
    x.sign_evidence = min(max(evidence, -LARGEST_EVIDENCE), LARGEST_EVIDENCE)
    if x.sign_evidence * x.current_sign > -_DECIDES:
        return False
    x.current_sign = -x.current_sign
    x.current_a = -x.current_a
    x.soc = min(max(x.soc - 2.0 * x.counted_soc, 0.0), 1.0)
    x.p00 += x.counted_soc * x.counted_soc
    x.counted_soc = -x.counted_soc
    x.charge_gap = -x.charge_gap
    return True


@compiled
def learn_offset(x: TwinState, p: TwinParameters, dt_s: float, reported_a: float, expected_a: float) -> None:
    """Kalman update of the offset while the current is all but known, on long float and at rest.

    Args:
        x: state of the twin.
        p: its parameters.
        dt_s: since the reading before.
        reported_a: what the gateway reports.
        expected_a: what flows, A: on float what gasses, at rest nothing.
    """
    largest_a = _LARGEST_OFFSET_PER_AH * p.capacity_ah
    if abs(reported_a) > largest_a:
        return
    reading_a = _READING_PER_AH * p.capacity_ah
    # readings close together repeat each other's error
    noise_var = reading_a * reading_a * max(_READING_LASTS_S / max(dt_s, 1.0), 1.0)
    noise_var += (_FLOAT_CURRENT_SIGMA * expected_a) ** 2
    drift_a = p.capacity_ah * p.capacity_ah * _OFFSET_VAR_PER_S
    variance = x.current_offset_var + drift_a * dt_s
    gain = variance / (variance + noise_var)
    offset_a = x.current_offset_a + gain * (reported_a - x.current_sign * expected_a - x.current_offset_a)
    x.current_offset_a = min(max(offset_a, -largest_a), largest_a)
    floor_a = _FLOAT_CURRENT_SIGMA * expected_a
    x.current_offset_var = max((1.0 - gain) * variance, floor_a * floor_a)
