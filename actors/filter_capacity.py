"""When a discharge has told enough of the capacity to be called evidence of it."""

from typing import Final

from actors.compiled import compiled
from actors.filter_charge import LONGEST_STEP_S
from actors.filter_inputs import Moment
from actors.filter_ladder import note_learnt, set_anchor
from actors.filter_layout import TwinState
from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import Regime

_DISCHARGE: Final = int(Regime.DISCHARGE)
_REST: Final = int(Regime.REST)
_DEEP_DISCHARGE: Final = int(HealthEvidenceKind.DEEP_DISCHARGE)

_SMALLEST_DEPTH: Final = 0.3
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
