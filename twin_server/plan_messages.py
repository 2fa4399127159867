"""Plans and forecasts as messages."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from batterytwin.life_plan import (
    CoolingValue,
    ForecastPeriod,
    LocationForecast,
    MaintenancePlan,
    PlannedVisit,
    ReplacementPrices,
)
from batterytwin.v1 import life_pb2, plan_pb2


def plan_message(plan: MaintenancePlan) -> plan_pb2.MaintenancePlan:
    """Message of a plan."""
    return plan_pb2.MaintenancePlan(
        plan_time=_timestamp(plan.plan_time),
        quarter_count=plan.quarter_count,
        risk=plan.risk,
        prices=prices_message(plan.prices),
        visits=[_visit(visit) for visit in plan.visits],
        block_count=plan.block_count,
        cost=plan.cost,
        unknown_battery_ids=plan.unknown_battery_ids,
        review_battery_ids=plan.review_battery_ids,
    )


def prices_message(prices: ReplacementPrices) -> plan_pb2.ReplacementPrices:
    """Message of prices."""
    return plan_pb2.ReplacementPrices(
        currency=prices.currency,
        block=prices.block,
        labour_hour=prices.labour_hour,
        single_block_hours=prices.single_block_hours,
        string_block_hours=prices.string_block_hours,
        visit=prices.visit,
    )


def forecast_message(forecast: LocationForecast) -> plan_pb2.LocationForecast:
    """Message of the forecast of one location, or of all."""
    return plan_pb2.LocationForecast(
        location_id=forecast.location_id,
        battery_count=forecast.battery_count,
        year=_period(forecast.year),
        quarters=[_period(period) for period in forecast.quarters],
    )


def cooling_message(value: CoolingValue) -> plan_pb2.CoolingValue:
    """Message of the value of cooling."""
    return plan_pb2.CoolingValue(
        location_id=value.location_id,
        cooler_k=value.cooler_k,
        median_days=value.median_days,
        cooler_median_days=value.cooler_median_days,
        gained_days=value.gained_days,
        avoided_per_year=value.avoided_per_year,
        saved_per_year=value.saved_per_year,
    )


def _visit(visit: PlannedVisit) -> plan_pb2.PlannedVisit:
    return plan_pb2.PlannedVisit(
        location_id=visit.location_id,
        year=visit.quarter.year,
        quarter=visit.quarter.number,
        window_start_time=_timestamp(visit.window_start),
        window_end_time=_timestamp(visit.window_end),
        strings=[
            plan_pb2.PlannedString(
                string_id=string.string_id,
                whole_string=string.whole_string,
                battery_ids=string.battery_ids,
                urgent_battery_ids=string.urgent_battery_ids,
                urgency=life_pb2.ReplacementUrgency.ValueType(string.urgency),
                labour_hours=string.labour_hours,
                cost=string.cost,
                reason=string.reason,
            )
            for string in visit.strings
        ],
        block_count=visit.block_count,
        labour_hours=visit.labour_hours,
        working_days=visit.working_days,
        cost=visit.cost,
        notes=visit.notes,
    )


def _period(period: ForecastPeriod) -> plan_pb2.ForecastPeriod:
    return plan_pb2.ForecastPeriod(
        year=period.quarter.year if period.quarter else 0,
        quarter=period.quarter.number if period.quarter else 0,
        start_time=_timestamp(period.start_time),
        end_time=_timestamp(period.end_time),
        expected_count=period.expected_count,
        lower_count=period.lower_count,
        upper_count=period.upper_count,
        expected_cost=period.expected_cost,
        lower_cost=period.lower_cost,
        upper_cost=period.upper_cost,
    )


def _timestamp(time: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(time)
    return timestamp
