"""Adds a grid while the server runs: inventory, a shard for its twins, and a token for its gateway."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from actors.fleet import Fleet, TwinSpec
from batterytwin.datasheet import parse_datasheet
from batterytwin.errors import ConflictError, InvalidArgumentError
from batterytwin.inventory import (
    Battery,
    BatteryString,
    Inventory,
    Location,
    LocationClock,
    System,
    SystemKind,
)
from batterytwin.v1 import fleet_service_pb2
from storage.access_records import AuditEntry
from twin_server.alert_hub import AlertHub
from twin_server.audit import audit_entry
from twin_server.ingest_router import IngestRouter
from twin_server.live_table import LiveTable

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BATTERY_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_BATTERIES: Final = 240


class InventoryStore(Protocol):
    """What registration needs of the store; see `storage.inventory_tables`."""

    async def register_inventory(self, inventory: Inventory) -> dict[str, int]:
        """Adds the locations that are not there yet; returns the key of each battery by battery id."""

    async def audit(self, entry: AuditEntry) -> None:
        """Adds an entry to the audit trail."""


@dataclass(frozen=True, slots=True)
class RegisteredGrid:
    """Outcome of a registration: whether it is new, and the gateway's token if so."""

    created: bool
    gateway_token: str


class GridRegistration:
    """Registers grids of one string, one at a time."""

    def __init__(
        self,
        store: InventoryStore,
        fleet: Fleet,
        live: LiveTable,
        hub: AlertHub,
        router: IngestRouter,
        *,
        create_gateway_token: Callable[[str], Awaitable[str]],
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._live = live
        self._hub = hub
        self._router = router
        self._create_gateway_token = create_gateway_token
        self._one_at_a_time = asyncio.Lock()

    async def register(self, request: fleet_service_pb2.RegisterGridRequest) -> RegisteredGrid:
        """Registers what a request describes. Repeating it changes nothing; a half-done one is completed.

        Raises:
            InvalidArgumentError: a name, the data sheet or a number cannot be used.
            ConflictError: a name is taken by something else.
        """
        wanted = location_of_request(request)
        async with self._one_at_a_time:
            number = self._live.fleet_map.find_location(wanted.location_id)
            if number is not None:
                _check_same(self._live.fleet_map.locations[number][0], wanted)
                return RegisteredGrid(created=False, gateway_token="")
            inventory = Inventory((wanted,))
            keys = await self._store.register_inventory(inventory)
            await self._store.audit(audit_entry("grid.register", wanted.location_id))
            specs = [
                TwinSpec(
                    keys[battery.battery_id],
                    battery.battery_id,
                    string.string_id,
                    string.datasheet,
                    battery.installed_on,
                    wanted.sample_period_s,
                )
                for string in wanted.strings()
                for battery in string.batteries
            ]
            live = await self._fleet.add_shard(specs)
            self._extend(inventory, specs)
            self._live.replace_shard(self._live.fleet_map.shard_count - 1, live)
            token = await self._create_gateway_token(wanted.location_id)
            return RegisteredGrid(created=True, gateway_token=token)

    def _extend(self, inventory: Inventory, specs: list[TwinSpec]) -> None:
        """Without an await in between, so that no call ever sees one of them longer than another."""
        self._live.fleet_map.extend(inventory, [specs])
        self._live.clocks.extend([location.clock for location in inventory.locations])
        self._live.extend()
        self._hub.extend()
        self._router.extend()


def location_of_request(request: fleet_service_pb2.RegisterGridRequest) -> Location:
    """Location that a request describes: one rectifier with one string of new blocks.

    Raises:
        InvalidArgumentError: a field is missing or out of range.
    """
    _check_names(request)
    if not 0.0 < request.sample_period_s < 1e7:
        raise InvalidArgumentError(
            "sample_period_s must be above 0.", field="sample_period_s", value=request.sample_period_s
        )
    if int(request.clock) not in (LocationClock.WALL, LocationClock.FEED):
        raise InvalidArgumentError("clock must be WALL or FEED.", field="clock", value=request.clock)
    datasheet = parse_datasheet(request.datasheet_toml)
    system_id = f"{request.location_id}-R1"
    today = datetime.now(UTC).date()
    batteries = tuple(
        Battery(battery_id, position, serial=f"{battery_id}-1", unit_seq=1, installed_on=today)
        for position, battery_id in enumerate(request.battery_ids, start=1)
    )
    return Location(
        location_id=request.location_id,
        grid_id=request.grid_id,
        display_name=request.display_name or request.location_id,
        region="",
        latitude_deg=0.0,
        longitude_deg=0.0,
        clock=LocationClock(request.clock),
        sample_period_s=request.sample_period_s,
        systems=(System(system_id, SystemKind.RECTIFIER, (BatteryString(f"{system_id}-S01", datasheet, batteries),)),),
    )


def _check_names(request: fleet_service_pb2.RegisterGridRequest) -> None:
    for field, name in (("grid_id", request.grid_id), ("location_id", request.location_id)):
        if not _NAME.fullmatch(name):
            raise InvalidArgumentError(f"{field} must be 1...32 of A-Z a-z 0-9 _ -.", field=field, value=name)
    if not 1 <= len(request.battery_ids) <= _MAX_BATTERIES:
        raise InvalidArgumentError(
            f"A string has 1...{_MAX_BATTERIES} batteries.", field="battery_ids", value=len(request.battery_ids)
        )
    for battery_id in request.battery_ids:
        if not _BATTERY_NAME.fullmatch(battery_id):
            raise InvalidArgumentError(
                "A battery_id must be 1...64 of A-Z a-z 0-9 _ -.", field="battery_ids", value=battery_id
            )
    if len(set(request.battery_ids)) != len(request.battery_ids):
        raise InvalidArgumentError("battery_ids names a battery twice.", field="battery_ids")


def _check_same(present: Location, wanted: Location) -> None:
    if _content(present) != _content(wanted):
        raise ConflictError(
            f"Location {wanted.location_id} is registered with other content; choose another name.",
            field="location_id",
            value=wanted.location_id,
        )


def _content(location: Location) -> tuple[object, ...]:
    """What a request says of a location; install days depend on the day of registration and are left out."""
    strings = [
        (string.datasheet, [battery.battery_id for battery in string.batteries]) for string in location.strings()
    ]
    return location.grid_id, location.display_name, location.clock, location.sample_period_s, strings
