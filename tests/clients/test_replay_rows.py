"""Recorded files become readings with the product's sign, units and UTC; a bad cell is named by its place."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.errors import InvalidArgumentError
from batterytwin.readings import ReadingColumns
from clients import replay_file
from clients.replay_map import ReplayMap, load_replay_map
from clients.replay_rows import RowReader

START_NS = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z


def make_map(**tables: object) -> ReplayMap:
    return ReplayMap.model_validate(
        {
            "grid_id": "g",
            "location_id": "L",
            "battery_ids": ["B1", "B2"],
            "sample_period_s": 1.0,
            "datasheet": {"model": "M", "rated_capacity_ah": 9.0, "cells": 6},
            "time": {"column": "t", "kind": "seconds", "start": "2025-01-01T00:00:00Z"},
            "voltage": {"column": "v"},
            **tables,
        }
    )


@contextmanager
def tempfile_with(text: str) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(text)
        yield path


def read(path: Path, replay_map: ReplayMap) -> tuple[ReadingColumns, RowReader]:
    reader = RowReader(path, replay_map, "B1")
    chunks = list(reader)
    names = [name for name in ("voltage_v", "current_a", "temperature_c") if getattr(chunks[0], name) is not None]
    return (
        ReadingColumns(
            [battery for chunk in chunks for battery in chunk.battery_ids],
            np.concatenate([chunk.sample_time_unix_ns for chunk in chunks]),
            **{name: np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names},
        ),
        reader,
    )


CURRENT = {"column": "i", "sign": "discharge_positive", "scale": 0.1}


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet"])
def test_every_file_form_gives_the_same_readings(tmp_path: Path, form: str) -> None:
    path = tmp_path / f"record.{form}"
    table = pd.DataFrame(
        {"t": [0.0, 0.5, 2.0], "v": [12.0, 12.5, 13.0], "i": [15.0, -20.0, 0.0], "other": ["a", "b", "c"]}
    )
    if form == "parquet":
        table.to_parquet(path)
    elif form == "csv":
        table.to_csv(path, index=False, encoding="utf-8-sig")
    else:
        path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))
    readings, reader = read(path, make_map(current=CURRENT))
    assert list(readings.battery_ids) == ["B1"] * 3
    np.testing.assert_array_equal(readings.sample_time_unix_ns - START_NS, [0, 500_000_000, 2_000_000_000])
    np.testing.assert_array_equal(readings.voltage_v, np.array([12.0, 12.5, 13.0], np.float32))
    np.testing.assert_array_equal(readings.current_a, np.array([-1.5, 2.0, 0.0], np.float32))
    assert reader.counts.read == 3


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2025-01-01T00:00:01.5Z", ""),
        ("2025-01-01 00:00:01.500", ""),
        ("2025-01-01T07:00:01.5+07:00", ""),
        ("1/1/2025 00:00:01.5", "%d/%m/%Y %H:%M:%S.%f"),
    ],
)
def test_written_times_are_utc_unless_they_say_otherwise(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"when,v\n{text},12\n")
    readings, _ = read(path, make_map(time={"column": "when", "kind": "utc", "format": form}))
    assert readings.sample_time_unix_ns.tolist() == [START_NS + 1_500_000_000]


def test_alternating_rows_are_merged_and_held_values_grow_old(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,v,c\n0,12.0,\n10,,25\n20,12.1,\n30,,\n200,12.2,\n210,12.3,26\n")
    readings, reader = read(path, make_map(temperature={"column": "c", "hold_s": 100}))
    np.testing.assert_array_equal(readings.voltage_v, np.array([12.0, 12.1, 12.2, 12.3], np.float32))
    np.testing.assert_array_equal(readings.temperature_c, np.array([np.nan, 25, np.nan, 26], np.float32))
    assert (reader.counts.merged, reader.counts.empty) == (1, 1)


@given(st.integers(1, 7), st.lists(st.none() | st.integers(0, 50), min_size=1, max_size=20))
def test_chunks_do_not_change_what_is_held(chunk_rows: int, temperatures: list[int | None]) -> None:
    replay_map = make_map(temperature={"column": "c", "hold_s": 3})
    lines = [f"{t},12,{'' if c is None else c}" for t, c in enumerate(temperatures)]
    with pytest.MonkeyPatch.context() as patch, tempfile_with("\n".join(["t,v,c", *lines])) as path:
        whole, _ = read(path, replay_map)
        patch.setattr(replay_file, "CHUNK_ROWS", chunk_rows)
        parts, _ = read(path, replay_map)
    np.testing.assert_array_equal(whole.temperature_c, parts.temperature_c)


def test_the_filter_keeps_the_rows_of_one_battery(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,v,n\n0,2.1,5\n1,2.2,6\n2,2.3,5\n")
    readings, reader = read(path, make_map(filter={"column": "n", "equals": ["5"]}))
    assert readings.sample_time_unix_ns.tolist() == [START_NS, START_NS + 2_000_000_000]
    assert reader.counts.filtered == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("t,v\n0,12\n1,abc\n", r"row 3, column v: 'abc' is not a number"),
        ("t,v\n0,12\n,12\n", r"row 3, column t: '' is not a time in seconds"),
        ("t,v\ninf,12\n", r"row 2, column t: 'inf' is not a time"),
        ("t,v\n1e300,12\n", r"row 2, column t"),
        ("t,volt\n0,12\n", r"no column v; it has t, volt\. Correct the map"),
        ("", r"is empty"),
        ("t,v\n0,12\n1,12,13,14\n", r"cannot be read as CSV.*line 3"),
        ("t,v\n1,12,13,14\n", r"cannot be read as CSV.*more cells"),
        ("t,v\n0,\udcff12\n", r"cannot be read as CSV"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        read(path, make_map())
    assert "bad.csv" in caught.value.message


@pytest.mark.parametrize("name", ["cut.csv.gz", "cut.parquet"])
def test_a_damaged_file_is_explained(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"t,v\n" + b"0,12\n" * 5_000)[:40])
    with pytest.raises(InvalidArgumentError, match="Check that it is whole"):
        read(path, make_map())


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="There is no file"):
        read(tmp_path / "none.csv", make_map())


def test_numbers_beyond_measure_reach_the_server_to_be_refused_there(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,v\n0,1e300\n1,-inf\n2,NA\n3,12\n")
    readings, reader = read(path, make_map())
    np.testing.assert_array_equal(readings.voltage_v, np.array([np.inf, -np.inf, 12], np.float32))
    assert reader.counts.empty == 1


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "deploy" / "replay").glob("*.toml")), ids=lambda path: path.stem
)
def test_the_maps_that_come_with_the_product_can_be_read(path: Path) -> None:
    replay_map = load_replay_map(path)
    assert "rated_capacity_ah" in replay_map.grid().datasheet_toml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("grid_id = ", "cannot be read"),
        ('grid_id = "g"', "location_id: Field required"),
        ('colour = "red"', "colour: Extra inputs"),
        ('[current]\ncolumn = "i"\nsign = "up"', "current.sign"),
    ],
)
def test_a_bad_map_is_explained(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgumentError, match=message):
        load_replay_map(path)
