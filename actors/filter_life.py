"""Health from the calendar: what the life law of the data sheet says when nothing has been measured.

d(theta)/dt = AF(T) / L and capacity = 1 - fade theta**n, with theta the fraction of life used, 1 at end of life, and
AF Arrhenius' factor against 20 degC (vrla facts, section 3.3). Before the first reading 25 degC is assumed.
"""

import math
from typing import Final

from actors.compiled import compiled
from actors.filter_covariance import measure_capacity
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import GATE_NIS
from actors.numerics import exponential, power

_ROOM_C: Final = 25.0
_ZERO_C_K: Final = 273.15
_REFERENCE_PER_K: Final = 1.0 / 293.15
_YEAR_S: Final = 365.25 * 86_400.0
_NEW_BLOCK_SIGMA: Final = 0.07
_LIFE_SPREAD: Final = 0.35
"""Coefficient of variation of life within a population."""
_LARGEST_SIGMA: Final = 0.25
_SIGMA_PER_S: Final = 0.015 / _YEAR_S
SMALLEST_SOH: Final = 0.05
LARGEST_SOH: Final = 1.2
_FADE_STEP: Final = 1e-5
R0_SPREAD: Final = 0.35
"""Relative sigma of R0 against the data sheet before any edge."""
_R0_VAR_PER_S: Final = 0.05 * 0.05 / _YEAR_S


@compiled
def ageing_factor(p: TwinParameters, temperature_c: float) -> float:
    """How much faster than at 20 degC a battery ages."""
    return exponential(p.life_activation_k * (_REFERENCE_PER_K - 1.0 / (_ZERO_C_K + temperature_c)))


@compiled
def begin_life(x: TwinState, p: TwinParameters, sample_time_us: float) -> None:
    """Prior of the health at the first reading, from the time in service at 25 degC."""
    service_s = max(sample_time_us - p.installed_us, 0.0) * 1e-6
    life = service_s * ageing_factor(p, _ROOM_C) * p.life_per_s_20c
    fade = p.fade_at_end * power(life, p.life_exponent)
    spread = _LIFE_SPREAD * p.life_exponent * fade
    sigma = min(math.sqrt(_NEW_BLOCK_SIGMA * _NEW_BLOCK_SIGMA + spread * spread), _LARGEST_SIGMA)
    x.life_fraction = x.faded_life_fraction = life
    x.soh_capacity = max(1.0 - fade, SMALLEST_SOH)
    x.p44 = sigma * sigma


@compiled
def live_on(x: TwinState, p: TwinParameters, dt_s: float) -> None:
    """Ages a twin by a step: life used, capacity faded, and less certainty of both capacity and resistance."""
    x.life_fraction += ageing_factor(p, x.temperature_c) * dt_s * p.life_per_s_20c
    sigma = min(math.sqrt(x.p44) + _SIGMA_PER_S * dt_s, _LARGEST_SIGMA)
    x.p44 = max(x.p44, sigma * sigma)
    r0_square = x.r0_ohm * x.r0_ohm
    x.p33 = max(x.p33, min(x.p33 + r0_square * _R0_VAR_PER_S * dt_s, r0_square * R0_SPREAD * R0_SPREAD))
    if x.life_fraction - x.faded_life_fraction > _FADE_STEP:
        fade = p.fade_at_end * (power(x.life_fraction, p.life_exponent) - power(x.faded_life_fraction, p.life_exponent))
        x.faded_life_fraction = x.life_fraction
        x.soh_capacity = max(x.soh_capacity - fade, SMALLEST_SOH)


@compiled
def learn_capacity(x: TwinState, measured_soh: float, measured_var: float, kind: int) -> None:
    """Kalman update of the capacity, and of what is correlated with it, by one piece of evidence from outside.

    Where the two disagree by more than three sigma it is what was believed that loses weight, not what was measured: a
    life law says little of one block.

    Args:
        x: state of the twin.
        measured_soh: capacity over rated capacity (10-hour rate, 25 degC).
        measured_var: variance of that.
        kind: `HealthEvidenceKind`.
    """
    surprise = measured_soh - x.soh_capacity
    x.p44 = max(x.p44, surprise * surprise / GATE_NIS - measured_var)
    measure_capacity(x, measured_soh, measured_var)
    x.soh_capacity = min(max(x.soh_capacity, SMALLEST_SOH), LARGEST_SOH)
    x.capacity_evidence_us = x.sample_time_us
    x.capacity_evidence_kind = kind
