"""Replay of recorded measurements, through the same gateway client that live sensors use."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from batterytwin.errors import InvalidArgumentError
from batterytwin.readings import ReadingBatch, ReadingColumns
from batterytwin.telemetry import MEASURED_COLUMNS
from clients.async_client import AsyncTwinClient
from clients.channel import Tls
from clients.gateway import GatewayClient
from clients.gateway_counters import GatewayCounters
from clients.replay_map import ReplayMap
from clients.replay_rows import RowCounts, RowReader

_BATCH_ROWS: Final = 2_000
_AHEAD_BATCHES: Final = 32  # a record waits for the server, on disk too: it must arrive in order
_REGISTER_DEADLINE_S: Final = 60.0  # starts a process for the new twins, on a machine that may be busy


@dataclass(slots=True)
class ReplayProgress:
    """How far a replay has come; after its end, the summary.

    Attributes:
        battery_id: battery that is replayed.
        rows: what became of the rows of the file before they were sent.
        gateway: what became of the rows that were sent.
        first_sample_time: sample time of the first row sent, UTC; None = nothing sent yet.
        last_sample_time: newest sample time sent, UTC.
    """

    battery_id: str
    rows: RowCounts = field(default_factory=RowCounts)
    gateway: GatewayCounters = field(default_factory=GatewayCounters)
    first_sample_time: datetime | None = None
    last_sample_time: datetime | None = None


def _ignore(_: ReplayProgress) -> None:
    """Shows nothing."""


async def replay(
    path: Path,
    replay_map: ReplayMap,
    *,
    target: str,
    access_token: str,
    gateway_token: str = "",
    battery_id: str = "",
    speed: float | None = None,
    tls: Tls | None = None,
    buffer: Path | None = None,
    on_progress: Callable[[ReplayProgress], None] = _ignore,
) -> ReplayProgress:
    """Registers the map's grid and streams a recorded file to its twin. Doing it again changes nothing.

    Args:
        path: CSV (also .gz) or Parquet file.
        replay_map: what the columns of the file mean.
        target: address of the server, `host:port`.
        access_token: token of a user who may register grids.
        gateway_token: token of the location's gateway where the grid was registered before; empty = the access token,
            which then must be an admin's.
        battery_id: which of the map's batteries the file belongs to; empty = the first.
        speed: seconds of the record in a second; None = as fast as the server takes it.
        tls: encryption; None = none.
        buffer: file that keeps what the server has not acknowledged, also when this process is killed; None = memory.
        on_progress: called after each batch.

    Returns:
        What became of every row.

    Raises:
        InvalidArgumentError: the file cannot be read; the message names file, column and row. Chunks of
            rows before it are stored.
        TwinError: the server refuses the grid, the token or the stream.
    """
    if speed is not None and not speed > 0:
        raise InvalidArgumentError("The speed must be positive.", field="speed", value=speed)
    battery_id = replay_map.choose_battery(battery_id)
    reader = RowReader(path, replay_map, battery_id)
    chunks = iter(reader)
    chunk = await asyncio.to_thread(next, chunks, None)  # a file that cannot be read registers nothing
    async with AsyncTwinClient(target, access_token, tls=tls) as client:
        registered = await client.register_grid(replay_map.grid(), deadline_s=_REGISTER_DEADLINE_S)
    token = registered.gateway_token or gateway_token or access_token
    async with GatewayClient(target, token, tls=tls, buffer=buffer) as gateway:
        progress = ReplayProgress(battery_id, reader.counts, gateway.counters)
        pace = _Pace(speed)
        while chunk is not None:
            await _send_chunk(chunk, gateway, pace, progress, on_progress)
            try:
                chunk = await asyncio.to_thread(next, chunks, None)
            except InvalidArgumentError:
                await gateway.drain()  # what came before the fault is good
                raise
    on_progress(progress)
    return progress


async def _send_chunk(
    chunk: ReadingColumns,
    gateway: GatewayClient,
    pace: "_Pace",
    progress: ReplayProgress,
    on_progress: Callable[[ReplayProgress], None],
) -> None:
    begin = 0
    # a row that goes back in time is due at once, after those before it
    due_ns = np.maximum.accumulate(chunk.sample_time_unix_ns) if len(chunk) else chunk.sample_time_unix_ns
    while begin < len(chunk):
        until_ns = await pace.wait_for(int(due_ns[begin]))
        due = len(chunk) if until_ns is None else int(np.searchsorted(due_ns, until_ns, side="right"))
        end = min(due, begin + _BATCH_ROWS)
        await gateway.send(ReadingBatch(_slice(chunk, begin, end)))
        await gateway.drain(left=_AHEAD_BATCHES)
        progress.first_sample_time = progress.first_sample_time or _utc(int(due_ns[begin]))
        progress.last_sample_time = _utc(int(due_ns[end - 1]))
        on_progress(progress)
        begin = end


class _Pace:
    """Holds a record back to its own time, times a speed."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._first_ns: int | None = None
        self._begin_s = 0.0

    async def wait_for(self, due_ns: int) -> int | None:
        """Waits until a sample time is due; returns the sample time up to which rows are due, None = all."""
        if self._speed is None:
            return None
        clock = asyncio.get_running_loop().time
        if self._first_ns is None:
            self._first_ns, self._begin_s = due_ns, clock()
        await asyncio.sleep(max(0.0, (due_ns - self._first_ns) / 1e9 / self._speed - (clock() - self._begin_s)))
        return max(due_ns, self._first_ns + int((clock() - self._begin_s) * self._speed * 1e9))


def _slice(chunk: ReadingColumns, begin: int, end: int) -> ReadingColumns:
    measured = {name: values[begin:end] for name in MEASURED_COLUMNS if (values := getattr(chunk, name)) is not None}
    return ReadingColumns(chunk.battery_ids[begin:end], chunk.sample_time_unix_ns[begin:end], **measured)


def _utc(unix_ns: int) -> datetime:
    return datetime.fromtimestamp(unix_ns / 1e9, UTC)
