"""The file in which a gateway keeps what the server has not acknowledged: one SQLite database, one owner."""

import logging
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from batterytwin.errors import Reason
from clients import gateway_refused
from clients.gateway_batch import PackedBatch
from clients.gateway_file import BufferFile, Transaction, error_code, is_damage

_LOG = logging.getLogger(__name__)

_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite calls a full disk, and what it calls a quota or a limit of size that is reached."""

_SUM: Final = "SELECT count(*), coalesce(sum(row_count), 0), coalesce(sum(size_bytes), 0) FROM batch "
_NEWEST: Final = """
SELECT coalesce(max(number), 0) FROM (SELECT max(number) AS number FROM batch UNION ALL SELECT max(number) FROM refused)
"""
_OLDEST: Final = "SELECT (SELECT taken_us FROM batch ORDER BY number LIMIT 1)"

_T = TypeVar("_T")


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
        self._file = BufferFile(path)
        self._next_number = 1
        try:
            self._file.open()
            self._take_stock()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise self._file.unavailable(error) from error
            self._begin_anew(error)

    def commit(
        self,
        batches: Sequence[PackedBatch],
        acked: Sequence[tuple[int, int]] = (),
        make_room_bytes: int = 0,
        set_aside: Sequence[tuple[int, str]] = (),
    ) -> tuple[list[PackedBatch], BufferContent]:
        """Takes batches in and lets go of others, all of it or nothing.

        Args:
            batches: to be kept.
            acked: first and last number of runs of batches that are acknowledged.
            make_room_bytes: drop the oldest batches of this size, at least.
            set_aside: number and reason of those of the acknowledged batches that are kept for people, where there is
                space for that.

        Returns:
            The batches with their numbers, and what was dropped to make room.

        Raises:
            BufferUnavailableError: nothing was changed, for example because the disk is full.
        """
        try:
            return self._commit(batches, acked, make_room_bytes, set_aside)
        except sqlite3.DatabaseError as error:
            if error_code(error) in _NO_ROOM:
                self._make_room(letting_go=not batches)
                if set_aside:
                    _LOG.error("%s: no space to keep %d refused batches", self._file.path, len(set_aside))
            elif is_damage(error):
                self._begin_anew(error)
                acked, make_room_bytes = (), 0
            else:
                raise self._file.unavailable(error) from error
        except OSError as error:
            raise self._file.unavailable(error) from error
        try:
            done = self._commit(batches, acked, make_room_bytes, ())
            self._file.checkpoint()  # gives the space of the log free
            return done
        except (sqlite3.Error, OSError) as error:
            raise self._file.unavailable(error) from error

    def read(self, first: int, last: int, most_batches: int, most_bytes: int) -> list[PackedBatch]:
        """Reads batches with numbers in `first...last`, in order; at least one if there is any.

        Raises:
            BufferUnavailableError: the file cannot be read.
        """
        found: list[PackedBatch] = []
        try:
            rows = self._file.db.execute(
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
                self.refuse(found.pop().number, gateway_refused.DAMAGED)
                if not found:
                    return self.read(first, last, most_batches, most_bytes)
            elif is_damage(error):
                self._begin_anew(error)
            else:
                raise self._file.unavailable(error) from error
        return found

    def refuse(self, number: int, reason: str) -> None:
        """Sets one batch aside within the file, because no server will ever take it; see `gateway_refused.keep`.

        Raises:
            BufferUnavailableError: it cannot be written.
        """

        def set_aside() -> None:
            with Transaction(self._file.db) as db:
                gateway_refused.keep(db, [(number, reason)])
                gone = _delete(db, number, number)
            self._account(gone)

        self._written(set_aside)
        _LOG.error("%s: batch %d is set aside: %s", self._file.path, number, reason)

    def take_back(self, reason: Reason | None) -> int:
        """Puts batches that were set aside to the newest ones, to be sent again; returns how many.

        Args:
            reason: why they were set aside; None = for whatever but damage.

        Raises:
            BufferUnavailableError: it cannot be written; nothing was changed.
        """

        def put_back() -> int:
            with Transaction(self._file.db) as db:
                batches = self._numbered(gateway_refused.take_out(db, reason))
                _insert(db, batches)
            self._take_in(batches)
            return len(batches)

        return self._written(put_back)

    def close(self) -> None:
        """Closes the file and gives it free."""
        self._file.close()

    @property
    def set_aside(self) -> list[Path]:
        """Damaged files set aside since it was opened."""
        return self._file.set_aside

    @property
    def newest_number(self) -> int:
        """Number of the newest batch ever taken since it was opened."""
        return self._next_number - 1

    def _commit(
        self,
        batches: Sequence[PackedBatch],
        acked: Sequence[tuple[int, int]],
        make_room_bytes: int,
        set_aside: Sequence[tuple[int, str]],
    ) -> tuple[list[PackedBatch], BufferContent]:
        numbered = self._numbered(batches)
        dropped = BufferContent()
        with Transaction(self._file.db) as db:
            gateway_refused.keep(db, set_aside)
            gone = [_delete(db, first, last) for first, last in acked]
            if make_room_bytes > 0:
                dropped = _drop_oldest(db, make_room_bytes)
            _insert(db, numbered)
        self._take_in(numbered, *gone, dropped)
        if not self.content.batches:
            self._file.shrink()
            self._file.take_reserve()
        return numbered, dropped

    def _numbered(self, batches: Sequence[PackedBatch]) -> list[PackedBatch]:
        return [replace(batch, number=self._next_number + k) for k, batch in enumerate(batches)]

    def _take_in(self, batches: Sequence[PackedBatch], *gone: BufferContent) -> None:
        self._next_number += len(batches)
        added = BufferContent(-len(batches), -sum(b.rows for b in batches), -sum(len(b.request) for b in batches))
        self._account(*gone, added)

    def _written(self, write: Callable[[], _T]) -> _T:
        """Writes, with the space that letting go of batches may take."""
        try:
            try:
                return write()
            except sqlite3.DatabaseError as error:
                if error_code(error) not in _NO_ROOM:
                    raise
            self._make_room(letting_go=True)
            return write()
        except (sqlite3.Error, OSError) as error:
            raise self._file.unavailable(error) from error

    def _make_room(self, *, letting_go: bool) -> None:
        if letting_go:  # the reserve is not for taking more
            self._file.give_up_reserve()
        self._file.checkpoint()  # a log that cannot be emptied would take all the space

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self._file.begin_anew(error)
        self._take_stock()

    def _take_stock(self) -> None:
        (newest,) = self._file.db.execute(_NEWEST).fetchone()
        self._next_number = max(self._next_number, newest + 1)
        self.content = BufferContent(*self._file.db.execute(_SUM).fetchone())
        self._account()

    def _account(self, *gone: BufferContent) -> None:
        """Takes what is gone off the content; counting all of a large file at each commit would take too long."""
        (oldest_us,) = self._file.db.execute(_OLDEST).fetchone()
        self.content = BufferContent(
            self.content.batches - sum(part.batches for part in gone),
            self.content.rows - sum(part.rows for part in gone),
            self.content.size_bytes - sum(part.size_bytes for part in gone),
            oldest_us,
        )


def _insert(db: sqlite3.Connection, batches: Sequence[PackedBatch]) -> None:
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
            for b in batches
        ],
    )


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
