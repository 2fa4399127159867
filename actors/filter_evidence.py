"""Evidence of capacity that is no reading, as a pure function of (state, input), and its loop over inputs of many."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_covariance import hold_soc_in_range, measure_capacity
from actors.filter_estimates import tell_health
from actors.filter_fusion import at_least
from actors.filter_ladder import brought_to_present, note_deep_discharge, note_rank, note_test, set_anchor
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import learn_capacity
from batterytwin.events import HealthEvidenceKind, TwinInputKind

_CAPACITY_TEST: Final = int(HealthEvidenceKind.CAPACITY_TEST)
_DEEP_DISCHARGE: Final = int(HealthEvidenceKind.DEEP_DISCHARGE)
_RANK: Final = int(TwinInputKind.DISCHARGE_RANK)
_STOPPED: Final = int(TwinInputKind.STOPPED_CAPACITY_TEST)

_LEAST_NEWS: Final = 0.02
"""Part of the variance that a lower bound must take away to count as evidence."""


@compiled
def apply_evidence(  # noqa: PLR0917  # one argument a field of an input
    x: TwinState, p: TwinParameters, kind: int, time_us: float, soh_capacity: float, variance: float
) -> None:
    """Applies one input to one twin.

    Evidence of the past is brought to the present by the life law, and grows less certain on the way. A twin without
    any reading notes a capacity test, and learns it with its first reading (`filter_life.begin_life`).

    Args:
        x: its state, changed in place.
        p: its parameters.
        kind: `TwinInputKind`.
        time_us: when the evidence holds, microseconds UTC.
        soh_capacity: capacity over rated capacity that it shows.
        variance: of that.
    """
    if time_us < x.installed_us:  # of a block that stood here before
        return
    if kind == _RANK:
        note_rank(x, p, time_us, soh_capacity, variance)
    elif kind == _STOPPED:
        _learn_bound(x, p, time_us, soh_capacity, variance)
    else:
        note_test(x, time_us, soh_capacity, variance)
        if x.sample_time_us > 0.0:
            now_soh, now_var = brought_to_present(x, p, time_us, soh_capacity, variance)
            learn_capacity(x, now_soh, now_var, _CAPACITY_TEST, time_us)
    if x.sample_time_us > 0.0:
        hold_soc_in_range(x, x.soh_capacity)  # what is learnt of the capacity moves the charge that was counted
        tell_health(x, p)


@compiled
def _learn_bound(x: TwinState, p: TwinParameters, time_us: float, soh: float, variance: float) -> None:
    """Learns that the capacity is at least this, as the evidence of a discharge: only what it makes more certain."""
    if x.sample_time_us == 0.0:
        return
    bound, bound_var = brought_to_present(x, p, time_us, soh, variance)
    before_soh, before_var = x.soh_capacity, x.p44
    told, told_var = at_least(before_soh, before_var, bound, bound_var)
    if told_var > (1.0 - _LEAST_NEWS) * before_var:
        return
    information = 1.0 / told_var - 1.0 / before_var
    shown = (told / told_var - before_soh / before_var) / information
    measure_capacity(x, shown, 1.0 / information)
    set_anchor(x, x.p44 / before_var)
    note_deep_discharge(x, time_us, shown, 1.0 / information)
    if time_us >= x.capacity_evidence_us:
        x.capacity_evidence_us, x.capacity_evidence_kind = time_us, _DEEP_DISCHARGE


def apply_inputs(  # noqa: PLR0917  # one argument a column of an input
    state: Sequence[TwinState],
    parameters: Sequence[TwinParameters],
    slot: NDArray[np.int32],
    model: NDArray[np.int32],
    kind: NDArray[np.int32],
    time_us: NDArray[np.float64],
    soh_capacity: NDArray[np.float64],
    sigma: NDArray[np.float64],
) -> None:
    """Applies inputs in their order; the arguments are those of `filter.run_evidence`."""
    for k in range(slot.size):
        apply_evidence(state[slot[k]], parameters[model[k]], kind[k], time_us[k], soh_capacity[k], sigma[k] * sigma[k])
