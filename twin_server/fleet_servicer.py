"""`FleetService`: sites, sums over them, the server's own state, and new grids."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from batterytwin import __version__
from batterytwin.telemetry import Quality
from batterytwin.v1 import fleet_pb2, fleet_service_pb2, fleet_service_pb2_grpc
from twin_server.alert_hub import AlertHub
from twin_server.fleet_health import sum_health
from twin_server.fleet_proto import health_to_proto, location_to_proto
from twin_server.grid_registration import GridRegistration
from twin_server.live_table import LiveTable
from twin_server.lives import Lives
from twin_server.page_token import decode_page_token, encode_page_token, read_page_size
from twin_server.plan_messages import cooling_message, forecast_message, prices_message
from twin_server.principal import current_principal
from twin_server.readiness import Readiness
from twin_server.twin_view import view_twins
from twin_server.visibility import visible_locations


class FleetServicer(fleet_service_pb2_grpc.FleetServiceServicer):
    """Answers questions about sites and the fleet as a whole."""

    def __init__(  # noqa: PLR0917 # what answers come from
        self,
        live: LiveTable,
        hub: AlertHub,
        readiness: Readiness,
        registration: GridRegistration,
        failing_jobs: Callable[[], Iterable[str]],
        lives: Lives,
    ) -> None:
        self._live = live
        self._map = live.fleet_map
        self._hub = hub
        self._readiness = readiness
        self._registration = registration
        self._failing_jobs = failing_jobs
        self._lives = lives

    async def ListLocations(
        self, request: fleet_service_pb2.ListLocationsRequest, context: Any
    ) -> fleet_service_pb2.ListLocationsResponse:
        """Lists the locations that the caller may see."""
        page_size = read_page_size(request.page_size, default=50, largest=100)
        begin = decode_page_token(request) or 0
        numbers = [n for n in visible_locations(self._map, current_principal()) if n >= begin]
        page, rest = numbers[:page_size], numbers[page_size:]
        return fleet_service_pb2.ListLocationsResponse(
            locations=[self._location(number) for number in page],
            next_page_token=encode_page_token(request, rest[0]) if rest else "",
        )

    async def GetFleetHealth(
        self, request: fleet_service_pb2.GetFleetHealthRequest, context: Any
    ) -> fleet_service_pb2.GetFleetHealthResponse:
        """Sums up health per location and over all of them."""
        numbers = visible_locations(self._map, current_principal(), request.location_id)
        return fleet_service_pb2.GetFleetHealthResponse(
            total=self._health("", numbers),
            locations=[self._health(self._map.locations[n][0].location_id, [n]) for n in numbers],
        )

    async def GetStatus(
        self, request: fleet_service_pb2.GetStatusRequest, context: Any
    ) -> fleet_service_pb2.GetStatusResponse:
        """Tells whether the server is ready and how many twins live."""
        everything = np.arange(len(self._map), dtype=np.int32)
        ages_s = self._live.ages_s(everything)
        reasons = self._readiness.reasons()
        return fleet_service_pb2.GetStatusResponse(
            twins_live=int(np.count_nonzero(self._live.qualities(everything) == Quality.LIVE)),
            twins_total=len(self._map),
            readings_accepted=int(self._live.rows["accepted_count"].sum()),
            oldest_age_s=-1.0 if np.isnan(ages_s).any() or not len(ages_s) else float(ages_s.max()),
            alerts_active=len(self._hub.active),
            version=__version__,
            ready=not reasons,
            not_ready_reasons=reasons,
            shards_total=self._map.shard_count,
            shards_ready=self._readiness.shards_ready,
            damaged_snapshots=self._readiness.damaged_snapshots,
            failing_jobs=self._failing_jobs(),
            life_model_version=self._lives.model_version,
            life_degraded_reason=self._lives.degraded_reason,
        )

    async def GetReplacementForecast(
        self, request: fleet_service_pb2.GetReplacementForecastRequest, context: Any
    ) -> fleet_service_pb2.GetReplacementForecastResponse:
        """Forecasts ends of life, and what cooling is worth."""
        numbers = visible_locations(self._map, current_principal(), request.location_id)
        self._lives.table.extend()
        forecast = await self._lives.planner.forecast(numbers, request.cooler_k)
        return fleet_service_pb2.GetReplacementForecastResponse(
            total=forecast_message(forecast.total),
            locations=[forecast_message(location) for location in forecast.locations],
            cooling=cooling_message(forecast.cooling),
            location_cooling=[cooling_message(value) for value in forecast.location_cooling],
            prices=prices_message(forecast.prices),
        )

    async def RegisterGrid(
        self, request: fleet_service_pb2.RegisterGridRequest, context: Any
    ) -> fleet_service_pb2.RegisterGridResponse:
        """Adds a grid with one location of its own."""
        registered = await self._registration.register(request)
        number = self._map.find_location(request.location_id)
        assert number is not None, "a registered location is in the map"
        return fleet_service_pb2.RegisterGridResponse(
            location=self._location(number), created=registered.created, gateway_token=registered.gateway_token
        )

    def _location(self, number: int) -> fleet_pb2.Location:
        return location_to_proto(self._map.locations[number][0], self._live.clocks.now_us(number))

    def _health(self, location_id: str, numbers: list[int]) -> fleet_pb2.FleetHealth:
        slices = [self._map.locations[number][1] for number in numbers]
        parts = [np.arange(ordinals.start, ordinals.stop, dtype=np.int32) for ordinals in slices]
        ordinals = np.concatenate(parts) if parts else np.empty(0, np.int32)
        names = {self._map.locations[number][0].location_id for number in numbers}
        alerts = (alert for alert in self._hub.active.values() if alert.location_id in names)
        return health_to_proto(location_id, sum_health(view_twins(self._live, self._hub.counts, ordinals), alerts))
