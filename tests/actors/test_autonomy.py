"""Autonomy: laws of the model, and intervals that cover what a different plant does."""

from dataclasses import replace

import numpy as np
import pytest

from actors.autonomy import BlockEstimates, string_autonomy, usable_share, usual_load_w
from batterytwin.datasheet import load_datasheet
from tests.actors.autonomy_runs import run_discharges

SHEET = load_datasheet("HX12-120")


def blocks(n: int = 24, **values: float) -> BlockEstimates:
    usual = {
        "soc": 1.0,
        "soc_sigma": 0.02,
        "soh_capacity": 1.0,
        "soh_sigma": 0.05,
        "r0_ohm": SHEET.r0_ohm,
        "r0_sigma_ohm": 3e-4,
        "temperature_c": 25.0,
        "cells_lost": 0.0,
    } | values
    return BlockEstimates(**{name: np.full(n, value) for name, value in usual.items()})


def expected_s(of: BlockEstimates, load_w: float) -> float:
    autonomy = string_autonomy(of, SHEET, load_w)
    assert autonomy is not None
    return autonomy.expected_s


def test_a_full_string_follows_the_rate_table() -> None:
    sure = blocks(soc_sigma=0.0, soh_sigma=0.0, r0_sigma_ohm=0.0)
    for rate in (0.1, 0.25, 0.5, 0.75):
        load_w = rate * 120.0 * 1.97 * 6 * 24
        table_s = 3_600.0 * float(usable_share(np.array([rate]))[0]) / rate
        assert expected_s(sure, load_w) == pytest.approx(table_s, rel=0.12)
    assert expected_s(sure, usual_load_w(SHEET, 24)) == pytest.approx(3_600.0, rel=0.15)


def test_more_load_less_charge_less_health_or_cold_is_less_time() -> None:
    load_w = usual_load_w(SHEET, 24)
    usual_s = expected_s(blocks(), load_w)
    assert expected_s(blocks(), 2.0 * load_w) < 0.45 * usual_s
    assert expected_s(blocks(soc=0.7), load_w) < 0.75 * usual_s
    assert expected_s(blocks(soh_capacity=0.8), load_w) < 0.85 * usual_s
    assert expected_s(blocks(temperature_c=5.0), load_w) < 0.95 * usual_s
    assert expected_s(blocks(r0_ohm=2.0 * SHEET.r0_ohm), load_w) < usual_s


def test_the_weakest_block_decides_wherever_it_stands() -> None:
    load_w = usual_load_w(SHEET, 24)
    weak = blocks(soh_sigma=0.02)
    weak.soh_capacity[17] = 0.6
    one = string_autonomy(weak, SHEET, load_w)
    other = string_autonomy(replace(weak, soh_capacity=np.roll(weak.soh_capacity, 3)), SHEET, load_w)
    assert one is not None
    assert other is not None
    assert (one.limiting, other.limiting) == (17, 20)
    assert (one.expected_s, one.lower_s, one.upper_s) == (other.expected_s, other.lower_s, other.upper_s)
    assert one.expected_s < 0.7 * expected_s(blocks(soh_sigma=0.02), load_w)


def test_less_certain_is_wider_and_unknown_is_nothing() -> None:
    load_w = usual_load_w(SHEET, 24)
    narrow = string_autonomy(blocks(soc_sigma=0.01, soh_sigma=0.01), SHEET, load_w)
    wide = string_autonomy(blocks(soc_sigma=0.08, soh_sigma=0.10), SHEET, load_w)
    assert narrow is not None
    assert wide is not None
    assert 0.0 < wide.lower_s < narrow.lower_s < narrow.upper_s
    assert wide.upper_s - wide.lower_s > narrow.upper_s - narrow.lower_s
    unknown = blocks()
    unknown.soc[3] = np.nan
    assert string_autonomy(unknown, SHEET, load_w) is None
    assert string_autonomy(blocks(), SHEET, 0.0) is None


def test_a_shorted_cell_does_not_end_a_discharge_at_once() -> None:
    shorted = blocks()
    shorted.cells_lost[5] = 1.0
    load_w = 0.5 * usual_load_w(SHEET, 24)
    assert expected_s(shorted, load_w) > 0.8 * expected_s(blocks(), load_w)


@pytest.mark.slow
def test_the_interval_covers_what_another_plant_does() -> None:
    runs = [run for factor in (0.6, 1.0, 1.6, 2.2) for run in run_discharges(31, 4, factor)]
    assert len(runs) >= 80
    covered = np.mean([run.told.lower_s <= run.true_s <= run.told.upper_s for run in runs])
    assert 0.85 <= covered <= 0.97
    ratio = np.array([run.told.expected_s / run.true_s for run in runs])
    assert abs(float(np.median(ratio)) - 1.0) < 0.06
    assert float(np.std(ratio)) < 0.12
