"""When a discharge makes the capacity doubtful, and when it has told enough of it to be called evidence."""

from typing import Final

from actors.compiled import compiled
from actors.filter_charge import LONGEST_STEP_S
from actors.filter_covariance import Slopes
from actors.filter_inputs import Moment
from actors.filter_ladder import note_learnt, set_anchor
from actors.filter_layout import TwinState
from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_REST: Final = int(Regime.REST)
_DEEP_DISCHARGE: Final = int(HealthEvidenceKind.DEEP_DISCHARGE)

_SMALLEST_DEPTH: Final = 0.3
_TELLING_DEPTH: Final = 0.2
"""Discharge from which a voltage far too low tells of a lost capacity."""
_LARGEST_DOUBT: Final = 0.15
_DOUBT_S: Final = 300.0
"""Time for which a voltage must be too low to open the capacity as far as it says."""
_LEARNT: Final = 0.8
"""Share of its variance that the capacity may keep where it is said to have been measured."""


@compiled
def follow_discharge(x: TwinState, moment: Moment, soc_change: float) -> None:
    """Follows the depth of a discharge and the rests in it; charging, a gap or an unknown current ends it."""
    if moment.regime not in (_DISCHARGE, _REST) or not moment.has_current or moment.dt_s > LONGEST_STEP_S:
        x.event_depth = x.event_var = 0.0
        return
    if x.event_var == 0.0:
        x.event_soh, x.event_var = x.soh_capacity, x.p44
    x.event_depth = max(x.event_depth - soc_change, 0.0)


@compiled
def doubt_capacity(x: TwinState, h: Slopes, lacking_var: float, dt_s: float) -> None:
    """Believes less in the capacity, and in the count that rests on it, where a discharge falls behind expectation.

    Blocks that have lost capacity unseen are more common than the tail of a normal prior says.

    Args:
        x: state of the twin.
        h: slopes of the voltage.
        lacking_var: what lacks to explain the innovation, V**2, > 0.
        dt_s: since the reading before.
    """
    if x.event_depth < _TELLING_DEPTH:
        return
    by_count = x.event_depth / x.soh_capacity
    by_capacity = h.by_soc * by_count + h.by_capacity
    opened = lacking_var / (by_capacity * by_capacity) * min(dt_s / _DOUBT_S, 1.0)
    opened = min(opened, _LARGEST_DOUBT * _LARGEST_DOUBT - x.p44)
    if opened > 0.0:
        x.p00 += by_count * by_count * opened
        x.p04 += by_count * opened
        x.p44 += opened


@compiled
def note_evidence(x: TwinState, before_var: float) -> None:
    """Notes what a discharge has told the capacity, anew with each of its readings.

    It is evidence once more than 30 % has been discharged and the variance of the capacity has fallen by a fifth.

    Args:
        x: state of the twin.
        before_var: variance of the capacity before the reading.
    """
    if x.event_depth < _SMALLEST_DEPTH or x.p44 >= min(before_var, _LEARNT * x.event_var):
        return
    note_learnt(x, x.event_soh, x.event_var)
    set_anchor(x, x.p44 / before_var)
    x.capacity_evidence_us = x.sample_time_us
    x.capacity_evidence_kind = _DEEP_DISCHARGE
