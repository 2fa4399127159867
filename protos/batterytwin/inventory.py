"""The fleet inventory: grid > location > system > string > battery."""

import calendar
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from importlib import resources
from pathlib import Path

from batterytwin.datasheet import BatteryDatasheet, load_datasheet
from batterytwin.errors import InvalidArgumentError


class LocationClock(IntEnum):
    """How a location tells the time. Numbers equal `batterytwin.v1.LocationClock`."""

    WALL = 1
    FEED = 2


class SystemKind(IntEnum):
    """What a system is. Numbers equal `batterytwin.v1.SystemKind`."""

    UPS = 1
    RECTIFIER = 2


@dataclass(frozen=True, slots=True)
class BatteryUnit:
    """One block that stands or stood in a slot.

    Attributes:
        unit_seq: counts the blocks of the slot; the first is as it was registered.
        serial: serial number.
        since_us: when it came into service, microseconds since 1970 UTC.
    """

    unit_seq: int
    serial: str
    since_us: int


@dataclass(frozen=True, slots=True)
class Battery:
    """One slot and the block in it when it was registered. `position` 1 is at the positive end of the string."""

    battery_id: str
    position: int
    serial: str
    unit_seq: int
    installed_on: date

    @property
    def first_unit(self) -> BatteryUnit:
        """The block that was registered, in service since the begin of its day, UTC."""
        return BatteryUnit(self.unit_seq, self.serial, calendar.timegm(self.installed_on.timetuple()) * 1_000_000)


@dataclass(frozen=True, slots=True)
class BatteryString:
    """Blocks of one model in series: one current."""

    string_id: str
    datasheet: BatteryDatasheet
    batteries: tuple[Battery, ...]


@dataclass(frozen=True, slots=True)
class System:
    """A UPS or rectifier with its parallel strings."""

    system_id: str
    kind: SystemKind
    strings: tuple[BatteryString, ...]


@dataclass(frozen=True, slots=True)
class Location:
    """A site."""

    location_id: str
    grid_id: str
    display_name: str
    region: str
    latitude_deg: float
    longitude_deg: float
    clock: LocationClock
    sample_period_s: float
    systems: tuple[System, ...]

    def strings(self) -> Iterator[BatteryString]:
        """Strings of all systems, in order."""
        for system in self.systems:
            yield from system.strings

    def batteries(self) -> Iterator[Battery]:
        """Batteries of all strings, in order."""
        for string in self.strings():
            yield from string.batteries


@dataclass(frozen=True, slots=True)
class Inventory:
    """Locations of one or more grids, in fleet order."""

    locations: tuple[Location, ...]

    def battery_count(self) -> int:
        """Batteries in all locations."""
        return sum(len(string.batteries) for location in self.locations for string in location.strings())


def load_fleet(path: Path | None = None) -> Inventory:
    """Reads a fleet file (TOML); without a path, the fleet that comes with the product: 9 sites, 1,944 batteries.

    A system lists how many strings it has; names follow: `BRK-U1-S03-B07`. Strings are numbered through the location.
    Install dates are staggered by system, and may be set per system with `installed_on`.

    Raises:
        InvalidArgumentError: the file is missing, not TOML or lacks something.
    """
    try:
        text = (
            path.read_text(encoding="utf-8")
            if path
            else (resources.files("batterytwin") / "data" / "fleet.toml").read_text(encoding="utf-8")
        )
        data = tomllib.loads(text)
        locations = tuple(_read_location(data, entry) for entry in data["location"])
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"The fleet file {path or ''} cannot be used: {error}", field="fleet_file", value=path or ""
        ) from error
    ids = [b.battery_id for location in locations for b in location.batteries()]
    if len(set(ids)) != len(ids):
        raise InvalidArgumentError("The fleet file names a battery twice.", field="fleet", value=path or "")
    return Inventory(locations)


def _read_location(data: dict[str, object], entry: dict[str, object]) -> Location:
    location_id = str(entry["id"])
    blocks = int(str(data["blocks_per_string"]))
    datasheet = load_datasheet(str(data["model"]))
    number = 0
    systems = []
    for raw in entry["systems"]:  # type: ignore[attr-defined]
        system_id = f"{location_id}-{raw['id']}"
        strings = []
        for _ in range(int(raw["strings"])):
            number += 1
            string_id = f"{system_id}-S{number:02d}"
            installed_on = date.fromisoformat(str(raw["installed_on"])) + timedelta(days=7 * (number - 1))
            strings.append(BatteryString(string_id, datasheet, _blocks(string_id, blocks, installed_on)))
        systems.append(System(system_id, SystemKind[str(raw["kind"]).upper()], tuple(strings)))
    return Location(
        location_id=location_id,
        grid_id=str(data["grid"]),
        display_name=str(entry["name"]),
        region=str(entry["region"]),
        latitude_deg=float(str(entry["latitude_deg"])),
        longitude_deg=float(str(entry["longitude_deg"])),
        clock=LocationClock[str(data.get("clock", "wall")).upper()],
        sample_period_s=float(str(data["sample_period_s"])),
        systems=tuple(systems),
    )


def _blocks(string_id: str, count: int, installed_on: date) -> tuple[Battery, ...]:
    return tuple(
        Battery(f"{string_id}-B{n:02d}", n, f"{string_id}-B{n:02d}-{installed_on:%y%m}-1", 1, installed_on)
        for n in range(1, count + 1)
    )
