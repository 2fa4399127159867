"""The SQLite file under a gateway's disk buffer: opened and checked, locked, kept small, set aside when damaged."""

import logging
import os
import shutil
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from batterytwin.errors import BufferUnavailableError, ConflictError, InvalidArgumentError

_LOG = logging.getLogger(__name__)

_APPLICATION_ID: Final = 0x42547762  # "BTwb"
_VERSION: Final = 1
_SHRINK_ABOVE_PAGES: Final = 4_096  # 16 MiB of pages without content
_LARGEST_WAL_BYTES: Final = 8 * 1024 * 1024
_PREDECESSOR_S: Final = 2.0  # a gateway that is just ending may still hold its file for a moment
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


class BufferFile:
    """The file and what lies beside it: its log, its reserve, and what was set aside.

    Args:
        path: the file; its directory must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set_aside: list[Path] = []
        self._connection: sqlite3.Connection | None = None

    @property
    def db(self) -> sqlite3.Connection:
        """The open database; every statement outside a `Transaction` commits at once."""
        if self._connection is None:
            raise sqlite3.OperationalError("the file is closed")
        return self._connection

    def open(self) -> None:
        """Opens and checks the file, or makes it.

        Raises:
            InvalidArgumentError: it belongs to another program, or to a newer version.
            sqlite3.DatabaseError: it cannot be opened, is in use or damaged.
        """
        db = self._connection = sqlite3.connect(
            self.path, timeout=_PREDECESSOR_S, isolation_level=None, check_same_thread=False, cached_statements=32
        )
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            (application,) = db.execute("PRAGMA application_id").fetchone()
            (version,) = db.execute("PRAGMA user_version").fetchone()
            (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if tables and (application != _APPLICATION_ID or version > _VERSION):
                raise InvalidArgumentError(
                    f"{self.path} is a database of another program or of a newer version. Name another file.",
                    field="buffer",
                    value=self.path,
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
            db.execute("PRAGMA busy_timeout = 0")
            self.take_reserve()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file and gives it free."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def shrink(self) -> None:
        """Gives the space of a long backlog back to the disk. The file must hold no batch."""
        (free,) = self.db.execute("PRAGMA freelist_count").fetchone()
        if free > _SHRINK_ABOVE_PAGES:
            try:
                self.db.execute("VACUUM")
            except sqlite3.OperationalError as error:  # it can be done another time
                _LOG.warning("%s cannot be made smaller: %s", self.path, error)
            self.checkpoint()

    def checkpoint(self) -> None:
        """Moves the log into the database and gives its space free, where that is possible."""
        try:
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:
            _LOG.warning("%s: its log cannot be emptied: %s", self.path, error)

    @property
    def _reserve(self) -> Path:
        return self.path.with_name(f"{self.path.name}.reserve")

    def give_up_reserve(self) -> None:
        """Gives the reserve's space free, for letting go of batches on a full disk."""
        with suppress(OSError):  # a file system that has turned read-only
            self._reserve.unlink(missing_ok=True)

    def take_reserve(self) -> None:
        """Takes the reserve, if it is not there and the disk has room for more than that."""
        try:
            if self._reserve.exists() or shutil.disk_usage(self.path.parent).free < 2 * _RESERVE_BYTES:
                return
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE_BYTES)
        except OSError:  # there is no space for it now; half of it would only be in the way
            self.give_up_reserve()

    def begin_anew(self, error: sqlite3.DatabaseError) -> None:
        """Sets the damaged file aside and begins a new one.

        Raises:
            BufferUnavailableError: that cannot be done.
        """
        self.close()
        moment = datetime.now(UTC)
        aside = self.path.with_name(f"{self.path.name}.damaged-{moment:%Y%m%dT%H%M%S.%fZ}")
        try:
            for end in ("-wal", "-shm", ""):  # the database last: until then the next start finds the damage again
                file = self.path.with_name(self.path.name + end)
                if file.exists():
                    file.rename(aside.with_name(aside.name + end))
            self.set_aside.append(aside)
            _LOG.error("%s is damaged (%s); set aside as %s, a new one is begun", self.path, error, aside)
            self.open()
        except (OSError, sqlite3.DatabaseError) as again:
            raise self.unavailable(again) from again

    def unavailable(self, error: Exception) -> BufferUnavailableError | ConflictError:
        """What to tell the caller of an error that is not damage."""
        if isinstance(error, sqlite3.DatabaseError) and error_code(error) == sqlite3.SQLITE_BUSY:
            return ConflictError(
                f"The buffer {self.path} is in use by another gateway. Give each gateway a file of its own.",
                field="buffer",
                value=self.path,
            )
        return BufferUnavailableError(
            f"The buffer {self.path} cannot be used: {error}. See to free space and permissions on its disk.",
            field="buffer",
            value=self.path,
        )


class Transaction:
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


def error_code(error: sqlite3.Error) -> int:
    """Primary result code of SQLite; 0 = none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether an error says that the file is damaged, rather than busy, full or out of reach."""
    if str(error) == "unsupported file format":  # a torn header, told as if the request were at fault
        return True
    if isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError):
        return False
    return error_code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or str(error).startswith("malformed")
