"""Fleets, history and calls of the benchmark are what they say, without a server."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from batterytwin.inventory import load_fleet
from batterytwin.telemetry import Regime
from storage.archive_columns import ARCHIVE_DTYPE
from storage.archive_files import KEYS_PER_FILE
from storage.archive_manifest import from_date
from storage.partitions import DAY_US
from tests.bench.big_fleet import write_fleet
from tests.bench.call_load import prepared_singles
from tests.bench.history_fill import HOT_DAYS, moved_hours, plan_history
from tests.bench.history_rows import LivedWeeks, regimes
from tests.bench.history_size import ArchiveSize
from tests.bench.load import site_messages
from tests.bench.scaling import STREAMS, pools

_NOON_US = from_date(date(2026, 11, 29)) * DAY_US + DAY_US // 2  # a Sunday


@pytest.mark.parametrize("batteries", [24, 240, 1_944, 19_440])
def test_a_fleet_file_has_as_many_batteries_as_asked_for(tmp_path: Path, batteries: int) -> None:
    write_fleet(tmp_path / "fleet.toml", batteries)
    assert load_fleet(tmp_path / "fleet.toml").battery_count() == batteries


def test_the_base_of_scaling_is_the_products_fleet(tmp_path: Path) -> None:
    write_fleet(tmp_path / "fleet.toml", 1_944)
    made, ours = load_fleet(tmp_path / "fleet.toml"), load_fleet()
    assert [site.systems for site in made.locations] == [site.systems for site in ours.locations]


@pytest.mark.parametrize("batteries", [216, 1_944, 38_880])
def test_each_battery_gets_as_many_readings_in_messages_of_a_fleets_size(batteries: int) -> None:
    ids = [f"S-{number:06d}" for number in range(batteries)]
    messages = [batch for pool in pools(ids, 1_000.0, samples=18) for batch in pool]
    names = [name for batch in messages for name in batch.readings.battery_ids]
    assert len(names) == 18 * batteries
    assert len(set(names)) == batteries
    assert max(len(batch.readings) for batch in messages) <= 1_944
    assert STREAMS == 9


def test_messages_at_half_the_peak_are_those_of_the_peak() -> None:
    messages = site_messages(1_000.0, 18)
    rows = {
        (n, t) for m in messages for n, t in zip(m.readings.battery_ids, m.readings.sample_time_unix_ns, strict=True)
    }
    assert len(rows) == 18 * 1_944  # each battery at eighteen times, none twice
    assert {len(set(message.readings.battery_ids)) for message in messages} == {216}


def test_history_begins_on_a_monday_and_leaves_a_week_in_the_tables() -> None:
    plan = plan_history(range(1, 1_945), 90, _NOON_US)
    assert (plan.days.start - 4) % 7 == 0
    assert len(plan.days) >= 90
    assert plan.days.stop - plan.sealed.stop == HOT_DAYS
    assert plan.days.stop == _NOON_US // DAY_US


def test_files_cover_every_battery_and_day_once() -> None:
    plan = plan_history(range(1, 1_945), 90, _NOON_US)
    assert [key for block in plan.blocks() for key in block] == list(plan.keys)
    assert all(block.start // KEYS_PER_FILE == (block.stop - 1) // KEYS_PER_FILE for block in plan.blocks())
    assert [day for span in plan.spans() for day in span] == list(plan.sealed)
    assert {len(span) for span in plan.spans()} <= {7, 1}


def test_a_month_of_hours_becomes_another_month_and_is_cut_to_its_length() -> None:
    july, june = from_date(date(2026, 7, 1)), from_date(date(2026, 6, 1))
    hours_us = july * DAY_US + np.arange(31 * 24) * (DAY_US // 24)
    table = pa.table({"hour": pa.array(hours_us, pa.timestamp("us")), "row_count": np.arange(31 * 24)})
    moved = moved_hours(table, july, range(june, july))
    assert moved.num_rows == 30 * 24
    assert moved["hour"].cast(pa.int64())[0].as_py() == june * DAY_US
    assert moved["row_count"].to_pylist() == list(range(30 * 24))


def test_a_stretch_has_a_row_a_minute_of_each_battery_on_the_grid() -> None:
    lived = np.zeros((24, 3 * 1_440), ARCHIVE_DTYPE)
    lived["voltage_v"], lived["internal_resistance_mohm"] = 13.5, np.nan
    rows = LivedWeeks(lived).stretch(range(1, 31), range(20_000, 20_002))
    assert len(rows) == 30 * 2 * 1_440
    assert (np.diff(rows["battery_key"]) >= 0).all()
    one = rows[rows["battery_key"] == 7]
    assert (np.diff(one["sample_time_us"]) == 60_000_000).all()
    assert {int(day) for day in one["sample_time_us"] // DAY_US} <= {20_000, 20_001}
    assert len({float(value) for value in rows["voltage_v"]}) > 10
    assert np.isnan(rows["internal_resistance_mohm"]).all()
    assert set(regimes(rows)) == {Regime.UNSPECIFIED}
    delay_s = one["received_s"] + 1_577_836_800 - one["sample_time_us"] // 1_000_000
    assert delay_s.min() >= 0
    assert delay_s.max() <= 2


def test_a_fleet_year_counts_readings_and_hours() -> None:
    size = ArchiveSize(reading_count=1_000, reading_bytes=4_000, hour_count=10, hour_bytes=600)
    assert size.bytes_per_reading == 4.0
    assert size.gb_per_year(1) == pytest.approx(365 * 24 * (60 * 4.0 + 60.0) / 1e9)


def test_single_readings_are_of_one_battery_each() -> None:
    assert [len(batch.readings) for batch in prepared_singles(1_000.0, 5)] == [1] * 5
