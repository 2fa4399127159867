"""A replayed file is stored row by row by a real server, once, however often and fast it is replayed."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from batterytwin.errors import ConflictError, InvalidArgumentError, PermissionDeniedError
from batterytwin.telemetry import Quality
from clients.async_client import AsyncTwinClient
from clients.replay import ReplayProgress, replay
from clients.replay_map import ReplayMap, load_replay_map
from clients.types import History, Metric, Twin
from tests.fixtures.server import RunningServer

MAPS = Path(__file__).parents[2] / "deploy" / "replay"
START = datetime(2024, 5, 1, tzinfo=UTC)


def small_map(**changes: object) -> ReplayMap:
    return ReplayMap.model_validate(
        {
            "grid_id": "bench",
            "location_id": "BENCH",
            "battery_ids": ["BENCH-1", "BENCH-2"],
            "sample_period_s": 10.0,
            "datasheet": {"model": "M9", "rated_capacity_ah": 9.0, "cells": 6},
            "time": {"column": "t", "kind": "seconds", "start": START},
            "voltage": {"column": "v"},
            "current": {"column": "i", "sign": "discharge_positive"},
            **changes,
        }
    )


def write_discharge(path: Path, rows: int) -> None:
    lines = [f"{10 * n},{12.8 - 0.0005 * n:.3f},1.5" for n in range(rows)]
    path.write_text("\n".join(["t,v,i", *lines]))


async def read_back(server: RunningServer, battery_id: str, first: datetime, last: datetime) -> tuple[Twin, History]:
    async with AsyncTwinClient(server.target, server.admin_token) as client:
        history = await client.query_history(
            battery_id, first, last + timedelta(seconds=1), metrics=[Metric.VOLTAGE_V, Metric.CURRENT_A, Metric.SOC]
        )
        return await client.get_twin(battery_id), history


async def run(server: RunningServer, path: Path, replay_map: ReplayMap, **options: object) -> ReplayProgress:
    return await replay(path, replay_map, target=server.target, access_token=server.admin_token, **options)  # type: ignore[arg-type]


async def test_every_row_is_stored_once(running_server: RunningServer, tmp_path: Path) -> None:
    write_discharge(tmp_path / "a.csv", 5_000)
    seen: list[int] = []
    progress = await run(
        running_server, tmp_path / "a.csv", small_map(), on_progress=lambda p: seen.append(p.gateway.sent_rows)
    )
    assert (progress.gateway.accepted, progress.gateway.suspect, progress.gateway.rejected) == (5_000, 0, 0)
    assert seen == sorted(seen)
    assert seen[-1] == 5_000

    twin, history = await read_back(running_server, "BENCH-1", START, START + timedelta(seconds=50_000))
    assert (twin.as_of, twin.quality, twin.rated_capacity_ah) == (START + timedelta(seconds=49_990), Quality.LIVE, 9.0)
    assert twin.current_a == pytest.approx(-1.5)
    assert len(history) == 5_000
    np.testing.assert_allclose(history.series[Metric.VOLTAGE_V].values, 12.8 - 0.0005 * np.arange(5_000), atol=6e-4)

    again = await run(running_server, tmp_path / "a.csv", small_map())
    assert (again.gateway.accepted, again.gateway.duplicate) == (0, 5_000)


async def test_speed_changes_nothing_but_the_time_it_takes(running_server: RunningServer, tmp_path: Path) -> None:
    write_discharge(tmp_path / "a.csv", 60)
    fast = await run(running_server, tmp_path / "a.csv", small_map(), battery_id="BENCH-1")
    paced = await run(running_server, tmp_path / "a.csv", small_map(), battery_id="BENCH-2", speed=2_000.0)
    assert fast.gateway.accepted == paced.gateway.accepted == 60
    assert paced.gateway.sent_batches > fast.gateway.sent_batches
    span = (START, START + timedelta(seconds=600))
    one, two = [await read_back(running_server, battery, *span) for battery in ("BENCH-1", "BENCH-2")]
    np.testing.assert_array_equal(one[1].series[Metric.SOC].values, two[1].series[Metric.SOC].values)


async def test_what_cannot_be_replayed_says_why(running_server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_discharge(path, 3)
    with pytest.raises(InvalidArgumentError, match="no battery X; it has BENCH-1, BENCH-2"):
        await run(running_server, path, small_map(), battery_id="X")
    with pytest.raises(InvalidArgumentError, match="speed"):
        await run(running_server, path, small_map(), speed=0.0)
    await run(running_server, path, small_map())
    with pytest.raises(ConflictError):
        await run(running_server, path, small_map(sample_period_s=11.0))
    with pytest.raises(PermissionDeniedError):  # the gateway of another location
        await replay(path, small_map(), target=running_server.target, access_token=running_server.gateway_tokens["AAA"])


async def test_a_bad_cell_keeps_the_rows_before_it(running_server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_discharge(path, 20_000)
    path.write_text(path.read_text() + "\n200000,oops,1\n")
    with pytest.raises(InvalidArgumentError, match="row 20002, column v: 'oops'"):
        await run(running_server, path, small_map())
    twin, _ = await read_back(running_server, "BENCH-1", START, START)
    assert twin.as_of == START + timedelta(seconds=199_990)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("map_name", "record", "battery_id"),
    [
        ("universal-ub121000-100ah", "universal-ub121000-100ah/charge_and_rests.csv", "UB121000-B01"),
        ("bboxx", "bboxx-17ah-cc-discharge/discharge_3a.csv", "BBOXX-B01"),
        ("uct-agm-soh", "uct-agm-soh/dod_s00/C02.csv", "UCT-C02"),
    ],
)
async def test_measured_records_give_living_twins(
    running_server: RunningServer, shared_data: Path, map_name: str, record: str, battery_id: str
) -> None:
    progress = await run(
        running_server, shared_data / record, load_replay_map(MAPS / f"{map_name}.toml"), battery_id=battery_id
    )
    rows, gateway = progress.rows, progress.gateway
    assert gateway.sent_rows == rows.read - rows.filtered - rows.merged - rows.empty
    assert gateway.accepted + gateway.duplicate + gateway.late == gateway.sent_rows
    assert gateway.late <= 1  # one record holds two rows in the wrong order
    assert gateway.suspect == 0
    assert progress.first_sample_time is not None
    assert progress.last_sample_time is not None
    twin, history = await read_back(running_server, battery_id, progress.first_sample_time, progress.last_sample_time)
    assert twin.quality is Quality.LIVE
    assert twin.soc is not None
    assert 0.0 <= twin.soc.value <= 1.0
    assert len(history) == gateway.accepted + gateway.late
    assert (np.abs(history.series[Metric.CURRENT_A].values) < 50.0).all()


@pytest.mark.shared_data
async def test_a_dirty_field_log_is_counted_and_harms_nobody(running_server: RunningServer, shared_data: Path) -> None:
    dirty = small_map(
        datasheet={"model": "CELL", "rated_capacity_ah": 300.0, "cells": 1},
        time={"column": "recordtime", "kind": "utc", "format": "%Y/%m/%d %H:%M"},
        voltage={"column": "U", "scale": 0.001},
        current={"column": "A", "sign": "charge_positive", "scale": 0.1},
        temperature={"column": "T", "scale": 0.1},
        internal_resistance={"column": "R", "scale": 0.0001},
        filter={"column": "baterryNo", "equals": ["5"]},
    )
    progress = await run(running_server, shared_data / "vrla-2v-cell-bms-log" / "bid5_raw.csv", dirty)
    gateway = progress.gateway
    told = gateway.accepted + gateway.duplicate + gateway.conflict + gateway.late + gateway.too_late + gateway.rejected
    assert told == gateway.sent_rows > 7_000
    assert gateway.conflict > 0, "this logger wrote several cells under one number"
    assert gateway.suspect > 0
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        assert (await client.get_status()).ready
        twin = await client.get_twin("BENCH-1")
    assert twin.soc is None or np.isfinite([twin.soc.value, twin.soc.sigma]).all()


async def test_a_cancelled_replay_leaves_no_task_behind(running_server: RunningServer, tmp_path: Path) -> None:
    write_discharge(tmp_path / "a.csv", 100)
    before = asyncio.all_tasks()
    started = asyncio.Event()
    task = asyncio.create_task(
        run(running_server, tmp_path / "a.csv", small_map(), speed=1.0, on_progress=lambda _: started.set())
    )
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not {task for task in asyncio.all_tasks() - before if "gateway" in task.get_name()}
