"""What a twin becomes depends on its own readings alone: not on batching, company, order or whose array it was."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state, live_estimates, regimes, run_filter
from batterytwin.telemetry import Flag, Regime, pack_status, regime_of
from tests.actors.filter_runs import START_US, battery

_N = 3
_PARAMETERS = FilterParameters.from_specs([battery(), battery(9.0), battery(100.0, 1)])


def _readings(seed: int, n_rows: int) -> dict[str, NDArray[Any]]:
    """Random readings of three batteries, sample times rising within each."""
    rng = np.random.default_rng(seed)
    twin = rng.integers(0, _N, n_rows).astype(np.int32)

    def with_gaps(values: NDArray[np.float64]) -> NDArray[np.float32]:
        return np.where(rng.random(n_rows) < 0.1, np.nan, values).astype(np.float32)

    return {
        "twin": twin,
        "sample_time_us": START_US + np.cumsum(rng.integers(1, 90_000_000, n_rows)),
        "voltage_v": with_gaps(rng.uniform(10.0, 14.5, n_rows) * _PARAMETERS.values[twin, 1] / 6),
        "current_a": with_gaps(rng.choice([-60.0, 0.02, 12.0], n_rows) * _PARAMETERS.values[twin, 0] / 120),
        "temperature_c": with_gaps(rng.uniform(15.0, 40.0, n_rows)),
        "internal_resistance_mohm": with_gaps(rng.uniform(3.0, 4.0, n_rows)),
        "status": np.where(rng.random(n_rows) < 0.05, pack_status(Flag.SUSPECT), pack_status(0, 1)).astype(np.int16),
    }


def _apply(
    state: NDArray[np.float64], readings: dict[str, NDArray[Any]], rows: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    estimates = np.empty((rows.size, 10), np.float32)
    columns = {name: column[rows] for name, column in readings.items()}
    status = columns.pop("status")
    for column in columns.values():
        column.flags.writeable = False  # as they come out of Ray
    run_filter(state, _PARAMETERS, slot=columns["twin"], status=status, estimates=estimates, **columns)
    return estimates, status


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1), st.integers(1, 120), st.integers(1, 40))
def test_any_batching_gives_the_same_bits(seed: int, n_rows: int, batch: int) -> None:
    readings = _readings(seed, n_rows)
    whole, batched, alone = (initial_state(_PARAMETERS) for _ in range(3))
    together, _ = _apply(whole, readings, np.arange(n_rows))
    in_batches = [_apply(batched, readings, np.arange(k, min(k + batch, n_rows)))[0] for k in range(0, n_rows, batch)]
    assert whole.tobytes() == batched.tobytes()
    assert together.tobytes() == np.concatenate(in_batches).tobytes()
    for twin in range(_N):
        rows = np.flatnonzero(readings["twin"] == twin)
        own, _ = _apply(alone, readings, rows)
        assert own.tobytes() == together[rows].tobytes()
    assert whole.tobytes() == alone.tobytes()


def test_a_copy_of_the_touched_rows_serves_as_well() -> None:
    readings = _readings(7, 60)
    rows = np.flatnonzero(readings["twin"] == 2)
    state = initial_state(_PARAMETERS)
    expected, _ = _apply(state, readings, rows)
    touched = initial_state(_PARAMETERS)[2:].copy()
    estimates = np.empty_like(expected)
    columns = {name: column[rows] for name, column in readings.items()}
    run_filter(touched, _PARAMETERS, slot=np.zeros(rows.size, np.int32), estimates=estimates, **columns)
    assert touched.tobytes() == state[2:].tobytes()
    assert estimates.tobytes() == expected.tobytes()


def test_a_suspect_reading_changes_nothing_and_tells_what_was_known() -> None:
    readings = _readings(3, 60)
    state = initial_state(_PARAMETERS)
    _apply(state, readings, np.arange(60))
    before = state.copy()
    later = {**_readings(4, 30), "status": np.full(30, pack_status(Flag.SUSPECT, 2), np.int16)}
    later["sample_time_us"] = later["sample_time_us"] + 10**12
    estimates, status = _apply(state, later, np.arange(30))
    assert state.tobytes() == before.tobytes()
    assert estimates.tobytes() == live_estimates(state)[later["twin"]].tobytes()
    assert np.array_equal(regime_of(status), regimes(state)[later["twin"]])
    assert np.array_equal(status & 0x00FF, later["status"] & 0x00FF)


def test_estimates_follow_from_the_state_alone() -> None:
    readings = _readings(5, 200)
    state = initial_state(_PARAMETERS)
    estimates, _ = _apply(state, readings, np.arange(200))
    applied = (readings["status"] & Flag.SUSPECT) == 0
    for twin in range(_N):
        newest = np.flatnonzero((readings["twin"] == twin) & applied)[-1]
        assert live_estimates(state)[twin].tobytes() == estimates[newest].tobytes()


@pytest.mark.parametrize("mode", range(6))
def test_regime_is_written_beside_flags_and_mode(mode: int) -> None:
    status = np.array([pack_status(Flag.CURRENT_FROM_STRING, mode, Regime.REST)], np.int16)
    one = {name: column[:1] for name, column in _readings(1, 1).items()}
    state = initial_state(_PARAMETERS)
    _, written = _apply(state, {**one, "status": status}, np.arange(1))
    assert written[0] == pack_status(Flag.CURRENT_FROM_STRING, mode, int(regimes(state)[one["twin"][0]]))
