"""What of the fleet a caller may see. What one may not see looks like what does not exist."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from batterytwin.errors import UnknownBatteryError, UnknownLocationError, UnknownStringError
from twin_server.principal import Principal
from twin_server.routing import FleetMap


def visible_locations(fleet_map: FleetMap, principal: Principal, location_id: str = "") -> list[int]:
    """Numbers of the locations that a caller may see, or of the one asked for.

    Raises:
        PermissionDeniedError: the caller may not see `location_id` (whether it exists or not).
        UnknownLocationError: there is no such location.
    """
    if not location_id:
        return [
            number
            for number, (location, _) in enumerate(fleet_map.locations)
            if principal.may_see(location.location_id)
        ]
    principal.require_location(location_id)
    number = fleet_map.find_location(location_id)
    if number is None:
        raise UnknownLocationError(f"There is no location {location_id}.", field="location_id", value=location_id)
    return [number]


def visible_mask(fleet_map: FleetMap, principal: Principal) -> NDArray[np.bool_]:
    """Whether the caller may see each location, shape `(n_locations,)`."""
    return np.array([principal.may_see(location.location_id) for location, _ in fleet_map.locations], np.bool_)


def sees_all_of(principal: Principal, location_ids: Iterable[str]) -> bool:
    """Whether a caller may see each of some locations, and so what was made of all of them."""
    return all(principal.may_see(location_id) for location_id in location_ids)


def visible_twins(fleet_map: FleetMap, principal: Principal, location_id: str = "") -> NDArray[np.int32]:
    """Ordinals of the twins that a caller may see, or of those of one location; errors as `visible_locations`."""
    numbers = visible_locations(fleet_map, principal, location_id)
    slices = [fleet_map.locations[number][1] for number in numbers]
    parts = [np.arange(ordinals.start, ordinals.stop, dtype=np.int32) for ordinals in slices]
    return np.concatenate(parts) if parts else np.empty(0, np.int32)


def visible_twin(fleet_map: FleetMap, principal: Principal, battery_id: str) -> int:
    """Ordinal of one battery.

    Raises:
        UnknownBatteryError: there is no such battery, or the caller may not know of it.
    """
    ordinal = fleet_map.find(battery_id)
    if ordinal is None or not principal.may_see(fleet_map.identities[ordinal].location.location_id):
        raise UnknownBatteryError(f"There is no battery {battery_id[:200]}.", field="battery_id", value=battery_id)
    return ordinal


def visible_string(fleet_map: FleetMap, principal: Principal, string_id: str) -> slice:
    """Ordinals of one string.

    Raises:
        UnknownStringError: there is no such string, or the caller may not know of it.
    """
    number = fleet_map.find_string(string_id)
    if number is not None:
        location, _ = fleet_map.locations[int(fleet_map.string_location[number])]
        if principal.may_see(location.location_id):
            return fleet_map.strings[number][1]
    raise UnknownStringError(f"There is no string {string_id[:200]}.", field="string_id", value=string_id)
