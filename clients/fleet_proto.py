"""The inventory and its health from the messages of `FleetService`."""

from batterytwin.inventory import LocationClock, SystemKind
from batterytwin.v1 import fleet_pb2, fleet_service_pb2
from clients.fleet import (
    BatteryString,
    FleetHealth,
    GridSpec,
    HealthSummary,
    Location,
    RegisteredGrid,
    ServerStatus,
    System,
)
from clients.wire import enum_from_number, optional_time


def location_from_proto(message: fleet_pb2.Location) -> Location:
    """Reads one location with its systems and strings."""
    return Location(
        location_id=message.location_id,
        grid_id=message.grid_id,
        display_name=message.display_name,
        region=message.region,
        latitude_deg=message.latitude_deg,
        longitude_deg=message.longitude_deg,
        clock=enum_from_number(LocationClock, message.clock),
        clock_time=optional_time(message, "clock_time"),
        sample_period_s=message.sample_period_s,
        systems=tuple(_system(system) for system in message.systems),
    )


def health_from_proto(response: fleet_service_pb2.GetFleetHealthResponse) -> FleetHealth:
    """Reads sums of health."""
    return FleetHealth(_summary(response.total), tuple(_summary(location) for location in response.locations))


def status_from_proto(response: fleet_service_pb2.GetStatusResponse) -> ServerStatus:
    """Reads the state of the server."""
    return ServerStatus(
        twins_live=response.twins_live,
        twins_total=response.twins_total,
        readings_accepted=response.readings_accepted,
        oldest_age_s=response.oldest_age_s,
        alerts_active=response.alerts_active,
        version=response.version,
        ready=response.ready,
        not_ready_reasons=tuple(response.not_ready_reasons),
        shards_total=response.shards_total,
        shards_ready=response.shards_ready,
        damaged_snapshots=response.damaged_snapshots,
        failing_jobs=tuple(response.failing_jobs),
        life_model_version=response.life_model_version,
        life_degraded_reason=response.life_degraded_reason,
    )


def grid_to_proto(grid: GridSpec) -> fleet_service_pb2.RegisterGridRequest:
    """Makes the request that registers a grid."""
    return fleet_service_pb2.RegisterGridRequest(
        grid_id=grid.grid_id,
        location_id=grid.location_id,
        display_name=grid.display_name,
        clock=fleet_pb2.LocationClock.ValueType(grid.clock),
        sample_period_s=grid.sample_period_s,
        datasheet_toml=grid.datasheet_toml,
        battery_ids=grid.battery_ids,
    )


def registered_grid_from_proto(response: fleet_service_pb2.RegisterGridResponse) -> RegisteredGrid:
    """Reads the answer to a registration."""
    return RegisteredGrid(location_from_proto(response.location), response.created, response.gateway_token)


def _system(message: fleet_pb2.System) -> System:
    return System(
        system_id=message.system_id,
        kind=enum_from_number(SystemKind, message.kind),
        strings=tuple(
            BatteryString(string.string_id, string.model, tuple(string.battery_ids)) for string in message.strings
        ),
    )


def _summary(message: fleet_pb2.FleetHealth) -> HealthSummary:
    return HealthSummary(
        location_id=message.location_id,
        battery_count=message.battery_count,
        live_count=message.live_count,
        stale_count=message.stale_count,
        no_data_count=message.no_data_count,
        suspect_count=message.suspect_count,
        healthy_count=message.healthy_count,
        ageing_count=message.ageing_count,
        end_of_life_count=message.end_of_life_count,
        unknown_count=message.unknown_count,
        critical_alert_count=message.critical_alert_count,
        warning_alert_count=message.warning_alert_count,
        info_alert_count=message.info_alert_count,
        critical_battery_count=message.critical_battery_count,
        mean_soh_capacity=message.mean_soh_capacity if message.HasField("mean_soh_capacity") else None,
        min_soh_capacity=message.min_soh_capacity if message.HasField("min_soh_capacity") else None,
        mean_soc=message.mean_soc if message.HasField("mean_soc") else None,
        mean_temperature_c=message.mean_temperature_c if message.HasField("mean_temperature_c") else None,
        max_temperature_c=message.max_temperature_c if message.HasField("max_temperature_c") else None,
        discharging_count=message.discharging_count,
        oldest_age_s=message.oldest_age_s if message.HasField("oldest_age_s") else None,
    )
