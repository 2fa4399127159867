"""A gateway's disk buffer is a list that survives crashes; what is wrong with its file is told."""

import shutil
import sqlite3
import tempfile
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from batterytwin.errors import BufferUnavailableError, ConflictError, InvalidArgumentError
from clients.gateway_batch import PackedBatch
from clients.gateway_buffer import DiskBuffer
from tests.fixtures.full_disk import full_disk

EVERYTHING = (1, 10**9, 10**6, 10**9)


def packed(number: int, size: int = 100) -> PackedBatch:
    request = bytes((number + k) % 251 for k in range(size))
    return PackedBatch(request, rows=number % 7, first_sample_us=number, last_sample_us=number + 1, taken_us=number)


def requests(buffer: DiskBuffer) -> list[bytes]:
    return [batch.request for batch in buffer.read(*EVERYTHING)]


class BufferIsAList(RuleBasedStateMachine):
    """Whatever is committed, acknowledged and crashed: the file holds what a list would."""

    def __init__(self) -> None:
        super().__init__()
        self.dir = Path(tempfile.mkdtemp())
        self.names = (self.dir / f"{number}.buffer" for number in count())
        self.path = next(self.names)
        self.buffer = DiskBuffer(self.path)
        self.kept: list[PackedBatch] = []
        self.taken = 0

    def teardown(self) -> None:
        self.buffer.close()
        shutil.rmtree(self.dir)

    @rule(sizes=st.lists(st.integers(1, 9_000), max_size=5), acked=st.integers(0, 4), run=st.integers(0, 3))
    def commit(self, sizes: list[int], acked: int, run: int) -> None:
        new = [packed(self.taken + k, size) for k, size in enumerate(sizes)]
        self.taken += len(sizes)
        gone = self.kept[run : run + acked]  # of a prefix, or of a live lane's run behind a backlog
        runs = [(gone[0].number, gone[-1].number)] if gone else []
        numbered, dropped = self.buffer.commit(new, runs)
        assert [batch.request for batch in numbered] == [batch.request for batch in new]
        assert dropped.batches == 0
        self.kept = [*self.kept[:run], *self.kept[run + acked :], *numbered]

    @precondition(lambda self: self.kept)
    @rule(size=st.integers(1, 20_000))
    def drop_oldest(self, size: int) -> None:
        _, dropped = self.buffer.commit([], (), size)
        gone, self.kept = self.kept[: dropped.batches], self.kept[dropped.batches :]
        assert dropped.size_bytes == sum(len(batch.request) for batch in gone)
        assert not self.kept or dropped.size_bytes >= size
        assert sum(len(batch.request) for batch in gone[:-1]) < size

    @precondition(lambda self: self.kept)
    @rule(which=st.integers(0, 100))
    def refuse(self, which: int) -> None:
        batch = self.kept.pop(which % len(self.kept))
        self.buffer.refuse(batch.number, "BATCH_TOO_LARGE")

    @rule()
    def close_and_open(self) -> None:
        self.buffer.close()
        self.buffer = DiskBuffer(self.path)

    @rule()
    def crash(self) -> None:
        """A killed process leaves its files as they are at that moment."""
        path = next(self.names)
        for end in ("", "-wal"):
            if self.path.with_name(self.path.name + end).exists():
                shutil.copy(self.path.with_name(self.path.name + end), path.with_name(path.name + end))
        self.buffer.close()
        self.path, self.buffer = path, DiskBuffer(path)

    @invariant()
    def holds_the_list(self) -> None:
        assert self.buffer.read(*EVERYTHING) == self.kept
        content = self.buffer.content
        assert (content.batches, content.rows, content.size_bytes) == (
            len(self.kept),
            sum(batch.rows for batch in self.kept),
            sum(len(batch.request) for batch in self.kept),
        )
        assert content.oldest_taken_us == (self.kept[0].taken_us if self.kept else None)
        assert self.buffer.set_aside == []


BufferIsAList.TestCase.settings = settings(max_examples=20, stateful_step_count=25)
test_the_buffer_is_a_list = BufferIsAList.TestCase


def test_reading_is_bounded_and_gives_at_least_one(tmp_path: Path) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    buffer.commit([packed(k) for k in range(10)])
    assert [b.number for b in buffer.read(3, 9, 4, 10**6)] == [3, 4, 5, 6]
    assert [b.number for b in buffer.read(3, 4, 100, 10**6)] == [3, 4]
    assert [b.number for b in buffer.read(3, 9, 100, 250)] == [3, 4]
    assert [b.number for b in buffer.read(3, 9, 100, 1)] == [3]
    buffer.close()


def test_two_owners_are_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first = DiskBuffer(tmp_path / "b")
    with pytest.raises(ConflictError, match="in use by another gateway") as caught:
        DiskBuffer(tmp_path / "b")
    assert (caught.value.field, caught.value.value) == ("buffer", str(tmp_path / "b"))
    first.commit([packed(1)])
    first.close()
    second = DiskBuffer(tmp_path / "b")
    assert second.content.batches == 1
    second.close()


@pytest.mark.parametrize("torn_at", [0, 40, 4_096])
def test_a_torn_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, torn_at: int) -> None:
    path = tmp_path / "b"
    buffer = DiskBuffer(path)
    buffer.commit([packed(k, 3_000) for k in range(20)])
    buffer.close()
    content = bytearray(path.read_bytes())
    content[torn_at : torn_at + 2_000] = b"\xa5" * 2_000
    path.write_bytes(content)

    buffer = DiskBuffer(path)
    assert [file.read_bytes() for file in buffer.set_aside] == [bytes(content)]
    assert buffer.set_aside[0].name.startswith("b.damaged-")
    assert requests(buffer) == []
    buffer.commit([packed(1)])
    buffer.close()
    again = DiskBuffer(path)
    assert (requests(again), again.set_aside) == ([packed(1).request], [])
    again.close()


def test_a_truncated_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "b"
    buffer = DiskBuffer(path)
    buffer.commit([packed(k, 3_000) for k in range(20)])
    buffer.close()
    path.write_bytes(path.read_bytes()[:30_000])
    buffer = DiskBuffer(path)
    assert (len(buffer.set_aside), requests(buffer)) == (1, [])
    buffer.close()


def test_a_flipped_bit_in_a_batch_costs_that_batch_alone(tmp_path: Path) -> None:
    path = tmp_path / "b"
    buffer = DiskBuffer(path)
    buffer.commit([packed(k) for k in range(5)])
    buffer.close()
    content = path.read_bytes()
    assert content.count(packed(2).request) == 1
    flipped = bytes([packed(2).request[0] ^ 4]) + packed(2).request[1:]
    path.write_bytes(content.replace(packed(2).request, flipped))
    buffer = DiskBuffer(path)
    assert requests(buffer) == [packed(k).request for k in (0, 1)]
    assert requests(buffer) == [packed(k).request for k in (0, 1, 3, 4)]
    assert buffer.set_aside == []
    buffer.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT number, reason, request FROM refused").fetchall() == [(3, "DAMAGED", flipped)]
    db.close()


def test_a_full_disk_changes_nothing_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    buffer.commit([packed(0, 5_000)])
    (pages,) = buffer._file.db.execute("PRAGMA page_count").fetchone()
    buffer._file.db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(BufferUnavailableError, match=r"full.*free space") as caught:
        buffer.commit([packed(1, 3_000), packed(2, 50_000)], [(1, 1)])
    assert caught.value.field == "buffer"
    assert requests(buffer) == [packed(0, 5_000).request]
    assert buffer.content.batches == 1
    buffer._file.db.execute("PRAGMA max_page_count = 100000")
    buffer.commit([packed(1, 3_000), packed(2, 50_000)], [(1, 1)])
    assert requests(buffer) == [packed(1, 3_000).request, packed(2, 50_000).request]
    buffer.close()


def test_a_full_disk_does_not_keep_what_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    buffer.commit([packed(k) for k in range(10)])
    commit = DiskBuffer._commit

    def commit_if_there_is_space(self: DiskBuffer, *arguments: object) -> object:
        if (tmp_path / "b.reserve").exists():  # it takes the last of the space
            raise disk_full()
        return commit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(DiskBuffer, "_commit", commit_if_there_is_space)
    with pytest.raises(BufferUnavailableError):
        buffer.commit([packed(10)], [(1, 9)])
    buffer.commit([], [(1, 9)])
    assert requests(buffer) == [packed(9).request]
    buffer.commit([packed(10)], [(10, 10)])
    buffer.commit([], [(11, 11)])
    assert (tmp_path / "b.reserve").stat().st_size > 100_000  # taken again, once the buffer is empty
    buffer.close()


def disk_full() -> sqlite3.OperationalError:
    """The error of SQLite itself."""
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE t (x)")
        db.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    db.close()
    return caught.value


def test_a_limit_of_the_system_is_met_like_a_full_disk(tmp_path: Path) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    kept: list[PackedBatch] = []

    def commit_for_ever() -> None:
        while True:
            kept.extend(buffer.commit([packed(len(kept), 5_000)])[0])

    with full_disk(200_000), pytest.raises(BufferUnavailableError, match="free space"):
        commit_for_ever()
    assert len(kept) > 20, "the log was emptied before the buffer gave up"
    kept += buffer.commit([packed(1, 50_000)])[0]
    assert requests(buffer) == [batch.request for batch in kept]
    buffer.close()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BufferUnavailableError, match="unable to open"):
        DiskBuffer(tmp_path / "no such directory" / "b")


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "b") as db:
        db.execute("CREATE TABLE precious (x)")
    db.close()
    before = (tmp_path / "b").read_bytes()
    with pytest.raises(InvalidArgumentError, match="another program"):
        DiskBuffer(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == before
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_the_file_shrinks_when_a_long_backlog_is_gone(tmp_path: Path) -> None:
    buffer = DiskBuffer(tmp_path / "b")
    buffer.commit([packed(k, 1_000_000) for k in range(20)])
    buffer.commit([], [(1, 20)])
    buffer.close()
    assert (tmp_path / "b").stat().st_size < 100_000


def test_of_refused_batches_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.gateway_refused.MOST_BATCHES", 100)
    buffer = DiskBuffer(tmp_path / "b")
    buffer.commit([packed(k) for k in range(120)])
    for number in range(1, 121):
        buffer.refuse(number, "BATCH_TOO_LARGE")
    assert buffer.content.batches == 0
    buffer.close()
    with sqlite3.connect(tmp_path / "b") as db:
        assert db.execute("SELECT min(number), max(number) FROM refused").fetchone() == (21, 120)
    db.close()
