import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from actors.age_estimates import Sigmas, inflate_for_age, inflate_sigmas
from batterytwin.telemetry import LIVE_DTYPE, LIVE_ESTIMATE_COLUMNS

_SIGMAS = [name for name in LIVE_ESTIMATE_COLUMNS if name.endswith(("_sigma", "r0_sigma_ohm"))]


def _live(n: int) -> np.ndarray:
    live = np.zeros(n, LIVE_DTYPE)
    live["soc"], live["soc_sigma"] = 1.0, 0.01
    live["soh_capacity"], live["soh_capacity_sigma"] = 0.9, 0.05
    live["soh_resistance"], live["soh_resistance_sigma"] = 1.1, 0.02
    live["r0_ohm"], live["r0_sigma_ohm"] = 0.0035, 0.0003
    return live


@given(st.lists(st.floats(-1e3, 1e9), min_size=2, max_size=20))
def test_old_data_never_look_more_certain(ages_s: list[float]) -> None:
    aged = inflate_for_age(_live(len(ages_s)), np.sort(ages_s))
    for name in _SIGMAS:
        assert np.all(np.diff(aged[name].astype(np.float64)) >= 0.0), name
        assert np.all(aged[name] >= _live(1)[name])
    for name in LIVE_DTYPE.names or ():
        if name not in _SIGMAS:
            assert np.array_equal(aged[name], _live(len(ages_s))[name]), name


def test_fresh_data_are_left_alone_and_a_day_says_nothing_of_charge() -> None:
    live = _live(4)
    aged = inflate_for_age(live, np.array([60.0, 3600.0, 86_400.0, 365.25 * 86_400.0]))
    assert aged[0] == live[0]
    assert 0.05 < aged["soc_sigma"][1] < aged["soc_sigma"][2] < aged["soc_sigma"][3] < 0.3
    assert aged["soc_sigma"][2] > 0.25
    assert aged["soh_capacity_sigma"][3] - 0.05 > 0.0149


def test_unknown_stays_unknown() -> None:
    live = _live(1)
    for name in LIVE_ESTIMATE_COLUMNS:
        live[name] = np.nan
    aged = inflate_for_age(live, np.array([1e6]))
    assert all(np.isnan(aged[name][0]) for name in LIVE_ESTIMATE_COLUMNS)


@given(st.integers(0, 1_000_000), st.floats(-1e3, 1e10))
def test_one_twin_alone_ages_as_among_many(seed: int, age_s: float) -> None:
    rng = np.random.default_rng(seed)
    live = np.zeros(1, LIVE_DTYPE)
    for name in ("soc_sigma", "soh_capacity_sigma", "soh_resistance", "soh_resistance_sigma", "r0_ohm", "r0_sigma_ohm"):
        live[name] = np.nan if rng.random() < 0.1 else 10.0 ** rng.uniform(-6, 1)
    for value, sigma in (("soh_resistance", "soh_resistance_sigma"), ("r0_ohm", "r0_sigma_ohm")):
        live[sigma][np.isnan(live[value])] = np.nan  # nobody asks how sure an unknown value is
    before, after = (
        Sigmas(
            float(rows["soc_sigma"][0]),
            float(rows["soh_capacity_sigma"][0]),
            (float(rows["soh_resistance"][0]), float(rows["soh_resistance_sigma"][0])),
            (float(rows["r0_ohm"][0]), float(rows["r0_sigma_ohm"][0])),
        )
        for rows in (live, inflate_for_age(live, np.array([age_s])))
    )
    assert repr(inflate_sigmas(before, age_s)) == repr(after)  # NaN is like NaN there
