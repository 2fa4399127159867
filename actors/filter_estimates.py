"""What a twin says of itself: the ten live estimates, drawn from its state."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_fusion import join
from actors.filter_ladder import (
    MARKER_TREND_SIGMA,
    TREND_SIGMA,
    has_marker,
    has_trend,
    marker_soh,
    rank_now,
    trend_soh,
)
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import LARGEST_SIGMA, LARGEST_SOH, SMALLEST_SOH
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS

N_ESTIMATES: Final = len(LIVE_ESTIMATE_COLUMNS)

_RESISTANCE_NOISE: Final = 0.06
"""Change of the resistance over its baseline that instrument and temperature may feign."""
_BELIEVED_SHARE: Final = 0.5
"""Share of an unexplained fall of capacity, squared, that is taken for its variance."""
_TEMPERATURE_CORRECTION_SIGMA: Final = 0.015
_NAN: Final = math.nan


@compiled
def tell_health(x: TwinState, p: TwinParameters) -> None:
    """Derives both healths.

    soh_resistance is the instrument's resistance over its own baseline. soh_capacity is the capacity of the state, with
    what is told and not fed back joined in information form: first what trends say of the fade since their anchor, then
    the ranks of discharges.
    """
    if x.resistance_count > 0.0:
        per_base = 1.0 / x.resistance_base
        ratio = x.resistance_mean * per_base
        mean_var = (x.resistance_var + ratio * ratio * x.resistance_base_var) * per_base * per_base
        correction = _TEMPERATURE_CORRECTION_SIGMA * ratio
        x.told_soh_resistance = ratio
        x.told_soh_resistance_var = mean_var + correction * correction
    capacity, sigma = _corrected_by_trends(x, p)
    variance = sigma * sigma
    if x.rank_us > 0.0:
        rank, rank_var = rank_now(x, p)
        capacity, variance = join(capacity, variance, rank, rank_var)
    x.told_soh_capacity = min(max(capacity, SMALLEST_SOH), LARGEST_SOH)
    x.told_soh_capacity_var = variance


@compiled
def _corrected_by_trends(x: TwinState, p: TwinParameters) -> tuple[float, float]:
    """Capacity and its sigma after what the trends of resistance and float marker say.

    A trend tells how the capacity has changed since its anchor, so it can take away only what the rate of ageing has
    made uncertain since then, and never what time alone takes. A resistance that has risen beyond what the life law and
    the instrument explain makes the change itself more uncertain: then the trend counts for more, and sigma is larger.
    """
    sigma = math.sqrt(x.p44)
    fade_sigma = min(x.fade_sigma, sigma)
    rest = sigma - fade_sigma
    change_var = fade_sigma * fade_sigma
    if not has_trend(x):
        return x.soh_capacity, sigma
    gap = trend_soh(x, p) - x.soh_capacity
    noise = p.fade_per_resistance * _RESISTANCE_NOISE
    if gap < 0.0:
        change_var += max(gap * gap - noise * noise, 0.0) * _BELIEVED_SHARE
    if change_var == 0.0:
        return x.soh_capacity, sigma
    change, change_var = join(0.0, change_var, gap, TREND_SIGMA * TREND_SIGMA)
    if has_marker(x):
        marker_gap = marker_soh(x, p) - x.soh_capacity
        change, change_var = join(change, change_var, marker_gap, MARKER_TREND_SIGMA * MARKER_TREND_SIGMA)
    return x.soh_capacity + change, min(rest + math.sqrt(change_var), LARGEST_SIGMA)


@compiled
def write_estimates(x: TwinState, estimates: NDArray[np.float32]) -> None:
    """Writes `LIVE_ESTIMATE_COLUMNS`, shape `(N_ESTIMATES,)`. NaN = not known: without any reading, all of them."""
    if x.sample_time_us == 0.0:
        estimates[:] = _NAN
        return
    estimates[0] = x.soc
    estimates[1] = math.sqrt(x.p00)
    estimates[2] = x.told_soh_capacity
    estimates[3] = math.sqrt(x.told_soh_capacity_var)
    has_resistance = x.told_soh_resistance_var > 0.0
    estimates[4] = x.told_soh_resistance if has_resistance else _NAN
    estimates[5] = math.sqrt(x.told_soh_resistance_var) if has_resistance else _NAN
    estimates[6] = x.r0_ohm
    estimates[7] = math.sqrt(x.p33)
    has_innovation = x.innovation_var > 0.0
    estimates[8] = x.innovation_v if has_innovation else _NAN
    estimates[9] = math.sqrt(x.innovation_var) if has_innovation else _NAN
