"""Pages of fine buckets join to the whole, and each is made of no more readings than its buckets hold."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.archive_reader import ArchiveReader
from storage.archive_reads import ColdFile, ColdFiles
from storage.history_reads import HistoryReads
from storage.history_rows import HistoryRows
from tests.storage.test_archive_pages import ArchiveInMemory

MINUTE_US = 60_000_000
DAY_US = 1_440 * MINUTE_US
NAME = "voltage_v"
_PROBED_ROWS = 16
"""Rows that a look for the next reading may take."""


class ReadsInMemory(HistoryReads):
    """Readings that are all in one file of the archive."""

    def __init__(self, times: Sequence[int]) -> None:
        super().__init__(cast(Any, None))  # no question here goes to the database
        self.file = ArchiveInMemory({"all": sorted(times)})
        self.archive = cast(ArchiveReader, self.file)

    async def _consistently(self, *question: Any) -> Any:
        return await question[-1](ColdFiles(1, (ColdFile("all", 0, 2**62),)))

    async def _hot_page(self, *question: Any) -> HistoryRows:
        names = question[2]
        nothing = np.empty(0, np.float32)
        flags = np.empty(0, np.bool_)
        return HistoryRows(
            np.empty(0, np.int64), dict.fromkeys(names, nothing), {}, {}, np.empty(0, np.int32), flags, more=False
        )

    def pages(self, start_us: int, end_us: int, bucket_us: int, limit: int) -> list[HistoryRows]:
        """All pages, as a client that asks for one after the other gets them."""

        async def ask() -> list[HistoryRows]:
            found: list[HistoryRows] = []
            while not found or found[-1].more:
                after_us = int(found[-1].time_us[-1]) if found else None
                found.append(
                    await self.query_history(
                        1, start_us, end_us, [NAME], bucket_us=bucket_us, after_us=after_us, limit=limit
                    )
                )
            return found

        return asyncio.run(ask())

    def longest_us(self) -> int:
        """Longest time of which everything was asked for at once."""
        return max(q.end_us - q.start_us for q in self.file.questions if q.limit > _PROBED_ROWS)


@given(
    times=st.sets(st.integers(0, 300) | st.integers(9_000, 9_500) | st.integers(0, 40_000), max_size=120),
    span=st.tuples(st.integers(0, 20_000), st.integers(1, 40_000)),
    bucket_us=st.integers(1, 900),
    limit=st.integers(1, 12),
)
def test_pages_join_to_the_whole_whatever_is_missing(
    times: set[int], span: tuple[int, int], bucket_us: int, limit: int
) -> None:
    start_us, end_us = span[0], span[0] + span[1]
    reads = ReadsInMemory(sorted(times))
    pages = reads.pages(start_us, end_us, bucket_us, limit)
    within = np.array([time for time in sorted(times) if start_us <= time < end_us], np.int64)
    buckets, counts = np.unique(within // bucket_us, return_counts=True)
    assert np.concatenate([page.time_us for page in pages]).tolist() == (buckets * bucket_us).tolist()
    assert np.concatenate([page.row_count for page in pages]).tolist() == counts.tolist()
    highest = np.concatenate([page.maximums[NAME] for page in pages]).tolist()
    assert highest == [within[within // bucket_us == bucket].max() for bucket in buckets]
    assert all(len(page.time_us) <= limit for page in pages)
    assert all(len(page.time_us) for page in pages if len(pages) > 1), "no page is empty for nothing"
    assert reads.longest_us() <= (limit + 1) * bucket_us


def test_a_page_of_minutes_does_not_read_the_years_that_follow() -> None:
    reads = ReadsInMemory(range(0, 20 * DAY_US, MINUTE_US))
    pages = reads.pages(0, 20 * DAY_US, MINUTE_US, 1_000)
    assert [len(page.time_us) for page in pages] == [1_000] * 28 + [800]
    assert reads.longest_us() == 1_001 * MINUTE_US


def test_a_page_of_long_buckets_is_made_of_a_quarter_of_a_year() -> None:
    bucket_us = 90 * MINUTE_US
    reads = ReadsInMemory(range(0, 400 * DAY_US, bucket_us))
    pages = reads.pages(0, 400 * DAY_US, bucket_us, 20_000)
    assert sum(len(page.time_us) for page in pages) == 400 * 16
    assert reads.longest_us() <= 90 * DAY_US + 2 * bucket_us
