"""Evidence of capacity that is no reading, as a pure function of (state, input), and its loop over inputs of many."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled
from actors.filter_estimates import tell_health
from actors.filter_layout import TwinParameters, TwinState
from actors.filter_life import learn_capacity
from actors.numerics import power
from batterytwin.events import HealthEvidenceKind, TwinInputKind

_RANK: Final = int(TwinInputKind.DISCHARGE_RANK)
_CAPACITY_TEST: Final = int(HealthEvidenceKind.CAPACITY_TEST)
_DISCHARGE_RANK: Final = int(HealthEvidenceKind.DISCHARGE_RANK)
_STOPPED: Final = int(TwinInputKind.STOPPED_CAPACITY_TEST)


@compiled
def apply_evidence(  # noqa: PLR0917  # one argument a field of an input
    x: TwinState, p: TwinParameters, kind: int, time_us: float, soh_capacity: float, variance: float
) -> None:
    """Applies one input to one twin.

    Args:
        x: its state, changed in place.
        p: its parameters.
        kind: `TwinInputKind`.
        time_us: when the evidence holds, microseconds UTC.
        soh_capacity: capacity over rated capacity that it shows.
        variance: of that.
    """
    now_soh = soh_capacity - faded_since(x, p, time_us)
    if kind == _STOPPED and now_soh <= x.soh_capacity:
        return
    before_us, before_kind = x.capacity_evidence_us, x.capacity_evidence_kind
    learn_capacity(x, now_soh, variance, _DISCHARGE_RANK if kind == _RANK else _CAPACITY_TEST)
    x.capacity_evidence_us = time_us
    if kind == _RANK or time_us < before_us:
        x.capacity_evidence_us, x.capacity_evidence_kind = before_us, before_kind
    if x.sample_time_us > 0.0:
        tell_health(x, p)


@compiled
def faded_since(x: TwinState, p: TwinParameters, time_us: float) -> float:
    """Capacity that the life law has taken since a past time, at the mean rate of the time in service."""
    service_us = x.sample_time_us - p.installed_us
    if x.sample_time_us == 0.0 or service_us <= 0.0:
        return 0.0
    share = min(max((time_us - p.installed_us) / service_us, 0.0), 1.0)
    used = power(x.life_fraction, p.life_exponent) - power(share * x.life_fraction, p.life_exponent)
    return p.fade_at_end * used


def apply_inputs(  # noqa: PLR0917  # one argument a column of an input
    state: Sequence[TwinState],
    parameters: Sequence[TwinParameters],
    slot: NDArray[np.int32],
    twin: NDArray[np.int32],
    kind: NDArray[np.int32],
    time_us: NDArray[np.float64],
    soh_capacity: NDArray[np.float64],
    sigma: NDArray[np.float64],
) -> None:
    """Applies inputs in their order; the arguments are those of `filter.run_evidence`."""
    for k in range(slot.size):
        apply_evidence(state[slot[k]], parameters[twin[k]], kind[k], time_us[k], soh_capacity[k], sigma[k] * sigma[k])
