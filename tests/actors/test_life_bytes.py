"""Packed accumulators come back as they were, and nothing else is taken for them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from actors.filter import FilterParameters, initial_state
from actors.filter_layout import state_records
from actors.life_bytes import pack_life, unpack_life, without_zeros
from actors.life_inputs import life_records
from actors.life_layout import LIFE_DTYPE, UNKNOWN
from actors.life_upgrade import HOURLY_DTYPE
from actors.life_values import life_inputs
from batterytwin.telemetry import Rows
from tests.actors.filter_runs import battery


@settings(max_examples=100)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.01, 0.5, 0.99, 1.0]))
def test_any_bytes_come_back(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    data = rng.integers(0, 256, LIFE_DTYPE.itemsize, np.uint8) * (rng.random(LIFE_DTYPE.itemsize) < share)
    life = data.astype(np.uint8).view(LIFE_DTYPE)
    back = unpack_life(pack_life(life))
    assert back is not None
    assert back.tobytes() == life.tobytes()


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    packed = pack_life(np.zeros(1, LIFE_DTYPE))
    assert unpack_life(data) is None
    assert unpack_life(packed[:-1]) is None
    assert unpack_life(packed + data) is None or not data
    assert unpack_life(packed.replace(b"life", b"lime")) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 23), st.booleans())
def test_what_was_stored_by_the_hour_is_known_still(seed: int, hour_of_day: int, is_silent: bool) -> None:
    rng = np.random.default_rng(seed)
    hourly, last = np.zeros(1, HOURLY_DTYPE), 24 * 20_000 + hour_of_day
    covered = np.where(rng.random(720) < 0.1, 0, rng.integers(1, 61, 720)) * (not is_silent)
    mean_cc = rng.integers(-500, 4_500, 720) * (covered > 0)
    hourly["ring_covered_min"], hourly["ring_mean_cc"] = covered, mean_cc
    hourly["ring_above_min"] = covered // 2
    hourly["hour"], hourly["discharges"], hourly["thermal_age_us"] = last, 7, 10**15
    hourly["first_us"], hourly["as_of_us"], hourly["top_soc_ppm"] = 1, last * 3_600_000_000, UNKNOWN
    life = unpack_life(b"life1\n" + without_zeros(_with_differences(hourly)))
    assert life is not None
    parameters = FilterParameters.from_specs([battery()])
    state = initial_state(parameters)
    state_records(state)["sample_time_us"] = 1.0
    known = life_records(life_inputs(life, state, parameters))[0]
    assert (life["discharges"][0], life["thermal_age_us"][0], life["top_soc_ppm"][0]) == (7, 10**15, UNKNOWN)
    assert known["covered_30d_h"] == pytest.approx(covered.sum() / 60.0)
    if covered.any():
        assert known["temperature_mean_30d_c"] == pytest.approx(0.01 * np.average(mean_cc, weights=covered), abs=0.005)
        assert known["temperature_max_30d_c"] == pytest.approx(0.01 * mean_cc[covered > 0].max())
        assert known["time_above_30c_30d_h"] == pytest.approx((covered // 2).sum() / 60.0)


def _with_differences(hourly: Rows) -> NDArray[np.uint8]:
    """Bytes of an hourly life as they were stored: each hour by what differs from the one before."""
    changed = hourly.copy()
    steps = np.diff(hourly["ring_mean_cc"][0].astype(np.int64), prepend=0)
    folded = (steps << 1) ^ (steps >> 15)
    changed["ring_mean_cc"] = np.concatenate([folded & 255, folded >> 8 & 255]).astype(np.uint8).view(np.int16)
    for name in ("ring_covered_min", "ring_above_min"):
        changed[name][0, 1:] ^= hourly[name][0, :-1]
    return changed.view(np.uint8)
