"""Malformed rows are refused with their reason, good ones are kept unchanged and in order, whatever comes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.inventory import LocationClock
from batterytwin.readings import ReadingBatch, ReadingColumns, StringReadingColumns
from batterytwin.telemetry import MEASURED_COLUMNS, Flag, StringMode, mode_of, snap_to_grid
from tests.fixtures.small_fleet import small_inventory, specs_of
from twin_server.ingest_validation import MAX_ROWS, IngestValidation
from twin_server.location_clock import FUTURE_TOLERANCE_US, LocationClocks
from twin_server.routing import FleetMap

NOW_US = 1_750_000_000_000_000
INVENTORY = small_inventory()
SPECS = specs_of(INVENTORY)
FLEET_MAP = FleetMap(INVENTORY, [SPECS[:30], SPECS[30:]])
CLOCKS = LocationClocks([location.clock for location in INVENTORY.locations], wall=lambda: NOW_US)
VALIDATION = IngestValidation(FLEET_MAP, CLOCKS)
ONLY_AAA = np.array([True, False])

ids = st.sampled_from(["AAA-U1-S01-B01", "AAA-U1-S02-B24", "BBB-U1-S01-B01", "AAA-U1-S09-B01", "", "x" * 300, "กขค"])
times_ns = st.one_of(
    st.integers(NOW_US - 10**12, NOW_US + 2 * FUTURE_TOLERANCE_US).map(lambda us: us * 1_000),
    st.sampled_from([0, 1, -1, 10**9, 2**63 - 1, -(2**63)]),
)
values = st.one_of(
    st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, 3e38, -12.88, 0.0, 400.0, 13.5])
)


@st.composite
def batches(draw: st.DrawFn) -> ReadingColumns:
    count = draw(st.integers(1, 12))
    columns = {
        name: np.array(draw(st.lists(values, min_size=count, max_size=count)), np.float32)
        for name in MEASURED_COLUMNS
        if draw(st.booleans())
    }
    return ReadingColumns(
        battery_ids=draw(st.lists(ids, min_size=count, max_size=count)),
        sample_time_unix_ns=np.array(draw(st.lists(times_ns, min_size=count, max_size=count)), np.int64),
        **columns,
    )


def expected_reason(readings: ReadingColumns, row: int) -> Reason | None:
    battery_id, time_us = readings.battery_ids[row], int(readings.sample_time_unix_ns[row]) // 1_000
    sent = [float(column[row]) for name in MEASURED_COLUMNS if (column := getattr(readings, name)) is not None]
    checks = [
        (FLEET_MAP.find(battery_id) is None, Reason.UNKNOWN_BATTERY),
        (not battery_id.startswith("AAA"), Reason.WRONG_LOCATION),
        (time_us == 0, Reason.TIME_MISSING),
        (not 946_684_800_000_000 <= time_us <= 4_102_444_800_000_000, Reason.TIME_OUT_OF_RANGE),
        (time_us > NOW_US + FUTURE_TOLERANCE_US, Reason.TIME_IN_FUTURE),
        (any(math.isinf(value) for value in sent), Reason.NOT_FINITE),
        (all(math.isnan(value) for value in sent), Reason.EMPTY_READING),
    ]
    return next((reason for failed, reason in checks if failed), None)


@given(batches())
def test_every_row_is_either_kept_as_sent_or_refused_with_its_reason(readings: ReadingColumns) -> None:
    result = VALIDATION.check(ReadingBatch(readings), ONLY_AAA)
    reasons = [expected_reason(readings, row) for row in range(len(readings))]
    good = [row for row, reason in enumerate(reasons) if reason is None]

    assert [(row.row_index, row.reason) for row in result.refused] == [
        (row, reason) for row, reason in enumerate(reasons) if reason is not None
    ]
    assert result.refused_count + len(result.rows) == len(readings)
    for row in result.refused:
        assert row.field
        assert row.remedy
        assert row.row_id == readings.battery_ids[row.row_index][:200]
    assert [FLEET_MAP.battery_ids[ordinal] for ordinal in result.ordinals] == [
        readings.battery_ids[row] for row in good
    ]
    assert result.rows["sample_time_us"].tolist() == [int(readings.sample_time_unix_ns[r]) // 1_000 for r in good]
    for name in MEASURED_COLUMNS:
        sent = getattr(readings, name)
        wanted = np.full(len(good), np.nan, np.float32) if sent is None else snap_to_grid(name, sent[good])
        np.testing.assert_array_equal(result.rows[name], wanted)


@given(st.lists(st.sampled_from(FLEET_MAP.battery_ids), min_size=1, max_size=40))
def test_every_known_name_leads_to_its_own_twin(battery_ids: list[str]) -> None:
    ordinals = FLEET_MAP.ordinals(battery_ids)
    for battery_id, ordinal in zip(battery_ids, ordinals.tolist(), strict=True):
        shard = [SPECS[:30], SPECS[30:]][FLEET_MAP.shard[ordinal]]
        assert shard[FLEET_MAP.twin[ordinal]].battery_id == battery_id


def batch_of(rows: int, strings: StringReadingColumns | None = None) -> ReadingBatch:
    return ReadingBatch(
        ReadingColumns(
            ["AAA-U1-S01-B01"] * rows,
            np.full(rows, NOW_US * 1_000, np.int64),
            np.full(rows, 13.5, np.float32),
        ),
        strings,
    )


@pytest.mark.parametrize(("rows", "reason"), [(0, Reason.EMPTY_BATCH), (MAX_ROWS + 1, Reason.BATCH_TOO_LARGE)])
def test_a_batch_of_impossible_size_is_refused_as_a_whole(rows: int, reason: Reason) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        VALIDATION.check(batch_of(rows), None)
    assert caught.value.reason == reason


def test_only_the_first_hundred_refused_rows_are_named_and_all_are_counted() -> None:
    readings = ReadingColumns(["?"] * 250, np.full(250, NOW_US * 1_000, np.int64))
    result = VALIDATION.check(ReadingBatch(readings), None)
    assert result.refused_count == 250
    assert len(result.refused) == 100


class TestStringReadings:
    def check(self, readings: ReadingColumns, strings: StringReadingColumns) -> list[tuple[float, int, int]]:
        rows = VALIDATION.check(ReadingBatch(readings, strings), None).rows
        return [
            (float(row["current_a"]), int(row["status"]) & Flag.CURRENT_FROM_STRING, int(mode_of(row["status"])))
            for row in rows
        ]

    def test_a_battery_without_current_takes_its_strings_at_the_same_time_and_its_mode(self) -> None:
        times = np.array([NOW_US, NOW_US, NOW_US, NOW_US - 1_000_000, NOW_US], np.int64) * 1_000
        readings = ReadingColumns(
            ["AAA-U1-S01-B01", "AAA-U1-S01-B02", "AAA-U1-S02-B01", "AAA-U1-S01-B01", "BBB-U1-S01-B01"],
            times,
            np.full(5, 12.0, np.float32),
            np.array([np.nan, -7.0, np.nan, np.nan, np.nan], np.float32),
        )
        strings = StringReadingColumns(
            ["AAA-U1-S02", "AAA-U1-S01", "AAA-U1-S01"],
            np.array([NOW_US, NOW_US, NOW_US], np.int64) * 1_000,
            np.array([288.0, 290.0, 290.0], np.float32),
            np.array([3.25, -11.5, 99.0], np.float32),
            np.array([StringMode.FLOAT, StringMode.DISCHARGE, 77], np.int32),
        )
        own, filled, none = 0, Flag.CURRENT_FROM_STRING, (pytest.approx(math.nan, nan_ok=True), 0, 0)
        assert self.check(readings, strings) == [
            (-11.5, filled, StringMode.DISCHARGE),
            (-7.0, own, StringMode.DISCHARGE),
            (3.25, filled, StringMode.FLOAT),
            none,
            none,
        ]

    @given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 3), st.floats(-50, 50, width=32)), max_size=12))
    def test_the_vectorised_match_is_the_obvious_one(self, sent: list[tuple[int, int, float]]) -> None:
        rows = [(number, second) for number in (1, 2) for second in range(4)]
        readings = ReadingColumns(
            [f"AAA-U1-S{number:02d}-B05" for number, _ in rows],
            np.array([(NOW_US + second * 1_000_000) * 1_000 for _, second in rows], np.int64),
            np.full(len(rows), 13.0, np.float32),
        )
        strings = StringReadingColumns(
            [f"AAA-U1-S{number:02d}" for number, _, _ in sent],
            np.array([(NOW_US + second * 1_000_000) * 1_000 for _, second, _ in sent], np.int64),
            None,
            np.array([current for _, _, current in sent], np.float32),
        )
        wanted = []
        for row in rows:
            match = [current for number, second, current in sent if (number, second) == row]
            current = snap_to_grid("current_a", np.array(match[:1], np.float32))
            wanted.append(float(current[0]) if match else math.nan)
        found = VALIDATION.check(ReadingBatch(readings, strings), None).rows["current_a"]
        np.testing.assert_array_equal(found, np.array(wanted, np.float32))

    def test_a_refused_string_row_is_named_and_its_batteries_are_kept(self) -> None:
        strings = StringReadingColumns(
            ["AAA-U1-S77", "AAA-U1-S01"],
            np.full(2, NOW_US * 1_000, np.int64),
            None,
            np.array([1.0, np.inf], np.float32),
        )
        result = VALIDATION.check(batch_of(3, strings), None)
        assert len(result.rows) == 3
        assert result.refused_count == 0
        assert [(row.row_id, row.field, row.reason) for row in result.refused] == [
            ("AAA-U1-S77", "string_readings.string_id", Reason.UNKNOWN_STRING),
            ("AAA-U1-S01", "string_readings.current_a", Reason.NOT_FINITE),
        ]


def test_a_feed_takes_any_time_of_this_century_and_its_clock_follows() -> None:
    clocks = LocationClocks([LocationClock.FEED, LocationClock.WALL], wall=lambda: NOW_US)
    validation = IngestValidation(FLEET_MAP, clocks)
    future_ns = (NOW_US + 10 * FUTURE_TOLERANCE_US) * 1_000
    readings = ReadingColumns(
        ["AAA-U1-S01-B01", "BBB-U1-S01-B01"],
        np.array([future_ns, future_ns], np.int64),
        np.full(2, 13.5, np.float32),
    )
    result = validation.check(ReadingBatch(readings), None)
    assert [(row.row_index, row.reason) for row in result.refused] == [(1, Reason.TIME_IN_FUTURE)]
    assert clocks.now_us(0) == 0
    clocks.advance(np.array([0, 1], np.int32), np.array([5, 6]))
    clocks.advance(np.array([0, 1], np.int32), np.array([3, 6]))
    assert (clocks.now_us(0), clocks.now_us(1)) == (5, NOW_US)
