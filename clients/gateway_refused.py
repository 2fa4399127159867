"""Batches that a gateway has set aside within its file, since a server refused them or some of their rows."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from batterytwin.errors import Reason
from batterytwin.v1.ingest_service_pb2 import StreamReadingsRequest
from clients.gateway_batch import PackedBatch
from clients.ingest import IngestResult, RejectedRow

DAMAGED: Final = "DAMAGED"
"""Reason of a batch whose checksum does not match: it is never sent again."""

MOST_BYTES: Final = 64 * 1024 * 1024
MOST_BATCHES: Final = 10_000

_KEEP: Final = "INSERT OR REPLACE INTO refused SELECT number, ?, request FROM batch WHERE number = ?"
_BOUND: Final = """
DELETE FROM refused WHERE number IN (
  SELECT number FROM (
    SELECT number, sum(length(request)) OVER newest AS size_bytes, row_number() OVER newest AS place
    FROM refused WINDOW newest AS (ORDER BY number DESC))
  WHERE size_bytes > ? OR place > ?)
"""


def keep(db: sqlite3.Connection, batches: Sequence[tuple[int, str]]) -> None:
    """Copies batches to what is set aside; the newest 10,000 are kept, up to 64 MiB of them.

    Args:
        db: in a transaction in which the batches are deleted afterwards.
        batches: number and reason of each.
    """
    if batches:
        db.executemany(_KEEP, [(reason, number) for number, reason in batches])
        db.execute(_BOUND, (MOST_BYTES, MOST_BATCHES))


def take_out(db: sqlite3.Connection, reason: Reason | None) -> list[PackedBatch]:
    """Removes what was set aside for a reason (None = for any but damage) and returns it, in order."""
    found = db.execute(
        "SELECT number, request FROM refused WHERE reason NOT LIKE ? AND reason LIKE ? ORDER BY number",
        (f"{DAMAGED}%", f"{reason.value}:%" if reason else "%"),
    ).fetchall()
    db.executemany("DELETE FROM refused WHERE number = ?", [(number,) for number, _ in found])
    return [_unpack(request) for _, request in found]


def why_set_aside(result: IngestResult) -> str:
    """Reason under which a batch is set aside of which a server has refused rows.

    It begins with TIME_IN_FUTURE only where all rows that are named were refused for that: those may go again once the
    server's clock is right.
    """
    if not result.rejected_rows:
        return f"{result.rejected} rows were refused"
    others = [row for row in result.rejected_rows if row.reason != Reason.TIME_IN_FUTURE]
    return told((others or result.rejected_rows)[0])


def told(row: RejectedRow) -> str:
    """A refused row for people."""
    return f"{row.reason}: {row.battery_id} {row.field} {row.value}: {row.remedy}"


def _unpack(request: bytes) -> PackedBatch:
    message = StreamReadingsRequest.FromString(request)
    times = np.asarray(message.readings.sample_time_unix_ns or message.string_readings.sample_time_unix_ns, np.int64)
    first_us, last_us = (int(times.min()) // 1_000, int(times.max()) // 1_000) if len(times) else (0, 0)
    return PackedBatch(request, len(message.readings.battery_ids), first_us, last_us, time.time_ns() // 1_000)
