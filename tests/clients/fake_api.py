"""The read services in memory: pages, streams that break, and who asked. One blocking server serves both clients."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from batterytwin.errors import TwinError, UnavailableError, UnknownBatteryError
from batterytwin.v1 import (
    alert_pb2,
    alert_service_pb2,
    alert_service_pb2_grpc,
    auth_service_pb2,
    auth_service_pb2_grpc,
    event_pb2,
    fleet_pb2,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    history_service_pb2,
    history_service_pb2_grpc,
    life_pb2,
    model_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    plan_pb2,
    prediction_service_pb2,
    prediction_service_pb2_grpc,
    string_pb2,
    twin_pb2,
    twin_service_pb2,
    twin_service_pb2_grpc,
)
from tests.clients.statuses import abort_blocking

ALERTS = 7
LOCATIONS = 5
POINTS = 10


@dataclass
class FakeApi:
    """What the fake services know and have seen.

    Attributes:
        requests: every request, in order.
        tokens: the `authorization` of every call.
        deadlines_s: time that every call was given, s; None = any.
        break_every: a watch breaks after so many answers.
        break_export: whether an export breaks after two pieces of three.
        failures: errors to answer the next calls with.
    """

    requests: list[Message] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    deadlines_s: list[float | None] = field(default_factory=list)
    break_every: int = 3
    break_export: bool = False
    failures: list[TwinError] = field(default_factory=list)

    def answer(self, request: Message, context: grpc.ServicerContext) -> None:
        copy = type(request)()
        copy.CopyFrom(request)
        self.requests.append(copy)
        self.tokens.append(str(dict(context.invocation_metadata()).get("authorization", "")))
        self.deadlines_s.append(context.time_remaining())
        if self.failures:
            abort_blocking(context, self.failures.pop(0))


class _Service:
    def __init__(self, api: FakeApi) -> None:
        self.api = api


def _session(name: str) -> auth_service_pb2.Session:
    session = auth_service_pb2.Session(access_token=f"access of {name}", refresh_token=f"refresh of {name}", role=9)  # type: ignore[arg-type]  # a role of the future
    session.access_expire_time.seconds = 100
    session.refresh_expire_time.seconds = 200
    return session


class _Auth(_Service, auth_service_pb2_grpc.AuthServiceServicer):
    def Login(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return auth_service_pb2.LoginResponse(session=_session(request.username))

    def RefreshToken(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return auth_service_pb2.RefreshTokenResponse(session=_session(request.refresh_token))

    def Logout(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return auth_service_pb2.LogoutResponse()

    def ChangePassword(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return auth_service_pb2.ChangePasswordResponse(session=_session(request.new_password))


class _Twins(_Service, twin_service_pb2_grpc.TwinServiceServicer):
    def GetTwin(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        if request.battery_id == "none":
            abort_blocking(context, UnknownBatteryError("no battery", field="battery_id", value="none"))
        twin = twin_pb2.Twin(battery_id=request.battery_id, quality=99, voltage_v=0.0)  # type: ignore[arg-type]
        twin.soc.value, twin.soc.sigma = 0.9, 0.01
        return twin_service_pb2.GetTwinResponse(twin=twin)

    def GetTwinAt(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        answer = twin_service_pb2.GetTwinAtResponse(
            source=twin_service_pb2.TWIN_SOURCE_REPLAYED, replayed_row_count=7, revision=2
        )
        answer.twin.battery_id = request.battery_id
        answer.known_time.FromSeconds(1_800_000_000)
        return answer

    def GetString(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        string = string_pb2.StringTwin(string_id=request.string_id, voltage_v=327.6, current_a=math.nan)
        string.blocks.add(twin=twin_pb2.Twin(battery_id="B1"), voltage_deviation_v=-2.15, resistance_ratio=math.nan)
        string.diagnoses.add(fault=99, battery_ids=["B1"])  # a fault of the future
        string.autonomy.load_w = request.load_w
        return twin_service_pb2.GetStringResponse(string=string)

    def ListTwins(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return twin_service_pb2.ListTwinsResponse(
            twins=[twin_pb2.Twin(battery_id="B1"), twin_pb2.Twin(battery_id="B2")],
            next_page_token="more",
            total_count=9,
        )

    def GetFleetSnapshot(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return twin_service_pb2.GetFleetSnapshotResponse(twins=_columns(3), model_version="m1")

    def WatchTwins(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.api.answer(request, context)
        for n in range(self.api.break_every):
            yield twin_service_pb2.WatchTwinsResponse(twins=_columns(1), snapshot=n == 0)
        abort_blocking(context, UnavailableError("restarting", retry_after_s=0.01))


class _Fleet(_Service, fleet_service_pb2_grpc.FleetServiceServicer):
    def ListLocations(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        first = int(request.page_token or 0)
        last = min(first + 2, LOCATIONS)
        return fleet_service_pb2.ListLocationsResponse(
            locations=[fleet_pb2.Location(location_id=f"L{n}") for n in range(first, last)],
            next_page_token=str(last) if last < LOCATIONS else "",
        )

    def GetFleetHealth(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return fleet_service_pb2.GetFleetHealthResponse(
            total=fleet_pb2.FleetHealth(battery_count=2, mean_soc=0.5),
            locations=[fleet_pb2.FleetHealth(location_id=request.location_id)],
        )

    def GetStatus(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return fleet_service_pb2.GetStatusResponse(twins_live=3, oldest_age_s=-1, not_ready_reasons=["shard 1"])

    def RegisterGrid(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        location = fleet_pb2.Location(location_id=request.location_id, clock=request.clock)
        return fleet_service_pb2.RegisterGridResponse(location=location, created=True, gateway_token="gateway")

    def GetReplacementForecast(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        period = plan_pb2.ForecastPeriod(year=2027, quarter=2, expected_count=3.5, upper_count=6)
        whole = plan_pb2.ForecastPeriod(expected_count=9.0)
        return fleet_service_pb2.GetReplacementForecastResponse(
            total=plan_pb2.LocationForecast(battery_count=4, year=whole, quarters=[period]),
            cooling=plan_pb2.CoolingValue(cooler_k=request.cooler_k, saved_per_year=1e5),
        )


class _Predictions(_Service, prediction_service_pb2_grpc.PredictionServiceServicer):
    def GetRemainingLife(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return prediction_service_pb2.GetRemainingLifeResponse(life=_life(request.battery_id, request.warmer_k))

    def ListRemainingLife(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return prediction_service_pb2.ListRemainingLifeResponse(
            lives=[_life("B1"), _life("B2")], next_page_token="more", total_count=9
        )

    def GetFleetLife(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        columns = life_pb2.LifeColumns(battery_ids=["B1", "B2"], days_50=[900.0, 40.0], quarters=[8_108, 8_109])
        return prediction_service_pb2.GetFleetLifeResponse(lives=columns, model_version="m1")

    def GetLifeHistory(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        past = prediction_service_pb2.PastPrediction(unit_seq=2, twin_days=800.0, model_days=700.0, source=77)  # type: ignore[arg-type]
        return prediction_service_pb2.GetLifeHistoryResponse(predictions=[past])

    def GetMaintenancePlan(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        string = plan_pb2.PlannedString(string_id="S1", whole_string=True, battery_ids=["B1"], urgency=77)  # type: ignore[arg-type]
        visit = plan_pb2.PlannedVisit(location_id="L1", year=2027, quarter=1, strings=[string], cost=5.0)
        plan = plan_pb2.MaintenancePlan(quarter_count=request.quarter_count, risk=request.risk, visits=[visit])
        return prediction_service_pb2.GetMaintenancePlanResponse(plan=plan)


class _Models(_Service, model_service_pb2_grpc.ModelServiceServicer):
    def ListModels(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.ListModelsResponse(models=[_model("m1")], next_page_token="more")

    def GetModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.GetModelResponse(model=_model(request.version))

    def ImportModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.ImportModelResponse(model=_model("m2"), created=True)

    def ApproveModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.ApproveModelResponse(model=_model(request.version))

    def ActivateModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.ActivateModelResponse(model=_model(request.version), previous_version="m0")

    def ShadowModel(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return model_service_pb2.ShadowModelResponse(model=_model(request.version) if request.version else None)


def _life(battery_id: str, warmer_k: float = 0.0) -> life_pb2.RemainingLife:
    return life_pb2.RemainingLife(
        battery_id=battery_id,
        fused=life_pb2.LifeQuantiles(days_50=900.0),
        twin_weight=0.6,
        source=life_pb2.LIFE_SOURCE_TWIN_ONLY,
        factors=[life_pb2.LifeFactorShare(factor=99, share=0.5, multiplier=0.8)],  # type: ignore[arg-type]
        cases=[life_pb2.SimilarCase(case_id="fleet/B9/1", remaining_days=300.0, ended=True, distance=0.5)],
        advice=life_pb2.ReplacementAdvice(year=2028, quarter=4, reason="then"),
        warmer_k=warmer_k,
    )


def _model(version: str) -> model_pb2.LifeModel:
    return model_pb2.LifeModel(
        version=version,
        state=77,  # type: ignore[arg-type]
        gates=[model_pb2.ModelGate(name="coverage", value=0.7, limit="0.85...0.95")],
        metrics=[model_pb2.ModelMetric(name="mae_days", value=100.0)],
        comparison=model_pb2.ModelComparison(active_version="m0", pair_count=3),
    )


class _History(_Service, history_service_pb2_grpc.HistoryServiceServicer):
    def QueryHistory(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        first = int(request.page_token or 0)
        numbers = range(first, min(first + 4, POINTS))
        bucketed = request.HasField("bucket") or request.auto_bucket
        series = [
            history_service_pb2.HistorySeries(
                metric=metric,
                values=[float(n) for n in numbers],
                min_values=[n - 1.0 for n in numbers] if bucketed else [],
                max_values=[n + 1.0 for n in numbers] if bucketed else [],
            )
            for metric in request.metrics
        ]
        return history_service_pb2.QueryHistoryResponse(
            time_unix_ns=list(numbers),
            series=series,
            row_counts=[60 for _ in numbers] if bucketed else [],
            suspects=[n == 5 for n in numbers],
            bucket=Duration(seconds=3_600) if bucketed else None,
            events=[event_pb2.Event(event_id="E1", kind=77)] if request.with_events and not first else [],  # type: ignore[arg-type]
            alerts=[_alert(1)] if request.with_events and not first else [],
            more_events=request.with_events,
            next_page_token=str(numbers.stop) if numbers.stop < POINTS else "",
        )

    def ExportHistory(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.api.answer(request, context)
        for n in range(1, 4):
            if n == 3 and self.api.break_export:
                abort_blocking(context, UnavailableError("restarting", retry_after_s=0.01))
            yield history_service_pb2.ExportHistoryResponse(data=b"%d\n" % n, row_count=n, done_fraction=n / 3)

    def ListEvents(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return history_service_pb2.ListEventsResponse(
            events=[event_pb2.Event(event_id="E1", kind=77)],  # type: ignore[arg-type] # a kind of the future
            next_page_token="more",
        )

    def RecordEvent(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return history_service_pb2.RecordEventResponse(event=request.event)


class _Alerts(_Service, alert_service_pb2_grpc.AlertServiceServicer):
    def ListAlerts(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return alert_service_pb2.ListAlertsResponse(alerts=[_alert(0), _alert(1)], next_page_token="more")

    def WatchAlerts(self, request: Any, context: Any) -> Iterator[Any]:  # noqa: N802
        self.api.answer(request, context)
        first = int(request.resume_token or 0)
        for n in range(first, min(first + self.api.break_every, ALERTS)):
            yield alert_service_pb2.WatchAlertsResponse(
                change=alert_service_pb2.ALERT_CHANGE_RAISED, alert=_alert(n), resume_token=str(n + 1)
            )
        abort_blocking(context, UnavailableError("restarting", retry_after_s=0.01))

    def AcknowledgeAlert(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return alert_service_pb2.AcknowledgeAlertResponse(alert=_alert(0))

    def ResolveAlert(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.api.answer(request, context)
        return alert_service_pb2.ResolveAlertResponse(alert=_alert(0))


def _alert(number: int) -> alert_pb2.Alert:
    return alert_pb2.Alert(alert_id=f"A{number}", rule=alert_pb2.ALERT_RULE_SOH_LOW, severity=77)  # type: ignore[arg-type]


def _columns(rows: int) -> twin_pb2.TwinColumns:
    return twin_pb2.TwinColumns(battery_ids=[f"B{n}" for n in range(rows)], soc=[0.5] * rows, qualities=[1] * rows)  # type: ignore[list-item]


@contextmanager
def serve_api(api: FakeApi) -> Iterator[str]:
    """Runs the services on a free port and yields the address."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(_Auth(api), server)
    twin_service_pb2_grpc.add_TwinServiceServicer_to_server(_Twins(api), server)
    fleet_service_pb2_grpc.add_FleetServiceServicer_to_server(_Fleet(api), server)
    history_service_pb2_grpc.add_HistoryServiceServicer_to_server(_History(api), server)
    alert_service_pb2_grpc.add_AlertServiceServicer_to_server(_Alerts(api), server)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Predictions(api), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(_Models(api), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
