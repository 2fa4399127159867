"""Files of the archive give back what was put in."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from batterytwin.telemetry import MEASURED_COLUMNS, STORED_ESTIMATE_COLUMNS, Rows, snap_to_grid
from storage.archive_columns import ARCHIVE_DTYPE, STEPS_PER_UNIT, to_rows, to_table
from storage.archive_files import (
    ArchiveDamagedError,
    check_file,
    read_rows,
    split_by_day_and_block,
    write_rows,
)
from storage.archive_hour_changes import added, summed_again
from storage.archive_hours import sum_hours
from tests.fixtures.full_disk import full_disk
from tests.storage.archive_days import readings

ANY = st.tuples(
    st.integers(1, 5),
    st.integers(0, 4_000_000_000_000_000),
    *[st.floats(width=32, allow_infinity=False)] * 4,
    st.integers(-(2**15), 2**15 - 1),
    *[st.floats(-2.0, 2.0, width=32) | st.just(float("nan"))] * len(STORED_ESTIMATE_COLUMNS),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2),
)


def archived(rows: Rows) -> Rows:
    with_late = np.zeros(len(rows), ARCHIVE_DTYPE)
    for name in rows.dtype.names or ():
        with_late[name] = rows[name]
    return with_late


@given(hnp.arrays(ARCHIVE_DTYPE, st.integers(0, 20), elements=ANY))
def test_what_was_measured_comes_back_bit_for_bit_whatever_it_was(rows: Rows) -> None:
    again = to_rows(to_table(rows))
    for name in ("battery_key", "sample_time_us", "status", "received_s", "late"):
        assert again[name].tobytes() == rows[name].tobytes()
    for name in MEASURED_COLUMNS:
        assert np.array_equal(again[name], rows[name], equal_nan=True)
    for name in STORED_ESTIMATE_COLUMNS:
        np.testing.assert_allclose(again[name], rows[name], rtol=1e-6, atol=0.5 / STEPS_PER_UNIT[name])


@given(st.sampled_from(MEASURED_COLUMNS), st.floats(-1e5, 1e5, width=32) | st.floats(-0.0625, 0.0625, width=32))
def test_values_on_the_grid_need_nothing_beside_them(name: str, value: float) -> None:
    rows = np.zeros(1, ARCHIVE_DTYPE)
    rows[name] = snap_to_grid(name, np.array([value], np.float32))
    table = to_table(rows)
    assert table[f"{name}_beside"].null_count == 1
    assert to_rows(table)[name].tobytes() == rows[name].tobytes()


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 99))
def test_files_are_read_by_battery_and_time(tmp_path: Path, seed: int) -> None:
    rows = archived(readings(range(20_000, 20_002), seed, keys=(1, 300, 301)))
    parts = list(split_by_day_and_block(rows))
    assert [(day, block) for day, block, _ in parts] == [(d, b) for d in (20_000, 20_001) for b in (0, 1)]
    files = [write_rows(tmp_path, f"{n}.parquet", part, (day, day)) for n, (day, _, part) in enumerate(parts)]
    assert sum(file.row_count for file in files) == len(rows)
    middle = int(np.median(rows["sample_time_us"]))
    found = np.concatenate(list(read_rows(tmp_path, [file.path for file in files], [300], middle, middle + 10**10)))
    mine = rows[(rows["battery_key"] == 300) & (rows["sample_time_us"] >= middle)]
    mine = mine[mine["sample_time_us"] < middle + 10**10]
    assert found["voltage_v"].tobytes() == np.sort(mine, order="sample_time_us")["voltage_v"].tobytes()


def sorted_rows(rows: Rows) -> Rows:
    return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


@given(seed=st.integers(0, 99), share=st.floats(0.0, 1.0))
def test_hours_of_two_parts_are_those_of_the_whole_however_it_is_divided(seed: int, share: float) -> None:
    rows = sorted_rows(archived(readings(range(20_000, 20_001), seed)))
    chosen = np.random.default_rng(seed).random(len(rows)) < share
    whole, both = sum_hours(rows), added(sum_hours(rows[chosen]), sum_hours(rows[~chosen]))
    assert both.schema == whole.schema
    for name in whole.column_names:
        if not name.endswith("_mean"):
            assert both[name].equals(whole[name])
        else:
            assert both[name].is_null().equals(whole[name].is_null())
            np.testing.assert_allclose(both[name].to_numpy(), whole[name].to_numpy(), rtol=1e-6, atol=1e-7)


def test_an_hour_is_summed_up_again_where_all_its_rows_are_there() -> None:
    rows = sorted_rows(archived(readings(range(20_000, 20_001))))
    hours, changed = sum_hours(rows), rows.copy()
    changed["soc"] = 0.25
    whole = changed["sample_time_us"] // 3_600_000_000 % 2 == 0
    left = changed[whole | (np.arange(len(changed)) % 2 == 0)]
    again = summed_again(hours, sum_hours(left))
    assert again["row_count"].equals(hours["row_count"])
    even = again["hour"].cast("int64").to_numpy() // 3_600_000_000 % 2 == 0
    assert set(again["soc_mean"].to_numpy()[even]) == {0.25}
    assert again.filter(~even).equals(hours.filter(~even))
    assert summed_again(again, sum_hours(left)).equals(again), "as often as one likes"


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    rows = np.sort(archived(readings(range(20_000, 20_001))), order=["battery_key", "sample_time_us"])
    file = write_rows(tmp_path, "a.parquet", rows, (20_000, 20_000))
    assert check_file(tmp_path, file.path, file.sha256)
    content = bytearray((tmp_path / file.path).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / file.path).write_bytes(content)
    assert not check_file(tmp_path, file.path, file.sha256)
    (tmp_path / file.path).write_bytes(content[:100])
    with pytest.raises(ArchiveDamagedError, match=r"a\.parquet"):
        list(read_rows(tmp_path, [file.path]))
    assert not check_file(tmp_path, "never.parquet", file.sha256)


def test_on_a_full_disk_nothing_is_left_behind_and_the_next_attempt_works(tmp_path: Path) -> None:
    rows = np.sort(archived(readings(range(20_000, 20_001))), order=["battery_key", "sample_time_us"])
    with full_disk(4_096), pytest.raises(OSError, match="too large"):
        write_rows(tmp_path, "a.parquet", rows, (20_000, 20_000))
    assert list(tmp_path.iterdir()) == []
    assert write_rows(tmp_path, "a.parquet", rows, (20_000, 20_000)).row_count == len(rows)
