"""The inventory and its health as plain types."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from batterytwin.inventory import LocationClock, SystemKind


@dataclass(frozen=True, slots=True)
class BatteryString:
    """Blocks in series: one current.

    Attributes:
        string_id: name, for example "BRK-U1-S03".
        model: data sheet of its blocks.
        battery_ids: slot names in order from the positive end.
    """

    string_id: str
    model: str
    battery_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class System:
    """A UPS or rectifier with its parallel strings.

    Attributes:
        system_id: name, for example "BRK-U1".
        kind: what it is; a bare number if the server is newer than this client.
        strings: strings on the system's bus.
    """

    system_id: str
    kind: SystemKind | int
    strings: tuple[BatteryString, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """A site.

    Attributes:
        location_id: short name, for example "BRK".
        grid_id: grid it belongs to.
        display_name: name for people.
        region: part of the country.
        latitude_deg: degrees north, -90...90.
        longitude_deg: degrees east, -180...180.
        clock: how it tells the time; a bare number if the server is newer than this client.
        clock_time: its present time, UTC; None = a feed clock before its first sample.
        sample_period_s: normal time between two samples of a battery, s.
        systems: systems of the location.
    """

    location_id: str
    grid_id: str
    display_name: str
    region: str
    latitude_deg: float
    longitude_deg: float
    clock: LocationClock | int
    clock_time: datetime | None
    sample_period_s: float
    systems: tuple[System, ...]

    def strings(self) -> Iterator[BatteryString]:
        """Strings of all systems, in order."""
        for system in self.systems:
            yield from system.strings


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """Sums over a location, or over all that the caller may see. None = no estimate or measurement yet.

    Attributes:
        location_id: location; empty = all.
        battery_count: batteries in the inventory.
        live_count: batteries of quality LIVE.
        stale_count: of quality STALE.
        no_data_count: of quality NO_DATA.
        suspect_count: of quality SUSPECT.
        healthy_count: batteries with soh_capacity > 0.85.
        ageing_count: with soh_capacity 0.80...0.85.
        end_of_life_count: with soh_capacity < 0.80.
        unknown_count: without an estimate yet.
        critical_alert_count: active alerts of severity CRITICAL.
        warning_alert_count: active alerts of severity WARNING.
        info_alert_count: active alerts of severity INFO.
        critical_battery_count: batteries with at least one active alert of severity CRITICAL.
        mean_soh_capacity: mean, 0...1.2.
        min_soh_capacity: lowest, 0...1.2.
        mean_soc: mean state of charge, 0...1.
        mean_temperature_c: mean post temperature, degC.
        max_temperature_c: highest post temperature, degC.
        discharging_count: batteries discharging now.
        oldest_age_s: largest age of a twin by its location's clock, s.
    """

    location_id: str
    battery_count: int
    live_count: int
    stale_count: int
    no_data_count: int
    suspect_count: int
    healthy_count: int
    ageing_count: int
    end_of_life_count: int
    unknown_count: int
    critical_alert_count: int
    warning_alert_count: int
    info_alert_count: int
    critical_battery_count: int
    mean_soh_capacity: float | None
    min_soh_capacity: float | None
    mean_soc: float | None
    mean_temperature_c: float | None
    max_temperature_c: float | None
    discharging_count: int
    oldest_age_s: float | None


@dataclass(frozen=True, slots=True)
class FleetHealth:
    """Sums over everything selected, and per location in fleet order."""

    total: HealthSummary
    locations: tuple[HealthSummary, ...]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """State of the server.

    Attributes:
        twins_live: twins of quality LIVE.
        twins_total: twins in the inventory.
        readings_accepted: readings accepted since the first start.
        oldest_age_s: largest age of a twin by its location's clock, s; -1 = some twin has never had data.
        alerts_active: alerts neither cleared, resolved nor shelved.
        version: version of the product.
        ready: ingest, database and every shard are up.
        not_ready_reasons: what is missing when not ready, for people.
        shards_total: shard actors.
        shards_ready: shard actors that answer.
        damaged_snapshots: snapshots of twins found damaged in the last 30 days; older sound ones were used instead.
        failing_jobs: background work that failed the last time and is tried again by itself, with the reason.
        life_model_version: active model of remaining life; empty = none.
        life_degraded_reason: why remaining lives are told from less than they should be; empty = they are not.
    """

    twins_live: int
    twins_total: int
    readings_accepted: int
    oldest_age_s: float
    alerts_active: int
    version: str
    ready: bool
    not_ready_reasons: tuple[str, ...]
    shards_total: int
    shards_ready: int
    damaged_snapshots: int = 0
    failing_jobs: tuple[str, ...] = ()
    life_model_version: str = ""
    life_degraded_reason: str = ""


@dataclass(frozen=True, slots=True)
class GridSpec:
    """A grid of one location with one string, to be registered (as a replay does).

    Attributes:
        grid_id: grid name, 1...32 of A-Z a-z 0-9 _ -.
        location_id: location name, unique over all grids, same letters.
        display_name: name of the location for people.
        clock: how the location tells the time; FEED for recorded data.
        sample_period_s: normal time between two samples of a battery, s, > 0.
        datasheet_toml: data sheet of every block, as TOML text.
        battery_ids: slot names in order from the positive end, 1...240, each unique over all grids.
    """

    grid_id: str
    location_id: str
    display_name: str
    clock: LocationClock
    sample_period_s: float
    datasheet_toml: str
    battery_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisteredGrid:
    """Answer to a registration.

    Attributes:
        location: the location as it is now.
        created: False = it was there before with the same content.
        gateway_token: token for a gateway of this location, shown once; empty when one was made before
            (`batterytwin token create` makes another).
    """

    location: Location
    created: bool
    gateway_token: str
