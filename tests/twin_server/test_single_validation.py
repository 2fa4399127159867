"""A row that comes alone is taken as among many, or left to those who say what is wrong with it."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from batterytwin.inventory import LocationClock
from batterytwin.readings import ReadingBatch, ReadingColumns
from batterytwin.readings_proto import batch_to_ingest_request
from batterytwin.readings_wire import request_reader
from batterytwin.telemetry import MEASURED_COLUMNS
from batterytwin.v1 import ingest_service_pb2
from tests.twin_server.test_ingest_validation import FLEET_MAP, NOW_US, ids, times_ns, values
from twin_server.ingest_validation import IngestValidation
from twin_server.location_clock import LocationClocks
from twin_server.single_validation import check_single

read = request_reader(ingest_service_pb2.IngestReadingsRequest)


@st.composite
def single_batches(draw: st.DrawFn) -> ReadingBatch:
    columns = {name: np.array([draw(values)], np.float32) for name in MEASURED_COLUMNS if draw(st.booleans())}
    return ReadingBatch(ReadingColumns([draw(ids)], np.array([draw(times_ns)], np.int64), **columns))


@given(
    single_batches(),
    st.sampled_from(LocationClock),
    st.sampled_from([None, np.array([True, False]), np.array([False, True])]),
)
def test_a_row_alone_is_taken_as_among_many(
    batch: ReadingBatch, clock: LocationClock, allowed: np.ndarray | None
) -> None:
    clocks = LocationClocks([clock, clock], wall=lambda: NOW_US)
    request = read(batch_to_ingest_request(batch).SerializeToString())
    single = request.single()
    assert single is not None
    found = check_single(FLEET_MAP, clocks, single, allowed)
    wanted = IngestValidation(FLEET_MAP, clocks).check(request.batch(), allowed)
    assert (found is None) == bool(wanted.refused_count)
    if found is not None:
        assert found.rows.dtype == wanted.rows.dtype
        for name in wanted.rows.dtype.names or ():
            (mine,), (theirs,) = found.rows[name], wanted.rows[name]
            assert mine.tobytes() == theirs.tobytes() or (math.isnan(mine) and math.isnan(theirs)), name
        np.testing.assert_array_equal(found.ordinals, wanted.ordinals)
        assert found.refused == wanted.refused
        assert found.strings is wanted.strings is None


@given(st.lists(ids, max_size=3), st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_other_batches_are_left_alone(names: list[str], times: int, volts: int, strings: bool) -> None:
    message = ingest_service_pb2.IngestReadingsRequest()
    message.readings.battery_ids.extend(names)
    message.readings.sample_time_unix_ns.extend([NOW_US * 1_000] * times)
    message.readings.voltage_v.extend([13.5] * volts)
    if strings:
        message.string_readings.string_ids.append("AAA-U1-S01")
    single = read(message.SerializeToString()).single()
    assert (single is not None) == (len(names) == 1 == times and volts <= 1 and not strings)
