"""Twins that follow a fleet: rows know nothing of what comes after them, and labels are the truth of their lives."""

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest

from actors.life_inputs import life_records
from batterytwin.datasheet import load_datasheet
from ml.follow_fleet import follow_fleet

DAY_US = 86_400_000_000
MONTH_US = 30 * DAY_US
START_US = 1_700_000_000_000_000
N = 3


class _Toy:
    """Three blocks on float at 25 degC; the first fades to its end, the second is replaced, the third serves."""

    name = "toy"
    datasheet = load_datasheet("HX12-120")
    installed_us = np.full(N, START_US - 365 * DAY_US)
    site = np.array([0, 0, 1])
    end_soh = 0.80

    def __init__(self, months: int, soh: np.ndarray, renewed: dict[int, list[int]]) -> None:
        self._months, self._soh, self._renewed = months, soh, renewed

    def months(self) -> Iterator[tuple[SimpleNamespace, SimpleNamespace]]:
        for month in range(self._months):
            times = START_US + month * MONTH_US + np.arange(1, 721) * 3_600_000_000
            slot = np.tile(np.arange(N, dtype=np.int32), 720)
            n = len(slot)
            yield (
                SimpleNamespace(
                    slot=slot,
                    time_us=np.repeat(times, N),
                    voltage_v=np.full(n, 13.65, np.float32),
                    current_a=np.full(n, 0.02, np.float32),
                    temperature_c=np.full(n, 25.0, np.float32),
                    resistance_mohm=np.where(np.arange(n) % 72 < N, 3.5 + 0.05 * month, np.nan).astype(np.float32),
                    mode=np.ones(n, np.int32),
                    test_slot=np.arange(N) if month == 1 else np.empty(0, np.int64),
                    test_soh=np.array([0.86, 0.95, 0.97]) if month == 1 else np.empty(0),
                    test_sigma=0.025,
                    end_us=START_US + (month + 1) * MONTH_US,
                    renewed=np.array(self._renewed.get(month, []), np.int64),
                ),
                SimpleNamespace(soh=self._soh[month], left_s=np.full(N, 1_000.0 * 86_400.0)),
            )


SOH = np.array([[0.86, 0.95, 0.97], [0.83, 0.94, 0.97], [0.79, 0.93, 0.97], [0.77, 1.00, 0.97], [0.76, 1.00, 0.97]])


def test_rows_know_nothing_of_what_comes_after_them() -> None:
    short, long = (follow_fleet(_Toy(months, SOH, {})) for months in (2, 5))
    early = np.isin(life_records(long.inputs)["as_of_us"], life_records(short.inputs)["as_of_us"])
    np.testing.assert_array_equal(long.inputs[early], short.inputs)


def test_a_life_ends_where_the_true_capacity_passes_its_limit_and_no_row_comes_after() -> None:
    table = follow_fleet(_Toy(5, SOH, {}))
    mine = table.take(table.battery == 0)
    assert len(mine) == 2
    assert mine.ended.all()
    # from 0.83 to 0.79 in the third month
    assert mine.upper_days == pytest.approx([30.0 + 22.5, 22.5])
    assert (mine.true_days == mine.upper_days).all()


def test_a_block_that_was_replaced_before_its_end_was_followed_for_so_long() -> None:
    table = follow_fleet(_Toy(5, SOH, {2: [1]}))
    second = table.take(table.battery == 1)
    assert not second.ended.any()
    assert second.lower_days == pytest.approx([60.0, 30.0, 0.0])
    assert second.true_days == pytest.approx([1_060.0, 1_030.0, 1_000.0])
    fresh = table.take(table.battery == N)
    assert len(fresh) == 2
    x = life_records(fresh.inputs)
    assert (x["installed_us"] == START_US + 3 * MONTH_US).all()
    assert np.isnan(x["test_soh"]).all()
    assert table.censored_share == pytest.approx(0.75)


def test_twins_know_what_a_technician_measured_and_what_the_instrument_showed() -> None:
    table = follow_fleet(_Toy(4, SOH, {}))
    third = life_records(table.inputs[table.battery == 2])
    assert np.isnan(third["test_soh"][0])
    assert third["test_soh"][1:] == pytest.approx(0.97)
    assert third["resistance_drift"][-1] > 0.02
    assert third["temperature_mean_30d_c"] == pytest.approx(25.0, abs=0.05)
