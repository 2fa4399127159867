"""A file that is written part by part is the one that is written at once, and takes memory for a part only."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batterytwin.telemetry import Rows
from storage import archive_files
from storage.archive_columns import ARCHIVE_DTYPE, to_table
from storage.archive_files import ArchiveDamagedError, FileSummary, read_joined, read_rows, write_parts, write_rows
from tests.storage.archive_days import FIRST_DAY, readings

DAYS = (FIRST_DAY, FIRST_DAY + 6)
SOURCES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 99), st.sampled_from([0.02, 0.5, 1.0])), min_size=1, max_size=5
)


def archived(rows: Rows, late: int = 0) -> Rows:
    made = np.zeros(len(rows), ARCHIVE_DTYPE)
    for name in rows.dtype.names or ():
        made[name] = rows[name]
    made["late"] = late
    return made


def in_order(rows: Rows) -> Rows:
    return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


def write_days(folder: Path, sources: list[tuple[int, int, float]], keys: tuple[int, ...]) -> list[str]:
    """Files of days with gaps, and of what was added to them: other rows, and rows of the same battery and time."""
    paths = []
    for number, (day, seed, share) in enumerate(sources):
        rows = archived(readings(range(FIRST_DAY + day, FIRST_DAY + day + 1), seed, keys, 3_600_000_000), number % 3)
        rows = rows[np.random.default_rng(seed).random(len(rows)) < share]
        if len(rows):
            days = (FIRST_DAY + day, FIRST_DAY + day)
            paths.append(write_rows(folder, f"{number}.parquet", in_order(rows), days).path)
    return paths


def plain_groups(keys: list[int], least: int) -> list[int]:
    """Rows of each row group: battery after battery until there are enough."""
    counts, groups = [keys.count(key) for key in sorted(set(keys))], [0]
    for count in counts:
        if groups[-1] >= least:
            groups.append(0)
        groups[-1] += count
    return groups


def columns_of(path: Path) -> list[list[tuple[object, ...]]]:
    metadata = pq.read_metadata(path)
    return [
        [
            (c.path_in_schema, c.encodings, c.compression, c.num_values, c.has_dictionary_page, c.is_stats_set)
            for c in (metadata.row_group(group).column(column) for column in range(metadata.num_columns))
        ]
        for group in range(metadata.num_row_groups)
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    SOURCES,
    st.sets(st.integers(256, 279), min_size=1, max_size=8),
    st.sampled_from([1, 3, 8, 24]),
    st.integers(5, 60),
)
def test_joined_a_few_batteries_at_a_time_a_file_is_the_same(
    tmp_path: Path, sources: list[tuple[int, int, float]], some: set[int], at_once: int, least: int
) -> None:
    keys = tuple(sorted(some))
    with (
        mock.patch.object(archive_files, "KEYS_AT_ONCE", at_once),
        mock.patch.object(archive_files, "_LEAST_GROUP_ROWS", least),
    ):
        paths = write_days(tmp_path, sources, keys)
        if not paths:
            return
        rows = in_order(np.concatenate(list(read_rows(tmp_path, paths))))
        at_once_written = write_rows(tmp_path, "plain.parquet", rows, DAYS)
        joined = write_parts(tmp_path, "joined.parquet", read_joined(tmp_path, paths, range(256, 280)), DAYS)
    assert _without_path(joined) == _without_path(at_once_written), "byte for byte"
    assert pq.read_table(tmp_path / "joined.parquet").equals(to_table(rows))
    assert columns_of(tmp_path / "joined.parquet") == columns_of(tmp_path / "plain.parquet")
    metadata = pq.read_metadata(tmp_path / "joined.parquet")
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    assert groups == plain_groups(rows["battery_key"].tolist(), least)
    assert (joined.first_key, joined.last_key) == (rows["battery_key"][0], rows["battery_key"][-1])
    assert joined.row_count == len(rows)


def _without_path(file: FileSummary) -> tuple[object, ...]:
    return (file.first_day, file.last_day, file.first_key, file.last_key, file.row_count, file.byte_count, file.sha256)


def joining_peak_bytes(folder: Path, keys: range) -> int:
    """Most bytes that NumPy held at once while a week was joined, and Arrow between two parts of it."""
    paths = write_days(folder, [(day, day, 1.0) for day in range(3)], tuple(keys))
    arrow_bytes, before = [0], pa.total_allocated_bytes()

    def parts() -> Iterator[Rows]:
        for part in read_joined(folder, paths, keys):
            arrow_bytes.append(pa.total_allocated_bytes() - before)
            yield part

    tracemalloc.start()
    try:
        write_parts(folder, "joined.parquet", parts(), DAYS)
        return tracemalloc.get_traced_memory()[1] + max(arrow_bytes)
    finally:
        tracemalloc.stop()


def test_what_is_held_does_not_grow_with_the_batteries_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_files, "_LEAST_GROUP_ROWS", 256)
    monkeypatch.setattr(archive_files, "KEYS_AT_ONCE", 4)
    joining_peak_bytes(tmp_path / "first", range(4))  # what is allocated once
    few = joining_peak_bytes(tmp_path / "few", range(16))
    many = joining_peak_bytes(tmp_path / "many", range(96))
    assert many < 2 * few, "six times as many rows"


def test_rows_of_a_few_batteries_are_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "KEYS_AT_ONCE", 4)
    paths = write_days(tmp_path, [(0, 1, 1.0), (1, 1, 1.0), (1, 2, 1.0)], tuple(range(30)))
    parts = list(read_joined(tmp_path, paths, range(30)))
    assert [len(np.unique(part["battery_key"])) for part in parts] == [4] * 7 + [2]
    assert {len(part) for part in parts[:-1]} == {4 * 3 * 24}


def test_of_parts_that_break_off_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "_LEAST_GROUP_ROWS", 10)
    rows = in_order(archived(readings(range(FIRST_DAY, FIRST_DAY + 1))))

    def parts() -> Iterator[Rows]:
        yield rows
        raise ArchiveDamagedError("the next day cannot be read")

    with pytest.raises(ArchiveDamagedError, match="the next day"):
        write_parts(tmp_path, "a.parquet", parts(), DAYS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("name", ["voltage_v", "internal_resistance_mohm", "late"])
def test_every_row_group_is_read_back(tmp_path: Path, place: int, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_files, "_LEAST_GROUP_ROWS", 10)
    rows = in_order(archived(readings(range(FIRST_DAY, FIRST_DAY + 1), keys=(1, 2, 3))))
    write, count = pq.ParquetWriter.write_table, 0

    def write_another(self: pq.ParquetWriter, table: pa.Table, row_group_size: int) -> None:
        nonlocal count
        if count == place:
            column = table[name].combine_chunks().to_pylist()
            changed = pa.array([None if column[0] is not None and name != "late" else 1, *column[1:]], table[name].type)
            table = table.set_column(table.column_names.index(name), table.schema.field(name), changed)
        count += 1
        write(self, table, row_group_size=row_group_size)

    monkeypatch.setattr(pq.ParquetWriter, "write_table", write_another)
    with pytest.raises(ArchiveDamagedError, match="does not read back"):
        write_rows(tmp_path, "a.parquet", rows, DAYS)
    assert count == 3
