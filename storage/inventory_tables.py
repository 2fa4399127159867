"""The inventory in the database: registered once, read at every start."""

from dataclasses import replace

from psycopg import errors
from psycopg.types.json import Jsonb

from batterytwin.datasheet import BatteryDatasheet
from batterytwin.errors import ConflictError, InvalidArgumentError, UnknownLocationError
from batterytwin.inventory import Inventory, Location, LocationClock, System
from storage.inventory_records import inventory_of_rows
from storage.sql_files import read_sql
from storage.store_pool import Connection, StorePool

_LOAD = read_sql("load_inventory")
_LOAD_DATASHEETS = read_sql("load_datasheets")
_TAKEN_NAMES = read_sql("taken_names")
_INSERT_DATASHEET = read_sql("insert_datasheet")
_INSERT_LOCATION = read_sql("insert_location")
_INSERT_SYSTEM = read_sql("insert_system")
_INSERT_STRING = read_sql("insert_string")
_SET_CLOCK = read_sql("set_location_clock")


class InventoryTables(StorePool):
    """Questions about tables `grid`, `location`, `system`, `string`, `battery` and `datasheet`."""

    async def register_inventory(self, inventory: Inventory) -> dict[str, int]:
        """Adds the locations that are not there yet, all or none. Repeating it changes nothing.

        A location's clock does not count as content: it says how the location is run at present and belongs to
        `set_location_clock` once the location is registered.

        Returns:
            Database key of each battery of `inventory`, by battery id.

        Raises:
            InvalidArgumentError: a location has an empty part, or names something twice.
            ConflictError: a location, system, string, battery or data sheet of the same name has other content.
        """
        async with self._transaction() as connection:
            # One registration at a time; readers are not held up.
            await connection.execute("LOCK TABLE location IN SHARE ROW EXCLUSIVE MODE")
            known, keys = await _load(connection)
            known_by_id = {location.location_id: location for location in known.locations}
            for location in inventory.locations:
                existing = known_by_id.get(location.location_id)
                if existing is None:
                    keys.update(await _add_location(connection, location))
                elif replace(existing, clock=location.clock) != location:
                    raise ConflictError(
                        f"Location {location.location_id} is registered with other content.",
                        field="location_id",
                        value=location.location_id,
                    )
        wanted = [battery.battery_id for location in inventory.locations for battery in location.batteries()]
        return {battery_id: keys[battery_id] for battery_id in wanted}

    async def load_inventory(self) -> tuple[Inventory, dict[str, int]]:
        """Everything registered, in order of registration, with the database key of each battery by battery id."""
        async with self._connection() as connection:
            return await _load(connection)

    async def set_location_clock(self, location_id: str, clock: LocationClock) -> None:
        """Changes how a location tells the time.

        Raises:
            UnknownLocationError: no location has this id.
        """
        async with self._connection() as connection:
            cursor = await connection.execute(_SET_CLOCK, {"location_id": location_id, "clock": int(clock)})
            if await cursor.fetchone() is None:
                raise UnknownLocationError(
                    f"There is no location {location_id}.", field="location_id", value=location_id
                )


async def _load(connection: Connection) -> tuple[Inventory, dict[str, int]]:
    sheets = [
        BatteryDatasheet.model_validate(row.content)
        for row in await (await connection.execute(_LOAD_DATASHEETS)).fetchall()
    ]
    cursor = await connection.execute(_LOAD)
    return inventory_of_rows(await cursor.fetchall(), {sheet.model: sheet for sheet in sheets})


def _check_complete(location: Location) -> None:
    if not location.systems or not all(system.strings for system in location.systems):
        raise InvalidArgumentError(
            f"Location {location.location_id} has no system, or a system without strings.",
            field="location_id",
            value=location.location_id,
        )
    for string in location.strings():
        if not string.batteries:
            raise InvalidArgumentError(
                f"String {string.string_id} has no batteries.", field="string_id", value=string.string_id
            )


async def _add_location(connection: Connection, location: Location) -> dict[str, int]:
    _check_complete(location)
    await _check_names_are_free(connection, location)
    for datasheet in {string.datasheet for string in location.strings()}:
        await _add_datasheet(connection, datasheet)
    try:
        return await _insert_location(connection, location)
    except errors.UniqueViolation as error:
        raise InvalidArgumentError(
            f"Location {location.location_id} names something twice: {error.diag.message_detail}",
            field="location_id",
            value=location.location_id,
        ) from error


async def _insert_location(connection: Connection, location: Location) -> dict[str, int]:
    cursor = await connection.execute(
        _INSERT_LOCATION,
        {
            "location_id": location.location_id,
            "grid_id": location.grid_id,
            "display_name": location.display_name,
            "region": location.region,
            "latitude_deg": location.latitude_deg,
            "longitude_deg": location.longitude_deg,
            "clock": int(location.clock),
            "sample_period_s": location.sample_period_s,
        },
    )
    location_key = (await cursor.fetchall())[0].location_key
    keys: dict[str, int] = {}
    for system in location.systems:
        keys.update(await _add_system(connection, system, location_key))
    return keys


async def _check_names_are_free(connection: Connection, location: Location) -> None:
    names = {
        "battery_ids": [battery.battery_id for battery in location.batteries()],
        "string_ids": [string.string_id for string in location.strings()],
        "system_ids": [system.system_id for system in location.systems],
    }
    cursor = await connection.execute(_TAKEN_NAMES, names)
    if (taken := await cursor.fetchone()) is not None:
        raise ConflictError(
            f"{taken.name} belongs to another location; names are unique over all grids.",
            field=taken.field,
            value=taken.name,
        )


async def _add_datasheet(connection: Connection, datasheet: BatteryDatasheet) -> None:
    content = datasheet.model_dump(mode="json")
    cursor = await connection.execute(_INSERT_DATASHEET, {"model": datasheet.model, "content": Jsonb(content)})
    stored = (await cursor.fetchall())[0].content
    if BatteryDatasheet.model_validate(stored) != datasheet:
        raise ConflictError(
            f"A data sheet named {datasheet.model} is registered with other content; give this one another model name.",
            field="datasheet_toml",
            value=datasheet.model,
        )


async def _add_system(connection: Connection, system: System, location_key: int) -> dict[str, int]:
    cursor = await connection.execute(
        _INSERT_SYSTEM, {"system_id": system.system_id, "location_key": location_key, "kind": int(system.kind)}
    )
    system_key = (await cursor.fetchall())[0].system_key
    keys: dict[str, int] = {}
    for string in system.strings:
        cursor = await connection.execute(
            _INSERT_STRING,
            {
                "string_id": string.string_id,
                "system_key": system_key,
                "model": string.datasheet.model,
                "battery_ids": [b.battery_id for b in string.batteries],
                "positions": [b.position for b in string.batteries],
                "serials": [b.serial for b in string.batteries],
                "unit_seqs": [b.unit_seq for b in string.batteries],
                "installed_on": [b.installed_on for b in string.batteries],
            },
        )
        keys.update({row.battery_id: row.battery_key for row in await cursor.fetchall()})
    return keys
