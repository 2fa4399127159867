"""Looks after the archive, in a process of its own: `python -m storage.archive_keeper`, settings as JSON on its input.

One round: remove what nobody needs any more, seal days that are due, write anew what revisions have changed, join
weeks, make hours, and let go of what is older than it is to be kept. A round may end anywhere; the next one goes on.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from batterytwin.errors import StoreUnavailableError, TwinError
from storage.archive_clean import forget_old, remove_unneeded_files
from storage.archive_hours import make_hours
from storage.archive_merge import merge_weeks
from storage.archive_revise import revise_files
from storage.archive_seal import seal_day
from storage.archive_settings import ArchiveSettings
from storage.framed_child import ignore_stop_signals
from storage.instants import to_datetime
from storage.partitions import DAY_US, day_of
from storage.round_lock import round_lock
from storage.sql_files import read_sql
from storage.timescale import is_hypertable

_LOCK_KEY: Final = 6203154006
_SESSION_OPTIONS: Final = "-c timezone=UTC -c client_min_messages=warning -c work_mem=64MB"
_PARTITIONS: Final = read_sql("reading_partitions")
_LATE_DAYS: Final = read_sql("late_days")
_HAS_ROWS: Final = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})")
_DAYS_A_ROUND: Final = 8
_QUIET_S: Final = 6 * 3_600

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class ArchiveRound:
    """What a round did."""

    sealed_days: int = 0
    sealed_rows: int = 0
    postponed_days: int = 0
    revised_files: int = 0
    joined_files: int = 0
    hour_files: int = 0
    removed_files: int = 0


def keep_archive(url: str, folder: Path, settings: ArchiveSettings, now_us: int) -> ArchiveRound:
    """Does one round; does nothing while another process does one.

    Args:
        url: libpq connection string or URL.
        folder: of the archive.
        settings: how long what is kept.
        now_us: present time, microseconds since 1970 UTC.

    Raises:
        StoreUnavailableError: the database does not answer.
        ArchiveDamagedError: a file is not what was written.
        OSError: the disk is full, or the folder cannot be written to.
    """
    done = ArchiveRound()
    with _session(url) as connection:
        if connection is None:
            return done
        done.removed_files = remove_unneeded_files(connection, folder, settings.grace_s)
        before_day = now_us // DAY_US - settings.hot_days
        for day in _due_days(connection, before_day, now_us)[:_DAYS_A_ROUND]:
            rows = seal_day(connection, folder, day)
            if rows is None:
                done.postponed_days += 1
            else:
                done.sealed_days += 1
                done.sealed_rows += rows
        done.revised_files = revise_files(connection, folder)
        done.joined_files = merge_weeks(connection, folder, before_day)
        done.hour_files = make_hours(connection, folder, before_day)
        forget_old(connection, now_us // DAY_US, settings.raw_days, settings.hour_days)
    return done


@contextmanager
def _session(url: str) -> Iterator[Connection | None]:
    """A session that is the only keeper, or None."""
    try:
        with (
            psycopg.connect(
                url, autocommit=True, options=_SESSION_OPTIONS, application_name="batterytwin archive"
            ) as connection,
            round_lock(connection, _LOCK_KEY) as is_ours,
        ):
            yield connection if is_ours else None
    except psycopg.Error as error:
        raise StoreUnavailableError(f"The archive cannot be looked after now: {error}", retry_after_s=1.0) from error


def _due_days(connection: Connection, before_day: int, now_us: int) -> list[int]:
    """Closed days with rows in the tables: partitions that have their index, and days of late rows that grew quiet.

    TimescaleDB has a columnstore of its own, so that on a hypertable no day is due.
    """
    if is_hypertable(connection):
        return []
    due = set()
    for name, _, index_valid in connection.execute(_PARTITIONS).fetchall():
        if index_valid and day_of(name) < before_day:
            row = connection.execute(_HAS_ROWS.format(sql.Identifier(name))).fetchone()
            if row is not None and row[0]:
                due.add(day_of(name))
    quiet = {"before": to_datetime(before_day * DAY_US), "quiet_since": to_datetime(now_us - _QUIET_S * 1_000_000)}
    due |= {int(row[0]) for row in connection.execute(_LATE_DAYS, quiet)}
    return sorted(due)


def main() -> None:
    """Does one round and prints what it did as one line of JSON; exit code 1 and a message if it could not."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    ignore_stop_signals()
    os.nice(10)  # the twins come first
    given = json.loads(sys.stdin.readline())
    try:
        done = keep_archive(
            given["url"], Path(given["folder"]), ArchiveSettings(**given["settings"]), time.time_ns() // 1_000
        )
    except (TwinError, OSError) as error:
        print(json.dumps({"error": str(error)}))
        sys.exit(1)
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main()
