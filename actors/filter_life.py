"""Health from the calendar: what the life law of the data sheet says when nothing has been measured.

d(theta)/dt = AF_T AF_V / L, + 1 / N(depth) for each discharge, and capacity = 1 - fade theta**n, with theta the share
of life used, 1 at end of life; AF_T is Arrhenius' factor against 20 degC, AF_V that of a float voltage beside the set
point (vrla facts, section 3.3). Before the first reading 25 degC and the set point are assumed.
"""

import math
from typing import Final

from actors.compiled import compiled
from actors.filter_covariance import measure_capacity
from actors.filter_ladder import LIFE_SPREAD, SIGMA_PER_S, brought_to_present, fade_at, prior_var, set_anchor
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_model_error import GATE_NIS
from actors.numerics import exponential, power
from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_DISCHARGE: Final = int(Regime.DISCHARGE)
_RECHARGE: Final = int(Regime.RECHARGE)
_CAPACITY_TEST: Final = int(HealthEvidenceKind.CAPACITY_TEST)

ROOM_C: Final = 25.0
_ZERO_C_K: Final = 273.15
_REFERENCE_PER_K: Final = 1.0 / 293.15
_YEAR_S: Final = 365.25 * 86_400.0
_STRESS_PER_V_CELL: Final = math.log(2.0) / 0.08
"""Half of life for 0.08 V a cell above the set point, and below it too (vrla facts, section 3.2)."""
_LARGEST_DEVIATION_V_CELL: Final = 0.12
"""What is further off is a fault and no ageing by the years."""
_SHORTEST_S: Final = 55.0
_LONGEST_FLOAT_STEP_S: Final = 7_200.0
_UNSEEN_S: Final = 86_400.0
_CYCLES_OF_FULL_DEPTH: Final = 230.0
_CYCLE_EXPONENT: Final = 1.6
"""N(depth) = 230 depth**-1.6 discharges (vrla facts, section 1.5)."""
LARGEST_SIGMA: Final = 0.25
SMALLEST_SOH: Final = 0.05
LARGEST_SOH: Final = 1.2
_FADE_STEP: Final = 1e-5
_R0_VAR_PER_S: Final = 0.05 * 0.05 / _YEAR_S


@compiled
def ageing_factor(p: TwinParameters, temperature_c: float) -> float:
    """How much faster than at 20 degC a battery ages."""
    return exponential(p.life_activation_k * (_REFERENCE_PER_K - 1.0 / (_ZERO_C_K + temperature_c)))


@compiled
def voltage_stress(p: TwinParameters, voltage_v: float, temperature_c: float) -> float:
    """Exponent by which a float voltage ages a battery: >= 0, 0 at the compensated set point."""
    set_point_v = p.float_v + p.compensation_v_k * (temperature_c - 25.0)
    deviation = abs(voltage_v - set_point_v) / p.cells
    return _STRESS_PER_V_CELL * min(deviation, _LARGEST_DEVIATION_V_CELL)


@compiled
def float_stress(x: TwinState, p: TwinParameters, dt_s: float) -> float:
    """Exponent by which the float voltage of the past step ages a battery."""
    if x.regime != _FLOAT or x.voltage_v == 0.0 or dt_s > _LONGEST_FLOAT_STEP_S:
        return 0.0
    return voltage_stress(p, x.voltage_v, x.temperature_c)


@compiled
def begin_life(x: TwinState, p: TwinParameters, sample_time_us: float) -> None:
    """Prior of the health at the first reading, from the time in service at 25 degC, and evidence that came before."""
    service_s = max(sample_time_us - x.installed_us, 0.0) * 1e-6
    life = service_s * ageing_factor(p, ROOM_C) * p.life_per_s_20c
    fade = fade_at(p, life)
    sigma = min(math.sqrt(prior_var(p, p.capacity_spread, fade)), LARGEST_SIGMA)
    spread_var = sigma * sigma - p.capacity_spread * p.capacity_spread
    r0_per_fade = p.gain_per_fade * p.r0_ohm
    r0_sigma = p.resistance_spread * p.r0_ohm
    x.r0_ohm = p.r0_ohm + r0_per_fade * fade
    x.p33 = r0_sigma * r0_sigma + r0_per_fade * r0_per_fade * spread_var
    # a block that ages faster than its kind loses capacity and gains resistance
    x.p34 = -r0_per_fade * spread_var
    x.aged_us = sample_time_us
    x.life_fraction = x.faded_life_fraction = life
    x.soh_capacity = max(1.0 - fade, SMALLEST_SOH)
    x.p44 = sigma * sigma
    set_anchor(x, 0.0)
    if x.test_us > 0.0:
        x.sample_time_us = sample_time_us
        soh, variance = brought_to_present(x, p, x.test_us, x.test_soh, x.test_var)
        learn_capacity(x, soh, variance, _CAPACITY_TEST, x.test_us)


@compiled
def live_on(x: TwinState, p: TwinParameters, sample_time_us: float) -> None:
    """Ages a twin: life used, capacity faded, and less certainty of both capacity and resistance.

    Readings less than a minute after the last one that counted are left for the next. Over a gap of days a battery ages
    as it usually did: the temperature at its end says little of it.
    """
    dt_s = (sample_time_us - x.aged_us) * 1e-6
    if dt_s < _SHORTEST_S:
        return
    x.aged_us = sample_time_us
    kelvin = _ZERO_C_K + x.temperature_c
    exponent = p.life_activation_k * (_REFERENCE_PER_K - 1.0 / kelvin) + float_stress(x, p, dt_s)
    life_per_s = exponential(exponent) * p.life_per_s_20c
    service_s = (sample_time_us - x.installed_us) * 1e-6 - dt_s
    if dt_s > _UNSEEN_S and service_s > 0.0:
        life_per_s = x.life_fraction / service_s
    x.life_fraction += life_per_s * dt_s
    _lose_certainty(x, SIGMA_PER_S * dt_s)
    r0_square = x.r0_ohm * x.r0_ohm
    x.p33 = max(
        x.p33, min(x.p33 + r0_square * _R0_VAR_PER_S * dt_s, r0_square * p.resistance_spread * p.resistance_spread)
    )
    if x.life_fraction - x.faded_life_fraction > _FADE_STEP:
        fade = fade_at(p, x.life_fraction) - fade_at(p, x.faded_life_fraction)
        x.faded_life_fraction = x.life_fraction
        x.soh_capacity = max(x.soh_capacity - fade, SMALLEST_SOH)
        spread = LIFE_SPREAD * p.life_exponent * fade
        x.fade_sigma += spread
        _lose_certainty(x, spread)
        x.r0_ohm += p.gain_per_fade * p.r0_ohm * fade


@compiled
def _lose_certainty(x: TwinState, sigma: float) -> None:
    grown = min(math.sqrt(x.p44) + sigma, LARGEST_SIGMA)
    x.p44 = max(x.p44, grown * grown)


@compiled
def cycle_wear(depth: float) -> float:
    """Share of life that a discharge of this depth uses."""
    return power(depth, _CYCLE_EXPONENT) / _CYCLES_OF_FULL_DEPTH


@compiled
def wear_by_cycle(x: TwinState, regime: int) -> None:
    """Counts the wear of a discharge when the battery is charged again. Call it before SOC follows the reading."""
    if regime == _DISCHARGE:
        if x.cycle_top_soc == 0.0:
            x.cycle_top_soc = x.soc
    elif x.cycle_top_soc > 0.0 and regime in (_FLOAT, _RECHARGE):
        depth = min(max(x.cycle_top_soc - x.soc, 0.0), 1.0)
        x.life_fraction += cycle_wear(depth)
        x.cycle_top_soc = 0.0


@compiled
def learn_capacity(x: TwinState, measured_soh: float, measured_var: float, kind: int, time_us: float) -> None:
    """Kalman update of the capacity, and of what is correlated with it, by one piece of evidence from outside.

    Where the two disagree by more than three sigma it is what was believed that loses weight, not what was measured: a
    life law says little of one block.

    Args:
        x: state of the twin.
        measured_soh: capacity over rated capacity (10-hour rate, 25 degC).
        measured_var: variance of that.
        kind: `HealthEvidenceKind`.
        time_us: when it was measured.
    """
    surprise = measured_soh - x.soh_capacity
    before_var = max(x.p44, surprise * surprise / GATE_NIS - measured_var)
    x.p44 = before_var
    measure_capacity(x, measured_soh, measured_var)
    x.soh_capacity = min(max(x.soh_capacity, SMALLEST_SOH), LARGEST_SOH)
    set_anchor(x, x.p44 / before_var)
    if time_us >= x.capacity_evidence_us:
        x.capacity_evidence_us, x.capacity_evidence_kind = time_us, kind
