"""Plans and forecasts of replacements from the messages of `PredictionService` and `FleetService`."""

from batterytwin.life_plan import (
    CoolingValue,
    ForecastPeriod,
    LocationForecast,
    MaintenancePlan,
    PlannedString,
    PlannedVisit,
    ReplacementForecast,
    ReplacementPrices,
    ReplacementUrgency,
)
from batterytwin.quarters import Quarter
from batterytwin.v1 import fleet_service_pb2, plan_pb2
from clients.wire import enum_from_number, time_from_proto


def plan_from_proto(message: plan_pb2.MaintenancePlan) -> MaintenancePlan:
    """Reads a plan."""
    return MaintenancePlan(
        plan_time=time_from_proto(message.plan_time),
        quarter_count=message.quarter_count,
        risk=message.risk,
        prices=_prices(message.prices),
        visits=tuple(_visit(visit) for visit in message.visits),
        block_count=message.block_count,
        cost=message.cost,
        unknown_battery_ids=tuple(message.unknown_battery_ids),
        review_battery_ids=tuple(message.review_battery_ids),
    )


def forecast_from_proto(response: fleet_service_pb2.GetReplacementForecastResponse) -> ReplacementForecast:
    """Reads a forecast."""
    return ReplacementForecast(
        total=_location(response.total),
        locations=tuple(_location(location) for location in response.locations),
        cooling=_cooling(response.cooling),
        location_cooling=tuple(_cooling(value) for value in response.location_cooling),
        prices=_prices(response.prices),
    )


def _prices(message: plan_pb2.ReplacementPrices) -> ReplacementPrices:
    return ReplacementPrices(
        currency=message.currency,
        block=message.block,
        labour_hour=message.labour_hour,
        single_block_hours=message.single_block_hours,
        string_block_hours=message.string_block_hours,
        visit=message.visit,
    )


def _visit(message: plan_pb2.PlannedVisit) -> PlannedVisit:
    return PlannedVisit(
        location_id=message.location_id,
        quarter=Quarter(message.year, message.quarter),
        window_start=time_from_proto(message.window_start_time),
        window_end=time_from_proto(message.window_end_time),
        strings=tuple(
            PlannedString(
                string_id=string.string_id,
                whole_string=string.whole_string,
                battery_ids=tuple(string.battery_ids),
                urgent_battery_ids=tuple(string.urgent_battery_ids),
                urgency=enum_from_number(ReplacementUrgency, string.urgency),
                labour_hours=string.labour_hours,
                cost=string.cost,
                reason=string.reason,
            )
            for string in message.strings
        ),
        block_count=message.block_count,
        labour_hours=message.labour_hours,
        working_days=message.working_days,
        cost=message.cost,
        notes=tuple(message.notes),
    )


def _location(message: plan_pb2.LocationForecast) -> LocationForecast:
    return LocationForecast(
        location_id=message.location_id,
        battery_count=message.battery_count,
        year=_period(message.year),
        quarters=tuple(_period(period) for period in message.quarters),
    )


def _period(message: plan_pb2.ForecastPeriod) -> ForecastPeriod:
    return ForecastPeriod(
        quarter=Quarter(message.year, message.quarter) if message.quarter else None,
        start_time=time_from_proto(message.start_time),
        end_time=time_from_proto(message.end_time),
        expected_count=message.expected_count,
        lower_count=message.lower_count,
        upper_count=message.upper_count,
        expected_cost=message.expected_cost,
        lower_cost=message.lower_cost,
        upper_cost=message.upper_cost,
    )


def _cooling(message: plan_pb2.CoolingValue) -> CoolingValue:
    return CoolingValue(
        location_id=message.location_id,
        cooler_k=message.cooler_k,
        median_days=message.median_days,
        cooler_median_days=message.cooler_median_days,
        gained_days=message.gained_days,
        avoided_per_year=message.avoided_per_year,
        saved_per_year=message.saved_per_year,
    )
