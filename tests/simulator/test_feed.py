"""Gateways of a simulated fleet against a server that records them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from batterytwin.errors import InvalidArgumentError, UnauthenticatedError
from batterytwin.telemetry import StringMode
from batterytwin.v1.ingest_service_pb2 import StreamReadingsRequest
from clients.gateway_buffer import DiskBuffer
from simulator.feed import SimulationOptions, run_simulation
from simulator.mains import mains_schedule
from tests.simulator.ingest_recorder import IngestRecorder, serve
from tests.simulator.small_fleet import START, write_fleet

TOKENS = {"BRK": "bt_brk", "PKN": "bt_pkn"}


@pytest.fixture
def fleet_file(tmp_path: Path) -> Path:
    """Two sites with three strings of four blocks each."""
    return write_fleet(tmp_path / "fleet.toml", sites=("BRK", "PKN"), strings=3, blocks=4)


class Events(list[dict[str, Any]]):
    """What a simulation has reported."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def report(self, event: dict[str, Any]) -> None:
        self.append(event)
        self._changed.set()

    async def first(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while not (found := [event for event in self if event["event"] == kind]):
                self._changed.clear()
                await self._changed.wait()
        return found[0]


@asynccontextmanager
async def simulation(options: SimulationOptions, tokens: dict[str, str] = TOKENS) -> AsyncIterator[Events]:
    """A running simulation; gives its events."""
    events = Events()
    task = asyncio.create_task(run_simulation(options, tokens, events.report))
    try:
        yield events
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 2.0)


async def test_backfill_is_complete_and_in_order_and_live_goes_on_where_it_ends(fleet_file: Path) -> None:
    recorder = IngestRecorder()
    async with serve(recorder) as port:
        options = SimulationOptions(
            f"127.0.0.1:{port}",
            fleet_file,
            start=START,
            speed=600.0,
            backfill_days=10,
            fine_string="BRK-U1-S02",
            fine_days=2,
        )
        async with simulation(options) as events:
            await recorder.until_sampled("bt_brk", "BRK-U1-S01", START.timestamp() + 600)
    done = [event["done"] for event in events if event["event"] == "backfill"]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert any(event["event"] == "live" for event in events)

    for token in TOKENS.values():
        for rows in recorder.rows(token).values():
            times = [time_ns for time_ns, _ in rows]
            assert times == sorted(set(times))  # in time order, nothing twice
    hourly = recorder.string_times_s("bt_brk", "BRK-U1-S01")
    history = hourly[hourly <= START.timestamp()]
    assert len(history) >= 240
    assert np.diff(history).max() <= 3_600.0
    fine = recorder.string_times_s("bt_brk", "BRK-U1-S02")
    two_days = fine[(fine > START.timestamp() - 2 * 86_400) & (fine <= START.timestamp())]
    assert len(two_days) >= 2 * 1_440
    live = hourly[hourly > START.timestamp()]
    assert live[0] - START.timestamp() <= 60.0
    assert np.all(np.diff(live) <= 60.0 + 1e-6)
    # the fleet of the last hour of history is the fleet of the first live minute
    for rows in recorder.rows("bt_brk").values():
        around = [volt for time_ns, volt in rows if abs(time_ns / 1e9 - START.timestamp()) <= 3_700.0]
        assert np.ptp(around) < 0.1


async def test_a_battery_finds_its_string_current_at_its_own_sample_time(fleet_file: Path) -> None:
    recorder = IngestRecorder()
    async with (
        serve(recorder) as port,
        simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=6_000.0)),
    ):
        await recorder.until_batches(20)
    for batch in recorder.batches["bt_brk"]:
        readings, strings = batch.readings, batch.string_readings
        assert strings is not None
        assert strings.voltage_v is not None
        assert strings.current_a is not None
        assert readings.current_a is None  # measured once per string
        assert np.isfinite(strings.current_a).all()
        of_strings = set(zip(strings.string_ids, strings.sample_time_unix_ns.tolist(), strict=True))
        of_blocks = {
            (battery_id.rsplit("-", 1)[0], time_ns)
            for battery_id, time_ns in zip(readings.battery_ids, readings.sample_time_unix_ns.tolist(), strict=True)
        }
        assert of_blocks == of_strings
        assert len(readings) == 4 * len(strings)


async def test_samples_are_spread_over_the_period(fleet_file: Path) -> None:
    recorder = IngestRecorder()
    async with (
        serve(recorder) as port,
        simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=600.0)),
    ):
        await recorder.until_batches(12)
    instants = {
        round(recorder.string_times_s(token, f"{site}-U1-S0{k}")[0] % 60.0, 3)
        for site, token in TOKENS.items()
        for k in (1, 2, 3)
        if len(recorder.string_times_s(token, f"{site}-U1-S0{k}"))
    }
    assert instants == {0.0, 10.0, 20.0, 30.0, 40.0, 50.0}


async def test_every_string_has_a_fresh_sample_before_live_begins(fleet_file: Path) -> None:
    recorder = IngestRecorder()
    async with (
        serve(recorder) as port,
        simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START)) as events,
    ):
        await events.first("live")
    for token, site in (("bt_brk", "BRK"), ("bt_pkn", "PKN")):
        for k in (1, 2, 3):
            age_s = START.timestamp() - recorder.string_times_s(token, f"{site}-U1-S0{k}")[0]
            assert 0.0 <= age_s < 60.0


async def test_strings_are_sampled_every_second_while_they_carry_the_load(fleet_file: Path) -> None:
    mains = mains_schedule(["central", "central"], 7, range(2026, 2027))
    begin_s, end_s = mains.start_s[0, 1], mains.end_s[0, 1]
    start = datetime.fromtimestamp(begin_s, UTC) - timedelta(seconds=90)
    recorder = IngestRecorder()
    async with (
        serve(recorder) as port,
        simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=start, speed=2_000.0), {"BRK": "bt_brk"}),
    ):
        await recorder.until_sampled("bt_brk", "BRK-U1-S03", end_s + 180)
    times = recorder.string_times_s("bt_brk", "BRK-U1-S03")
    in_outage = times[(times > begin_s) & (times <= end_s)]
    assert np.allclose(np.diff(in_outage), 1.0)
    assert len(in_outage) >= int(end_s - begin_s) - 1
    after = times[times > end_s + 30]
    assert np.diff(after).min() > 59.0
    modes = {
        mode
        for batch in recorder.batches["bt_brk"]
        if batch.string_readings is not None and batch.string_readings.modes is not None
        for mode in batch.string_readings.modes.tolist()
    }
    assert modes == {StringMode.FLOAT, StringMode.DISCHARGE}


async def test_the_same_seed_sends_the_same_readings_however_they_are_cut(fleet_file: Path) -> None:
    sent = []
    for speed in (3_000.0, 20_000.0):
        recorder = IngestRecorder()
        async with (
            serve(recorder) as port,
            simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=speed)),
        ):
            last_s = START.timestamp() + 3_600
            await recorder.until_sampled("bt_brk", "BRK-U1-S03", last_s)
        rows = recorder.rows("bt_brk")["BRK-U1-S01-B01"]
        sent.append([row for row in rows if row[0] / 1e9 <= last_s])
    assert sent[0] == sent[1]


async def test_a_server_that_is_away_is_waited_for(fleet_file: Path) -> None:
    recorder = IngestRecorder()
    async with AsyncExitStack() as first_server:
        port = await first_server.enter_async_context(serve(recorder))
        options = SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=60.0)
        async with simulation(options) as events:
            await recorder.until_batches(6)
            await first_server.aclose()
            seen_s = recorder.string_times_s("bt_brk", "BRK-U1-S01").max()
            await asyncio.sleep(0.5)
            async with serve(recorder, port):
                await recorder.until_sampled("bt_brk", "BRK-U1-S01", seen_s + 60.0)
    times = np.unique(recorder.string_times_s("bt_brk", "BRK-U1-S01"))
    assert np.allclose(np.diff(times), 60.0)  # nothing is missing over the pause
    assert not [event for event in events if event["event"] == "error"]


def log_bytes(folder: Path) -> int:
    """Size of what has been written to buffers since they were opened."""
    return min(file.stat().st_size for file in folder.glob("*.buffer-wal"))


def kept_batches(path: Path) -> list[list[int]]:
    """Sample times of the batches in a buffer, ns."""
    buffer = DiskBuffer(path)
    kept = buffer.read(1, 10**9, 10**6, 10**9)
    buffer.close()
    requests = [StreamReadingsRequest.FromString(batch.request) for batch in kept]
    return [list(request.readings.sample_time_unix_ns) for request in requests]


async def test_with_buffers_the_samples_of_an_absence_outlive_the_gateways(fleet_file: Path, tmp_path: Path) -> None:
    recorder, folder = IngestRecorder(), tmp_path / "buffers"
    async with AsyncExitStack() as first_server:
        port = await first_server.enter_async_context(serve(recorder))
        options = SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=600.0, buffer_dir=folder)
        async with simulation(options) as events:
            await recorder.until(lambda: all(len(recorder.batches.get(token, [])) > 3 for token in TOKENS.values()))
            await first_server.aclose()
            before = await asyncio.to_thread(log_bytes, folder)
            while await asyncio.to_thread(log_bytes, folder) < before + 60_000:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.05)
    assert not [event for event in events if event["event"] == "error"]
    recorder.batches.clear()
    kept = [await asyncio.to_thread(kept_batches, folder / f"{site}.buffer") for site in TOKENS]
    assert min(len(batches) for batches in kept) > 2
    later = START + timedelta(days=1)
    async with serve(recorder, port), simulation(replace(options, start=later)):
        for site, token in TOKENS.items():
            await recorder.until_sampled(token, f"{site}-U1-S01", later.timestamp())
    for batches, token in zip(kept, TOKENS.values(), strict=True):
        arrived = [list(batch.readings.sample_time_unix_ns) for batch in recorder.batches[token]]
        assert arrived[: len(batches)] == batches


async def test_a_refused_site_is_named_and_the_others_go_on(fleet_file: Path) -> None:
    recorder = IngestRecorder(refused={"bt_pkn"})
    async with (
        serve(recorder) as port,
        simulation(SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=600.0)) as events,
    ):
        error = await events.first("error")
        await recorder.until_batches(len(recorder.batches.get("bt_brk", [])) + 3)
    assert error["location"] == "PKN"
    assert error["reason"] == "TOKEN_INVALID"
    assert error["message"]


async def test_when_every_site_is_refused_the_simulation_ends_with_the_reason(fleet_file: Path) -> None:
    recorder = IngestRecorder(refused=set(TOKENS.values()))
    async with serve(recorder) as port:
        options = SimulationOptions(f"127.0.0.1:{port}", fleet_file, start=START, speed=600.0)
        with pytest.raises(UnauthenticatedError):
            await asyncio.wait_for(run_simulation(options, TOKENS, lambda _: None), 30)


@pytest.mark.parametrize(
    ("tokens", "fine_string", "field"),
    [({}, "", "tokens"), ({"XXX": "t"}, "", "tokens"), ({"BRK": "t"}, "BRK-U9-S99", "fine_string")],
)
async def test_names_that_the_fleet_does_not_have(
    fleet_file: Path, tokens: dict[str, str], fine_string: str, field: str
) -> None:
    options = SimulationOptions("127.0.0.1:1", fleet_file, fine_string=fine_string)
    with pytest.raises(InvalidArgumentError) as caught:
        await run_simulation(options, tokens, lambda _: None)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "wrong",
    [{"speed": 0.0}, {"speed": -1.0}, {"seed": -1}, {"backfill_days": -1.0}, {"start": datetime(2026, 1, 1)}],  # noqa: DTZ001 - the zone is what is missing
)
def test_options_out_of_range_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        SimulationOptions("127.0.0.1:1", **wrong)
    assert caught.value.field in wrong
