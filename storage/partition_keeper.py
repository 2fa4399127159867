"""Looks after the partitions of `reading`: tomorrow's is made ahead, what is over gets its indexes."""

from typing import Any, Final

import psycopg

from batterytwin.errors import StoreUnavailableError
from storage.partitions import DAY_US, create_partitions, day_of
from storage.reading_indexes import index_day, index_parts
from storage.round_lock import round_lock
from storage.sql_files import read_sql
from storage.timescale import is_hypertable

_PARTITIONS: Final = read_sql("reading_partitions")
_LOCK_KEY: Final = 6203154005
_SESSION_OPTIONS: Final = "-c timezone=UTC -c lock_timeout=2s -c client_min_messages=warning"

Connection = psycopg.Connection[Any]


class PartitionKeeper:
    """Does its rounds when called, say every few minutes; blocking, but never in the way of a commit.

    A day counts as over when it is neither today nor tomorrow and got no row between two rounds: locations that replay
    or run ahead of time write to other days than the clock's, and an index would halve the speed of those writes.
    Should rows still come later, they find the index in place and it stays right. Until then the hours of today that
    are over have indexes of their own.

    Args:
        url: libpq connection string or URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._inserted: dict[str, int] = {}

    def run(self, now_us: int) -> list[str]:
        """Does one round; does nothing while another process does one, or where TimescaleDB looks after its chunks.

        Indexes are built CONCURRENTLY: rows may be written meanwhile. One that cannot be built now, because a long
        query is in the way, is left for the next round.

        Args:
            now_us: present time, microseconds since 1970 UTC.

        Returns:
            Names of the partitions that got their index.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
        today = now_us // DAY_US
        try:
            with (
                psycopg.connect(
                    self._url, autocommit=True, options=_SESSION_OPTIONS, application_name="batterytwin partitions"
                ) as connection,
                round_lock(connection, _LOCK_KEY) as is_ours,
            ):
                if not is_ours or is_hypertable(connection):
                    return []
                create_partitions(connection, [today, today + 1])
                index_parts(connection, now_us)
                quiet = self._find_quiet(connection, {today, today + 1})
                return [name for name, damaged in quiet if index_day(connection, day_of(name), damaged=damaged)]
        except psycopg.Error as error:
            raise StoreUnavailableError(f"Partitions cannot be looked after now: {error}", retry_after_s=1.0) from error

    def _find_quiet(self, connection: Connection, open_days: set[int]) -> list[tuple[str, bool]]:
        """Partitions without a sound index that got no row since the last round; and whether a damaged one is there."""
        found = []
        before, self._inserted = self._inserted, {}
        for name, inserted, index_valid in connection.execute(_PARTITIONS):
            self._inserted[name] = inserted
            if not index_valid and before.get(name) == inserted and day_of(name) not in open_days:
                found.append((name, index_valid is False))
        return found
