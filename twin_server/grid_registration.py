"""Adds a grid while the server runs: inventory, a shard for its twins, and a token for its gateway."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final, Protocol

import structlog

from actors.fleet import Fleet, TwinSpec
from batterytwin.datasheet import parse_datasheet
from batterytwin.errors import ConflictError, InvalidArgumentError, TwinError
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
from twin_server.drain import Drain
from twin_server.fleet_setup import make_specs
from twin_server.ingest_router import IngestRouter
from twin_server.live_table import LiveTable

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_BATTERY_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MAX_BATTERIES: Final = 240


_log = structlog.get_logger(__name__)


class InventoryStore(Protocol):
    """What registration needs of the store; see `storage.inventory_tables` and `storage.gateway_token_tables`."""

    async def register_inventory(self, inventory: Inventory) -> dict[str, int]:
        """Adds the locations that are not there yet; returns the key of each battery by battery id."""

    async def audit(self, entry: AuditEntry) -> None:
        """Adds an entry to the audit trail."""

    async def has_gateway_token(self, location_id: str) -> bool:
        """Whether a token was ever made for a location, a revoked one too."""


@dataclass(frozen=True, slots=True)
class RegisteredGrid:
    """Outcome of a registration: whether it is new, and the gateway's token unless one was made before."""

    created: bool
    gateway_token: str


class GridRegistration:
    """Registers grids of one string, one at a time.

    Args:
        store: the inventory in the database.
        fleet: gets a shard for the twins of each new grid.
        live: gets their places.
        hub: is told that there are more of them.
        router: takes their readings.
        drain: ends the start of a shard when the server stops.
        create_gateway_token: makes the token of a location's gateway: `location_id -> token`.
    """

    def __init__(
        self,
        store: InventoryStore,
        fleet: Fleet,
        live: LiveTable,
        hub: AlertHub,
        router: IngestRouter,
        *,
        drain: Drain,
        create_gateway_token: Callable[[str], Awaitable[str]],
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._live = live
        self._map = live.fleet_map
        self._hub = hub
        self._router = router
        self._drain = drain
        self._create_gateway_token = create_gateway_token
        self._one_at_a_time = asyncio.Lock()
        self._without_twins: dict[str, Location] = {}  # in the inventory since a registration that failed behind it
        self._under_way: set[asyncio.Task[bool]] = set()

    async def register(self, request: fleet_service_pb2.RegisterGridRequest) -> RegisteredGrid:
        """Registers what a request describes. Repeating it changes nothing; a half-done one is completed.

        It goes on when its caller goes away: a shard that has begun is either taken in or ended. The token, which is
        told once, is made for a caller who is still there, else for the one who repeats the call.

        Raises:
            InvalidArgumentError: a name, the data sheet or a number cannot be used.
            ConflictError: a name is taken by something else.
            UnavailableError: the database is away, a shard could not be started now, or the server stops; repeat it.
            TwinError: the twins could not be started, or the shards are not those that are known here.
        """
        wanted = location_of_request(request)
        task = asyncio.create_task(self._registered(wanted), name="grid registration")
        self._under_way.add(task)
        task.add_done_callback(self._done)
        created = await asyncio.shield(task)
        async with self._one_at_a_time:
            wants_token = created or await self._lacks_token(wanted)
            token = await self._create_gateway_token(wanted.location_id) if wants_token else ""
        return RegisteredGrid(created, token)

    async def settled(self) -> None:
        """Waits until no registration is under way; once the drain has begun, none lasts."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _registered(self, wanted: Location) -> bool:
        """Sees to it that a location is there; returns whether it is new."""
        async with self._one_at_a_time:
            present = self._find(wanted)
            if present is not None:
                _check_same(present, wanted)
                return False
            await self._add(wanted)
            return True

    async def _lacks_token(self, wanted: Location) -> bool:
        """Whether a grid that was registered like this never had a token. One of a fleet file gets it from admins."""
        present = self._find(wanted)
        if present is None or _undated(present) != _undated(wanted):
            return False
        return not await self._store.has_gateway_token(wanted.location_id)

    def _find(self, wanted: Location) -> Location | None:
        number = self._map.find_location(wanted.location_id)
        return None if number is None else self._map.locations[number][0]

    async def _add(self, wanted: Location) -> None:
        """Adds a location to the inventory, and its twins to the fleet."""
        begun = self._without_twins.get(wanted.location_id)
        if begun is not None:
            _check_same(begun, wanted)
            wanted = begun  # with its day: repeated after midnight it would be another content to the inventory
        self._check_shards()
        inventory = Inventory((wanted,))
        keys = await self._store.register_inventory(inventory)
        self._without_twins[wanted.location_id] = wanted
        await self._store.audit(audit_entry("grid.register", wanted.location_id))
        specs = make_specs(inventory, keys)
        with self._drain.interruptible():
            present = await self._fleet.add_shard(specs)
        self._check_shards(added=1)
        self._extend(inventory, specs)
        self._live.replace_shard(self._map.shard_count - 1, present)
        del self._without_twins[wanted.location_id]

    def _check_shards(self, added: int = 0) -> None:
        """A shard that only one side knows would shift the numbers of those behind it: readings of other batteries.

        Raises:
            TwinError: the fleet has not as many shards as it should.
        """
        found, expected = len(self._fleet.shard_specs), self._map.shard_count + added
        if found != expected:
            raise TwinError(
                f"The fleet has {found} shards where {expected} are expected; no grid can be added before the server "
                "is started again, which loses nothing."
            )

    def _extend(self, inventory: Inventory, specs: list[TwinSpec]) -> None:
        """Without an await in between, so that no call ever sees one of them longer than another."""
        self._map.extend(inventory, [specs])
        self._live.clocks.extend([location.clock for location in inventory.locations])
        self._live.extend()
        self._hub.extend()
        self._router.extend()

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:  # whoever still waits for it hears it too
            _log.warning("a grid could not be registered", reason=str(error))


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


def _undated(location: Location) -> Location:
    """A location without the days on which its blocks were installed."""
    return replace(
        location,
        systems=tuple(
            replace(system, strings=tuple(map(_undated_string, system.strings))) for system in location.systems
        ),
    )


def _undated_string(string: BatteryString) -> BatteryString:
    return replace(string, batteries=tuple(replace(battery, installed_on=date.min) for battery in string.batteries))


def _content(location: Location) -> tuple[object, ...]:
    """What a request says of a location; install days depend on the day of registration and are left out."""
    strings = [
        (string.datasheet, [battery.battery_id for battery in string.batteries]) for string in location.strings()
    ]
    return location.grid_id, location.display_name, location.clock, location.sample_period_s, strings
