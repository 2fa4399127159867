"""Months of a fleet's history: what they take on disk, and how quickly one battery's past is told."""

import asyncio
import shutil
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from clients.async_client import AsyncTwinClient
from clients.history import Metric
from storage.archive_files import KEYS_PER_FILE
from storage.embedded import EmbeddedPostgres
from storage.partitions import DAY_US
from storage.server_store import ServerStore
from tests.bench.history_fill import HistoryPlan, fill_archive, fill_tables, plan_history
from tests.bench.history_rows import LivedWeeks
from tests.bench.history_size import ArchiveSize
from tests.bench.run import Run
from tests.bench.server_process import running_server

_ROUNDS: Final = 5
_QUESTIONS: Final = 40  # of a round, each about another battery
_MEASURED: Final = (Metric.VOLTAGE_V, Metric.CURRENT_A, Metric.TEMPERATURE_C, Metric.INTERNAL_RESISTANCE_MOHM)


def history(run: Run) -> None:
    """Fills the archive through its own writer, then asks the server for pasts of one battery."""
    data_dir = run.folder / "history"
    now_us = time.time_ns() // 1_000
    # the server runs meanwhile: one that starts would first replay a week that has no snapshots
    with running_server(data_dir) as (server, token):
        plan, battery_ids = _fill(run, EmbeddedPostgres(data_dir).start(), now_us)
        sealed_end = datetime.fromtimestamp(plan.sealed.stop * DAY_US / 1e6, UTC)
        now = datetime.fromtimestamp(now_us / 1e6, UTC)
        for name, end, days, bucket in (
            ("history_30d_raw_p95_ms", sealed_end, 30, None),
            ("history_30d_raw_to_now_p95_ms", now, 30, None),
            ("history_1y_hourly_p95_ms", now, 365, timedelta(hours=1)),
        ):
            run.say(f"{name} ...")
            asked = _ask(server.target, token, battery_ids, (end - timedelta(days=days), end), bucket)
            run.measured[name] = 1e3 * asyncio.run(asked)
    shutil.rmtree(data_dir)


def _fill(run: Run, url: str, now_us: int) -> tuple[HistoryPlan, list[str]]:
    """Writes history; returns what there is of it, and the batteries whose hours reach back a year."""
    keys = asyncio.run(_battery_keys(url))
    plan = plan_history(range(min(keys.values()), max(keys.values()) + 1), run.history_days, now_us)
    run.say("simulates what is written ...")
    lived = LivedWeeks.simulate()
    run.say(f"writes {len(plan.sealed)} sealed days ...")
    began = time.monotonic()
    fill_archive(url, run.folder / "history" / "archive", plan, lived, run.say)
    size = ArchiveSize.of(url)
    run.measured["archive_rows_per_s"] = size.reading_count / (time.monotonic() - began)
    run.measured["archive_bytes_per_reading"] = size.bytes_per_reading
    run.measured["archive_gb_per_fleet_year"] = size.gb_per_year(len(plan.keys))
    if size.hour_count:
        run.measured["archive_bytes_per_hour_row"] = size.hour_bytes / size.hour_count
    run.measured["history_rows"] = size.reading_count + fill_tables(url, plan, lived, now_us)
    asyncio.run(_no_jobs_now(url))
    return plan, [battery_id for battery_id, key in keys.items() if key < KEYS_PER_FILE]


async def _battery_keys(url: str) -> dict[str, int]:
    store = await ServerStore.connect(url)
    try:
        return (await store.load_inventory())[1]
    finally:
        await store.close()


async def _no_jobs_now(url: str) -> None:
    """Makes the archive's round count as begun, so that none runs while questions are timed."""
    store = await ServerStore.connect(url)
    try:
        await store.claim_job("archive", 0.0)
    finally:
        await store.close()


async def _ask(
    target: str,
    token: str,
    battery_ids: Sequence[str],
    times: tuple[datetime, datetime],
    bucket: timedelta | None,
) -> float:
    """Asks for the measured values of one battery after another; returns the median of the rounds' 95th percentile, s.

    Raises:
        RuntimeError: an answer has no points.
    """
    percentiles = []
    async with AsyncTwinClient(target, token=token) as client:
        for number in range(_ROUNDS + 1):
            took = []
            for question in range(_QUESTIONS):
                battery_id = battery_ids[(number * _QUESTIONS + question) * 7 % len(battery_ids)]
                began = time.perf_counter()
                answer = await client.query_history(battery_id, *times, metrics=_MEASURED, bucket=bucket)
                took.append(time.perf_counter() - began)
                if not len(answer):
                    raise RuntimeError(f"there is no history of {battery_id}")
            percentiles.append(float(np.quantile(took, 0.95)))
    return statistics.median(percentiles[1:])  # the first round warms up
