"""The load that every peer gets: readings of the whole fleet over nine streams, whatever words it wants them in."""

import http.client
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http import HTTPStatus
from typing import Final

import numpy as np

from batterytwin.readings import ReadingBatch
from tests.bench.load import Fleet, days_ago, joined

STREAMS: Final = 9
SAMPLES: Final = 90
"""Readings of each battery in a round."""

_FIELDS: Final = ("voltage_v", "current_a", "temperature_c", "internal_resistance_mohm")
_TIMEOUT_S: Final = 30.0


def round_of_batches(number: int, samples: int = SAMPLES) -> list[list[ReadingBatch]]:
    """Messages of each stream in a round, of 1,944 rows; each round goes on where the one before ended."""
    ids = Fleet.default().battery_ids
    times = STREAMS  # sample times that make a message of a share as long as the fleet
    share = len(ids) // STREAMS
    shares = [ids[begin : begin + share] for begin in range(0, len(ids), share)]  # a gateway has one site
    start_s = days_ago(1) // 60 * 60 + number * samples
    return [
        [joined(share, start_s + first, times, seed=number) for first in range(0, samples, times)] for share in shares
    ]


def line_protocol(batch: ReadingBatch) -> bytes:
    """A message in InfluxDB's line protocol, times in milliseconds; what was not measured is left out."""
    readings = batch.readings
    columns = [(name, getattr(readings, name)) for name in _FIELDS]
    known = [(name, column.tolist(), np.isfinite(column).tolist()) for name, column in columns if column is not None]
    lines = []
    for row, (battery_id, time_ns) in enumerate(
        zip(readings.battery_ids, readings.sample_time_unix_ns.tolist(), strict=True)
    ):
        fields = ",".join(f"{name}={values[row]:.7g}" for name, values, there in known if there[row])
        lines.append(f"battery,battery_id={battery_id} {fields} {time_ns // 1_000_000}\n")
    return "".join(lines).encode()


def json_readings(batch: ReadingBatch) -> list[bytes]:
    """Each reading of a message as a JSON object of its own."""
    readings = batch.readings
    columns = {name: column for name in _FIELDS if (column := getattr(readings, name)) is not None}
    return [
        json.dumps(
            {"battery_id": battery_id, "sample_time": time_ns / 1e9}
            | {name: float(column[row]) for name, column in columns.items() if np.isfinite(column[row])}
        ).encode()
        for row, (battery_id, time_ns) in enumerate(
            zip(readings.battery_ids, readings.sample_time_unix_ns.tolist(), strict=True)
        )
    ]


def post_all(port: int, path: str, bodies: Sequence[Sequence[bytes]], limit_s: float, kind: str = "text/plain") -> int:
    """Posts the bodies of each stream over a connection of its own, one after the other, and waits for each answer.

    Args:
        port: on the loopback address.
        path: of the service.
        bodies: of each stream.
        limit_s: no body is begun after so many seconds.
        kind: of the bodies.

    Returns:
        How many were taken.

    Raises:
        RuntimeError: one was refused.
    """
    end_s = time.perf_counter() + limit_s

    def stream(mine: Sequence[bytes]) -> int:
        taken = 0
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)) as connection:
            for body in mine:
                if time.perf_counter() >= end_s:
                    break
                connection.request("POST", path, body, {"Content-Type": kind})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    raise RuntimeError(f"{path} was answered with {answer.status}: {text[:200]!r}")
                taken += 1
        return taken

    with ThreadPoolExecutor(len(bodies)) as threads:
        return sum(threads.map(stream, bodies))
