"""Single calls, so many under way at once: how many a second are answered, and how long each one takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from batterytwin.readings import ReadingBatch
from clients.async_client import AsyncTwinClient
from tests.bench.load import Fleet, fleet_messages, single_readings

_GRID_NS: Final = 1_000_000  # sample times are stored on a grid; messages are a thousand times further apart
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the calls.

    Attributes:
        per_s: answers a second.
        took_s: time of each call, s, shape `(n_calls,)`.
    """

    per_s: float
    took_s: NDArray[np.float64]


def prepared_singles(start_s: float, count: int) -> list[ReadingBatch]:
    """Batches of one reading, made beforehand: a client that makes them between calls would measure itself."""
    return list(islice(single_readings(start_s), count))


async def ingest_singles(target: str, token: str, in_flight: int, batches: Sequence[ReadingBatch]) -> Answered:
    """Sends one-reading batches in unary calls.

    Raises:
        RuntimeError: a reading was not accepted.
    """

    async def send(client: AsyncTwinClient, batch: ReadingBatch) -> None:
        if (result := await client.ingest(batch)).accepted != 1:
            raise RuntimeError(f"the server took {result} of one row")

    return await _answered(target, token, in_flight, batches, send)


async def get_twins(target: str, token: str, in_flight: int, calls: int) -> Answered:
    """Gets one twin of the fleet after another."""
    ids = Fleet.default().battery_ids

    async def get(client: AsyncTwinClient, battery_id: str) -> None:
        await client.get_twin(battery_id)

    return await _answered(target, token, in_flight, [ids[number % len(ids)] for number in range(calls)], get)


async def _answered(
    target: str,
    token: str,
    in_flight: int,
    items: Sequence[_Item],
    call: Callable[[AsyncTwinClient, _Item], Awaitable[None]],
) -> Answered:
    waiting = iter(items)
    took: list[float] = []

    async def caller(client: AsyncTwinClient) -> None:
        for item in waiting:
            began = time.perf_counter()
            await call(client, item)
            took.append(time.perf_counter() - began)

    async with AsyncTwinClient(target, token=token) as client:
        began = time.perf_counter()
        await asyncio.gather(*(caller(client) for _ in range(in_flight)))
        return Answered(len(items) / (time.perf_counter() - began), np.array(took))


async def snapshots_after_acks(target: str, token: str, start_s: float, rounds: int) -> NDArray[np.float64]:
    """Sends the fleet's readings and, once they are acknowledged, gets its snapshot; returns each snapshot's time, s.

    Raises:
        RuntimeError: a snapshot is older than the acknowledgement before it.
    """
    took: list[float] = []
    async with AsyncTwinClient(target, token=token) as client:
        for number, batch in enumerate(fleet_messages(start_s, rounds)):
            await client.ingest(batch)
            began = time.perf_counter()
            snapshot = await client.get_fleet_snapshot()
            took.append(time.perf_counter() - began)
            oldest_ns = int(snapshot.twins.as_of_unix_ns.min())
            if oldest_ns < int(batch.readings.sample_time_unix_ns[0]) - _GRID_NS:
                raise RuntimeError(f"snapshot {number} is older than the ack before it")
    return np.array(took)
