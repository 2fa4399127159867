"""Snapshots of twins in table `twin_snapshot`, each with the SHA-256 of its state and of its life."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import psycopg

from storage.instants import to_datetime, to_us
from storage.shard_store import TwinSnapshot
from storage.sql_files import read_sql

_INSERT: Final = read_sql("insert_snapshots")
_MARK_DAMAGED: Final = read_sql("mark_damaged_snapshots")
_LOAD: Final = read_sql("load_snapshots")

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


def write_snapshots(connection: Connection, snapshots: Sequence[TwinSnapshot]) -> None:
    """Stores snapshots within the transaction under way; `snapshot_keeper` thins them out later.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    newest = {(s.battery_key, s.watermark_us, s.layout): s for s in snapshots}.values()
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            _INSERT,
            {
                "keys": [s.battery_key for s in newest],
                "watermarks": [to_datetime(s.watermark_us) for s in newest],
                "layouts": [s.layout for s in newest],
                "states": [s.state for s in newest],
                "digests": [hashlib.sha256(s.state).digest() for s in newest],
                "lives": [s.life or None for s in newest],
                "life_digests": [hashlib.sha256(s.life).digest() if s.life else None for s in newest],
            },
        )


def is_sound(state: bytes, digest: bytes, life: bytes | None, life_digest: bytes | None) -> bool:
    """Whether state and life, if there is one, are what they were when they were stored."""
    if hashlib.sha256(state).digest() != digest:
        return False
    return life is None or hashlib.sha256(life).digest() == life_digest


def load_snapshots(
    connection: Connection, battery_keys: Sequence[int], layout: str, before_us: Mapping[int, int] | None = None
) -> dict[int, TwinSnapshot]:
    """Newest snapshot of each battery that holds and is what it was when it was stored.

    Damaged ones are passed over, logged and marked.

    Args:
        connection: in autocommit mode.
        battery_keys: which batteries.
        layout: name of the layout.
        before_us: only snapshots with a watermark before this, by battery key; None = no matter.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    bounds = {key: datetime.max.replace(tzinfo=UTC) for key in battery_keys}
    if before_us is not None:
        bounds = {key: to_datetime(before_us[key]) for key in battery_keys}
    found: dict[int, TwinSnapshot] = {}
    while bounds:
        damaged: dict[int, tuple[datetime, datetime]] = {}
        with connection.cursor(binary=True) as cursor:
            cursor.execute(_LOAD, {"keys": list(bounds), "before": list(bounds.values()), "layout": layout})
            for battery_key, watermark, taken_at, *content in cursor:
                if is_sound(*content):
                    state, _, life, _ = content
                    found[battery_key] = TwinSnapshot(battery_key, to_us(watermark), layout, state, life or b"")
                else:
                    damaged[battery_key] = (watermark, taken_at)
        _mark_damaged(connection, damaged, layout)
        bounds = {key: bounds[key] for key in damaged}
    return found


def _mark_damaged(connection: Connection, damaged: Mapping[int, tuple[datetime, datetime]], layout: str) -> None:
    for battery_key, (watermark, _) in damaged.items():
        _log.error("snapshot of battery %d at %s is damaged and passed over", battery_key, watermark)
    if damaged:
        values = {
            "keys": list(damaged),
            "watermarks": [watermark for watermark, _ in damaged.values()],
            "taken": [taken_at for _, taken_at in damaged.values()],
            "layout": layout,
        }
        connection.execute(_MARK_DAMAGED, values)
