"""A new server takes over from a running one under load, with a newer schema: nothing acknowledged is lost."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path

import grpc
import psycopg
import pytest

import storage.migrate
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from storage.migrate import migrate
from tests.fixtures.server import RunningServer, serve
from tests.twin_server.calls import blocks, columns, now_ns, request, retry_after_s
from tests.twin_server.test_server_life import NOT_SERVING, health_of, snapshot_of, until

STRINGS = {name: blocks(name) for name in ("AAA-U1-S01", "AAA-U1-S02", "BBB-U1-S01", "BBB-U1-S02")}
NEWER = """
ALTER TABLE reading ADD COLUMN humidity real NOT NULL DEFAULT 'NaN';
ALTER TABLE twin_snapshot ADD COLUMN note text;
"""
SECOND_NS = 1_000_000_000

Acked = Counter[tuple[str, int]]
"""How often each (string, sample time in ns) was acknowledged."""


class Gateways:
    """Sends samples of every string one after the other, each until it is acknowledged, to whichever server is told."""

    def __init__(self, server: RunningServer) -> None:
        self.server = server
        self.acked: Acked = Counter()
        self.refusals: list[grpc.StatusCode] = []
        self.stop = asyncio.Event()
        self._start_ns = now_ns(-6 * 3_600)

    async def feed(self, string_id: str) -> None:
        number = 0
        while not self.stop.is_set():
            time_ns = self._start_ns + number * SECOND_NS
            server = self.server
            try:
                async with grpc.aio.insecure_channel(server.target) as channel:
                    answer = await IngestServiceStub(channel).IngestReadings(
                        request(columns(STRINGS[string_id], time_ns)),
                        metadata=server.gateway(string_id[:3]),
                        timeout=30,
                    )
            except grpc.aio.AioRpcError as error:
                self.refusals.append(error.code())
                await asyncio.sleep(0.01)
                continue
            assert answer.counts.accepted_count + answer.counts.duplicate_count == len(STRINGS[string_id])
            self.acked[string_id, time_ns] += 1
            number += 1

    async def acknowledged(self, more: int) -> None:
        """Waits until every string has so many more acknowledgements."""
        counts = Counter(string_id for string_id, _ in self.acked)

        async def enough() -> bool:
            now = Counter(string_id for string_id, _ in self.acked)
            return all(now[string_id] >= counts[string_id] + more for string_id in STRINGS)

        await until(enough)


async def test_a_newer_server_takes_over_under_load(database_url: str, tmp_path: Path) -> None:
    migrations = tmp_path / "migrations"
    shutil.copytree(Path(storage.migrate.__file__).parent / "migrations", migrations)
    (migrations / "9001_newer.sql").write_text(NEWER)
    async with serve(database_url, tmp_path) as old:
        gateways = Gateways(old)
        async with asyncio.TaskGroup() as group:
            feeds = [group.create_task(gateways.feed(string_id)) for string_id in STRINGS]
            await gateways.acknowledged(10)
            assert await asyncio.to_thread(migrate, database_url, migrations) == ["9001_newer.sql"]
            await gateways.acknowledged(5)  # the old one goes on with the newer schema
            async with serve(database_url, tmp_path) as new:
                gateways.server = new
                await gateways.acknowledged(10)
                async with grpc.aio.insecure_channel(old.target) as channel:
                    late = request(columns(STRINGS["AAA-U1-S01"], now_ns()))
                    with pytest.raises(grpc.aio.AioRpcError) as refused:  # a gateway that has not heard of it is told
                        await IngestServiceStub(channel).IngestReadings(late, metadata=old.gateway("AAA"), timeout=30)
                    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
                    assert retry_after_s(refused.value)

                    async def not_ready() -> bool:
                        return await health_of(channel) == NOT_SERVING

                    await until(not_ready)
                gateways.stop.set()
                await asyncio.wait(feeds)
                twins = (await snapshot_of(new)).twins
    assert set(gateways.refusals) <= {grpc.StatusCode.UNAVAILABLE}
    with psycopg.connect(database_url) as connection:
        stored = connection.execute(
            "SELECT battery_id, (extract(epoch FROM sample_time) * 1000000)::bigint * 1000, count(*) FROM reading "
            "JOIN battery USING (battery_key) GROUP BY 1, 2"
        ).fetchall()
    assert {count for _, _, count in stored} == {1}
    present = {(name, time_ns) for name, time_ns, _ in stored}
    assert [pair for pair in gateways.acked if not all((name, pair[1]) in present for name in STRINGS[pair[0]])] == []
    newest = dict(zip(twins.battery_ids, twins.as_of_unix_ns, strict=True))
    for string_id, time_ns in gateways.acked:
        assert all(newest[name] >= time_ns for name in STRINGS[string_id])
