"""The file in which a gateway keeps what the server has not acknowledged: one SQLite database, one owner."""

import logging
import os
import shutil
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from batterytwin.errors import BufferUnavailableError, ConflictError, InvalidArgumentError
from clients.gateway_batch import PackedBatch

_LOG = logging.getLogger(__name__)

_APPLICATION_ID: Final = 0x42547762  # "BTwb"
_VERSION: Final = 1
_KEPT_REFUSED: Final = 100
_SHRINK_ABOVE_PAGES: Final = 4_096  # 16 MiB of pages without content
_LARGEST_WAL_BYTES: Final = 8 * 1024 * 1024
_CHECKPOINT_PAGES: Final = 250  # 1 MiB
_RESERVE_BYTES: Final = 4 * 1024 * 1024  # more than the log holds: what moving it into the database may take

_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS batch (
  number          INTEGER PRIMARY KEY,  -- order in which the batches were taken
  taken_us        INTEGER NOT NULL,     -- when, microseconds since 1970 UTC
  first_sample_us INTEGER NOT NULL,
  last_sample_us  INTEGER NOT NULL,
  row_count       INTEGER NOT NULL,
  size_bytes      INTEGER NOT NULL,
  crc32           INTEGER NOT NULL,
  request         BLOB NOT NULL         -- StreamReadingsRequest without its sequence
) STRICT;
CREATE TABLE IF NOT EXISTS refused (    -- what no server will ever take, kept for people
  number  INTEGER PRIMARY KEY,
  reason  TEXT NOT NULL,
  request BLOB NOT NULL
) STRICT;
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
"""

_SUM: Final = "SELECT count(*), coalesce(sum(row_count), 0), coalesce(sum(size_bytes), 0) FROM batch "
_OLDEST: Final = "SELECT (SELECT taken_us FROM batch ORDER BY number LIMIT 1)"


@dataclass(frozen=True, slots=True)
class BufferContent:
    """What a buffer holds.

    Attributes:
        batches: batches.
        rows: rows of single batteries in them.
        size_bytes: their size; the file is a few per cent larger, and its log up to 8 MiB more.
        oldest_taken_us: when the oldest was taken, microseconds since 1970 UTC; None = it is empty.
    """

    batches: int = 0
    rows: int = 0
    size_bytes: int = 0
    oldest_taken_us: int | None = None


class DiskBuffer:
    """Batches in a file, in the order in which they were taken. Every method blocks; call them from one thread.

    A commit reaches the disk (`synchronous=FULL`) before `commit` returns: sites lose their mains, and that is when
    the readings matter most. SQLite's log makes a commit whole or void whatever ends the process. The file is locked
    for as long as it is open. A file that is damaged is set aside under another name, and a new one is begun.

    Letting go of batches needs space too, for the log. So that a full disk cannot keep the buffer from emptying, a
    second file (`NAME.reserve`, 4 MiB) is given up then, and taken again later.

    Args:
        path: the file; its directory must exist.

    Raises:
        ConflictError: another gateway has it open.
        InvalidArgumentError: it belongs to another program, or to a newer version.
        BufferUnavailableError: it cannot be opened or written.
    """

    def __init__(self, path: Path) -> None:
        self.content = BufferContent()
        self.set_aside: list[Path] = []
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._next_number = 1
        try:
            self._open()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise self._unavailable(error) from error
            self._begin_anew(error)

    def commit(
        self, batches: Sequence[PackedBatch], acked: Sequence[tuple[int, int]] = (), make_room_bytes: int = 0
    ) -> tuple[list[PackedBatch], BufferContent]:
        """Takes batches in and lets go of others, all of it or nothing.

        Args:
            batches: to be kept.
            acked: first and last number of runs of batches that are acknowledged.
            make_room_bytes: drop the oldest batches of this size, at least.

        Returns:
            The batches with their numbers, and what was dropped to make room.

        Raises:
            BufferUnavailableError: nothing was changed, for example because the disk is full.
        """
        try:
            return self._commit(batches, acked, make_room_bytes)
        except sqlite3.DatabaseError as error:
            if _code(error) == sqlite3.SQLITE_FULL:
                if not batches:  # the reserve is for letting go, not for taking more
                    self._reserve.unlink(missing_ok=True)
                self._checkpoint()  # a log that cannot be emptied would take all the space
            elif _is_damage(error):
                self._begin_anew(error)
                acked, make_room_bytes = (), 0
            else:
                raise self._unavailable(error) from error
        try:
            done = self._commit(batches, acked, make_room_bytes)
            self._checkpoint()  # gives the space of the log free
            return done
        except sqlite3.DatabaseError as error:
            raise self._unavailable(error) from error

    def read(self, first: int, last: int, most_batches: int, most_bytes: int) -> list[PackedBatch]:
        """Reads batches with numbers in `first...last`, in order; at least one if there is any.

        Raises:
            BufferUnavailableError: the file cannot be read.
        """
        found: list[PackedBatch] = []
        try:
            rows = self._db.execute(
                "SELECT request, row_count, first_sample_us, last_sample_us, taken_us, number, crc32 FROM batch "
                "WHERE number BETWEEN ? AND ? ORDER BY number LIMIT ?",
                (first, last, most_batches),
            )
            size = 0
            for *values, crc32 in rows:
                batch = PackedBatch(*values)
                size += len(batch.request)
                if found and size > most_bytes:
                    break
                found.append(batch)
                if zlib.crc32(batch.request) != crc32:
                    raise sqlite3.DatabaseError(f"checksum of batch {batch.number} differs")
        except sqlite3.DatabaseError as error:
            if found and str(error).startswith("checksum"):
                self.refuse(found.pop().number, "DAMAGED")
                if not found:
                    return self.read(first, last, most_batches, most_bytes)
            elif _is_damage(error):
                self._begin_anew(error)
            else:
                raise self._unavailable(error) from error
        return found

    def refuse(self, number: int, reason: str) -> None:
        """Sets one batch aside within the file, because no server will ever take it; the newest 100 are kept.

        Raises:
            BufferUnavailableError: it cannot be written.
        """
        _LOG.error("%s: batch %d is set aside: %s", self._path, number, reason)
        try:
            with _Transaction(self._db) as db:
                db.execute(
                    "INSERT OR REPLACE INTO refused SELECT number, ?, request FROM batch WHERE number = ?",
                    (reason, number),
                )
                gone = _delete(db, number, number)
                db.execute(
                    "DELETE FROM refused WHERE number <= (SELECT number FROM refused ORDER BY number DESC "
                    "LIMIT 1 OFFSET ?)",
                    (_KEPT_REFUSED,),
                )
        except sqlite3.DatabaseError as error:
            raise self._unavailable(error) from error
        self._account(gone)

    def close(self) -> None:
        """Closes the file and gives it free."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def newest_number(self) -> int:
        """Number of the newest batch ever taken since it was opened."""
        return self._next_number - 1

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the file is closed")
        return self._connection

    def _commit(
        self, batches: Sequence[PackedBatch], acked: Sequence[tuple[int, int]], make_room_bytes: int
    ) -> tuple[list[PackedBatch], BufferContent]:
        numbered = [replace(batch, number=self._next_number + k) for k, batch in enumerate(batches)]
        dropped = BufferContent()
        with _Transaction(self._db) as db:
            gone = [_delete(db, first, last) for first, last in acked]
            if make_room_bytes > 0:
                dropped = _drop_oldest(db, make_room_bytes)
            db.executemany(
                "INSERT INTO batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        b.number,
                        b.taken_us,
                        b.first_sample_us,
                        b.last_sample_us,
                        b.rows,
                        len(b.request),
                        zlib.crc32(b.request),
                        b.request,
                    )
                    for b in numbered
                ],
            )
        self._next_number += len(numbered)
        added = BufferContent(-len(numbered), -sum(b.rows for b in numbered), -sum(len(b.request) for b in numbered))
        self._account(*gone, dropped, added)
        if not self.content.batches:
            self._shrink()
            self._take_reserve()
        return numbered, dropped

    def _account(self, *gone: BufferContent) -> None:
        """Takes what is gone off the content; counting all of a large file at each commit would take too long."""
        (oldest_us,) = self._db.execute(_OLDEST).fetchone()
        self.content = BufferContent(
            self.content.batches - sum(part.batches for part in gone),
            self.content.rows - sum(part.rows for part in gone),
            self.content.size_bytes - sum(part.size_bytes for part in gone),
            oldest_us,
        )

    def _shrink(self) -> None:
        (free,) = self._db.execute("PRAGMA freelist_count").fetchone()
        if free > _SHRINK_ABOVE_PAGES:
            try:
                self._db.execute("VACUUM")
            except sqlite3.OperationalError as error:  # it can be done another time
                _LOG.warning("%s cannot be made smaller: %s", self._path, error)
            self._checkpoint()

    def _checkpoint(self) -> None:
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            _LOG.warning("%s: its log cannot be emptied: %s", self._path, error)

    @property
    def _reserve(self) -> Path:
        return self._path.with_name(f"{self._path.name}.reserve")

    def _take_reserve(self) -> None:
        try:
            if self._reserve.exists() or shutil.disk_usage(self._path.parent).free < 2 * _RESERVE_BYTES:
                return
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)
        except OSError:  # there is no space for it now; half of it would only be in the way
            self._reserve.unlink(missing_ok=True)

    def _open(self) -> None:
        db = self._connection = sqlite3.connect(
            self._path, timeout=0.0, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if tables and (application != _APPLICATION_ID or version > _VERSION):
                raise InvalidArgumentError(
                    f"{self._path} is a database of another program or of a newer version. Name another file.",
                    field="buffer",
                    value=self._path,
                )
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA secure_delete = OFF")  # some builds overwrite what is let go, through the log
            db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            db.execute(f"PRAGMA journal_size_limit = {_LARGEST_WAL_BYTES}")
            (verdict, *_) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"malformed: {verdict}")
            if tables:
                db.execute("BEGIN IMMEDIATE")  # takes the lock, and writes nothing: the disk may be full
                db.execute("ROLLBACK")
            else:
                db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + "COMMIT;")
            (newest,) = db.execute("SELECT coalesce(max(number), 0) FROM batch").fetchone()
            self._next_number = max(self._next_number, newest + 1)
            self.content = BufferContent(*db.execute(_SUM).fetchone())
            self._account()
            self._take_reserve()
        except BaseException:
            self.close()
            raise

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self.close()
        moment = datetime.now(UTC)
        aside = self._path.with_name(f"{self._path.name}.damaged-{moment:%Y%m%dT%H%M%S.%fZ}")
        try:
            for end in ("-wal", "-shm", ""):  # the database last: until then the next start finds the damage again
                file = self._path.with_name(self._path.name + end)
                if file.exists():
                    file.rename(aside.with_name(aside.name + end))
            self.set_aside.append(aside)
            _LOG.error("%s is damaged (%s); set aside as %s, a new one is begun", self._path, error, aside)
            self._open()
        except (OSError, sqlite3.DatabaseError) as again:
            raise self._unavailable(again) from again

    def _unavailable(self, error: Exception) -> BufferUnavailableError | ConflictError:
        if isinstance(error, sqlite3.DatabaseError) and _code(error) == sqlite3.SQLITE_BUSY:
            return ConflictError(
                f"The buffer {self._path} is in use by another gateway. Give each gateway a file of its own.",
                field="buffer",
                value=self._path,
            )
        return BufferUnavailableError(
            f"The buffer {self._path} cannot be used: {error}. See to free space and permissions on its disk.",
            field="buffer",
            value=self._path,
        )


class _Transaction:
    """`with` block that commits as a whole or leaves everything as it was."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __enter__(self) -> sqlite3.Connection:
        self._db.execute("BEGIN IMMEDIATE")
        return self._db

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._db.in_transaction:  # SQLite has rolled back by itself after some errors
            self._db.execute("ROLLBACK")


def _delete(db: sqlite3.Connection, first: int, last: int) -> BufferContent:
    run = (first, last)
    gone = BufferContent(*db.execute(_SUM + "WHERE number BETWEEN ? AND ?", run).fetchone())
    db.execute("DELETE FROM batch WHERE number BETWEEN ? AND ?", run)
    return gone


def _drop_oldest(db: sqlite3.Connection, size_bytes: int) -> BufferContent:
    batches = rows = size = last = 0
    for number, row_count, batch_bytes in db.execute("SELECT number, row_count, size_bytes FROM batch ORDER BY number"):
        batches, rows, size, last = batches + 1, rows + row_count, size + batch_bytes, number
        if size >= size_bytes:
            break
    db.execute("DELETE FROM batch WHERE number <= ?", (last,))
    return BufferContent(batches, rows, size)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    if str(error) == "unsupported file format":  # a torn header, told as if the request were at fault
        return True
    if isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):
        return False
    return _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or str(error).startswith("malformed")
