"""Remaining life, plans and forecasts through the blocking client."""

from collections.abc import Iterable
from datetime import datetime

from batterytwin.life_plan import MaintenancePlan, ReplacementForecast, ReplacementUrgency
from batterytwin.v1.fleet_service_pb2 import GetReplacementForecastRequest
from batterytwin.v1.fleet_service_pb2_grpc import FleetServiceStub
from batterytwin.v1.prediction_service_pb2 import (
    GetFleetLifeRequest,
    GetMaintenancePlanRequest,
    GetRemainingLifeRequest,
)
from batterytwin.v1.prediction_service_pb2_grpc import PredictionServiceStub
from clients import life_proto, plans_proto
from clients.life import FleetLife, LifeOrder, LifePage, PastPrediction, RemainingLife
from clients.sync_connection import SyncConnection


class SyncLife:
    """The part of `TwinClient` that asks how long batteries last and when to replace them."""

    _token: str | None
    _connection: SyncConnection
    _fleet: FleetServiceStub
    _predictions: PredictionServiceStub

    def get_remaining_life(
        self, battery_id: str, *, warmer_k: float = 0.0, token: str | None = None, deadline_s: float | None = None
    ) -> RemainingLife:
        """Gets the remaining life of one battery: quantiles, causes, similar cases, and when to replace it.

        Args:
            battery_id: slot name.
            warmer_k: what if the future were so much warmer than the site's own climate, -30...30 K.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            UnknownBatteryError: no such battery, or the caller may not see it.
            InvalidArgumentError: `warmer_k` is out of range.
        """
        request = GetRemainingLifeRequest(battery_id=battery_id, warmer_k=warmer_k)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._predictions.GetRemainingLife, request, own, deadline_s)
        return life_proto.life_from_proto(response.life)

    def list_remaining_life(
        self,
        location_id: str = "",
        string_id: str = "",
        *,
        max_days: float | None = None,
        urgencies: Iterable[ReplacementUrgency] = (),
        order: LifeOrder = LifeOrder.FLEET,
        page_size: int = 100,
        page_token: str = "",
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> LifePage:
        """Lists remaining lives, one page at a time; empty filters select everything that the caller may see.

        Args:
            location_id: only this location.
            string_id: only this string.
            max_days: only batteries whose median is at most so many days.
            urgencies: only these urgencies.
            order: order of the whole list.
            page_size: lives in a page, 1...1,000.
            page_token: `next_page_token` of the page before; empty = first page.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = life_proto.list_request(
            location_id=location_id,
            string_id=string_id,
            max_days=max_days,
            urgencies=urgencies,
            order=order,
            page_size=page_size,
            page_token=page_token,
        )
        own = (self._token if token is None else token) or ""
        return life_proto.page_from_proto(
            self._connection.call(self._predictions.ListRemainingLife, request, own, deadline_s)
        )

    def get_fleet_life(
        self, location_id: str = "", *, token: str | None = None, deadline_s: float | None = None
    ) -> FleetLife:
        """Gets the remaining life of every battery that has a prediction as NumPy columns, in one call."""
        request = GetFleetLifeRequest(location_id=location_id)
        own = (self._token if token is None else token) or ""
        return life_proto.fleet_life_from_proto(
            self._connection.call(self._predictions.GetFleetLife, request, own, deadline_s)
        )

    def get_life_history(
        self,
        battery_id: str,
        *,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        max_points: int = 1_000,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> tuple[PastPrediction, ...]:
        """Gets what was predicted for one battery in the past, oldest first.

        Args:
            battery_id: slot name.
            start_time: predicted at or after this time; None = the last 365 days.
            end_time: predicted before this time; None = until now.
            max_points: at most so many, evenly spread, 1...10,000.
            token: access token of this call.
            deadline_s: time this call may take, s.

        Raises:
            UnknownBatteryError: no such battery, or the caller may not see it.
        """
        request = life_proto.history_request(battery_id, start_time, end_time, max_points)
        own = (self._token if token is None else token) or ""
        return life_proto.history_from_proto(
            self._connection.call(self._predictions.GetLifeHistory, request, own, deadline_s)
        )

    def get_maintenance_plan(
        self,
        location_id: str = "",
        *,
        quarter_count: int = 4,
        risk: float | None = None,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> MaintenancePlan:
        """Plans replacements of the coming quarters by site and string, with costs and reasons.

        Args:
            location_id: only this location; empty = all that the caller may see.
            quarter_count: quarters to plan, the present one included, 1...12.
            risk: chance of an end of life before the replacement that is taken; None = that of the server's settings.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = GetMaintenancePlanRequest(location_id=location_id, quarter_count=quarter_count, risk=risk or 0.0)
        own = (self._token if token is None else token) or ""
        response = self._connection.call(self._predictions.GetMaintenancePlan, request, own, deadline_s)
        return plans_proto.plan_from_proto(response.plan)

    def get_replacement_forecast(
        self,
        location_id: str = "",
        *,
        cooler_k: float = 5.0,
        token: str | None = None,
        deadline_s: float | None = None,
    ) -> ReplacementForecast:
        """Forecasts the ends of life of the next twelve months with cost, and what cooler rooms would be worth.

        Args:
            location_id: only this location; empty = all that the caller may see.
            cooler_k: how much cooler the rooms might be, > 0...20 K.
            token: access token of this call.
            deadline_s: time this call may take, s.
        """
        request = GetReplacementForecastRequest(location_id=location_id, cooler_k=cooler_k)
        own = (self._token if token is None else token) or ""
        return plans_proto.forecast_from_proto(
            self._connection.call(self._fleet.GetReplacementForecast, request, own, deadline_s)
        )
