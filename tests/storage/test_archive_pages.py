"""Pages out of the archive join to the whole, however it is divided into files, and most of them are known already."""

import asyncio
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from storage.archive_ahead import Columns
from storage.archive_reader import ArchiveQuestion, ArchiveReader
from storage.archive_reads import ArchiveReads, ColdFile, ColdFiles

SPAN_US = 1_000
NAMES = ("voltage_v",)


class ArchiveInMemory:
    """Files of rows; each row's value tells its file and its time."""

    def __init__(self, files: dict[str, list[int]]) -> None:
        self._files = files
        self.questions: list[ArchiveQuestion] = []

    async def ask(self, question: ArchiveQuestion) -> Columns:
        self.questions.append(question)
        found = sorted(
            (time, float(time))
            for path in question.paths
            for time in self._files[path]
            if question.start_us <= time < question.end_us
        )[: question.limit]
        times = np.array([time for time, _ in found], np.int64)
        flags: NDArray[np.bool_] = times % 2 == 0
        return {"time_us": times, "suspect": flags, "late": ~flags, "voltage_v": times.astype(np.float32)}


def reads_of(archive: ArchiveInMemory) -> ArchiveReads:
    reads = ArchiveReads(cast(Any, None))  # no question here goes to the database
    reads.archive = cast(ArchiveReader, archive)
    return reads


async def all_pages(reads: ArchiveReads, files: ColdFiles, times_us: tuple[int, int], limit: int) -> list[int]:
    """Times of all rows as a client that asks for page after page gets them, the way `HistoryReads` asks."""
    found: list[int] = []
    start_us, end_us = times_us
    while True:
        columns = await reads._cold_readings(files, 1, (start_us, end_us), NAMES, limit + 1)
        page = columns["time_us"][:limit].tolist()
        np.testing.assert_array_equal(columns["voltage_v"], columns["time_us"].astype(np.float32))
        np.testing.assert_array_equal(columns["suspect"], columns["time_us"] % 2 == 0)
        np.testing.assert_array_equal(columns["late"], columns["time_us"] % 2 == 1)
        found += page
        if len(columns["time_us"]) <= limit:
            return found
        start_us = page[-1] + 1


def archive_of(spans: list[tuple[int, int, int]]) -> tuple[ArchiveInMemory, ColdFiles]:
    """Files of (first span, spans, seed), oldest first; no time comes twice."""
    stored: dict[str, list[int]] = {}
    files, taken = [], set[int]()
    for number, (first, count, seed) in enumerate(sorted(spans)):
        rng = np.random.default_rng(seed)
        times = set(rng.integers(first * SPAN_US, (first + count) * SPAN_US, int(rng.integers(0, 60))).tolist()) - taken
        taken |= times
        stored[str(number)] = sorted(times)
        files.append(ColdFile(str(number), first * SPAN_US, (first + count) * SPAN_US))
    return ArchiveInMemory(stored), ColdFiles(1, tuple(files))


@given(
    spans=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 4), st.integers(0, 9)), max_size=24),
    times=st.tuples(st.integers(0, 20_000), st.integers(1, 40_000)),
    limit=st.integers(1, 80),
)
def test_pages_join_to_the_whole(spans: list[tuple[int, int, int]], times: tuple[int, int], limit: int) -> None:
    archive, files = archive_of(spans)
    times_us = (times[0], times[0] + times[1])
    whole = sorted(t for stored in archive._files.values() for t in stored if times_us[0] <= t < times_us[1])
    assert asyncio.run(all_pages(reads_of(archive), files, times_us, limit)) == whole


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=12))
def test_what_was_read_ahead_is_used_for_its_own_question_only(steps: list[tuple[int, bool]]) -> None:
    """Questions of several kinds in turns, while the archive changes now and then."""
    archive, files = archive_of([(0, 4, 1), (4, 4, 2)])
    reads = reads_of(archive)
    asked = {0: (0, 8_000), 1: (0, 5_000), 2: (3_000, 8_000), 3: (0, 8_000)}
    for kind, changes in steps:
        if changes:
            archive._files["0"] = archive._files["0"][1:]
            files = ColdFiles(files.version + 1, files.readings)
        times_us = asked[kind]
        columns = asyncio.run(reads._cold_readings(files, 1, times_us, NAMES, 5))
        whole = sorted(t for stored in archive._files.values() for t in stored if times_us[0] <= t < times_us[1])
        assert columns["time_us"].tolist() == whole[:5]


def test_the_pages_of_a_month_ask_the_archive_once() -> None:
    minutes = list(range(0, 30_000, 10))
    archive = ArchiveInMemory({"week": minutes})
    files = ColdFiles(1, (ColdFile("week", 0, 30_000),))
    assert asyncio.run(all_pages(reads_of(archive), files, (0, 30_000), 1_000)) == minutes
    assert len(archive.questions) == 1


def test_a_short_page_reads_little_ahead() -> None:
    archive = ArchiveInMemory({"week": list(range(30_000))})
    files = ColdFiles(1, (ColdFile("week", 0, 30_000),))
    asyncio.run(reads_of(archive)._cold_readings(files, 1, (0, 30_000), NAMES, 10))
    assert archive.questions[0].limit < 100
