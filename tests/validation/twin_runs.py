"""Readings of a string through the filter, and what it would have predicted with its eyes closed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state, run_filter
from actors.filter_layout import state_records
from batterytwin.telemetry import LIVE_ESTIMATE_COLUMNS, pack_status, regime_of
from tests.validation.simulated_fleet import Recording

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TwinRun:
    """The twins of one string after each visit.

    Attributes:
        estimates: `LIVE_ESTIMATE_COLUMNS`, `(n_visits, n_blocks, n_columns)`.
        regime: what the filter took each block to be doing, `(n_visits, n_blocks)`.
        states: of the twins after the visits asked for, `(n_kept, n_blocks, n_state)`.
        end: states after the last visit, `(n_blocks, n_state)`.
    """

    estimates: NDArray[np.float32]
    regime: NDArray[np.int16]
    states: Floats
    end: Floats

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        return self.estimates[:, :, LIVE_ESTIMATE_COLUMNS.index(name)]


def run_twins(
    recording: Recording,
    *,
    keep_after: Sequence[int] | Ints = (),
    begin: int = 0,
    end: int | None = None,
    state: Floats | None = None,
) -> TwinRun:
    """Runs the twins of a string over visits `begin`...`end`, from nothing or from a state (which is left as it was).

    Args:
        recording: the string.
        keep_after: visits after which states are kept, ascending, within the range.
        begin: first visit.
        end: one past the last visit; None = all.
        state: where to start, `(n_blocks, n_state)`; None = twins without any reading.
    """
    parameters = FilterParameters.from_specs(recording.specs)
    state = initial_state(parameters) if state is None else state.copy()
    end = len(recording.time_us) if end is None else end
    cuts = [int(visit) + 1 for visit in keep_after]
    parts: list[tuple[NDArray[np.float32], NDArray[np.int16]]] = []
    kept: list[Floats] = []
    for first, last in zip([begin, *cuts], [*cuts, end], strict=True):
        if last > first:
            visits = np.arange(first, last)
            parts.append(_apply(recording, parameters, state, visits, recording.voltage_v[first:last]))
        if len(kept) < len(cuts):
            kept.append(state.copy())
    return TwinRun(
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.stack(kept) if kept else np.empty((0, *state.shape)),
        state,
    )


def _apply(
    recording: Recording, parameters: FilterParameters, state: Floats, visits: Ints, voltage_v: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Applies visits with given voltages to the twins; returns estimates and regimes by visit and block."""
    n_visits, n_blocks = voltage_v.shape
    block = np.tile(np.arange(n_blocks, dtype=np.int32), n_visits)
    status = np.repeat(pack_status(0, recording.mode[visits].astype(np.int16)), n_blocks).astype(np.int16)
    estimates = np.empty((n_visits * n_blocks, len(LIVE_ESTIMATE_COLUMNS)), np.float32)
    run_filter(
        state,
        parameters,
        block,
        block,
        np.repeat(recording.time_us[visits], n_blocks),
        voltage_v.ravel(),
        np.repeat(recording.current_a[visits], n_blocks),
        recording.temperature_c[visits].ravel(),
        recording.resistance_mohm[visits].ravel(),
        status,
        estimates,
    )
    shape = (n_visits, n_blocks)
    return estimates.reshape(*shape, -1), regime_of(status).reshape(shape)


def predict_ahead(recording: Recording, states: Floats, start: Ints, target: Ints) -> Floats:
    """Voltage that twins expect at a later visit when they see current and temperature on the way, but no voltage.

    At the target they are given the voltage at the start, so that not even the regime can follow the answer; their
    expectation is that voltage minus their innovation.

    Args:
        recording: the string.
        states: of the twins after each start, `(n_windows, n_blocks, n_state)`.
        start: visit at which each window begins, its voltage known, `(n_windows,)`.
        target: visit at which it ends, `(n_windows,)`.

    Returns:
        Expected voltage, V, `(n_windows, n_blocks)`; NaN where the twins expect none.
    """
    parameters = FilterParameters.from_specs(recording.specs)
    innovation = LIVE_ESTIMATE_COLUMNS.index("innovation_v")
    expected = np.empty((len(start), states.shape[1]))
    for k, (first, last) in enumerate(zip(start, target, strict=True)):
        visits = np.arange(first + 1, last + 1)
        blind = np.full((len(visits), states.shape[1]), np.nan, np.float32)
        blind[-1] = recording.voltage_v[first]
        estimates, _ = _apply(recording, parameters, states[k].copy(), visits, blind)
        expected[k] = blind[-1].astype(np.float64) - estimates[-1, :, innovation]
    return expected


def with_soc(state: Floats, soc: Floats, sigma: float) -> Floats:
    """The same twins with another SOC, of a given sigma and independent of all else."""
    changed = state.copy()
    x = state_records(changed)
    x["soc"] = soc
    for name in x.dtype.names or ():
        if name.startswith("p0"):  # row of SOC in the covariance
            x[name] = 0.0
    x["p00"] = sigma * sigma
    return changed
