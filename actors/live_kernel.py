"""What a twin tells of its present: one `LIVE_DTYPE` row, drawn from its state and its record."""

import math
from typing import Any, Final

import numba
import numpy as np
from numpy.typing import NDArray

from actors.compiled import compiled, kernel
from actors.filter_estimates import N_ESTIMATES, write_estimates
from actors.filter_ladder import (
    MARKER_TREND_SIGMA,
    TREND_SIGMA,
    fade_at,
    has_marker,
    has_trend,
    marker_soh,
    prior_var,
    rank_told_var,
    trend_soh,
)
from actors.filter_layout import PARAMETERS_DTYPE, STATE_DTYPE, parameter_records, state_records
from actors.filter_parameters import FilterParameters
from actors.twin_record import LIVE, RECORDS, RING_SIZE
from batterytwin.events import HealthEvidenceKind
from batterytwin.telemetry import HEALTH_EVIDENCE_KINDS, LIVE_DTYPE, Regime, Rows

_FLOAT: Final = int(Regime.FLOAT)
_NAN: Final = math.nan
_TEST, _DEEP, _RANK, _TREND, _MARKER, _PRIOR = (int(kind) - 1 for kind in HealthEvidenceKind if kind)
_PARAMETERS: Final = numba.from_dtype(PARAMETERS_DTYPE)[::1]


@compiled
def _copy_record(record: Any, row: Any) -> None:
    row.as_of_us = record.ring_us[(record.ring_next - 1) % RING_SIZE]  # the watermark may be that of an input
    row.accepted_count = record.accepted_count
    row.status = record.status
    row.voltage_v = record.measured[0]
    row.current_a = record.measured[1]
    row.temperature_c = record.measured[2]
    row.internal_resistance_mohm = record.measured[3]


@compiled
def _copy_estimates(estimates: Any, row: Any) -> None:
    row.soc = estimates[0]
    row.soc_sigma = estimates[1]
    row.soh_capacity = estimates[2]
    row.soh_capacity_sigma = estimates[3]
    row.soh_resistance = estimates[4]
    row.soh_resistance_sigma = estimates[5]
    row.r0_ohm = estimates[6]
    row.r0_sigma_ohm = estimates[7]
    row.innovation_v = estimates[8]
    row.innovation_sigma_v = estimates[9]


@compiled
def _tell_model(x: Any, row: Any) -> None:
    """Polarisation, marker and what the twin takes off the current. On float the circuit is not in use."""
    begun = x.sample_time_us > 0.0
    in_circuit = begun and int(x.regime) != _FLOAT
    row.v1_v = x.v1 if in_circuit else _NAN
    row.v1_sigma_v = math.sqrt(x.p11) if in_circuit else _NAN
    row.v2_v = x.v2 if in_circuit else _NAN
    row.v2_sigma_v = math.sqrt(x.p22) if in_circuit else _NAN
    row.float_marker = x.float_marker if begun else _NAN
    row.float_marker_sigma = math.sqrt(x.float_marker_var) if begun else _NAN
    row.current_offset_a = x.current_offset_a if x.current_offset_var > 0.0 else _NAN
    row.current_offset_sigma_a = math.sqrt(x.current_offset_var) if x.current_offset_var > 0.0 else _NAN
    row.current_sign = -1 if x.current_sign < 0.0 else 1


@compiled
def _tell_evidence(x: Any, p: Any, row: Any) -> None:
    """The ladder of evidence; kinds without evidence are NaN at time 0. The prior has no time: it holds always."""
    row.capacity_evidence_us = int(x.capacity_evidence_us)
    row.capacity_evidence_kind = int(x.capacity_evidence_kind)
    for kind in range(HEALTH_EVIDENCE_KINDS):
        row.evidence_us[kind] = 0
        row.evidence_soh[kind] = _NAN
        row.evidence_sigma[kind] = _NAN
    if x.test_us > 0.0:
        _tell_kind(row, _TEST, x.test_us, x.test_soh, x.test_var)
    if x.deep_us > 0.0:
        _tell_kind(row, _DEEP, x.deep_us, x.deep_soh, x.deep_var)
    if x.rank_us > 0.0:
        _tell_kind(row, _RANK, x.rank_us, x.rank_soh, rank_told_var(x))
    if x.sample_time_us == 0.0:
        return
    if has_trend(x):
        _tell_kind(row, _TREND, x.resistance_time_us, trend_soh(x, p), x.anchor_var + TREND_SIGMA * TREND_SIGMA)
    if has_marker(x):
        variance = x.anchor_var + MARKER_TREND_SIGMA * MARKER_TREND_SIGMA
        _tell_kind(row, _MARKER, x.marker_us, marker_soh(x, p), variance)
    fade = fade_at(p, x.life_fraction)
    _tell_kind(row, _PRIOR, 0.0, 1.0 - fade, prior_var(p, p.capacity_spread, fade))


@compiled
def _tell_kind(row: Any, place: int, time_us: float, soh: float, variance: float) -> None:
    row.evidence_us[place] = int(time_us)
    row.evidence_soh[place] = soh
    row.evidence_sigma[place] = math.sqrt(variance)


@kernel(numba.void(numba.from_dtype(STATE_DTYPE)[::1], _PARAMETERS, numba.int32[::1], RECORDS, LIVE))
def _tell_all(state: Any, parameters: Any, models: Any, records: Any, live: Any) -> None:
    estimates = np.empty(N_ESTIMATES, np.float32)
    for k in range(live.shape[0]):
        x, row = state[k], live[k]
        write_estimates(x, estimates)
        _copy_record(records[k], row)
        _copy_estimates(estimates, row)
        _tell_model(x, row)
        _tell_evidence(x, parameters[models[k]], row)


def tell_live(
    state: NDArray[np.float64], parameters: FilterParameters, twins: NDArray[np.int32], records: Rows
) -> Rows:
    """Present of twins.

    Args:
        state: state of the filter, shape `(n_twins, N_STATE)`, C-contiguous.
        parameters: of all twins of the shard.
        twins: position in the shard of each twin, shape `(n_twins,)`.
        records: `RECORD_DTYPE`, shape `(n_twins,)`.

    Returns:
        `LIVE_DTYPE`, shape `(n_twins,)`.
    """
    live = np.empty(len(records), LIVE_DTYPE)
    _tell_all(state_records(state), parameter_records(parameters.values), parameters.model_index[twins], records, live)
    return live
