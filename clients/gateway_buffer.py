"""The file in which a gateway keeps what the server has not acknowledged: one SQLite database, one owner."""

import logging
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from clients.gateway_batch import PackedBatch
from clients.gateway_file import BufferFile, Transaction, error_code, is_damage

_LOG = logging.getLogger(__name__)

_KEPT_REFUSED: Final = 100

_NO_ROOM: Final = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""What SQLite calls a full disk, and what it calls a quota or a limit of size that is reached."""

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
            if error_code(error) in _NO_ROOM:
                if not batches:  # the reserve is for letting go, not for taking more
                    self._file.give_up_reserve()
                self._file.checkpoint()  # a log that cannot be emptied would take all the space
            elif is_damage(error):
                self._begin_anew(error)
                acked, make_room_bytes = (), 0
            else:
                raise self._file.unavailable(error) from error
        try:
            done = self._commit(batches, acked, make_room_bytes)
            self._file.checkpoint()  # gives the space of the log free
            return done
        except sqlite3.DatabaseError as error:
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
                self.refuse(found.pop().number, "DAMAGED")
                if not found:
                    return self.read(first, last, most_batches, most_bytes)
            elif is_damage(error):
                self._begin_anew(error)
            else:
                raise self._file.unavailable(error) from error
        return found

    def refuse(self, number: int, reason: str) -> None:
        """Sets one batch aside within the file, because no server will ever take it; the newest 100 are kept.

        Raises:
            BufferUnavailableError: it cannot be written.
        """
        _LOG.error("%s: batch %d is set aside: %s", self._file.path, number, reason)
        try:
            with Transaction(self._file.db) as db:
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
            raise self._file.unavailable(error) from error
        self._account(gone)

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
        self, batches: Sequence[PackedBatch], acked: Sequence[tuple[int, int]], make_room_bytes: int
    ) -> tuple[list[PackedBatch], BufferContent]:
        numbered = [replace(batch, number=self._next_number + k) for k, batch in enumerate(batches)]
        dropped = BufferContent()
        with Transaction(self._file.db) as db:
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
            self._file.shrink()
            self._file.take_reserve()
        return numbered, dropped

    def _begin_anew(self, error: sqlite3.DatabaseError) -> None:
        self._file.begin_anew(error)
        self._take_stock()

    def _take_stock(self) -> None:
        (newest,) = self._file.db.execute("SELECT coalesce(max(number), 0) FROM batch").fetchone()
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
