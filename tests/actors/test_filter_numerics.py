import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.numerics import exponential, logarithm, power
from actors.ocv import OCV_GRID_SIZE, ocv_and_slope, resample_ocv
from batterytwin.datasheet import load_datasheet


@given(st.floats(-690.0, 690.0))
def test_exponential_is_that_of_mathematics(x: float) -> None:
    assert exponential(x) == pytest.approx(math.exp(x), rel=1e-14)


@given(st.floats(1e-12, 1e12))
def test_logarithm_is_that_of_mathematics(x: float) -> None:
    assert logarithm(x) == pytest.approx(math.log(x), rel=1e-14, abs=1e-15)


def test_numbers_out_of_range_stay_finite() -> None:
    assert 0.0 < exponential(-1e9) < 1e-300
    assert 1e300 < exponential(1e9) < math.inf
    assert power(0.0, 1.5) == 0.0
    assert power(0.25, 1.5) == pytest.approx(0.125, rel=1e-14)


def test_open_circuit_curve_goes_through_the_data_sheet_and_rises_everywhere() -> None:
    sheet = load_datasheet("HX12-120")
    grid = resample_ocv(sheet.ocv_soc, sheet.ocv_v)
    assert grid.shape == (OCV_GRID_SIZE,)
    assert np.all(np.diff(grid) > 0.0)
    for soc, ocv_v in zip(sheet.ocv_soc, sheet.ocv_v, strict=True):
        assert ocv_and_slope(grid, soc)[0] == pytest.approx(ocv_v, abs=1e-4)
    assert ocv_and_slope(grid, 0.5)[1] == pytest.approx(1.3, abs=0.1)


@given(
    st.lists(st.floats(0.001, 1.0), min_size=2, max_size=9),
    st.lists(st.floats(0.001, 1.0), min_size=2, max_size=9),
)
def test_any_rising_table_makes_a_rising_curve(widths: list[float], rises: list[float]) -> None:
    n = min(len(widths), len(rises))
    soc = np.concatenate(([0.0], np.cumsum(widths[:n]) / sum(widths[:n])))
    soc[-1] = 1.0
    ocv_v = 11.0 + np.concatenate(([0.0], np.cumsum(rises[:n])))
    grid = resample_ocv(tuple(soc), tuple(ocv_v))
    assert np.all(np.diff(grid) >= -1e-12)
    assert grid[0] == pytest.approx(ocv_v[0])
    assert grid[-1] == pytest.approx(ocv_v[-1])
