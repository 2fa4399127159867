"""Parts of a fleet, by the names of what is in them."""

from collections.abc import Sequence
from dataclasses import replace

from batterytwin.errors import NotFoundError
from batterytwin.inventory import Inventory


def part_of_inventory(inventory: Inventory, names: Sequence[str], *, whole: bool = False) -> Inventory:
    """The strings of an inventory that are named, or that are in a named location or hold a named battery.

    Args:
        inventory: the fleet.
        names: locations, strings or batteries; empty = all.
        whole: take all strings of the locations concerned.

    Raises:
        NotFoundError: a name is none of these.
    """
    if not names:
        return inventory
    unseen = set(names)
    locations = []
    for location in inventory.locations:
        systems = []
        for system in location.systems:
            strings = []
            for string in system.strings:
                here = {location.location_id, system.system_id, string.string_id}
                found = unseen.union(names) & (here | {battery.battery_id for battery in string.batteries})
                if found:
                    strings.append(string)
                    unseen -= found
            if strings:
                systems.append(replace(system, strings=tuple(strings)))
        if systems:
            locations.append(location if whole else replace(location, systems=tuple(systems)))
    if unseen:
        name = min(unseen)
        raise NotFoundError(f"{name} is no location, string or battery of this fleet.", field="targets", value=name)
    return Inventory(tuple(locations))
