"""The inventory and sums over it as messages of `FleetService`."""

from batterytwin.alerts import Severity
from batterytwin.inventory import Location
from batterytwin.telemetry import Quality
from batterytwin.v1 import fleet_pb2
from twin_server.fleet_health import FleetHealth
from twin_server.time_proto import optional_timestamp


def location_to_proto(location: Location, clock_us: int) -> fleet_pb2.Location:
    """Message of a location with all that stands in it.

    Args:
        location: the location.
        clock_us: its present time, us since 1970 UTC; 0 = a feed before its first sample.
    """
    return fleet_pb2.Location(
        location_id=location.location_id,
        grid_id=location.grid_id,
        display_name=location.display_name,
        region=location.region,
        latitude_deg=location.latitude_deg,
        longitude_deg=location.longitude_deg,
        clock=fleet_pb2.LocationClock.ValueType(location.clock),
        clock_time=optional_timestamp(clock_us),
        sample_period_s=location.sample_period_s,
        systems=[
            fleet_pb2.System(
                system_id=system.system_id,
                kind=fleet_pb2.SystemKind.ValueType(system.kind),
                strings=[
                    fleet_pb2.BatteryString(
                        string_id=string.string_id,
                        model=string.datasheet.model,
                        battery_ids=[battery.battery_id for battery in string.batteries],
                    )
                    for string in system.strings
                ],
            )
            for system in location.systems
        ],
    )


def health_to_proto(location_id: str, health: FleetHealth) -> fleet_pb2.FleetHealth:
    """Message of sums; an empty location id stands for everything selected."""
    return fleet_pb2.FleetHealth(
        location_id=location_id,
        battery_count=health.battery_count,
        live_count=health.quality_counts[Quality.LIVE],
        stale_count=health.quality_counts[Quality.STALE],
        no_data_count=health.quality_counts[Quality.NO_DATA],
        suspect_count=health.quality_counts[Quality.SUSPECT],
        healthy_count=health.healthy_count,
        ageing_count=health.ageing_count,
        end_of_life_count=health.end_of_life_count,
        unknown_count=health.unknown_count,
        critical_alert_count=health.alert_counts[Severity.CRITICAL],
        warning_alert_count=health.alert_counts[Severity.WARNING],
        info_alert_count=health.alert_counts[Severity.INFO],
        mean_soh_capacity=health.mean_soh_capacity,
        min_soh_capacity=health.min_soh_capacity,
        mean_soc=health.mean_soc,
        mean_temperature_c=health.mean_temperature_c,
        max_temperature_c=health.max_temperature_c,
        discharging_count=health.discharging_count,
        oldest_age_s=health.oldest_age_s,
        critical_battery_count=health.critical_battery_count,
    )
