"""Load like a fleet's: readings of all batteries, in unary calls or in streams."""

import asyncio
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from batterytwin.inventory import load_fleet
from batterytwin.readings import ReadingBatch, ReadingColumns
from clients.async_client import AsyncTwinClient
from clients.gateway import GatewayClient

_DAY_S = 86_400
_WITH_RESISTANCE = 0.02  # share of readings that carry an instrument's resistance


@dataclass(frozen=True, slots=True)
class Fleet:
    """Names to send, and the next sample time, which rises through the whole benchmark so that nothing is late."""

    battery_ids: tuple[str, ...]

    @classmethod
    def default(cls) -> "Fleet":
        """The fleet that comes with the product."""
        return cls(tuple(b.battery_id for location in load_fleet().locations for b in location.batteries()))


def float_readings(battery_ids: Sequence[str], sample_time_s: float, seed: int) -> ReadingBatch:
    """One float reading for each battery, as a sound fleet sends it: blocks differ for good and hardly move."""
    rng = np.random.default_rng(seed)
    n = len(battery_ids)
    levels_v, string_of = _blocks(tuple(battery_ids))
    current_a = rng.normal(0.02, 0.002, int(string_of.max()) + 1)[string_of]  # one for all blocks in series
    resistance_mohm = np.where(rng.random(n) < _WITH_RESISTANCE, rng.normal(4.2, 0.1, n), np.nan)
    return ReadingBatch(
        ReadingColumns(
            battery_ids,
            np.full(n, round(sample_time_s * 1e9), np.int64),
            voltage_v=(levels_v + rng.normal(0.0, 0.005, n)).astype(np.float32),
            current_a=current_a.astype(np.float32),
            temperature_c=rng.normal(26.0, 0.1, n).astype(np.float32),
            internal_resistance_mohm=resistance_mohm.astype(np.float32),
        )
    )


@lru_cache(maxsize=2_048)
def _blocks(battery_ids: tuple[str, ...]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Float level of each block, V, and the number of its string, counted as strings appear."""
    levels_v = 13.65 + 0.05 * (np.array([zlib.crc32(name.encode()) for name in battery_ids]) / 2.0**31 - 1.0)
    numbers: dict[str, int] = {}
    return levels_v, np.array([numbers.setdefault(name.rpartition("-")[0], len(numbers)) for name in battery_ids])


async def unary_at_rate(
    target: str, token: str, batches: Iterator[ReadingBatch], rate_hz: float, duration_s: float
) -> NDArray[np.float64]:
    """Sends one batch a call, evenly spaced whatever the server does; returns each call's time to its ack, s."""
    latencies: list[float] = []

    async def send(client: AsyncTwinClient, batch: ReadingBatch) -> None:
        began = time.perf_counter()
        counts = await client.ingest(batch)
        latencies.append(time.perf_counter() - began)
        if counts.accepted != len(batch.readings):
            raise RuntimeError(f"the server took {counts} of {len(batch.readings)} rows")

    async with AsyncTwinClient(target, token=token) as client, asyncio.TaskGroup() as calls:
        began = time.perf_counter()
        for number in range(round(rate_hz * duration_s)):
            await asyncio.sleep(max(0.0, began + number / rate_hz - time.perf_counter()))
            calls.create_task(send(client, next(batches)))
    return np.array(latencies)


async def streams_flat_out(target: str, token: str, streams: int, start_s: float, samples: int) -> float:
    """Sends `samples` readings of each battery in fleet-sized batches over parallel streams.

    Returns:
        Acknowledged readings a second.
    """
    ids = Fleet.default().battery_ids
    per_stream = len(ids) // streams
    shares = [ids[begin : begin + per_stream] for begin in range(0, len(ids), per_stream)]  # a gateway has one site
    per_batch = max(1, len(ids) // len(shares[0]))  # joins sample times, so that each batch has the fleet's size
    pools = [
        [joined(share, start_s + k * per_batch, per_batch, seed=k) for k in range(samples // per_batch)]
        for share in shares
    ]
    return await pools_flat_out(target, token, pools)


async def pools_flat_out(target: str, token: str, pools: Sequence[Sequence[ReadingBatch]]) -> float:
    """Sends each pool of batches over a stream of its own, all at once.

    Returns:
        Acknowledged readings a second.

    Raises:
        RuntimeError: not every reading was accepted.
    """
    rows = sum(len(batch.readings) for pool in pools for batch in pool)

    async def stream(pool: Sequence[ReadingBatch]) -> int:
        async with GatewayClient(target, token) as gateway:
            for batch in pool:
                await gateway.send(batch)
            await gateway.drain()
            return gateway.counters.accepted

    began = time.perf_counter()
    accepted = sum(await asyncio.gather(*(stream(pool) for pool in pools)))
    took = time.perf_counter() - began
    if accepted != rows:
        raise RuntimeError(f"sent {rows} readings, {accepted} accepted")
    return rows / took


def joined(ids: Sequence[str], start_s: float, count: int, seed: int) -> ReadingBatch:
    """One message with some batteries at so many sample times, a second apart."""
    parts = [float_readings(ids, start_s + i, seed * 1_000 + i).readings for i in range(count)]
    return ReadingBatch(
        ReadingColumns(
            tuple(name for part in parts for name in part.battery_ids),
            np.concatenate([part.sample_time_unix_ns for part in parts]),
            voltage_v=np.concatenate([p.voltage_v for p in parts if p.voltage_v is not None]),
            current_a=np.concatenate([p.current_a for p in parts if p.current_a is not None]),
            temperature_c=np.concatenate([p.temperature_c for p in parts if p.temperature_c is not None]),
            internal_resistance_mohm=np.concatenate(
                [p.internal_resistance_mohm for p in parts if p.internal_resistance_mohm is not None]
            ),
        )
    )


def single_readings(start_s: float) -> Iterator[ReadingBatch]:
    """One reading a batch, battery after battery, each a minute later than its last."""
    ids = Fleet.default().battery_ids
    number = 0
    while True:
        sample, battery = divmod(number, len(ids))
        yield float_readings(ids[battery : battery + 1], start_s + 60.0 * sample, seed=number)
        number += 1


def outage_readings(start_s: float) -> Iterator[ReadingBatch]:
    """One second of an outage of the whole fleet after another, string by string: 81 batches of 24 a second."""
    ids = Fleet.default().battery_ids
    number = 0
    while True:
        second, string = divmod(number, len(ids) // 24)
        yield float_readings(ids[24 * string : 24 * string + 24], start_s + second, seed=number)
        number += 1


def fleet_messages(start_s: float, count: int) -> list[ReadingBatch]:
    """Messages of one reading of every battery, a second apart, made beforehand so that the pace can be kept."""
    ids = Fleet.default().battery_ids
    return [float_readings(ids, start_s + number, seed=number) for number in range(count)]


def site_messages(start_s: float, count: int) -> list[ReadingBatch]:
    """Messages of nine sites in turns, each of 216 batteries at nine sample times, made beforehand."""
    ids = Fleet.default().battery_ids
    sites = [ids[begin : begin + 216] for begin in range(0, len(ids), 216)]
    return [
        joined(sites[number % len(sites)], start_s + 9.0 * (number // len(sites)), 9, seed=number)
        for number in range(count)
    ]


def days_ago(days: float) -> float:
    """Unix time so many days before now, s."""
    return time.time() - days * _DAY_S
