"""The instrument's resistance: its slow mean at 25 degC and its baseline, a trend that says nothing of R0."""

from typing import Final

from actors.compiled import compiled
from actors.filter_circuit import warmth_factor
from actors.filter_ladder import set_anchor
from actors.filter_layout import TwinParameters, TwinState
from batterytwin.telemetry import Regime

_FLOAT: Final = int(Regime.FLOAT)
_REST: Final = int(Regime.REST)

_READING_SIGMA: Final = 0.04
"""Repeatability of the instrument, relative."""
_CHARGED_FROM_SOC: Final = 0.6
"""SOC from which it does not move the resistance (vrla facts, section 1.2)."""
_SMALLEST_MOHM: Final = 1e-3
_LARGEST_MOHM: Final = 1e4
_MEAN_S: Final = 86_400.0
_FIRST_BASELINE_US: Final = 7.0 * 86_400e6
_RUN_IN_US: Final = 180.0 * 86_400e6
"""Time in service during which a better reading still becomes the baseline."""


@compiled
def track_instrument(x: TwinState, p: TwinParameters, regime: int, resistance_mohm: float) -> None:
    """Slow mean of the instrument's resistance at 25 degC, and its baseline.

    Readings under load, on recharge or of a discharged block are left out: SOC would pass for ageing. The baseline is
    the mean of the first week; while the block runs in (180 days) a lower mean replaces it (vrla facts, section 1.2).
    """
    if regime not in (_FLOAT, _REST) or x.soc < _CHARGED_FROM_SOC:
        return
    if not _SMALLEST_MOHM < resistance_mohm < _LARGEST_MOHM:
        return
    sample_time_us = x.sample_time_us
    at_25c = resistance_mohm / warmth_factor(x, p)
    if x.resistance_count == 0.0:
        x.resistance_first_us = sample_time_us
        weight = 1.0
    else:
        since_s = (sample_time_us - x.resistance_time_us) * 1e-6
        weight = max(1.0 / (x.resistance_count + 1.0), since_s / (since_s + _MEAN_S))
    reading_var = _READING_SIGMA * _READING_SIGMA * at_25c * at_25c
    kept = 1.0 - weight
    x.resistance_mean += weight * (at_25c - x.resistance_mean)
    x.resistance_var = kept * kept * x.resistance_var + weight * weight * reading_var
    x.resistance_count += 1.0
    x.resistance_time_us = sample_time_us
    first_week = sample_time_us - x.resistance_first_us <= _FIRST_BASELINE_US
    running_in = sample_time_us - x.installed_us <= _RUN_IN_US
    if first_week or (running_in and x.resistance_mean < x.resistance_base):
        x.resistance_base = x.resistance_mean
        x.resistance_base_var = x.resistance_var
    if x.resistance_count == 1.0:
        set_anchor(x, 0.0)
