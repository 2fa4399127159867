"""An export holds a few batches, waits for its reader, and ends with it."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import pyarrow.parquet
import pytest

from batterytwin.access import Role
from batterytwin.errors import OverloadedError, UnavailableError
from batterytwin.v1 import history_service_pb2 as pb
from tests.fixtures.small_fleet import small_inventory, specs_of
from tests.twin_server.export_store import EndlessStore
from twin_server.drain import Drain
from twin_server.history_exporter import BATCH_ROWS, MOST_AT_ONCE, HistoryExporter
from twin_server.principal import Principal, PrincipalKind
from twin_server.routing import FleetMap

ADMIN = Principal(PrincipalKind.USER, "admin", Role.ADMIN, None)
FORMATS = [pb.EXPORT_FORMAT_CSV, pb.EXPORT_FORMAT_PARQUET]
METRICS = [pb.METRIC_VOLTAGE_V, pb.METRIC_CURRENT_A, pb.METRIC_TEMPERATURE_C, pb.METRIC_SOC]
BATCHES = 24


def exporter_of(store: EndlessStore, drain: Drain | None = None) -> HistoryExporter:
    inventory = small_inventory()
    return HistoryExporter(store, FleetMap(inventory, [specs_of(inventory)]), drain or Drain())


def request_of(file_format: pb.ExportFormat.ValueType = pb.EXPORT_FORMAT_CSV) -> pb.ExportHistoryRequest:
    request = pb.ExportHistoryRequest(battery_id="AAA-U1-S01-B01", format=file_format, metrics=METRICS)
    request.start_time.seconds, request.end_time.seconds = 1_700_000_000, 1_800_000_000
    return request


@pytest.mark.parametrize("file_format", FORMATS, ids=["csv", "parquet"])
async def test_a_few_batches_are_held_at_a_time_however_long_the_export(
    file_format: pb.ExportFormat.ValueType,
) -> None:
    store = EndlessStore(BATCHES)
    data, fractions = b"", []
    async for piece in exporter_of(store).export(request_of(file_format), ADMIN):
        assert len(piece.data) <= 1024 * 1024
        assert piece.row_count >= (store.made - 1) * BATCH_ROWS
        data += piece.data
        fractions.append(piece.done_fraction)
    # a row group of Parquet is four batches, and one more is on its way
    assert store.most_held <= (2 if file_format == pb.EXPORT_FORMAT_CSV else 6)
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    if file_format == pb.EXPORT_FORMAT_CSV:
        assert data.count(b"\n") == 1 + BATCHES * BATCH_ROWS
    else:
        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        assert file.metadata.num_rows == BATCHES * BATCH_ROWS
        assert file.metadata.num_row_groups == -(-BATCHES * BATCH_ROWS // 65_536)


@asynccontextmanager
async def served(exporter: HistoryExporter) -> AsyncIterator[Any]:
    """The export over a real connection, without anything else."""

    async def export(request: Any, _context: Any) -> AsyncIterator[Any]:
        async with aclosing(exporter.export(request, ADMIN)) as pieces:  # type: ignore[type-var]  # it is a generator
            async for piece in pieces:
                yield piece

    handler = grpc.unary_stream_rpc_method_handler(
        export, pb.ExportHistoryRequest.FromString, pb.ExportHistoryResponse.SerializeToString
    )
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test", {"Export": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel.unary_stream(
                "/test/Export",
                request_serializer=pb.ExportHistoryRequest.SerializeToString,
                response_deserializer=pb.ExportHistoryResponse.FromString,
            )
    finally:
        await server.stop(None)


async def test_a_slow_reader_slows_the_export_down_and_gets_all_of_it() -> None:
    store = EndlessStore(BATCHES)
    async with served(exporter_of(store)) as method:
        call = aiter(method(request_of()))
        lines = (await anext(call)).data.count(b"\n")
        made = -1
        while made != store.made:  # until it stands still
            made = store.made
            await asyncio.sleep(0.3)
        assert made < BATCHES / 2
        assert not store.ended.is_set()
        async for piece in call:
            lines += piece.data.count(b"\n")
        assert lines == 1 + BATCHES * BATCH_ROWS
        assert store.made == BATCHES


async def test_a_reader_who_goes_away_ends_the_work() -> None:
    store = EndlessStore(10_000)
    exporter = exporter_of(store)
    async with served(exporter) as method:
        call = method(request_of())
        await call.read()
        call.cancel()
        await store.ended.wait()
    assert store.made < 100


async def test_more_exports_than_there_may_be_are_told_to_come_back() -> None:
    exporter = exporter_of(EndlessStore(2))
    running = [exporter.export(request_of(), ADMIN) for _ in range(MOST_AT_ONCE)]
    for export in running:
        await anext(export)
    with pytest.raises(OverloadedError) as refused:
        await anext(exporter.export(request_of(), ADMIN))
    assert refused.value.retry_after_s
    async for _ in running.pop():
        pass
    assert (await anext(exporter.export(request_of(), ADMIN))).row_count == BATCH_ROWS
    for export in running:
        await export.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_the_stop_of_the_server_ends_an_export_politely() -> None:
    drain = Drain()
    export = exporter_of(EndlessStore(BATCHES), drain).export(request_of(), ADMIN)
    await anext(export)
    drain.begin()
    with pytest.raises(UnavailableError):
        async for _ in export:
            pass


async def test_who_took_what_is_in_the_audit_trail() -> None:
    store = EndlessStore(1)
    async for _ in exporter_of(store).export(request_of(pb.EXPORT_FORMAT_PARQUET), ADMIN):
        pass
    (entry,) = store.entries
    assert (entry.action, entry.target) == ("history.export", "AAA-U1-S01-B01")
    assert entry.reason == "2023-11-14T22:13:20Z to 2027-01-15T08:00:00Z, raw, 4 metrics, parquet"
