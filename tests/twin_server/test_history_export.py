"""Exports over a real server and database: exact rows, both formats alike, for those who may."""

import io
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from batterytwin.access import Role
from batterytwin.errors import InvalidArgumentError, Reason, TwinError
from batterytwin.units import UNIT_OF_COLUMN
from clients.async_client import AsyncTwinClient
from clients.types import ExportFormat, Metric
from storage.history_reads import HISTORY_METRICS
from tests.fixtures.server import ADMIN_PASSWORD, QUICK_HASHES, RunningServer
from tests.storage.server_stores import DAY_US, HOUR_US, MINUTE_US, NOW_US, make_minutes, store_rows, telemetry
from twin_server.access_admin import add_user
from twin_server.passwords import Passwords

ONE, TWO = "AAA-U1-S01-B01", "AAA-U1-S01-B02"
END_US = NOW_US - NOW_US % DAY_US
END = datetime.fromtimestamp(END_US / 1e6, UTC)


@asynccontextmanager
async def logged_in(server: RunningServer, role: Role, locations: list[str]) -> AsyncIterator[AsyncTwinClient]:
    name = f"{role.name.lower()}-{'-'.join(locations).lower()}"
    await add_user(server.store, name, role, locations, password=ADMIN_PASSWORD, passwords=Passwords(QUICK_HASHES))
    async with AsyncTwinClient(server.target) as client:
        session = await client.login(name, ADMIN_PASSWORD)
    async with AsyncTwinClient(server.target, session.access_token) as client:
        yield client


async def exported(client: AsyncTwinClient, start: datetime, file_format: ExportFormat, **options: Any) -> bytes:
    pieces = client.export_history(start, END, file_format=file_format, **options)
    return b"".join([piece.data async for piece in pieces])


def read_csv(data: bytes, like: pa.Schema) -> pa.Table:
    """A CSV file with the types of its Parquet twin; nothing between commas is null."""
    types = {field.name: field.type for field in like}
    convert = pyarrow.csv.ConvertOptions(column_types=types, timestamp_parsers=[pyarrow.csv.ISO8601])
    return pyarrow.csv.read_csv(io.BytesIO(data), convert_options=convert).cast(like)


async def test_ninety_days_come_whole_and_alike_in_both_formats(running_server: RunningServer, tmp_path: Path) -> None:
    start_us = END_US - 90 * DAY_US
    make_minutes(running_server.database_url, start_us, END_US)
    with psycopg.connect(running_server.database_url) as connection:
        # values that need every digit of a float, and a gap in one of them
        connection.execute("UPDATE reading SET voltage_v = 13 + random(), soc = random() * 1e-7")
        connection.execute("UPDATE reading SET soc = 'NaN' WHERE extract(minute FROM sample_time) = 7")
    start = END - timedelta(days=90)
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        fractions: list[float] = []
        file = await client.export_history_to(
            tmp_path / "one.parquet",
            start,
            END,
            battery_id=ONE,
            progress=lambda chunk: fractions.append(chunk.done_fraction),
        )
        table = pyarrow.parquet.read_table(file.path)
        assert file.row_count == table.num_rows == 129_600
        assert file.byte_count == file.path.stat().st_size
        assert fractions == sorted(fractions)
        text = await exported(client, start, ExportFormat.CSV, battery_id=ONE)
        history = await client.query_history(ONE, start, END, metrics=[Metric.VOLTAGE_V, Metric.SOC])
    assert text.startswith(b"battery_id,time,voltage_v,")
    assert text.split(b"\n")[1].startswith(f"{ONE},{start:%Y-%m-%dT%H:%M:%S}.000000Z,".encode())
    times_us = table["time"].cast(pa.int64()).to_numpy()
    np.testing.assert_array_equal(times_us, np.arange(start_us, END_US, MINUTE_US))
    assert read_csv(text, table.schema).equals(table.combine_chunks())
    for metric in (Metric.VOLTAGE_V, Metric.SOC):
        np.testing.assert_array_equal(table[metric.name.lower()].to_numpy(), history.series[metric].values)
    assert table["soc"].null_count == 90 * 24
    for name in HISTORY_METRICS:
        assert table.schema.field(name).metadata[b"unit"].decode() == UNIT_OF_COLUMN[name]
    assert json.loads(table.schema.metadata[b"units"])["voltage_v"] == "V"
    assert table.schema.field("time").type == pa.timestamp("us", "UTC")


async def test_a_string_comes_block_by_block_with_its_flags(running_server: RunningServer) -> None:
    first_us = END_US - HOUR_US
    times = range(first_us, END_US, MINUTE_US)
    rows = telemetry(2, times)
    rows["status"][4] = 1
    store_rows(running_server.database_url, rows[:-1])
    store_rows(running_server.database_url, rows[-1:], late=True)
    store_rows(running_server.database_url, telemetry(1, times))
    store_rows(running_server.database_url, telemetry(25, times))  # of another string
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        options: dict[str, Any] = {"metrics": [Metric.SOC, Metric.VOLTAGE_V]}
        start = END - timedelta(hours=1)
        data = await exported(client, start, ExportFormat.PARQUET, string_id="AAA-U1-S01", **options)
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        assert table.column_names == ["battery_id", "time", "soc", "voltage_v", "suspect", "late"]
        assert table["battery_id"].to_pylist() == [ONE] * 60 + [TWO] * 60
        assert np.flatnonzero(table["suspect"].to_numpy()).tolist() == [64]
        assert np.flatnonzero(table["late"].to_numpy()).tolist() == [119]
        site = await exported(client, start, ExportFormat.PARQUET, location_id="AAA", **options)
        assert pyarrow.parquet.read_table(io.BytesIO(site)).num_rows == 180

        bucket = timedelta(minutes=30)
        data = await exported(client, start, ExportFormat.PARQUET, string_id="AAA-U1-S01", bucket=bucket, **options)
        table = pyarrow.parquet.read_table(io.BytesIO(data))
        text = await exported(client, start, ExportFormat.CSV, string_id="AAA-U1-S01", bucket=bucket, **options)
        assert read_csv(text, table.schema).equals(table.combine_chunks())
        assert table["battery_id"].to_pylist() == [ONE] * 2 + [TWO] * 2
        assert table["row_count"].to_pylist() == [30] * 4
        history = await client.query_history(TWO, start, END, metrics=[Metric.SOC], bucket=bucket)
        series = history.series[Metric.SOC]
        for name, values in (("soc", series.values), ("soc_min", series.min_values), ("soc_max", series.max_values)):
            np.testing.assert_array_equal(table[name].to_numpy()[2:], values)

        nothing = await exported(client, END - timedelta(days=9), ExportFormat.CSV, battery_id="AAA-U1-S02-B24")
        assert nothing.decode().split("\n")[1:] == [""]


BAD: dict[str, tuple[dict[str, Any], Reason]] = {
    "no such battery": ({"battery_id": "nope"}, Reason.UNKNOWN_BATTERY),
    "no such string": ({"battery_id": "", "string_id": "nope"}, Reason.UNKNOWN_STRING),
    "no such location": ({"battery_id": "", "location_id": "nope"}, Reason.UNKNOWN_LOCATION),
    "no format": ({"file_format": 0}, Reason.INVALID_ARGUMENT),
    "a format of the future": ({"file_format": 9}, Reason.INVALID_ARGUMENT),
    "a metric of the future": ({"metrics": [99]}, Reason.INVALID_ARGUMENT),
    "an end before the start": ({"start_time": END + timedelta(days=1)}, Reason.INVALID_ARGUMENT),
    "eleven years": ({"start_time": END - timedelta(days=4_000)}, Reason.TIME_RANGE_TOO_LONG),
    "a bucket of a blink": ({"bucket": timedelta(milliseconds=1)}, Reason.INVALID_ARGUMENT),
    "nothing named": ({"battery_id": ""}, Reason.INVALID_ARGUMENT),
    "two things named": ({"string_id": "AAA-U1-S01"}, Reason.INVALID_ARGUMENT),
}


async def test_what_cannot_be_exported_is_refused_with_its_reason_and_leaves_no_file(
    running_server: RunningServer, tmp_path: Path
) -> None:
    async with AsyncTwinClient(running_server.target, running_server.admin_token) as client:
        for name, (changes, reason) in BAD.items():
            options: dict[str, Any] = {
                "start_time": END - timedelta(days=1),
                "end_time": END,
                "battery_id": ONE,
                "file_format": ExportFormat.CSV,
            }
            with pytest.raises(TwinError) as refused:
                await client.export_history_to(tmp_path / "x.csv", **(options | changes))
            assert refused.value.reason is reason, name
            assert refused.value.field, name
        kept = tmp_path / "kept.csv"
        kept.write_text("mine")
        with pytest.raises(InvalidArgumentError, match="exists already"):
            await client.export_history_to(kept, END - timedelta(days=1), END, battery_id=ONE)
        assert kept.read_text() == "mine"
        await client.export_history_to(kept, END - timedelta(days=1), END, battery_id=ONE, overwrite=True)
    assert [name for name in os.listdir(tmp_path) if "csv" in name or "part" in name] == ["kept.csv"]  # noqa: PTH208


async def test_nobody_exports_what_they_may_not_see(running_server: RunningServer) -> None:
    start = END - timedelta(hours=1)
    async with logged_in(running_server, Role.VIEWER, ["BBB"]) as stranger:
        for scope, reason in (
            ({"battery_id": ONE}, Reason.UNKNOWN_BATTERY),
            ({"string_id": "AAA-U1-S01"}, Reason.UNKNOWN_STRING),
            ({"location_id": "AAA"}, Reason.LOCATION_NOT_ALLOWED),
        ):
            with pytest.raises(TwinError) as refused:
                await exported(stranger, start, ExportFormat.CSV, **scope)
            assert refused.value.reason is reason
        assert await exported(stranger, start, ExportFormat.CSV, location_id="BBB", metrics=[Metric.SOC])
    entries = [entry for entry in await running_server.store.audit_trail(50) if entry.action == "history.export"]
    assert [(entry.actor, entry.target) for entry in entries] == [("viewer-bbb", "BBB")]
    assert entries[0].reason.endswith("raw, 1 metrics, csv")
