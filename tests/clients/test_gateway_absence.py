"""A quarter of an hour without the server, on a real one with its database: nothing is lost, nothing stored twice."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg

from batterytwin.inventory import LocationClock
from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.async_client import AsyncTwinClient
from clients.gateway import GatewayClient
from clients.types import GridSpec
from tests.fixtures.server import RunningServer, serve

BATTERIES = tuple(f"SITE-{number:03d}" for number in range(216))
START_S = round(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
ABSENCE_SAMPLES = 15


def sample(minute: int) -> ReadingBatch:
    """One reading of every battery, a minute after the last."""
    volts = 13.6 + 0.001 * np.arange(len(BATTERIES)) + 0.0005 * (minute % 7)
    times = np.full(len(BATTERIES), (START_S + 60 * minute) * 1_000_000_000, np.int64)
    return ReadingBatch(ReadingColumns(BATTERIES, times, voltage_v=volts.astype(np.float32)))


async def register_site(server: RunningServer) -> str:
    """Adds a site on a feed clock; returns its gateway's token."""
    spec = GridSpec(
        grid_id="absence",
        location_id="SITE",
        display_name="Site",
        clock=LocationClock.FEED,
        sample_period_s=60.0,
        datasheet_toml='model = "M100"\nrated_capacity_ah = 100.0\ncells = 6\n',
        battery_ids=BATTERIES,
    )
    async with AsyncTwinClient(server.target, server.admin_token) as client:
        return (await client.register_grid(spec, deadline_s=60.0)).gateway_token


async def test_fifteen_minutes_without_the_server_lose_nothing(database_url: str, tmp_path: Path) -> None:
    buffer = tmp_path / "gateway.buffer"
    async with serve(database_url, tmp_path) as server:
        token, port = await register_site(server), int(server.target.rpartition(":")[2])
        gateway = await GatewayClient(server.target, token, buffer=buffer).__aenter__()
        await gateway.send(sample(0))
        await gateway.drain()
    for minute in range(1, 1 + ABSENCE_SAMPLES):
        await gateway.send(sample(minute))
    assert gateway.health().buffered_rows == ABSENCE_SAMPLES * len(BATTERIES)
    async with serve(database_url, tmp_path, port=port) as server:
        await gateway.send(sample(1 + ABSENCE_SAMPLES))
        await gateway.drain()
        await gateway.__aexit__(None, None, None)
        async with AsyncTwinClient(server.target, server.admin_token) as client:
            twin = await client.get_twin(BATTERIES[0])
    samples = ABSENCE_SAMPLES + 2
    counters = gateway.counters
    assert (counters.acked_batches, counters.accepted) == (samples, samples * len(BATTERIES))
    assert (counters.duplicate, counters.late, counters.rejected, counters.suspect) == (0, 0, 0, 0)
    assert twin.as_of == datetime.fromtimestamp(START_S + 60 * (samples - 1), UTC)

    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT battery_id, count(*), count(DISTINCT sample_time) FROM reading "
            "JOIN battery USING (battery_key) WHERE battery_id = ANY(%s) GROUP BY battery_id",
            (list(BATTERIES),),
        ).fetchall()
    assert sorted(rows) == [(battery_id, samples, samples) for battery_id in BATTERIES]
