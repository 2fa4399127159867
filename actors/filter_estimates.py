"""What a twin says of itself: the ten live estimates, drawn from its state."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import LARGEST_SOH, SMALLEST_SOH
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS

N_ESTIMATES: Final = len(LIVE_ESTIMATE_COLUMNS)

_TREND_SIGMA: Final = 0.10
"""Ohmic readings trigger a test, they are no measurement of capacity (vrla facts, sections 3.4 and 4.5)."""
_TEMPERATURE_CORRECTION_SIGMA: Final = 0.015
_NAN: Final = math.nan


@compiled
def tell_health(x: TwinState, p: TwinParameters) -> None:
    """Derives both healths.

    soh_resistance is the instrument's resistance over its own baseline. soh_capacity joins the capacity of the state
    with what the resistance trend suggests, in information form: capacity = capacity at the baseline
    - fade / gain * (soh_resistance - 1). The join is told and not fed back: one trend must not count at every reading.
    """
    capacity = x.soh_capacity
    variance = x.p44
    if x.resistance_count > 0.0:
        per_base = 1.0 / x.resistance_base
        ratio = x.resistance_mean * per_base
        mean_var = (x.resistance_var + ratio * ratio * x.resistance_base_var) * per_base * per_base
        correction = _TEMPERATURE_CORRECTION_SIGMA * ratio
        ratio_var = mean_var + correction * correction
        x.told_soh_resistance = ratio
        x.told_soh_resistance_var = ratio_var
        per_ratio = p.fade_per_resistance
        suggested = x.resistance_base_soh - per_ratio * (ratio - 1.0)
        suggested_var = _TREND_SIGMA * _TREND_SIGMA + per_ratio * per_ratio * ratio_var
        gain = variance / (variance + suggested_var)
        capacity += gain * (suggested - capacity)
        variance *= 1.0 - gain
    x.told_soh_capacity = min(max(capacity, SMALLEST_SOH), LARGEST_SOH)
    x.told_soh_capacity_var = variance


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
