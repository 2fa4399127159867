"""Looks after the archive, in a process of its own: `python -m storage.archive_keeper`, settings as JSON on its input.

One round: remove what nobody needs any more, seal days that are due, write anew what revisions have changed, make
hours, let go of what is older than it is to be kept, and join weeks. A round may end anywhere; the next one goes on.

A step that fails is told of and does not keep the others from their turn. Weeks are joined last because it only saves
time: whatever that costs, even the life of the process, all else has been done before.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from batterytwin.errors import StoreUnavailableError, TwinError
from storage.archive_clean import forget_old, remove_unneeded_files
from storage.archive_hours import make_hours
from storage.archive_manifest import to_date
from storage.archive_merge import merge_weeks
from storage.archive_owner import claim_folder
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
_NEWEST_DAY: Final = """
    SELECT max(last_day) - '1970-01-01'::date FROM archive_file WHERE kind = 1 AND superseded_at IS NULL
"""
_DAYS_A_ROUND: Final = 8
_LONGEST_PAUSE_DAYS: Final = 30
"""Where nothing has been sealed for longer, nothing grows older."""
_QUIET_S: Final = 6 * 3_600

_log = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]


@dataclass(slots=True)
class ArchiveRound:
    """What a round did, and each step that failed, with the reason, for people."""

    sealed_days: int = 0
    sealed_rows: int = 0
    postponed_days: int = 0
    revised_files: int = 0
    joined_files: int = 0
    hour_files: int = 0
    removed_files: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Does the steps of a round, none of which keeps the others from their turn."""

    connection: Connection
    failures: list[str]

    def attempt(self, step: str, work: Callable[[], int | None]) -> int:
        """Does a step and returns its count; 0 where it failed."""
        try:
            return work() or 0
        except Exception as error:
            if self.connection.closed:
                raise  # there is nothing to do the other steps with
            _log.exception("%s failed", step)
            expected = isinstance(error, TwinError | OSError | psycopg.Error)
            self.failures.append(f"{step}: {error}" if expected else f"{step}: unexpected {type(error).__name__}")
            return 0


def keep_archive(url: str, folder: Path, settings: ArchiveSettings, now_us: int) -> ArchiveRound:
    """Does one round; does nothing while another process does one.

    Args:
        url: libpq connection string or URL.
        folder: of the archive.
        settings: how long what is kept.
        now_us: present time, microseconds since 1970 UTC.

    Returns:
        What was done; its `failures` say what could not be: a file is not what was written, or the disk is full.

    Raises:
        ConflictError: the folder is the archive of another database; nothing was done.
        OSError: the folder cannot be written to; likewise.
        StoreUnavailableError: the database does not answer.
    """
    done = ArchiveRound()
    with _session(url) as connection:
        if connection is None:
            return done
        claim_folder(connection, folder)
        attempt = _Steps(connection, done.failures).attempt
        today, before_day = now_us // DAY_US, now_us // DAY_US - settings.hot_days
        done.removed_files = attempt(
            "removing files", lambda: remove_unneeded_files(connection, folder, settings.grace_s)
        )
        due = _due_days(connection, before_day, now_us)
        for _ in due[:_DAYS_A_ROUND]:
            # where old days cannot be sealed, they do not keep new ones from their turn
            day = due.pop(-1 if done.failures or done.postponed_days else 0)
            attempt(f"sealing {to_date(day)}", partial(_seal, connection, folder, day, done))
        done.revised_files = attempt("revising", lambda: revise_files(connection, folder))
        done.hour_files = attempt("making hours", lambda: make_hours(connection, folder, before_day))
        attempt("forgetting", lambda: _forget(connection, today, settings))
        done.joined_files = attempt("joining weeks", lambda: merge_weeks(connection, folder, before_day))
    return done


def _seal(connection: Connection, folder: Path, day: int, done: ArchiveRound) -> None:
    rows = seal_day(connection, folder, day)
    if rows is None:
        done.postponed_days += 1
    else:
        done.sealed_days += 1
        done.sealed_rows += rows


def _forget(connection: Connection, today: int, settings: ArchiveSettings) -> None:
    """A clock may be years ahead for a moment, and what is gone does not come back: days count from what is stored."""
    row = connection.execute(_NEWEST_DAY).fetchone()
    if row is not None and row[0] is not None:
        today = min(today, int(row[0]) + settings.hot_days + _LONGEST_PAUSE_DAYS)
    forget_old(connection, today, settings.raw_days, settings.hour_days)


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
    """Does one round and prints what it did as one line of JSON; exit code 1 and why if it could not do all."""
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
    if done.failures:
        sys.exit(1)


if __name__ == "__main__":
    main()
