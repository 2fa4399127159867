"""Snapshots of twins in table `twin_snapshot`, each with the SHA-256 of its state."""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from storage.instants import to_datetime, to_us
from storage.shard_store import TwinSnapshot
from storage.sql_files import read_sql

_INSERT: Final = read_sql("insert_snapshots")
_DELETE_OLD: Final = read_sql("delete_old_snapshots")
_LOAD: Final = read_sql("load_snapshots")

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


def write_snapshots(connection: Connection, snapshots: Sequence[TwinSnapshot]) -> None:
    """Stores snapshots within the transaction under way and deletes all but the newest two of these batteries.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    newest = {(s.battery_key, s.watermark_us, s.layout): s for s in snapshots}.values()
    keys = [s.battery_key for s in newest]
    with connection.cursor(binary=True) as cursor:
        cursor.execute(
            _INSERT,
            {
                "keys": keys,
                "watermarks": [to_datetime(s.watermark_us) for s in newest],
                "layouts": [s.layout for s in newest],
                "states": [s.state for s in newest],
                "digests": [hashlib.sha256(s.state).digest() for s in newest],
            },
        )
        cursor.execute(_DELETE_OLD, {"keys": keys})


def load_snapshots(connection: Connection, battery_keys: Sequence[int], layout: str) -> dict[int, TwinSnapshot]:
    """Newest snapshot of each battery whose state still has its SHA-256; damaged ones are logged and passed over.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    found: dict[int, TwinSnapshot] = {}
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_LOAD, {"keys": list(battery_keys), "layout": layout})
        for battery_key, watermark, state, digest in cursor:
            if battery_key in found:
                continue
            if hashlib.sha256(state).digest() != digest:
                _log.error("snapshot of battery %d at %s is damaged and passed over", battery_key, watermark)
                continue
            found[battery_key] = TwinSnapshot(battery_key, to_us(watermark), layout, state)
    return found
