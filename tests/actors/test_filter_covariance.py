"""Whatever arrives, the state stays finite and the covariance one of real errors."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.filter_layout import N_STATE
from tests.actors.filter_runs import battery, run

_GAP_S = st.one_of(st.floats(1.0, 120.0), st.floats(120.0, 1e5), st.floats(1e5, 365.25 * 86_400.0))
_VOLTAGE_V = st.one_of(st.just(math.nan), st.floats(-15.0, 15.0), st.floats(12.0, 14.5), st.floats(9.0, 13.0))
_CURRENT_A = st.one_of(st.just(math.nan), st.just(0.02), st.floats(-300.0, 300.0), st.floats(-1e30, 1e30))
_TEMPERATURE_C = st.one_of(st.just(math.nan), st.floats(-60.0, 120.0), st.floats(-1e30, 1e30))
_RESISTANCE_MOHM = st.one_of(st.just(math.nan), st.floats(0.5, 100.0), st.floats(-1e30, 1e30))
_ROWS = st.lists(st.tuples(_GAP_S, _VOLTAGE_V, _CURRENT_A, _TEMPERATURE_C, _RESISTANCE_MOHM), min_size=1, max_size=60)


@settings(max_examples=400)
@given(_ROWS, st.integers(0, 5), st.sampled_from([(120.0, 6), (9.0, 6), (100.0, 1), (3000.0, 24)]))
def test_any_readings_leave_a_finite_state_and_a_positive_covariance(
    rows: list[tuple[float, float, float, float, float]], mode: int, size: tuple[float, int]
) -> None:
    gaps, voltage, current, temperature, resistance = (np.array(c) for c in zip(*rows, strict=True))
    spec = battery(*size)
    times = np.cumsum(gaps)
    state = None
    for k in range(len(rows)):
        r = run(
            spec,
            times[k],
            voltage[k],
            current[k],
            temperature[k],
            resistance_mohm=resistance[k],
            mode=mode,
            state=state,
        )
        state, x = r.state, r.end
        assert np.all(np.isfinite(state))
        p = np.array([[x[f"p{min(i, j)}{max(i, j)}"] for i in range(6)] for j in range(6)])
        assert np.all(np.diag(p) > 0.0)
        scaled = p / np.sqrt(np.outer(np.diag(p), np.diag(p)))
        assert np.linalg.eigvalsh(scaled)[0] > -1e-7
        assert 0.0 <= r["soc"][0] <= 1.0
        assert 0.0 < r["soc_sigma"][0] <= 0.31
        assert 0.0 < r["soh_capacity"][0] < 1.2001
        assert 0.0 < r["soh_capacity_sigma"][0] <= 0.26
        assert 0.0 < x["soh_capacity"] <= 1.2
        assert r["r0_ohm"][0] > 0.0
        assert not np.any(np.isinf(r.estimates))


def test_state_is_small() -> None:
    assert N_STATE <= 96
