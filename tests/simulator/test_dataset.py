"""Data sets: counted rows, truth beside each reading, whole or not at all."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from batterytwin.errors import InvalidArgumentError
from simulator.dataset import DatasetProgress, write_dataset
from simulator.dataset_options import DatasetOptions, lives_of_new_blocks
from simulator.faults import FaultKind
from tests.simulator.small_fleet import write_fleet

START = datetime(2026, 6, 15, tzinfo=UTC)
PLAN = """
[[fault]]
kind = "VOLTAGE_OFFSET"
target = "BRK-U1-S01-B02"
start_days = 0.5
days = 0.25
magnitude = 0.4

[[fault]]
kind = "DROPOUT"
target = "BRK-U1-S02"
start_days = 0.0
magnitude = 0.25

[[fault]]
kind = "REPEATED_ROWS"
target = "BRK"
start_days = 0.0
magnitude = 0.1

[[fault]]
kind = "CLOCK_SKEW"
target = "BRK"
start = 2026-06-15T18:00:00Z
magnitude = 12.5
"""


def options(path: Path, **more: Any) -> DatasetOptions:
    fleet_file = write_fleet(path / "fleet.toml", sites=("BRK", "PKN"), strings=2, blocks=4)
    return DatasetOptions(**{"fleet_file": fleet_file, "start": START, "days": 1.0, **more})


def read(folder: Path, name: str) -> pd.DataFrame:
    return pd.DataFrame(pq.read_table(folder / name).to_pandas())


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day of one site with two strings and faults of a sensor, of samples on their way and of a clock."""
    path = tmp_path_factory.mktemp("dataset")
    (path / "plan.toml").write_text(PLAN)
    write_dataset(options(path, sites=("BRK",), fault_plan=path / "plan.toml"), path / "set")
    return path / "set"


def test_rows_are_batteries_times_days_times_samples_a_day(tmp_path: Path) -> None:
    told: list[DatasetProgress] = []
    rows = write_dataset(options(tmp_path, days=3.0), tmp_path / "set", told.append)
    assert rows == 16 * 3 * 1_440
    for name, count in (("readings", rows), ("truth", rows), ("strings", rows // 4), ("sites", 2 * 3 * 144)):
        assert pq.read_table(tmp_path / "set" / name).num_rows == count
    assert told[-1] == DatasetProgress(1.0, rows)
    assert [step.share for step in told] == sorted(step.share for step in told)
    about = json.loads((tmp_path / "set" / "about.json").read_text())
    assert (about["seed"], about["readings"], about["batteries"]) == (7, rows, 16)


def test_every_reading_has_its_truth(faulty: Path) -> None:
    readings, truth = read(faulty, "readings"), read(faulty, "truth")
    both = readings.merge(truth, on=["battery_id", "sample_time"], suffixes=("", "_true"), validate="one_to_one")
    assert len(both) == len(readings) == len(truth) == 8 * 1_440
    arrived = both[both["copies"] > 0]
    healthy = arrived[arrived["block_faults"] == 0]
    assert np.std(healthy["voltage_v"] - healthy["voltage_v_true"]) == pytest.approx(0.004, rel=0.1)
    assert (healthy["temperature_c"] - healthy["post_c"]).abs().max() < 0.6
    assert (healthy["current_a"] - healthy["current_a_true"]).abs().max() < 0.25


def test_a_faulty_sensor_shows_in_the_readings_and_its_label_in_the_truth(faulty: Path) -> None:
    readings, truth = (
        table.set_index(["battery_id", "sample_time"]) for table in (read(faulty, "readings"), read(faulty, "truth"))
    )
    error_v = (readings["voltage_v"] - truth["voltage_v"]).dropna()
    labelled = (truth.loc[error_v.index, "block_faults"].to_numpy() >> np.uint64(FaultKind.VOLTAGE_OFFSET)) & np.uint64(
        1
    ) == 1
    assert labelled.sum() == 360
    assert set(error_v[labelled].index.get_level_values(0)) == {"BRK-U1-S01-B02"}
    assert np.allclose(error_v[labelled], 0.4, atol=0.03)
    assert np.allclose(error_v[~labelled], 0.0, atol=0.03)


def test_what_became_of_each_sample_is_told(faulty: Path) -> None:
    readings, strings = read(faulty, "readings"), read(faulty, "strings")
    second = readings["battery_id"].astype(str).str.startswith("BRK-U1-S02")
    lost = readings["copies"] == 0
    assert not lost[~second].any()
    assert lost[second].mean() == pytest.approx(0.25, abs=0.04)
    assert readings.loc[lost, ["voltage_v", "current_a", "temperature_c"]].isna().all(axis=None)
    assert readings.loc[~lost, ["voltage_v", "current_a", "temperature_c"]].notna().all(axis=None)
    assert (readings["copies"] == 2).mean() == pytest.approx(0.09, abs=0.03)
    assert set(strings["mode"].dropna()) <= {"FLOAT", "MAINTENANCE", "DISCHARGE", "TEST"}
    truth = read(faulty, "truth")
    ahead_s = (truth["sample_time"] - truth["time"]).dt.total_seconds()
    skewed = truth["time"] >= pd.Timestamp("2026-06-15T18:00:00Z")
    assert set(ahead_s[skewed]) == {12.5}
    assert set(ahead_s[~skewed]) == {0.0}


def test_faults_and_batteries_are_listed(faulty: Path) -> None:
    faults, batteries = read(faulty, "faults.parquet"), read(faulty, "batteries.parquet")
    assert faults["kind"].tolist() == ["VOLTAGE_OFFSET", "DROPOUT", "REPEATED_ROWS", "CLOCK_SKEW"]
    assert faults["end"].isna().tolist() == [False, True, True, True]
    assert batteries["battery_id"].tolist() == [f"BRK-U1-S0{s}-B0{b}" for s in (1, 2) for b in (1, 2, 3, 4)]
    assert batteries["soh_capacity_last"].between(0.7, 1.1).all()
    assert batteries["end_of_life"].isna().all()
    sites = read(faulty, "sites")
    assert sites["outdoor_humidity"].between(0.2, 1.0).all()
    assert sites["room_c"].between(20.0, 30.0).all()


def test_the_same_options_give_the_same_rows_and_another_seed_gives_others(tmp_path: Path) -> None:
    chosen = options(tmp_path, sites=("BRK",), days=0.25, faults_per_100_battery_months=5_000.0)
    for name in ("one", "two"):
        write_dataset(chosen, tmp_path / name)
    write_dataset(options(tmp_path, sites=("BRK",), days=0.25, seed=8), tmp_path / "other")
    for table in ("readings", "strings", "truth", "sites", "faults.parquet", "batteries.parquet"):
        assert pq.read_table(tmp_path / "one" / table).equals(pq.read_table(tmp_path / "two" / table))
    assert not pq.read_table(tmp_path / "one" / "readings").equals(pq.read_table(tmp_path / "other" / "readings"))


def test_a_part_of_the_fleet_is_the_same_as_in_the_whole(tmp_path: Path) -> None:
    write_dataset(options(tmp_path, days=0.25), tmp_path / "whole")
    write_dataset(options(tmp_path, days=0.25, strings=("PKN-U1-S02",)), tmp_path / "part")
    whole, part = read(tmp_path / "whole", "readings"), read(tmp_path / "part", "readings")
    mine = whole[whole["battery_id"].astype(str).str.startswith("PKN-U1-S02")].reset_index(drop=True)
    for column in ("sample_time", "voltage_v", "current_a", "temperature_c"):
        assert mine[column].equals(part[column])


def test_fleets_differ_in_their_names_and_their_blocks(tmp_path: Path) -> None:
    rows = write_dataset(options(tmp_path, sites=("BRK",), days=0.25, fleets=3), tmp_path / "set")
    assert rows == 3 * 8 * 360
    batteries = read(tmp_path / "set", "batteries.parquet")
    assert batteries["battery_id"].is_unique
    assert batteries.groupby("fleet")["soh_capacity_first"].mean().nunique() == 3
    assert {"BRK-U1-S01-B01", "F02-BRK-U1-S01-B01", "F03-BRK-U1-S01-B01"} <= set(batteries["battery_id"])


def test_discharges_can_be_seen_second_by_second(tmp_path: Path) -> None:
    chosen = options(tmp_path, sites=("BRK",), days=120.0, period_s=3_600.0, discharge_period_s=1.0)
    rows = write_dataset(chosen, tmp_path / "set")
    loaded = read(tmp_path / "set", "truth")["current_a"] < -1.0
    assert loaded.sum() > 100
    assert rows - 8 * 120 * 24 == pytest.approx(loaded.sum(), rel=0.2)


def test_new_blocks_are_followed_to_the_end_of_their_lives(tmp_path: Path) -> None:
    chosen = lives_of_new_blocks(options(tmp_path, sites=("BRK",), strings=("BRK-U1-S01",)), 14.0)
    rows = write_dataset(chosen, tmp_path / "set")
    assert rows == 4 * int(14.0 * 365.2425 * 24)
    batteries, truth = read(tmp_path / "set", "batteries.parquet"), read(tmp_path / "set", "truth")
    assert (batteries["soh_capacity_first"] > 0.93).all()
    assert (batteries["installed_on"].astype(str) == "2026-06-15").all()
    ended = batteries.dropna(subset="end_of_life")
    assert len(ended) >= 2
    for _, battery in ended.iterrows():
        mine = truth[truth["battery_id"] == battery["battery_id"]].set_index("sample_time")["capacity_ah"]
        assert mine[battery["end_of_life"]] < 0.8 * 120.0
        assert (mine[: battery["end_of_life"]].iloc[:-1] >= 0.8 * 120.0).all()


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.txt").write_text("mine")
    with pytest.raises(InvalidArgumentError, match="there already"):
        write_dataset(options(tmp_path), tmp_path / "set")
    assert [file.name for file in (tmp_path / "set").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("no space left on device")])
def test_what_is_not_complete_is_not_left(tmp_path: Path, error: BaseException) -> None:
    def fail(progress: DatasetProgress) -> None:
        if progress.share > 0.4:
            raise error

    with pytest.raises(type(error)):
        write_dataset(options(tmp_path), tmp_path / "set", fail)
    assert [file.name for file in tmp_path.iterdir()] == ["fleet.toml"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sites": ("XXX",)}, "sites"),
        ({"strings": ("BRK-U9-S99",)}, "strings"),
        ({"days": -1.0}, "days"),
        ({"period_s": 0.0}, "period_s"),
        ({"fleets": 0}, "fleets"),
        ({"start": datetime(2026, 1, 1)}, "start"),  # noqa: DTZ001 - the zone is what is missing
    ],
)
def test_options_that_cannot_be_are_named(tmp_path: Path, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        write_dataset(options(tmp_path, **wrong), tmp_path / "set")
    assert caught.value.field == field
    assert not (tmp_path / "set").exists()
