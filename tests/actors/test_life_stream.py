"""The accumulators of life hold what the definitions say, whatever the batches were."""

from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.filter_parameters import FilterParameters
from actors.life_history import lives_of_history
from actors.life_kernel import update_life
from actors.life_layout import LIFE_DTYPE, empty_life
from batterytwin.telemetry import TELEMETRY_DTYPE, Flag, Rows, pack_status
from tests.actors.filter_runs import battery
from tests.actors.life_by_definition import life_by_definition

_PARAMETERS = FilterParameters.from_specs([battery(installed=date(2022, 3, 1)), battery(9.0)])
_STARTS_US = (1_703_970_000_000_000, 1_709_161_200_000_000, 1_756_684_799_000_000)
"""Before the end of a year, of a February with 29 days, and of a month."""
_STEPS_S = (1, 5, 60, 600, 3_599, 3_600, 7_200, 7_201, 86_400, 31 * 86_400, 400 * 86_400, 1_300 * 86_400)
_LIKELY = (0.1, 0.1, 0.2, 0.1, 0.1, 0.2, 0.08, 0.04, 0.04, 0.02, 0.01, 0.01)


def _rows(seed: int, count: int, on_float: bool) -> Rows:
    """Rows of two batteries through months and years, with gaps, suspects and values that are missing."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(count, TELEMETRY_DTYPE)
    rows["battery_key"] = rng.integers(0, 2, count)
    steps_s = rng.choice(_STEPS_S[:7] if on_float else _STEPS_S, count, p=None if on_float else _LIKELY)
    jitter_us = rng.choice([0, 1, 999_999], count)
    rows["sample_time_us"] = rng.choice(_STARTS_US) + np.cumsum(steps_s * 1_000_000 + jitter_us)
    regime = np.ones(count, int) if on_float else rng.choice([1, 2, 3, 4], count, p=[0.4, 0.3, 0.15, 0.15])
    rows["status"] = pack_status(np.where(rng.random(count) < 0.08, int(Flag.SUSPECT), 0), 0, regime)
    rows["soc"] = rng.uniform(0.0, 1.0, count)
    rows["voltage_v"] = np.round(rng.uniform(12.0, 14.5, count), 3)
    rows["current_a"] = np.round(np.where(regime == 2, rng.uniform(-80, 80, count), 0.3), 3)
    rows["temperature_c"] = np.round(25.0 + np.cumsum(rng.normal(0.0, 2.5, count)) % 25.0 - 5.0, 1)
    rows["internal_resistance_mohm"] = np.round(rng.uniform(3.0, 5.0, count), 2)
    for name in ("voltage_v", "current_a", "temperature_c", "internal_resistance_mohm"):
        rows[name][rng.random(count) < 0.15] = np.nan
    return rows


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1), st.integers(0, 160), st.integers(1, 50), st.booleans())
def test_stream_history_and_definition_agree(seed: int, count: int, batch: int, on_float: bool) -> None:
    rows = _rows(seed, count, on_float)
    streamed = empty_life(_PARAMETERS.installed_us)
    for first in range(0, count, batch):
        part = rows[first : first + batch]
        part.flags.writeable = False  # as they come out of Ray
        update_life(streamed, _PARAMETERS, part["battery_key"].copy(), part["battery_key"].copy(), part)
    at_once = lives_of_history(
        rows[np.random.default_rng(seed).permutation(count)], np.arange(2, dtype=np.int32), _PARAMETERS
    )
    assert streamed.tobytes() == at_once.tobytes()
    for twin in range(2):
        p = _PARAMETERS.of_twins[twin]
        expected = life_by_definition(rows[rows["battery_key"] == twin], p, int(_PARAMETERS.installed_us[twin]))
        for name in LIFE_DTYPE.names or () if expected["first_us"] else ():
            assert np.array_equal(streamed[name][twin], np.broadcast_to(expected[name], streamed[name][twin].shape)), (
                name
            )
