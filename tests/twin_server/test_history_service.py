"""History gives back what was sent, in pages and buckets."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import numpy as np
import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.alerts import AlertChange, AlertRule, AlertTransition
from batterytwin.events import EventKind
from batterytwin.v1 import history_service_pb2 as pb
from batterytwin.v1.history_service_pb2_grpc import HistoryServiceStub
from batterytwin.v1.ingest_service_pb2_grpc import IngestServiceStub
from storage.event_records import EventRecord
from tests.fixtures.server import RunningServer
from tests.storage.server_stores import MINUTE_US, transition
from tests.twin_server.calls import columns, now_ns, reason_of, request

ONE = "AAA-U1-S01-B01"
COUNT = 50


def days_ago(days: float) -> Timestamp:
    time = Timestamp()
    time.FromNanoseconds(now_ns(-86_400 * days))
    return time


class Past:
    """Fifty minutes of one battery, and questions about them."""

    def __init__(self, server: RunningServer, channel: grpc.aio.Channel) -> None:
        self.server = server
        self.history = HistoryServiceStub(channel)
        self.start_ns = now_ns() // 60_000_000_000 * 60_000_000_000 - COUNT * 60_000_000_000
        self.times_ns = [self.start_ns + minute * 60_000_000_000 for minute in range(COUNT)]
        generator = np.random.default_rng(3)
        self.voltage_v = np.round(generator.uniform(13.2, 13.8, COUNT), 3).astype(np.float32)
        self.temperature_c = np.round(generator.uniform(20, 30, COUNT), 1).astype(np.float32)

    async def query(self, **fields: Any) -> pb.QueryHistoryResponse:
        start, end = Timestamp(), Timestamp()
        start.FromNanoseconds(self.start_ns)
        end.FromNanoseconds(self.start_ns + COUNT * 60_000_000_000)
        wanted: dict[str, Any] = {"battery_id": ONE, "start_time": start, "end_time": end} | fields
        message = pb.QueryHistoryRequest(**wanted)
        return await self.history.QueryHistory(message, metadata=self.server.admin, timeout=20)


@pytest_asyncio.fixture
async def past(running_server: RunningServer) -> AsyncIterator[Past]:
    async with grpc.aio.insecure_channel(running_server.target) as channel:
        made = Past(running_server, channel)
        readings = columns(
            [ONE] * COUNT, made.times_ns, made.voltage_v.tolist(), temperature_c=made.temperature_c.tolist()
        )
        await IngestServiceStub(channel).IngestReadings(request(readings), metadata=running_server.gateway("AAA"))
        yield made


def values(response: pb.QueryHistoryResponse) -> dict[int, list[float]]:
    return {series.metric: list(series.values) for series in response.series}


async def test_readings_that_are_no_longer_kept_are_never_silently_missing(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: int) -> int:
        return 1_700_006_400_000_000  # 2023-11-15

    monkeypatch.setattr(past.server.store, "hours_only_until_us", gone)
    quarter, day = Duration(seconds=900), Duration(seconds=86_400)
    fine_ones: list[dict[str, Any]] = [{}, {"bucket": quarter}]
    for fine in fine_ones:
        with pytest.raises(grpc.aio.AioRpcError, match="before 2023-11-15T00:00Z the readings are no") as caught:
            await past.query(**fine)
        assert reason_of(caught.value) == "INVALID_ARGUMENT"
    assert (await past.query(auto_bucket=True)).bucket == Duration(seconds=3_600)
    assert (await past.query(bucket=day)).bucket == day

    async def export(bucket: Duration | None) -> bytes:
        asked = pb.ExportHistoryRequest(
            battery_id=ONE,
            start_time=days_ago(1),
            end_time=days_ago(0),
            format=pb.EXPORT_FORMAT_CSV,
            bucket=bucket,
        )
        pieces = [piece.data async for piece in past.history.ExportHistory(asked, metadata=past.server.admin)]
        return b"".join(pieces)

    with pytest.raises(grpc.aio.AioRpcError, match="ask for buckets of 1 h or more"):
        await export(None)
    assert await export(Duration(seconds=3_600))


async def test_raw_history_is_what_was_sent_with_estimates_beside_it(past: Past) -> None:
    response = await past.query()
    assert list(response.time_unix_ns) == past.times_ns
    found = values(response)
    np.testing.assert_array_equal(np.array(found[pb.METRIC_VOLTAGE_V], np.float32), past.voltage_v)
    np.testing.assert_array_equal(np.array(found[pb.METRIC_TEMPERATURE_C], np.float32), past.temperature_c)
    assert set(found) == {number for number in pb.Metric.values() if number}
    assert not np.isnan(found[pb.METRIC_SOC]).any()
    assert not any(response.suspects)


async def test_pages_join_to_the_whole(past: Past) -> None:
    for extra in ({}, {"bucket": Duration(seconds=180)}):
        whole = await past.query(metrics=[pb.METRIC_VOLTAGE_V], **extra)
        times: list[int] = []
        voltages: list[float] = []
        token = ""
        while True:
            page = await past.query(metrics=[pb.METRIC_VOLTAGE_V], page_size=7, page_token=token, **extra)
            times += page.time_unix_ns
            voltages += page.series[0].values
            if not (token := page.next_page_token):
                break
        assert times == list(whole.time_unix_ns)
        assert voltages == list(whole.series[0].values)


async def test_buckets_hold_mean_smallest_largest_and_count(past: Past) -> None:
    response = await past.query(metrics=[pb.METRIC_VOLTAGE_V], bucket=Duration(seconds=600))
    assert sum(response.row_counts) == COUNT
    series = response.series[0]
    for number, bucket_ns in enumerate(response.time_unix_ns):
        inside = [bucket_ns <= time_ns < bucket_ns + 600_000_000_000 for time_ns in past.times_ns]
        measured = past.voltage_v[inside]
        assert response.row_counts[number] == len(measured)
        assert series.min_values[number] == measured.min()
        assert series.max_values[number] == measured.max()
        assert series.values[number] == pytest.approx(measured.mean(), abs=1e-5)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"battery_id": "nope"}, "UNKNOWN_BATTERY"),
        ({"end_time": None}, "INVALID_ARGUMENT"),
        ({"start_time": Timestamp(seconds=1)}, "TIME_RANGE_TOO_LONG"),
        ({"start_time": Timestamp(seconds=1), "auto_bucket": True}, "TIME_RANGE_TOO_LONG"),
        ({"start_time": days_ago(91)}, "TIME_RANGE_TOO_LONG"),
        ({"start_time": days_ago(91), "bucket": Duration(seconds=3_599)}, "TIME_RANGE_TOO_LONG"),
        ({"start_time": days_ago(91), "bucket": Duration(seconds=5_400)}, "TIME_RANGE_TOO_LONG"),
        ({"bucket": Duration(seconds=60), "auto_bucket": True}, "INVALID_ARGUMENT"),
        ({"max_points": 100}, "INVALID_ARGUMENT"),
        ({"max_points": 9, "auto_bucket": True}, "INVALID_ARGUMENT"),
        ({"max_points": 20_001, "auto_bucket": True}, "INVALID_ARGUMENT"),
        ({"end_time": Timestamp(seconds=1)}, "INVALID_ARGUMENT"),
        ({"end_time": Timestamp(seconds=2**60)}, "TIME_OUT_OF_RANGE"),
        ({"bucket": Duration(nanos=5_000)}, "INVALID_ARGUMENT"),
        ({"bucket": Duration(seconds=-60)}, "INVALID_ARGUMENT"),
        ({"metrics": [99]}, "INVALID_ARGUMENT"),
        ({"page_size": -1}, "INVALID_ARGUMENT"),
        ({"page_token": "x"}, "INVALID_PAGE_TOKEN"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_with_its_reason(
    past: Past, fields: dict[str, Any], reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await past.query(**fields)
    assert reason_of(caught.value) == reason


async def test_raw_ranges_of_ninety_days_and_hourly_ones_of_ten_years_are_answered(past: Past) -> None:
    for days, extra in ((89, {}), (3_650, {"bucket": Duration(seconds=3_600)})):
        response = await past.query(start_time=days_ago(days), metrics=[pb.METRIC_VOLTAGE_V], **extra)
        assert sum(response.row_counts) or len(response.time_unix_ns) == COUNT


async def test_the_server_chooses_buckets_and_says_which(past: Past) -> None:
    for days, max_points, bucket_s in (
        (29, 0, 0), (31, 0, 3_600), (700, 0, 3_600), (740, 0, 86_400), (1, 800, 120), (29, 800, 3_600),
        (360, 800, 43_200),
    ):  # fmt: skip
        time: dict[str, Any] = {"start_time": days_ago(days), "metrics": [pb.METRIC_VOLTAGE_V]}
        response = await past.query(**time, auto_bucket=True, max_points=max_points)
        assert response.HasField("bucket") == bool(bucket_s)
        assert response.bucket.seconds == bucket_s
        assert len(response.row_counts) == (len(response.time_unix_ns) if bucket_s else 0)
        explicit = await past.query(**time, **({"bucket": Duration(seconds=bucket_s)} if bucket_s else {}))
        assert list(response.series[0].values) == list(explicit.series[0].values)


async def test_one_call_tells_what_happened_meanwhile(past: Past) -> None:
    now_us = past.start_ns // 1_000 + COUNT * MINUTE_US

    async def record(name: str, kind: EventKind, start_us: int, end_us: int | None, **place: Any) -> None:
        chosen: dict[str, Any] = {"location_id": "AAA", "string_id": "", "battery_key": None} | place
        await past.server.store.record_event(
            EventRecord(
                event_id=name,
                request_id=name,
                kind=kind,
                **chosen,
                battery_id="",
                start_us=start_us,
                end_us=end_us,
                note="",
                capacity_test=None,
                recorded_by="test",
                record_us=now_us,
            )
        )

    def alert(name: str, raised_us: int, **place: Any) -> AlertTransition:
        changes: dict[str, Any] = {"alert_id": name, "sample_time_us": raised_us, "battery_key": 1} | place
        return transition(**changes)

    hours = 3_600_000_000
    inside = now_us - 30 * MINUTE_US
    await record("outage over all of it", EventKind.OUTAGE, now_us - 5 * hours, None)
    await record("maintenance of its string", EventKind.MAINTENANCE, inside, inside + 1, string_id="AAA-U1-S01")
    await record("another string", EventKind.MAINTENANCE, inside, inside + 1, string_id="AAA-U1-S02")
    await record("another location", EventKind.OUTAGE, inside, None, location_id="BBB")
    await record("too early", EventKind.INSPECTION, now_us - 5 * hours, None)
    await past.server.store.apply_transitions(
        [
            alert("its own, standing since long", now_us - 9 * hours),
            alert("its string's", inside, battery_key=None, string_id="AAA-U1-S01", location_id="AAA"),
            alert("its neighbour's", inside, battery_key=2),
            alert("of yesterday", now_us - 30 * hours, rule=AlertRule.SOH_LOW),
            alert("of yesterday", now_us - 20 * hours, rule=AlertRule.SOH_LOW, change=AlertChange.CLEARED),
        ]
    )
    response = await past.query(metrics=[pb.METRIC_VOLTAGE_V], with_events=True, page_size=20)
    assert [event.event_id for event in response.events] == ["maintenance of its string", "outage over all of it"]
    made_here = [alert.alert_id for alert in response.alerts if not alert.alert_id.startswith(ONE)]
    assert made_here == ["its string's", "its own, standing since long"]
    assert not response.more_events
    second = await past.query(
        metrics=[pb.METRIC_VOLTAGE_V], with_events=True, page_size=20, page_token=response.next_page_token
    )
    assert len(second.time_unix_ns) == 20
    assert not second.events
    assert not (await past.query()).alerts
