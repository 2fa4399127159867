"""The canonical grid: what filter, database and archive all see of a measurement."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.telemetry import MEASURED_COLUMNS, snap_to_grid, snap_value

COLUMNS = st.sampled_from(MEASURED_COLUMNS)
VALUES = st.floats(-1e5, 1e5, width=32) | st.floats(-0.0625, 0.0625, width=32) | st.just(float("nan"))


def snapped(column: str, value: float) -> np.ndarray:
    return snap_to_grid(column, np.array([value], np.float32))


@given(COLUMNS, VALUES)
def test_a_value_on_the_grid_stays_there_bit_for_bit(column: str, value: float) -> None:
    once = snapped(column, value)
    assert snap_to_grid(column, once).tobytes() == once.tobytes()


@given(COLUMNS, VALUES)
def test_a_value_alone_is_snapped_as_among_many(column: str, value: float) -> None:
    alone = np.array([snap_value(column, value)], np.float32)
    assert alone.tobytes() == snapped(column, value).tobytes()


@given(COLUMNS, st.floats(-(2**-12), 0.0, width=32))
def test_there_is_one_zero(column: str, value: float) -> None:
    assert snapped(column, value).tobytes() == np.zeros(1, np.float32).tobytes()
