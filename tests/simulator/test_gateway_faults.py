"""Faulty gateways lose, delay, repeat and misdate samples, as a server sees them arrive."""

import asyncio
import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batterytwin.inventory import load_fleet
from simulator.faults import FaultEvent, FaultKind
from simulator.feed import run_simulation
from simulator.gateway_faults import LONGEST_DELAY_S, SHORTEST_DELAY_S, fates, gateway_faults
from simulator.options import SimulationOptions
from simulator.visits import Visits
from tests.simulator.ingest_recorder import IngestRecorder, serve
from tests.simulator.small_fleet import START, START_S, write_fleet

HOURS = 6
STRING = "BRK-U1-S01"
Times = np.ndarray[Any, np.dtype[np.float64]]


async def arrivals(path: Path, *faults: FaultEvent) -> IngestRecorder:
    """What one site with two strings sends in some hours."""
    fleet_file = write_fleet(path / "fleet.toml", sites=("BRK",), strings=2, blocks=2)
    recorder = IngestRecorder()
    async with serve(recorder) as port:
        options = SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=7_200.0, faults=faults)
        task = asyncio.create_task(run_simulation(options, {"BRK": "bt_brk"}, lambda _: None))
        await recorder.until_sampled("bt_brk", "BRK-U1-S02", START_S + HOURS * 3_600.0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    return recorder


def times_of(recorder: IngestRecorder, string: str) -> Times:
    times = recorder.string_times_s("bt_brk", string)
    return times[(times > START_S) & (times <= START_S + (HOURS - 1) * 3_600.0)]


async def test_a_healthy_gateway_sends_everything_once_and_in_order(tmp_path: Path) -> None:
    times = times_of(await arrivals(tmp_path), STRING)
    assert np.allclose(np.diff(times), 60.0)


async def test_lost_samples_never_arrive_and_other_strings_lose_none(tmp_path: Path) -> None:
    recorder = await arrivals(tmp_path, FaultEvent(FaultKind.DROPOUT, STRING, START_S, magnitude=0.3))
    times = times_of(recorder, STRING)
    assert 0.6 < len(times) / ((HOURS - 1) * 60) < 0.8
    assert np.all(np.diff(times) > 0.0)
    assert len(times_of(recorder, "BRK-U1-S02")) == (HOURS - 1) * 60


async def test_late_samples_arrive_once_behind_their_successors(tmp_path: Path) -> None:
    recorder = await arrivals(tmp_path, FaultEvent(FaultKind.LATE_ROWS, "BRK", START_S, magnitude=0.2))
    times = times_of(recorder, STRING)
    assert np.allclose(np.diff(np.sort(times)), 60.0)  # none is missing, none comes twice
    behind_s = np.maximum.accumulate(times) - times
    assert 0.1 < np.mean(behind_s > 0.0) < 0.3
    assert behind_s.max() <= LONGEST_DELAY_S + 120.0
    for rows in recorder.rows("bt_brk").values():
        assert len({time_ns for time_ns, _ in rows}) == len(rows)


async def test_repeated_samples_arrive_twice_with_the_same_values(tmp_path: Path) -> None:
    recorder = await arrivals(tmp_path, FaultEvent(FaultKind.REPEATED_ROWS, "BRK", START_S, magnitude=0.2))
    times = times_of(recorder, STRING)
    counts = Counter(times.tolist())
    assert set(counts.values()) == {1, 2}
    assert 0.1 < np.mean([count == 2 for count in counts.values()]) < 0.3
    for rows in recorder.rows("bt_brk").values():
        assert len(set(rows)) == len({time_ns for time_ns, _ in rows}) < len(rows)


async def test_a_clock_that_is_ahead_moves_sample_times_and_nothing_else(tmp_path: Path) -> None:
    healthy = await arrivals(tmp_path)
    skewed = await arrivals(tmp_path, FaultEvent(FaultKind.CLOCK_SKEW, "BRK", START_S + 600.0, magnitude=90.5))
    one, two = (dict(recorder.rows("bt_brk")["BRK-U1-S01-B01"]) for recorder in (healthy, skewed))
    late = {time_ns: volt for time_ns, volt in one.items() if time_ns / 1e9 >= START_S + 600.0}
    moved = {time_ns + 90_500_000_000: volt for time_ns, volt in late.items()}
    shared = moved.keys() & two.keys()
    assert len(shared) > 100
    assert all(two[time_ns] == moved[time_ns] for time_ns in shared)
    assert not late.keys() & two.keys()


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_fates_are_functions_of_seed_string_and_time(tmp_path: Path, share: float) -> None:
    inventory = load_fleet(write_fleet(tmp_path / "fleet.toml", sites=("BRK", "PKN"), strings=2, blocks=2))
    faults = [
        FaultEvent(FaultKind.DROPOUT, STRING, START_S, magnitude=share),
        FaultEvent(FaultKind.LATE_ROWS, "BRK", START_S, magnitude=share),
        FaultEvent(FaultKind.REPEATED_ROWS, "PKN", START_S, magnitude=share),
    ]
    table = gateway_faults(inventory, faults)
    times_us = round(START_S * 1e6) + 60_000_000 * np.arange(1, 20_001)
    visits = Visits(np.tile(np.arange(4), 20_000), np.repeat(times_us, 4))
    whole, again, other = (fates(table, visits, seed) for seed in (7, 7, 8))
    order = np.random.default_rng(1).permutation(len(times_us) * 4)
    shuffled = fates(table, Visits(visits.string[order], visits.time_us[order]), 7)
    for one, two, three in zip(whole, again, shuffled, strict=True):
        assert np.array_equal(one, two)
        assert np.array_equal(one[order], three)
    assert not np.array_equal(whole.lost, other.lost)
    by_string = whole.lost.reshape(-1, 4).mean(axis=0), whole.repeated.reshape(-1, 4).mean(axis=0)
    assert by_string[0] == pytest.approx([share, 0, 0, 0], rel=0.1)
    assert by_string[1] == pytest.approx([0, 0, share, share], rel=0.1)
    late = whole.delay_us[whole.delay_us > 0] * 1e-6
    assert np.mean((whole.delay_us > 0).reshape(-1, 4)[:, :2]) == pytest.approx(share, rel=0.1)
    assert SHORTEST_DELAY_S <= late.min() < late.max() <= LONGEST_DELAY_S
