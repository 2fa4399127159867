"""Where every twin lives: battery name -> place in the fleet -> shard and position in the shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from actors.fleet import TwinSpec
from batterytwin.inventory import Battery, BatteryString, BatteryUnit, Inventory, Location, System
from twin_server.twin_columns_wire import name_field

_MAX_CACHED_COLUMNS: Final = 1_024
_MAX_CACHED_ROWS: Final = 4_096


@dataclass(frozen=True, slots=True)
class TwinIdentity:
    """What the inventory says of one battery; constant while the server runs. For its block see `unit_of`."""

    battery_key: int
    battery: Battery
    string: BatteryString
    system: System
    location: Location


class TwinIdentities:
    """Identities in fleet order, put together when they are asked for: kept, each would take a hundred bytes."""

    def __init__(self, fleet_map: "FleetMap") -> None:
        self._map = fleet_map
        self._homes: list[tuple[BatteryString, System, Location]] = []

    def add_string(self, string: BatteryString, system: System, location: Location) -> None:
        """Adds the batteries of the next string."""
        self._homes.append((string, system, location))

    @overload
    def __getitem__(self, ordinals: int) -> TwinIdentity: ...
    @overload
    def __getitem__(self, ordinals: slice) -> list[TwinIdentity]: ...
    def __getitem__(self, ordinals: int | slice) -> TwinIdentity | list[TwinIdentity]:
        """Identity of one battery, or of some."""
        if isinstance(ordinals, slice):
            return [self[ordinal] for ordinal in range(*ordinals.indices(len(self._map)))]
        number = int(self._map.string_of[ordinals])
        string, system, location = self._homes[number]
        battery = string.batteries[ordinals - self._map.strings[number][1].start]
        return TwinIdentity(int(self._map.battery_keys[ordinals]), battery, string, system, location)


class FleetMap:
    """Places of all batteries in fleet order: location, system, string, position.

    An *ordinal* is the place of a battery in that order. Grids that are registered later come behind, so an ordinal
    never changes, and the batteries of a string and of a location are always neighbours.

    Attributes:
        identities: what is known of each battery.
        name_fields: names as columns of twins have them, see `twin_columns_wire`: bytes, shape `(n_twins,)`.
        shard: number of its shard, int32, shape `(n_twins,)`.
        twin: its position in the shard, int32, shape `(n_twins,)`.
        string_of: number of its string, int32, shape `(n_twins,)`.
        location_of: number of its location, int32, shape `(n_twins,)`.
        battery_keys: database keys, int32, shape `(n_twins,)`.
        unit_seqs: number of the block that stands in each slot now, int16, shape `(n_twins,)`.
        unit_since_us: when that came into service, microseconds since 1970 UTC, int64, shape `(n_twins,)`.
        strings: `(string id, ordinals)` of each string.
        locations: `(location, ordinals)` of each location.
        string_location: number of each string's location, int32, shape `(n_strings,)`.
    """

    def __init__(self, inventory: Inventory, shard_specs: Sequence[Sequence[TwinSpec]]) -> None:
        self.identities = TwinIdentities(self)
        self.battery_ids: list[str] = []
        self.name_fields = np.empty(0, "S1")
        self.strings: list[tuple[str, slice]] = []
        self.locations: list[tuple[Location, slice]] = []
        self.shard = self.twin = self.string_of = self.location_of = np.empty(0, np.int32)
        self.battery_keys = self.string_location = np.empty(0, np.int32)
        self.unit_seqs, self.unit_since_us = np.empty(0, np.int16), np.empty(0, np.int64)
        self._units: dict[int, BatteryUnit] = {}
        self._ordinals: dict[str, int] = {}
        self._by_key: NDArray[np.intp] = np.empty(0, np.intp)
        self._string_numbers: dict[str, int] = {}
        self._location_numbers: dict[str, int] = {}
        self._of_shard: list[NDArray[np.int32]] = []
        self._columns: dict[tuple[int, str, str], tuple[tuple[str, ...], NDArray[np.int32]]] = {}
        self.extend(inventory, shard_specs)

    def __len__(self) -> int:
        return len(self.battery_ids)

    @property
    def shard_count(self) -> int:
        """Shards that hold these twins."""
        return len(self._of_shard)

    def extend(self, inventory: Inventory, shard_specs: Sequence[Sequence[TwinSpec]]) -> None:
        """Adds locations and the shards that hold their twins (they get the next numbers)."""
        keys = {spec.battery_id: spec.battery_key for specs in shard_specs for spec in specs}
        known = len(self)
        string_of, location_of, string_location = [], [], []
        units: list[BatteryUnit] = []
        for location in inventory.locations:
            number, first = len(self.locations), len(self)
            for system in location.systems:
                for string in system.strings:
                    begin = len(self)
                    self.battery_ids += [battery.battery_id for battery in string.batteries]
                    self.identities.add_string(string, system, location)
                    units += [battery.first_unit for battery in string.batteries]
                    string_of += [len(self.strings)] * len(string.batteries)
                    self._string_numbers[string.string_id] = len(self.strings)
                    self.strings.append((string.string_id, slice(begin, len(self))))
                    string_location.append(number)
            location_of += [number] * (len(self) - first)
            self._location_numbers[location.location_id] = number
            self.locations.append((location, slice(first, len(self))))
        added = self.battery_ids[known:]
        self.name_fields = np.append(self.name_fields, np.array([name_field(name) for name in added], np.bytes_))
        self._ordinals.update(zip(added, range(known, len(self)), strict=True))
        self.string_of = np.append(self.string_of, np.array(string_of, np.int32))
        self.location_of = np.append(self.location_of, np.array(location_of, np.int32))
        self.string_location = np.append(self.string_location, np.array(string_location, np.int32))
        self.battery_keys = np.append(self.battery_keys, np.array([keys[name] for name in added], np.int32))
        self.unit_seqs = np.append(self.unit_seqs, np.array([unit.unit_seq for unit in units], np.int16))
        self.unit_since_us = np.append(self.unit_since_us, np.array([unit.since_us for unit in units], np.int64))
        self._by_key = np.argsort(self.battery_keys)
        self._place(shard_specs, len(added))
        self._columns.clear()

    def _place(self, shard_specs: Sequence[Sequence[TwinSpec]], added: int) -> None:
        self.shard = np.append(self.shard, np.zeros(added, np.int32))
        self.twin = np.append(self.twin, np.zeros(added, np.int32))
        for specs in shard_specs:
            ordinals = np.array([self._ordinals[spec.battery_id] for spec in specs], np.int32)
            self.shard[ordinals] = len(self._of_shard)
            self.twin[ordinals] = np.arange(len(ordinals), dtype=np.int32)
            self._of_shard.append(ordinals)

    def ordinals(self, battery_ids: Sequence[str]) -> NDArray[np.int32]:
        """Ordinals of a column of names, shape `(n_rows,)`; -1 where the name is unknown.

        A gateway sends the same names again and again, and `readings_wire` makes them one tuple: the last ones are
        remembered.
        """
        count = len(battery_ids)
        if count < 8:
            return np.array([self._ordinals.get(battery_id, -1) for battery_id in battery_ids], np.int32)
        key = (count, battery_ids[0], battery_ids[-1])
        cached = self._columns.get(key)
        if cached is not None and (cached[0] is battery_ids or cached[0] == battery_ids):
            return cached[1]
        found = np.fromiter(map(self._ordinals.get, battery_ids, repeat(-1)), np.int32, count)
        if count <= _MAX_CACHED_ROWS and isinstance(battery_ids, tuple):
            if len(self._columns) >= _MAX_CACHED_COLUMNS:
                self._columns.pop(next(iter(self._columns)))
            self._columns[key] = battery_ids, found
        return found

    def find(self, battery_id: str) -> int | None:
        """Ordinal of one battery, or None."""
        return self._ordinals.get(battery_id)

    def find_key(self, battery_key: int) -> int | None:
        """Ordinal of the battery with this database key, or None."""
        place = int(np.searchsorted(self.battery_keys, battery_key, sorter=self._by_key))
        ordinal = int(self._by_key[place]) if place < len(self) else None
        return ordinal if ordinal is not None and self.battery_keys[ordinal] == battery_key else None

    def unit_of(self, ordinal: int) -> BatteryUnit:
        """The block that stands in a slot now."""
        return self._units.get(ordinal) or self.identities[ordinal].battery.first_unit

    def replaced_unit(self, ordinal: int) -> BatteryUnit | None:
        """The block that has come into a slot since it was registered; None = none has."""
        return self._units.get(ordinal)

    def take_units(self, units: Mapping[int, BatteryUnit]) -> None:
        """Takes over which blocks have come into slots since these were registered, by battery key."""
        for battery_key, unit in units.items():
            ordinal = self.find_key(battery_key)
            if ordinal is not None:
                self._units[ordinal] = unit
                self.unit_seqs[ordinal], self.unit_since_us[ordinal] = unit.unit_seq, unit.since_us

    def find_location(self, location_id: str) -> int | None:
        """Number of a location, or None."""
        return self._location_numbers.get(location_id)

    def find_string(self, string_id: str) -> int | None:
        """Number of a string, or None."""
        return self._string_numbers.get(string_id)

    def string_numbers(self, string_ids: Sequence[str]) -> NDArray[np.int32]:
        """Numbers of a column of string names, shape `(n_rows,)`; -1 where the name is unknown."""
        return np.fromiter(map(self._string_numbers.get, string_ids, repeat(-1)), np.int32, len(string_ids))

    def of_shard(self, shard: int) -> NDArray[np.int32]:
        """Ordinals of the twins of a shard, in the order of their positions."""
        return self._of_shard[shard]
