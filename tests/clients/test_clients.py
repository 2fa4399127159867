"""The blocking and the asynchronous client are one: same names, same requests, same answers."""

import asyncio
import inspect
import math
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pytest

from batterytwin.alerts import AlertRule, AlertState, Severity
from batterytwin.errors import InvalidArgumentError, Reason, UnauthenticatedError, UnavailableError, UnknownBatteryError
from batterytwin.events import CapacityTest, EventKind
from batterytwin.inventory import LocationClock
from batterytwin.life import LifeSource
from batterytwin.quarters import Quarter
from clients.async_client import AsyncTwinClient
from clients.sync_client import TwinClient
from clients.types import Estimate, ExportFormat, GridSpec, LifeOrder, Metric, Quality, TwinOrder
from tests.clients.fake_api import ALERTS, LOCATIONS, POINTS, FakeApi, serve_api

METHODS = sorted(name for name, _ in inspect.getmembers(TwinClient, inspect.isfunction) if not name.startswith("_"))


class Blocking:
    """Uses the blocking client."""

    def __init__(self, target: str, token: str | None) -> None:
        self._client = TwinClient(target, token)

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        return getattr(self._client, method)(*args, **options)

    def take(self, count: int, method: str, **options: Any) -> list[Any]:
        stream = getattr(self._client, method)(**options)
        found = [next(stream) for _ in range(count)]
        stream.close()
        return found

    def close(self) -> None:
        self._client.close()


class Asynchronous:
    """Uses the asynchronous client."""

    def __init__(self, target: str, token: str | None) -> None:
        self._target, self._token = target, token

    def call(self, method: str, *args: Any, **options: Any) -> Any:
        async def story() -> Any:
            async with AsyncTwinClient(self._target, self._token) as client:
                return await getattr(client, method)(*args, **options)

        return asyncio.run(story())

    def take(self, count: int, method: str, **options: Any) -> list[Any]:
        async def story() -> list[Any]:
            async with AsyncTwinClient(self._target, self._token) as client:
                stream = getattr(client, method)(**options)
                found = [await anext(stream) for _ in range(count)]
                await stream.aclose()
                return found

        return asyncio.run(story())

    def close(self) -> None:
        """Every call had a client of its own."""


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture(params=[Blocking, Asynchronous])
def client(request: pytest.FixtureRequest, api: FakeApi) -> Iterator[Any]:
    with serve_api(api) as target:
        client = request.param(target, "mine")
        yield client
        client.close()


@pytest.mark.parametrize("method", METHODS)
def test_both_clients_have_the_same_methods(method: str) -> None:
    blocking, asynchronous = getattr(TwinClient, method), getattr(AsyncTwinClient, method)
    assert inspect.signature(blocking).parameters == inspect.signature(asynchronous).parameters
    assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous)


def test_nothing_is_in_one_client_only() -> None:
    asynchronous = {name for name, _ in inspect.getmembers(AsyncTwinClient, inspect.isfunction)}
    assert sorted(name for name in asynchronous if not name.startswith("_")) == METHODS


def test_a_session_is_read_and_shown_without_its_tokens(client: Any) -> None:
    session = client.call("login", "ann", "secret")
    assert session.access_token == "access of ann"
    assert session.access_expire_time == datetime(1970, 1, 1, 0, 1, 40, tzinfo=UTC)
    assert session.role == 9  # a role that this version does not know stays a number
    assert "access of" not in repr(session)
    assert client.call("refresh", "r1").refresh_token == "refresh of r1"
    assert client.call("change_password", "old", "new").access_token == "access of new"
    client.call("logout", "r1")


def test_a_calls_own_token_wins_over_the_clients(client: Any, api: FakeApi) -> None:
    client.call("get_twin", "B1")
    client.call("get_twin", "B1", token="yours")
    client.call("get_twin", "B1", token="")
    client.call("login", "ann", "secret")
    assert api.tokens == ["Bearer mine", "Bearer yours", "", ""]


def test_every_call_has_a_deadline(client: Any, api: FakeApi) -> None:
    client.call("get_status")
    client.call("get_status", deadline_s=120.0)
    default_s, own_s = api.deadlines_s
    assert default_s is not None
    assert own_s is not None
    assert default_s < 20.0 < own_s < 140.0  # gRPC rounds the time it passes on


def test_a_twin_tells_what_is_known_from_what_is_not(client: Any) -> None:
    twin = client.call("get_twin", "B1")
    assert (twin.soc, twin.soh_capacity) == (Estimate(0.9, 0.01), None)
    assert (twin.voltage_v, twin.current_a, twin.as_of, twin.age_s) == (0.0, None, None, None)
    assert twin.quality == 99


def test_a_string_tells_what_is_known_from_what_is_not(client: Any) -> None:
    string = client.call("get_string", "S1", load_w=5_000.0)
    assert (string.string_id, string.voltage_v, string.current_a, string.as_of) == ("S1", 327.6, None, None)
    (block,) = string.blocks
    assert (block.twin.battery_id, block.voltage_deviation_v, block.resistance_ratio) == ("B1", -2.15, None)
    assert [diagnosis.fault for diagnosis in string.diagnoses] == [99]  # unknown to this version: stays a number
    assert string.autonomy.load_w == 5_000.0


def test_an_error_keeps_its_class_and_names_the_field(client: Any) -> None:
    with pytest.raises(UnknownBatteryError) as caught:
        client.call("get_twin", "none")
    assert (caught.value.reason, caught.value.field) == (Reason.UNKNOWN_BATTERY, "battery_id")


def test_a_server_that_is_briefly_away_is_asked_again(client: Any, api: FakeApi) -> None:
    api.failures = [UnavailableError("restarting")]
    assert client.call("get_status").twins_live == 3
    assert len(api.requests) == 2


@pytest.mark.parametrize(("method", "args"), [("refresh", ("r1",)), ("change_password", ("old", "new"))])
def test_what_may_be_spent_once_is_not_sent_twice(
    client: Any, api: FakeApi, method: str, args: tuple[str, ...]
) -> None:
    api.failures = [UnavailableError("restarting")]
    with pytest.raises(UnavailableError):
        client.call(method, *args)
    assert len(api.requests) == 1


def test_twins_come_in_pages_and_in_columns(client: Any, api: FakeApi) -> None:
    page = client.call("list_twins", "L1", qualities=[Quality.STALE], order=TwinOrder.SOC, page_size=2)
    assert [twin.battery_id for twin in page] == ["B1", "B2"]
    assert (page.next_page_token, page.total_count) == ("more", 9)
    request: Any = api.requests[-1]
    assert (request.location_id, list(request.qualities), request.order) == ("L1", [2], 2)
    snapshot = client.call("get_fleet_snapshot")
    assert (len(snapshot.twins), snapshot.twins.soc.tolist()) == (3, [0.5] * 3)


def test_all_pages_of_locations_are_joined(client: Any) -> None:
    assert [location.location_id for location in client.call("list_locations")] == [f"L{n}" for n in range(LOCATIONS)]


def test_sums_and_status(client: Any) -> None:
    health = client.call("get_fleet_health", "L1")
    assert (health.total.battery_count, health.total.mean_soc, health.total.min_soh_capacity) == (2, 0.5, None)
    assert health.locations[0].location_id == "L1"
    assert client.call("get_status").not_ready_reasons == ("shard 1",)


def test_a_grid_is_registered(client: Any, api: FakeApi) -> None:
    grid = GridSpec("g", "L", "Lab", LocationClock.FEED, 60.0, 'model = "M"', ("B1", "B2"))
    registered = client.call("register_grid", grid)
    assert (registered.location.clock, registered.gateway_token) == (LocationClock.FEED, "gateway")
    request: Any = api.requests[-1]
    assert list(request.battery_ids) == ["B1", "B2"]


@pytest.mark.parametrize("bucket", [None, timedelta(hours=1)])
def test_all_pages_of_history_are_joined(client: Any, bucket: timedelta | None) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    metrics = [Metric.SOC, Metric.VOLTAGE_V]
    history = client.call("query_history", "B1", start, start + timedelta(days=1), metrics=metrics, bucket=bucket)
    assert history.time_unix_ns.tolist() == list(range(POINTS))
    assert list(history.series) == metrics
    assert history.series[Metric.SOC].values.tolist() == list(range(POINTS))
    assert history.suspects.tolist() == [n == 5 for n in range(POINTS)]
    assert (history.row_counts is None) == (history.series[Metric.SOC].max_values is None) == (bucket is None)


def test_history_tells_its_bucket_and_what_happened_meanwhile(client: Any, api: FakeApi) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    history = client.call(
        "query_history", "B1", start, start + timedelta(days=900), bucket="auto", max_points=700, with_events=True
    )
    assert history.bucket == timedelta(hours=1)
    assert [event.kind for event in history.events] == [77]  # a kind of the future stays a number
    assert [alert.alert_id for alert in history.alerts] == ["A1"]
    assert history.more_events
    asked: Any = api.requests[0]
    assert (asked.auto_bucket, asked.max_points, asked.with_events, asked.HasField("bucket")) == (
        True,
        700,
        True,
        False,
    )
    raw = client.call("query_history", "B1", start, start + timedelta(days=1))
    assert (raw.bucket, raw.events, raw.alerts, raw.more_events) == (None, (), (), False)


WEEK = {"start_time": datetime(2025, 1, 1, tzinfo=UTC), "end_time": datetime(2025, 1, 8, tzinfo=UTC)}


def test_an_export_comes_in_pieces_and_may_be_left(client: Any, api: FakeApi) -> None:
    pieces = client.take(2, "export_history", **WEEK, string_id="S", metrics=[Metric.SOC])
    assert [(piece.data, piece.row_count) for piece in pieces] == [(b"1\n", 1), (b"2\n", 2)]
    asked: Any = api.requests[-1]
    assert (asked.WhichOneof("scope"), asked.string_id, asked.format, list(asked.metrics)) == ("string_id", "S", 2, [5])
    assert (api.deadlines_s[-1] or math.inf) > 1e9  # as long as it takes


def test_an_exported_file_is_whole_or_not_there(client: Any, api: FakeApi, tmp_path: Path) -> None:
    told: list[int] = []

    def export(**options: Any) -> Any:
        return client.call(
            "export_history_to", tmp_path / "x.csv", **WEEK, battery_id="B1", file_format=ExportFormat.CSV, **options
        )

    file = export(progress=lambda chunk: told.append(chunk.row_count))
    assert (file.path.read_text(), file.row_count, file.byte_count, told) == ("1\n2\n3\n", 3, 6, [1, 2, 3])
    calls = len(api.requests)
    with pytest.raises(InvalidArgumentError, match="exists already"):
        export()
    assert len(api.requests) == calls  # the server was not asked
    api.break_export = True
    with pytest.raises(UnavailableError):
        export(overwrite=True)
    assert file.path.read_text() == "1\n2\n3\n"
    file.path.unlink()
    with pytest.raises(UnavailableError):
        export()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        client.call("export_history_to", tmp_path / "none" / "x.csv", **WEEK, battery_id="B1")
    for scope in ({}, {"battery_id": "B1", "location_id": "L"}):
        with pytest.raises(InvalidArgumentError) as refused:
            client.call("export_history_to", tmp_path / "x.csv", **WEEK, **scope)
        assert refused.value.field == "scope"


def test_times_without_a_zone_and_empty_buckets_are_refused(client: Any) -> None:
    start = datetime(2025, 1, 1)  # noqa: DTZ001 - what is tested
    with pytest.raises(InvalidArgumentError, match="no time zone"):
        client.call("query_history", "B1", start, start)
    start = start.replace(tzinfo=UTC)
    with pytest.raises(InvalidArgumentError, match="holds nothing"):
        client.call("query_history", "B1", start, start, bucket=timedelta(0))


def test_alerts_are_listed_and_handled(client: Any, api: FakeApi) -> None:
    start = datetime(2025, 1, 1, tzinfo=UTC)
    page = client.call("list_alerts", states=[AlertState.RAISED], min_severity=Severity.WARNING, start_time=start)
    assert [alert.alert_id for alert in page] == ["A0", "A1"]
    assert (page.alerts[0].rule, page.alerts[0].severity) == (AlertRule.SOH_LOW, 77)
    request: Any = api.requests[-1]
    assert (list(request.states), request.min_severity, request.start_time.seconds) == ([1], 2, 1_735_689_600)
    assert client.call("acknowledge_alert", "A0", "seen").alert_id == "A0"
    assert client.call("resolve_alert", "A0", "done").alert_id == "A0"
    names = [request.request_id for request in api.requests[-2:]]  # type: ignore[attr-defined]  # both have one
    assert len(set(names)) == 2


def test_a_broken_watch_of_alerts_loses_none(client: Any, api: FakeApi) -> None:
    events = client.take(ALERTS, "watch_alerts")
    assert [event.alert.alert_id for event in events] == [f"A{n}" for n in range(ALERTS)]
    assert [request.resume_token for request in api.requests] == ["", "3", "6"]  # type: ignore[attr-defined]


def test_a_watch_of_alerts_resumes_from_a_kept_token(client: Any) -> None:
    assert client.take(1, "watch_alerts", resume_token="5")[0].alert.alert_id == "A5"


def test_a_broken_watch_of_twins_begins_with_a_snapshot_again(client: Any) -> None:
    assert [update.snapshot for update in client.take(5, "watch_twins")] == [True, False, False, True, False]


def test_a_watch_that_may_not_be_resumed_says_so(client: Any, api: FakeApi) -> None:
    expired = UnauthenticatedError("expired", reason=Reason.TOKEN_EXPIRED)
    api.failures = [expired]
    with pytest.raises(UnauthenticatedError, match="expired"):
        client.take(1, "watch_alerts")


def test_one_blocking_client_serves_many_threads(api: FakeApi) -> None:
    found: list[str] = []
    with serve_api(api) as target, TwinClient(target) as client:
        threads = [
            Thread(target=lambda n=n: found.append(client.get_twin(f"B{n}", token=f"t{n}").battery_id))
            for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == sorted(f"B{n}" for n in range(20))
    assert sorted(api.tokens) == sorted(f"Bearer t{n}" for n in range(20))


def test_nobody_at_the_address() -> None:
    with (
        TwinClient("127.0.0.1:1") as client,
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1 cannot be reached"),
    ):
        client.get_status()


def test_events_are_recorded_under_a_name_and_listed(client: Any, api: FakeApi) -> None:
    test = CapacityTest(96.0, 12.0, 26.5, 10.5)
    start = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    event = client.call("record_event", EventKind.CAPACITY_TEST, start, battery_id="B1", capacity_test=test)
    assert (event.kind, event.battery_id, event.start_time) == (EventKind.CAPACITY_TEST, "B1", start)
    assert (event.end_time, event.capacity_test) == (None, test)
    client.call("record_event", EventKind.INSPECTION, start, location_id="L", request_id="mine")
    first, second = cast("list[Any]", api.requests)
    assert str(uuid.UUID(first.request_id)) == first.request_id
    assert second.request_id == "mine"
    assert not second.event.HasField("capacity_test")
    page = client.call("list_events", string_id="S", kinds=[EventKind.OUTAGE], end_time=start)
    assert [event.kind for event in page] == [77], "a kind that this version does not know stays a number"
    assert page.next_page_token == "more"
    asked: Any = api.requests[-1]
    assert list(asked.kinds) == [EventKind.OUTAGE]
    with pytest.raises(InvalidArgumentError):
        client.call("record_event", EventKind.INSPECTION, datetime(2026, 11, 21), location_id="L")  # noqa: DTZ001 # no zone


def test_a_life_tells_what_is_known_from_what_is_not(client: Any, api: FakeApi) -> None:
    life = client.call("get_remaining_life", "B1", warmer_k=-5.0)
    assert (life.battery_id, life.fused.days_50, life.model_days, life.as_of) == ("B1", 900.0, None, None)
    assert (life.confidence, life.source, life.warmer_k) == (None, LifeSource.TWIN_ONLY, -5.0)
    assert [factor.factor for factor in life.factors] == [99]
    assert (life.cases[0].case.ended, life.cases[0].distance) == (True, 0.5)
    assert (life.advice.quarter, life.advice.reason) == (Quarter(2028, 4), "then")
    page = client.call("list_remaining_life", "L1", max_days=365.0, order=LifeOrder.ADVICE, page_size=2)
    assert ([one.battery_id for one in page], page.next_page_token, page.total_count) == (["B1", "B2"], "more", 9)
    asked: Any = api.requests[-1]
    assert (asked.location_id, asked.max_days, asked.order, asked.page_size) == ("L1", 365.0, 4, 2)
    fleet = client.call("get_fleet_life")
    assert fleet.lives.upper_known.tolist() == [False, False], "an older server does not say"
    assert (len(fleet.lives), fleet.lives.days_50.tolist(), fleet.model_version) == (2, [900.0, 40.0], "m1")
    assert [Quarter.of_index(index) for index in fleet.lives.quarters] == [Quarter(2027, 1), Quarter(2027, 2)]
    (past,) = client.call("get_life_history", "B1", max_points=10)
    assert (past.unit_seq, past.model_days, past.source) == (2, 700.0, 77)


def test_plans_and_forecasts(client: Any) -> None:
    plan = client.call("get_maintenance_plan", "L1", quarter_count=6, risk=0.1)
    (visit,) = plan.visits
    assert (plan.quarter_count, plan.risk, visit.quarter, visit.cost) == (6, 0.1, Quarter(2027, 1), 5.0)
    assert (visit.strings[0].whole_string, visit.strings[0].urgency) == (True, 77)
    forecast = client.call("get_replacement_forecast", cooler_k=3.0)
    assert (forecast.total.battery_count, forecast.total.year.quarter) == (4, None)
    assert (forecast.total.quarters[0].quarter, forecast.cooling.cooler_k) == (Quarter(2027, 2), 3.0)


def test_models_are_looked_after(client: Any, api: FakeApi) -> None:
    (model,) = client.call("list_models")
    assert (model.version, model.state, model.approve_time, model.drift) == ("m1", 77, None, None)
    assert (model.gates[0].passed, model.metrics, model.comparison.pair_count) == (False, {"mae_days": 100.0}, 3)
    assert client.call("get_model", "m3").version == "m3"
    assert client.call("import_model", b"...").version == "m2"
    assert client.call("approve_model", "m2", "looked at it").version == "m2"
    assert client.call("activate_model", "m2").version == "m2"
    assert client.call("shadow_model", "m2").version == "m2"
    assert client.call("shadow_model", "") is None
    names = [request.request_id for request in api.requests[-5:]]  # type: ignore[attr-defined]  # all have one
    assert len(set(names)) == 5
