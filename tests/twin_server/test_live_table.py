"""A twin without fresh data never looks fresh, and who watches hears of every change."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.inventory import Inventory, LocationClock
from batterytwin.telemetry import Flag, Quality
from tests.fixtures.small_fleet import small_inventory
from tests.twin_server.live_bench import LiveBench

ONE = "AAA-U1-S01-B01"


@given(st.floats(0, 2_000), st.sampled_from([1.0, 60.0, 120.0]), st.booleans())
def test_quality_follows_age_in_periods_of_the_location(age_s: float, period_s: float, suspect: bool) -> None:
    sites = small_inventory(("AAA",), strings=1).locations
    bench = LiveBench(Inventory(tuple(replace(site, sample_period_s=period_s) for site in sites)))
    bench.sample(ONE, status=Flag.SUSPECT if suspect else 0)
    bench.pass_s(age_s)
    age_s = round(age_s * 1e6) / 1e6
    if age_s > max(300.0, 5 * period_s):
        wanted = Quality.NO_DATA
    elif age_s > 2.5 * period_s:
        wanted = Quality.STALE
    else:
        wanted = Quality.SUSPECT if suspect else Quality.LIVE
    assert bench.quality(ONE) == wanted


def test_a_twin_that_never_had_data_has_no_data_and_no_estimate() -> None:
    bench = LiveBench()
    everything = np.arange(len(bench.fleet_map), dtype=np.int32)
    assert set(bench.live.qualities(everything).tolist()) == {Quality.NO_DATA}
    ages_s = bench.live.ages_s(everything)
    assert np.isnan(ages_s).all()
    assert np.isnan(bench.live.aged(everything, ages_s)["soc"]).all()


def test_sigma_grows_while_nothing_is_heard() -> None:
    bench = LiveBench()
    bench.sample(ONE)
    one = np.array([bench.fleet_map.find(ONE)], np.int32)
    sigmas = []
    for _ in range(4):
        sigmas.append(float(bench.live.aged(one, bench.live.ages_s(one))["soc_sigma"][0]))
        bench.pass_s(6 * 3600)
    assert sigmas == sorted(set(sigmas))
    assert bench.live.rows["soc_sigma"][one[0]] == pytest.approx(0.01)


def test_a_feed_ages_by_its_own_newest_sample() -> None:
    sites = small_inventory(("AAA",)).locations
    bench = LiveBench(Inventory(tuple(replace(site, clock=LocationClock.FEED) for site in sites)))
    bench.sample("AAA-U1-S01")
    bench.pass_s(86_400)
    assert bench.quality(ONE) == Quality.LIVE
    bench.sample("AAA-U1-S02")
    assert bench.quality(ONE) == Quality.NO_DATA


async def test_watchers_hear_of_updates_and_of_qualities_that_turn_by_time_alone() -> None:
    bench = LiveBench()
    everything = np.arange(len(bench.fleet_map), dtype=np.int32)
    waiting = [asyncio.create_task(bench.live.wait_newer(bench.live.version)) for _ in range(3)]
    await asyncio.sleep(0)
    bench.sample("AAA-U1-S01")
    await asyncio.gather(*waiting)
    seen = bench.live.version
    bench.live.sweep()
    assert len(bench.live.changed_since(0, everything)) == 24
    seen = bench.live.version
    bench.live.sweep()
    assert bench.live.version == seen
    bench.pass_s(200)
    bench.live.sweep()
    assert len(bench.live.changed_since(seen, everything)) == 24
