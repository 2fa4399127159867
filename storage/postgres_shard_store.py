"""The store of one shard in PostgreSQL."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import pq

from batterytwin.errors import LeaseLostError, StoreUnavailableError
from batterytwin.telemetry import Rows
from storage.alert_writes import write_of
from storage.archived_rows import ArchivedRows, join_once
from storage.copy_encoder import COPY_COLUMNS, CopyEncoder
from storage.copy_script import Block, give_room, run_script
from storage.leases import REVOKED, lease_lost, move_lease, take_lease
from storage.partitions import DAY_US, writable_table
from storage.reading_rows import find_rows, read_tail
from storage.revision_rows import COPY_REVISED, write_revisions
from storage.shard_store import LoggedInput, ShardCommit, TwinSnapshot
from storage.snapshot_rows import load_snapshots, write_snapshots
from storage.sql_files import read_sql
from storage.twin_input_rows import read_inputs, stored_inputs, write_inputs

_SESSION_OPTIONS: Final = "-c timezone=UTC -c client_min_messages=warning -c statement_timeout=30s"
_DURABLE: Final = " -c synchronous_commit=on"
_STORE_LATE: Final = read_sql("store_late").decode()
_CONNECT_TIMEOUT_S: Final = 5
_RETRY_AFTER_S: Final = 1.0
_SILENT_PEER_MS: Final = 20_000

Connection = psycopg.Connection[Any]


class PostgresShardStore:
    """Implements `ShardStore` on a migrated database; connects when it is first used.

    After a lost connection the next call opens another one. Before it does anything else, that call ends the old
    session, so a commit whose fate was unknown has either happened by then or never will: `read_tail` tells which.

    Args:
        url: libpq connection string or URL.
        archive: folder of sealed days; None = there is none.
        durable: whether commits survive a power cut. False = as the database is set, and a crash of its server takes
            all readings: they stay out of its log, which then has nothing to do with them.
    """

    def __init__(self, url: str, archive: Path | None = None, *, durable: bool = True) -> None:
        self._url = url
        self._durable = durable
        self._options = _SESSION_OPTIONS + (_DURABLE if durable else "")
        self._archived = ArchivedRows(archive)
        self._connection: Connection | None = None
        self._lease_id: int | None = None
        self._known_days: dict[int, str] = {}
        self._encoder = CopyEncoder()

    def take_over(self, battery_keys: Sequence[int]) -> None:
        """Makes this store the only one that may commit for these batteries; see `ShardStore.take_over`.

        Raises:
            UnknownBatteryError: a battery is not in the inventory.
        """
        with self._session() as connection:
            self._lease_id = take_lease(connection, battery_keys, self._lease_id)

    def load_snapshots(
        self, battery_keys: Sequence[int], layout: str, before_us: Mapping[int, int] | None = None
    ) -> dict[int, TwinSnapshot]:
        """Newest sound snapshot of this layout that holds, for each battery that has one."""
        with self._session() as connection:
            return load_snapshots(connection, battery_keys, layout, before_us)

    def read_tail(self, watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:
        """Log of rows newer than each battery's watermark, sorted by battery and sample time."""
        with self._session() as connection:
            # in this order: a day that is sealed in between is seen twice, the other way round it would not be seen
            rows = read_tail(connection, watermarks_us, told=told)
            sealed = self._archived.after(connection, watermarks_us)
        return join_once(rows, sealed) if len(sealed) else rows

    def find_rows(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], Rows]:
        """Which of these pairs are stored already, and what was measured then, both of shape `(n_pairs,)`."""
        with self._session() as connection:
            stored, rows = find_rows(connection, battery_keys, sample_times_us)
            self._archived.find(connection, battery_keys, sample_times_us, stored, rows)
        return stored, rows

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:
        """Inputs after those that each battery has taken, sorted by battery and place in its log."""
        with self._session() as connection:
            return read_inputs(connection, taken)

    def stored_inputs(self, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those (battery, source) pairs that are stored already."""
        with self._session() as connection:
            return stored_inputs(connection, pairs)

    def commit(self, commit: ShardCommit) -> None:
        """Makes a commit durable (fsync) before it returns; on any error nothing of it is stored."""
        with self._session() as connection:
            statements = [b"SELECT hold_lease(%d)" % self._held_lease()]
            blocks: list[Block] = []  # encoded when the server asks for them, one after the other
            for day, rows in _split_by_day(commit.rows):
                table = self._table_of(connection, day)
                statements.append(f"COPY {table} ({COPY_COLUMNS}) FROM STDIN (FORMAT binary)".encode())
                blocks.append(self._encoder.pieces(rows))
            for late, applied in ((commit.late, "true"), (commit.too_late, "false")):
                if len(late):
                    statements.append(_STORE_LATE.format(applied=applied).encode())
                    blocks.append(self._encoder.pieces(late))
            if len(commit.revised):
                statements.append(COPY_REVISED)
                blocks.append(self._encoder.pieces(commit.revised))
            if commit.alerts or commit.snapshots or commit.inputs or commit.revisions:
                self._commit_with_more(connection, statements, blocks, commit)
            else:
                run_script(connection, b";".join(statements), blocks)

    def close(self) -> None:
        """Gives the connection back. The lease stays until someone takes over."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _commit_with_more(
        connection: Connection, statements: list[bytes], blocks: list[Block], commit: ShardCommit
    ) -> None:
        lock = [b"SELECT lock_alerts()"] if commit.alerts else []
        run_script(connection, b";".join([b"BEGIN", *statements, *lock]), blocks)
        for transition in commit.alerts:
            connection.execute(*write_of(transition))
        if commit.inputs:
            write_inputs(connection, commit.inputs, commit.receive_time_us)
        if commit.revisions:  # before the snapshots of this commit, which hold
            write_revisions(connection, commit.revisions, commit.receive_time_us, with_rows=len(commit.revised) > 0)
        if commit.snapshots:
            write_snapshots(connection, commit.snapshots)
        run_script(connection, b"COMMIT")

    def _held_lease(self) -> int:
        if self._lease_id is None:
            raise LeaseLostError("This store owns no batteries; take them over before the first commit.")
        return self._lease_id

    def _table_of(self, connection: Connection, day: int) -> str:
        table = self._known_days.get(day)
        if table is None:
            table = self._known_days[day] = writable_table(connection, day, logged=self._durable)
        return table

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        """A connection that holds the lease, if there is one; driver errors leave as errors of the product."""
        try:
            yield self._connect()
        except LeaseLostError:
            self._lease_id = None
            raise
        except psycopg.Error as error:
            self.close()
            raise self._product_error(error) from error

    def _connect(self) -> Connection:
        connection = self._connection
        if connection is not None and connection.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            return connection
        self.close()
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_TIMEOUT_S,
            tcp_user_timeout=_SILENT_PEER_MS,
            options=self._options,
            application_name="batterytwin shard",
        )
        give_room(connection)
        self._connection = connection
        self._known_days.clear()
        if self._lease_id is not None:
            move_lease(connection, self._lease_id)
        return connection

    def _product_error(self, error: psycopg.Error) -> LeaseLostError | StoreUnavailableError:
        """Whoever lost the connection to a new owner is told so at once, and not to try again."""
        try:
            if self._lease_id is not None and error.sqlstate == REVOKED:
                raise lease_lost(self._lease_id)
            self._connect()
        except LeaseLostError as lost:
            self._lease_id = None
            return lost
        except psycopg.Error:
            self.close()
        return StoreUnavailableError(
            f"The database does not answer as it should ({error}); try again.", retry_after_s=_RETRY_AFTER_S
        )


def _split_by_day(rows: Rows) -> Iterator[tuple[int, Rows]]:
    if not len(rows):
        return
    days = rows["sample_time_us"] // DAY_US
    first = int(days[0])
    if (days == first).all():
        yield first, rows
        return
    for day in np.unique(days):
        yield int(day), rows[days == day]
