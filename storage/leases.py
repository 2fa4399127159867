"""The fence: a lease says which database session may commit for which batteries."""

import os
import socket
from collections.abc import Sequence
from typing import Any, Final

import psycopg

from batterytwin.errors import LeaseLostError, UnknownBatteryError
from storage.sql_files import read_sql

REVOKED: Final = "BT001"
"""SQLSTATE that `hold_lease()` raises."""

_LOCK_KEY: Final = 6203154004
_END_SESSIONS: Final = read_sql("end_lease_sessions")
_INSERT_LEASE: Final = read_sql("insert_lease")
_MOVE_LEASE: Final = read_sql("move_lease")
_EARLIER_LEASES: Final = read_sql("earlier_leases")
_REVOKE_LEASES: Final = read_sql("revoke_leases")
_CLAIM_BATTERIES: Final = read_sql("claim_batteries")
_DELETE_UNUSED_LEASES: Final = read_sql("delete_unused_leases")

Connection = psycopg.Connection[Any]


def take_lease(connection: Connection, battery_keys: Sequence[int], held: int | None) -> int:
    """Makes this connection the owner of batteries, after fencing whoever owned one of them.

    The earlier sessions are ended first: a stopped process would otherwise hold its lease's row for ever. Then the rows
    are revoked, which waits for commits under way; then the batteries change hands.

    Args:
        connection: in autocommit mode.
        battery_keys: batteries to own.
        held: lease that this connection has already, or None.

    Returns:
        The lease to commit under.

    Raises:
        UnknownBatteryError: a battery is not in the inventory.
        psycopg.OperationalError: the database is away.
    """
    keys = list(battery_keys)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        lease_id = held if held is not None else _insert(connection)
        earlier = [int(row[0]) for row in connection.execute(_EARLIER_LEASES, {"keys": keys, "lease_id": lease_id})]
        connection.execute(_END_SESSIONS, {"lease_ids": earlier})
        connection.execute(_REVOKE_LEASES, {"lease_ids": earlier})
        claimed = connection.execute(_CLAIM_BATTERIES, {"keys": keys, "lease_id": lease_id}).rowcount
        if claimed != len(set(keys)):
            raise UnknownBatteryError(
                f"{len(set(keys)) - claimed} of {len(set(keys))} batteries are not in the inventory; register them "
                "before their twins start.",
                field="battery_keys",
            )
        connection.execute(_DELETE_UNUSED_LEASES)
    return lease_id


def move_lease(connection: Connection, lease_id: int) -> None:
    """Ends the session that a lease belongs to and gives the lease to this one, after a connection was lost.

    Once this returns, no commit of the old session can follow, so what is stored now tells how far it came.

    Raises:
        LeaseLostError: another owner has taken one of the batteries over.
        psycopg.OperationalError: the database is away.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        connection.execute(_END_SESSIONS, {"lease_ids": [lease_id]})
        if connection.execute(_MOVE_LEASE, {"lease_id": lease_id}).rowcount == 0:
            raise lease_lost(lease_id)


def lease_lost(lease_id: int) -> LeaseLostError:
    """The error that tells an owner to stop."""
    return LeaseLostError(
        f"Lease {lease_id} was revoked: another owner has taken twins of this one over.",
        field="lease_id",
        value=lease_id,
    )


def _insert(connection: Connection) -> int:
    owner = f"{socket.gethostname()} pid {os.getpid()}"
    (lease_id,) = connection.execute(_INSERT_LEASE, {"owner": owner}).fetchall()[0]
    return int(lease_id)
