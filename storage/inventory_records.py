"""The inventory as rows of the database."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from sys import intern
from typing import Any

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.inventory import Battery, BatteryString, Inventory, Location, LocationClock, System, SystemKind


def inventory_of_rows(rows: Sequence[Any], sheets: Mapping[str, BatteryDatasheet]) -> tuple[Inventory, dict[str, int]]:
    """Puts rows of `load_inventory.sql` together.

    Args:
        rows: one a battery.
        sheets: data sheets by model.

    Returns:
        The inventory in order of registration, and the database key of each battery by its id.
    """
    locations = tuple(_location(list(group), sheets) for _, group in groupby(rows, attrgetter("location_id")))
    return Inventory(locations), {row.battery_id: row.battery_key for row in rows}


def _location(rows: Sequence[Any], sheets: Mapping[str, BatteryDatasheet]) -> Location:
    first = rows[0]
    return Location(
        location_id=first.location_id,
        grid_id=first.grid_id,
        display_name=first.display_name,
        region=first.region,
        latitude_deg=first.latitude_deg,
        longitude_deg=first.longitude_deg,
        clock=LocationClock(first.clock),
        sample_period_s=first.sample_period_s,
        systems=tuple(_system(list(group), sheets) for _, group in groupby(rows, attrgetter("system_id"))),
    )


def _system(rows: Sequence[Any], sheets: Mapping[str, BatteryDatasheet]) -> System:
    strings = tuple(_string(list(group), sheets) for _, group in groupby(rows, attrgetter("string_id")))
    return System(rows[0].system_id, SystemKind(rows[0].kind), strings)


def _string(rows: Sequence[Any], sheets: Mapping[str, BatteryDatasheet]) -> BatteryString:
    days = {r.installed_on: r.installed_on for r in rows}  # one day for all, not a day for each
    batteries = tuple(
        Battery(intern(r.battery_id), r.position, r.serial, r.unit_seq, days[r.installed_on]) for r in rows
    )
    return BatteryString(rows[0].string_id, sheets[rows[0].model], batteries)
