"""The ladder of evidence: what each kind of evidence says of the capacity by itself.

Best first: capacity test, deep discharge, rank at the end of a discharge, trend of the resistance, float marker, prior.
The first two are learnt by the filter's own capacity. The next three are told and never fed back, because the same
trend must not count at every reading; the prior is where the filter's capacity began.
"""

import math
from typing import Final

from actors.compiled import compiled
from actors.filter_fusion import join
from actors.filter_layout import TwinParameters, TwinState
from actors.numerics import power

_YEAR_US: Final = 365.25 * 86_400e6
LIFE_SPREAD: Final = 0.30
"""Coefficient of variation of life within a population."""
TREND_SIGMA: Final = 0.10
"""Ohmic readings trigger a test, they are no measurement of capacity (vrla facts, sections 3.4 and 4.5)."""
MARKER_TREND_SIGMA: Final = 0.20
_MARKER_AT_END_OF_LIFE: Final = 1.6
"""Fall of the float marker at end of life: gassing five times that of a new block (vrla facts, section 1.4)."""
SIGMA_PER_S: Final = 0.015 / (365.25 * 86_400.0)
"""Certainty of the capacity that goes with time alone (vrla facts, section 4.5)."""
_RANK_SIGMA: Final = 0.04
"""Error of a rank that all discharges of a string share."""
_RANK_SIGMA_PER_US: Final = 0.03 / _YEAR_US
_SETTLED_FLOAT_S: Final = 2.0 * 86_400.0


@compiled
def fade_at(p: TwinParameters, life_fraction: float) -> float:
    """Loss of capacity that the life law gives to a fraction of life."""
    return p.fade_at_end * power(life_fraction, p.life_exponent)


@compiled
def faded_since(x: TwinState, p: TwinParameters, time_us: float) -> float:
    """Capacity that the life law has taken since a past time, at the mean rate of the time in service."""
    service_us = x.sample_time_us - x.installed_us
    if x.sample_time_us == 0.0 or service_us <= 0.0:
        return 0.0
    share = min(max((time_us - x.installed_us) / service_us, 0.0), 1.0)
    return fade_at(p, x.life_fraction) - fade_at(p, share * x.life_fraction)


@compiled
def brought_to_present(
    x: TwinState, p: TwinParameters, time_us: float, soh: float, variance: float
) -> tuple[float, float]:
    """What evidence of the past says of the present: capacity and its variance."""
    fade = faded_since(x, p, time_us)
    age_s = max(x.sample_time_us - time_us, 0.0) * 1e-6
    sigma = math.sqrt(variance) + SIGMA_PER_S * age_s + LIFE_SPREAD * p.life_exponent * fade
    return soh - fade, sigma * sigma


@compiled
def note_test(x: TwinState, time_us: float, soh: float, variance: float) -> None:
    """Notes a capacity test; an older one does not replace a newer one."""
    if time_us >= x.test_us:
        x.test_us, x.test_soh, x.test_var = time_us, soh, variance


@compiled
def note_deep_discharge(x: TwinState, time_us: float, soh: float, variance: float) -> None:
    """Notes what a deep discharge said."""
    if time_us >= x.deep_us:
        x.deep_us, x.deep_soh, x.deep_var = time_us, soh, variance


@compiled
def note_learnt(x: TwinState, before_soh: float, before_var: float) -> None:
    """Notes as a deep discharge what has moved the filter's capacity from what it was: the difference of information.

    Args:
        x: state, whose capacity has learnt.
        before_soh: capacity before.
        before_var: its variance before, larger than now.
    """
    information = 1.0 / x.p44 - 1.0 / before_var
    if information > 0.0:
        soh = (x.soh_capacity / x.p44 - before_soh / before_var) / information
        note_deep_discharge(x, x.sample_time_us, soh, 1.0 / information)


@compiled
def note_rank(x: TwinState, p: TwinParameters, time_us: float, soh: float, variance: float) -> None:
    """Joins a rank with the earlier ones, which have aged since."""
    if x.rank_us == 0.0:
        x.rank_us, x.rank_soh, x.rank_var = time_us, soh, variance
        return
    newest_us = max(time_us, x.rank_us)
    kept_soh, kept_var = _aged(x, p, x.rank_us, newest_us, x.rank_soh, x.rank_var)
    given_soh, given_var = _aged(x, p, time_us, newest_us, soh, variance)
    x.rank_soh, x.rank_var = join(kept_soh, kept_var, given_soh, given_var)
    x.rank_us = newest_us


@compiled
def _aged(  # noqa: PLR0917  # one estimate and two times
    x: TwinState, p: TwinParameters, from_us: float, to_us: float, soh: float, variance: float
) -> tuple[float, float]:
    fade = faded_since(x, p, from_us) - faded_since(x, p, to_us)
    sigma = math.sqrt(variance) + _RANK_SIGMA_PER_US * max(to_us - from_us, 0.0)
    return soh - fade, sigma * sigma


@compiled
def set_anchor(x: TwinState, kept: float) -> None:
    """Begins to measure trends anew from a capacity that has just been measured.

    Args:
        x: state.
        kept: share of its variance that the capacity has kept, 0...1.
    """
    x.anchor_soh, x.anchor_var = x.soh_capacity, x.p44
    x.fade_sigma *= math.sqrt(kept)
    if x.resistance_count > 0.0:
        x.anchor_ratio = x.resistance_mean / x.resistance_base
    x.anchor_marker_us = 0.0


@compiled
def follow_marker(x: TwinState) -> None:
    """Takes the float marker down once it has settled on float."""
    if x.float_s < _SETTLED_FLOAT_S:
        return
    x.settled_marker, x.marker_us = x.float_marker, x.sample_time_us
    if x.anchor_marker_us == 0.0:
        x.anchor_marker, x.anchor_marker_us = x.float_marker, x.sample_time_us


@compiled
def trend_soh(x: TwinState, p: TwinParameters) -> float:
    """Capacity that the resistance trend suggests: `fade / gain` for each part that it has risen since the anchor."""
    return x.anchor_soh - p.fade_per_resistance * (x.resistance_mean / x.resistance_base - x.anchor_ratio)


@compiled
def has_trend(x: TwinState) -> bool:
    """Whether there is a resistance trend."""
    return x.resistance_count > 0.0 and x.anchor_ratio > 0.0


@compiled
def marker_soh(x: TwinState, p: TwinParameters) -> float:
    """Capacity that the float marker suggests: more gassing than at the anchor tells of drying out."""
    fall = max(x.anchor_marker - x.settled_marker, 0.0)
    return x.anchor_soh - p.fade_at_end * fall / _MARKER_AT_END_OF_LIFE


@compiled
def has_marker(x: TwinState) -> bool:
    """Whether the float marker has settled since the anchor."""
    return x.anchor_marker_us > 0.0


@compiled
def rank_now(x: TwinState, p: TwinParameters) -> tuple[float, float]:
    """What the ranks say of the capacity now, and its variance."""
    soh, variance = _aged(x, p, x.rank_us, max(x.sample_time_us, x.rank_us), x.rank_soh, x.rank_var)
    return soh, variance + _RANK_SIGMA * _RANK_SIGMA


@compiled
def rank_told_var(x: TwinState) -> float:
    """Variance of the ranks at the time of the newest."""
    return x.rank_var + _RANK_SIGMA * _RANK_SIGMA


@compiled
def prior_var(p: TwinParameters, new_block_sigma: float, fade: float) -> float:
    """Variance of what the life law says: blocks differ when new, and in how fast they age."""
    spread = LIFE_SPREAD * p.life_exponent * fade
    return new_block_sigma * new_block_sigma + spread * spread
