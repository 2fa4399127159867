"""What can be chosen about a data set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from batterytwin.errors import InvalidArgumentError, Reason
from batterytwin.inventory import Inventory, Location, load_fleet
from simulator.options import DEFAULT_SEED

DEFAULT_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR_DAYS: Final = 365.2425
_HOUR_S: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class DatasetOptions:
    """A data set.

    Attributes:
        fleet_file: inventory; None = the fleet that comes with the product.
        strings: ids of the strings in the data set; empty = all (of `sites`).
        sites: ids of the locations whose strings are in it; empty = all.
        start: begin, with time zone.
        days: length.
        period_s: time between two samples of a string, >= 1 s.
        discharge_period_s: the same while a string carries its load; None = as usual.
        seed: chooses blocks, weather, mains, noise and random faults.
        fleets: how many fleets of the same inventory; the n-th has seed + n.
        fault_plan: plan of faults (TOML) for each fleet; None = none.
        faults_per_100_battery_months: random faults.
        new_blocks: all blocks are installed at the start, instead of on their dates.

    Raises:
        InvalidArgumentError: a value is out of range.
    """

    fleet_file: Path | None = None
    strings: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    start: datetime = DEFAULT_START
    days: float = 90.0
    period_s: float = 60.0
    discharge_period_s: float | None = None
    seed: int = DEFAULT_SEED
    fleets: int = 1
    fault_plan: Path | None = None
    faults_per_100_battery_months: float = 0.0
    new_blocks: bool = False

    def __post_init__(self) -> None:
        ranges = {
            "days": (0.0, 50 * _YEAR_DAYS),
            "period_s": (1.0, 86_400.0),
            "discharge_period_s": (1.0, 86_400.0),
            "seed": (0, 2**62),
            "fleets": (1, 1_000),
            "faults_per_100_battery_months": (0.0, 100_000.0),
        }
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InvalidArgumentError(f"Give {least:,} to {most:,.0f}.", field=name, value=value)
        if self.start.tzinfo is None:
            raise InvalidArgumentError("The start needs a time zone, such as Z.", field="start", value=self.start)
        if not 1990 <= self.start.year <= 2045:
            raise InvalidArgumentError("Start between 1990 and 2045.", field="start", value=self.start)

    @property
    def end(self) -> datetime:
        """Last instant, itself included."""
        return self.start + timedelta(days=self.days)

    def inventory(self) -> Inventory:
        """The whole fleet, of which the data set may show a part."""
        fleet = load_fleet(self.fleet_file)
        return Inventory(tuple(_renewed(site, self.start) for site in fleet.locations)) if self.new_blocks else fleet

    def chosen(self, inventory: Inventory) -> list[int]:
        """Numbers of the strings in the data set.

        Raises:
            InvalidArgumentError: a string or location is not in the fleet.
        """
        numbered = [
            (location.location_id, string.string_id)
            for location in inventory.locations
            for string in location.strings()
        ]
        _check("sites", self.sites, {site for site, _ in numbered}, Reason.UNKNOWN_LOCATION)
        _check("strings", self.strings, {string for _, string in numbered}, Reason.UNKNOWN_STRING)
        return [
            number
            for number, (site, string) in enumerate(numbered)
            if (not self.sites or site in self.sites) and (not self.strings or string in self.strings)
        ]


def lives_of_new_blocks(options: DatasetOptions, years: float) -> DatasetOptions:
    """The same data set as the lives of new blocks: hourly, over years."""
    return replace(options, days=years * _YEAR_DAYS, period_s=_HOUR_S, new_blocks=True)


def _check(field: str, wanted: Sequence[str], known: set[str], reason: Reason) -> None:
    for name in wanted:
        if name not in known:
            raise InvalidArgumentError(
                f"There is no {name} in the fleet; names look like {min(known)}.",
                reason=reason,
                field=field,
                value=name,
            )


def _renewed(location: Location, start: datetime) -> Location:
    day = start.astimezone(UTC).date()
    systems = tuple(
        replace(
            system,
            strings=tuple(
                replace(string, batteries=tuple(replace(battery, installed_on=day) for battery in string.batteries))
                for string in system.strings
            ),
        )
        for system in location.systems
    )
    return replace(location, systems=systems)
