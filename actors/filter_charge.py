"""Counting of charge: how SOC follows the current, and what it cannot know."""

import math
from typing import Final, NamedTuple

from actors.compiled import compiled
from actors.filter_covariance import scale_states
from actors.filter_inputs import Moment
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import exponential
from batterytwin.telemetry import Regime

_RECHARGE: Final = int(Regime.RECHARGE)
_REST: Final = int(Regime.REST)

LONGEST_STEP_S: Final = 7_200.0
"""Longest step over which the readings at its ends are taken to say what happened between."""
ANCHORED_REST_S: Final = 4.0 * 3600.0
"""Rest after which the voltage is taken for that of open circuit."""
_UNSEEN_SIGMA: Final = 0.25
_UNSEEN_S: Final = 86_400.0
_SOC_NOISE_PER_S: Final = 1e-5**2 / 60.0
_LARGEST_SOC_SIGMA: Final = 0.3
_LARGEST_GAS_EXPONENT: Final = 10.0
_SELF_DISCHARGE_PER_S: Final = 0.03 / (30.0 * 86_400.0)
_SELF_DISCHARGE_PER_K: Final = 0.0693
_CAPACITY_PER_K_COLD: Final = 0.006
_CAPACITY_PER_K_WARM: Final = 0.0013
_SMALLEST_CAPACITY_FACTOR: Final = 0.5
_COUNT_SIGMA: Final = 0.015
"""Error of the gain of the current sensor, relative."""
_CHARGE_COUNT_SIGMA: Final = 0.025
"""The same with what charging loses beside gassing at the terminal voltage."""
_DIFFUSION_PER_K: Final = 0.02
_SMALLEST_DIFFUSION: Final = 0.3


@compiled
def rated_at_temperature_ah(x: TwinState, p: TwinParameters) -> float:
    """Rated capacity at the present temperature, Ah: 85 % at 0 degC, 102 % at 40 degC (vrla facts, section 1.5)."""
    excess_k = x.temperature_c - 25.0
    per_k = _CAPACITY_PER_K_COLD if excess_k < 0.0 else _CAPACITY_PER_K_WARM
    return float(p.capacity_ah * max(1.0 + per_k * excess_k, _SMALLEST_CAPACITY_FACTOR))


@compiled
def gassing_a(x: TwinState, p: TwinParameters, voltage_v: float) -> float:
    """Current that gasses instead of charging, A: Tafel's law (Schiffer 2007, eq. 6)."""
    exponent = p.gas_cu_per_v * (voltage_v / p.cells - p.gas_u0_v_cell) + p.gas_ct_per_k * (x.temperature_c - 25.0)
    return p.gas_a * exponential(min(exponent, _LARGEST_GAS_EXPONENT))


class Count(NamedTuple):
    """Charge of a step, and what it does to SOC."""

    charge_ah: float
    change: float
    """Of SOC."""
    by_current: float
    by_capacity: float
    variance: float
    """That the step adds to SOC."""


@compiled
def advance_soc(x: TwinState, p: TwinParameters, moment: Moment) -> Count:
    """Counts the charge of a step.

    The error of a count is one of scale: that of the capacity is carried by its covariance with SOC; the variance of
    the sensor's gain grows with the square of what was counted since the last anchor, not with the number of readings.
    """
    known = moment.dt_s <= LONGEST_STEP_S
    mean_a = moment.current_a - 0.5 * moment.step_a if known else moment.current_a
    if moment.regime == _RECHARGE and mean_a > 0.0 and moment.has_voltage:
        mean_a -= min(gassing_a(x, p, moment.voltage_v), mean_a)
    hours = min(moment.dt_s, LONGEST_STEP_S) / 3600.0
    per_capacity = 1.0 / (rated_at_temperature_ah(x, p) * x.soh_capacity)
    before, counted_before = x.soc, x.counted_soc
    after = before + mean_a * hours * per_capacity
    by_capacity = -mean_a * hours * per_capacity / x.soh_capacity
    _follow_plates(x, p, moment.dt_s, mean_a * per_capacity / 3600.0)
    if moment.regime == _REST:
        after -= _self_discharge(x, moment.dt_s)
        if x.rest_s >= ANCHORED_REST_S:
            counted_before = x.counted_soc = 0.0
    x.soc = after
    counted = counted_before + after - before
    x.counted_soc = counted
    sigma = _CHARGE_COUNT_SIGMA if mean_a > 0.0 else _COUNT_SIGMA
    variance = sigma * sigma * max(counted * counted - counted_before * counted_before, 0.0)
    return Count(mean_a * hours, after - before, hours * per_capacity, by_capacity, variance)


@compiled
def _follow_plates(x: TwinState, p: TwinParameters, dt_s: float, soc_per_s: float) -> None:
    """Moves the gap between the charge of the bulk and that at the plates, exactly at constant current."""
    warmth = max(1.0 + _DIFFUSION_PER_K * (x.temperature_c - 25.0), _SMALLEST_DIFFUSION)
    per_s = p.per_diffusion_s * warmth
    kept = exponential(-dt_s * per_s)
    x.charge_gap = kept * x.charge_gap - (1.0 - kept) * soc_per_s / (p.available_share * per_s)


@compiled
def _self_discharge(x: TwinState, dt_s: float) -> float:
    """SOC lost at rest: 3 % a month at 25 degC, twice that 10 K warmer (vrla facts, section 1.5)."""
    return _SELF_DISCHARGE_PER_S * dt_s * exponential(_SELF_DISCHARGE_PER_K * (x.temperature_c - 25.0))


@compiled
def lose_sight(x: TwinState, dt_s: float) -> None:
    """Lets SOC grow less certain with time, and more so over a gap in which anything may have happened."""
    x.p00 += _SOC_NOISE_PER_S * dt_s
    if dt_s > LONGEST_STEP_S:
        unseen_s = dt_s - LONGEST_STEP_S
        x.p00 += _UNSEEN_SIGMA * _UNSEEN_SIGMA * unseen_s / (unseen_s + _UNSEEN_S)
    if x.p00 > _LARGEST_SOC_SIGMA * _LARGEST_SOC_SIGMA:
        scale_states(x, _LARGEST_SOC_SIGMA / math.sqrt(x.p00), 1.0, 1.0)
