"""Grids that are registered while shards fail, callers go away and the server stops: fleet and map stay of one mind."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any

import pytest

from batterytwin.errors import StoreUnavailableError, TwinError, UnavailableError
from batterytwin.inventory import Inventory
from batterytwin.v1 import fleet_pb2
from batterytwin.v1 import fleet_service_pb2 as pb
from storage.access_records import AuditEntry
from tests.fixtures.small_fleet import small_inventory, specs_of
from tests.twin_server.scripted_fleet import ScriptedFleet
from twin_server import grid_registration
from twin_server.alert_hub import AlertHub
from twin_server.drain import Drain
from twin_server.grid_registration import GridRegistration, RegisteredGrid, location_of_request
from twin_server.ingest_router import IngestRouter
from twin_server.live_table import LiveTable
from twin_server.location_clock import LocationClocks
from twin_server.routing import FleetMap

AWAY = StoreUnavailableError("the database is away", retry_after_s=1.0)


def request_of(name: str) -> pb.RegisterGridRequest:
    return pb.RegisterGridRequest(
        grid_id=name.lower(),
        location_id=name,
        clock=fleet_pb2.LOCATION_CLOCK_FEED,
        sample_period_s=10.0,
        datasheet_toml='model = "LAB-17"\nrated_capacity_ah = 17\ncells = 6\n',
        battery_ids=[f"{name}-1", f"{name}-2"],
    )


class AnotherDay:
    """Stands for `datetime`."""

    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return datetime(2100, 1, 1, tzinfo=zone)


class NoAlerts:
    async def active_alerts(self) -> list[Any]:
        return []

    async def last_change_seq(self) -> int:
        return 0

    async def tell_alerts(self, at_us: Mapping[str, int]) -> None:
        """Is told of what nobody heard of."""

    async def changes_since(self, seq: int, limit: int) -> list[Any]:  # noqa: ARG002 - of the protocol
        return []


@dataclass
class Office:
    """Registers grids with a scripted fleet; stands for the inventory in the database too."""

    fleet: ScriptedFleet
    live: LiveTable
    router: IngestRouter
    drain: Drain
    registration: GridRegistration = field(init=False)
    stored: dict[str, Inventory] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    failures_of_tokens: list[Exception] = field(default_factory=list)

    async def register_inventory(self, inventory: Inventory) -> dict[str, int]:
        (location,) = inventory.locations
        assert self.stored.setdefault(location.location_id, inventory) == inventory, "as the database compares them"
        first = 1_000 * (1 + list(self.stored).index(location.location_id))
        return {battery.battery_id: first + number for number, battery in enumerate(location.batteries())}

    async def audit(self, entry: AuditEntry) -> None:
        assert entry.action == "grid.register"

    async def has_gateway_token(self, location_id: str) -> bool:
        return location_id in self.tokens

    async def create_gateway_token(self, location_id: str) -> str:
        if self.failures_of_tokens:
            raise self.failures_of_tokens.pop(0)
        self.tokens.append(location_id)
        return f"token-{len(self.tokens)}"

    async def register(self, name: str) -> RegisteredGrid:
        return await self.registration.register(request_of(name))

    def check_places(self) -> None:
        """Every battery is addressed where its twin is."""
        fleet_map = self.live.fleet_map
        assert fleet_map.shard_count == len(self.fleet.shard_specs)
        for ordinal, battery_id in enumerate(fleet_map.battery_ids):
            spec = self.fleet.shard_specs[int(fleet_map.shard[ordinal])][int(fleet_map.twin[ordinal])]
            assert (spec.battery_id, spec.battery_key) == (battery_id, int(fleet_map.battery_keys[ordinal]))


@pytest.fixture
def office() -> Office:
    of_fleet_file = replace(location_of_request(request_of("FILED")), region="central")
    inventory = Inventory((*small_inventory(("AAA",)).locations, of_fleet_file))
    fleet = ScriptedFleet([specs_of(inventory)])
    live = LiveTable(
        FleetMap(inventory, fleet.shard_specs), LocationClocks([place.clock for place in inventory.locations])
    )
    hub = AlertHub(NoAlerts(), live)
    made = Office(fleet, live, IngestRouter(fleet, live, hub.poke, max_waiting_rows=1_000), Drain())
    made.registration = GridRegistration(
        made, fleet, live, hub, made.router, drain=made.drain, create_gateway_token=made.create_gateway_token
    )
    return made


async def test_after_a_shard_that_could_not_start_every_grid_has_its_own_twins(office: Office) -> None:
    office.fleet.failures = [AWAY]
    with pytest.raises(StoreUnavailableError):
        await office.register("LAB")
    assert office.live.fleet_map.find_location("LAB") is None
    assert (await office.register("OTHER")).created
    assert (await office.register("LAB")).created
    office.check_places()
    await office.router.stop(1.0)


async def test_a_registration_goes_on_when_its_caller_goes_away_and_the_next_one_waits_for_it(office: Office) -> None:
    office.fleet.hold.clear()
    caller = asyncio.create_task(office.register("LAB"))
    await office.fleet.reached.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    office.fleet.reached.clear()
    others = [asyncio.create_task(office.register(name)) for name in ("LAB", "OTHER")]
    await asyncio.sleep(0.01)
    assert not office.fleet.reached.is_set(), "one at a time"
    office.fleet.hold.set()
    assert await asyncio.gather(*others) == [RegisteredGrid(False, "token-1"), RegisteredGrid(True, "token-2")]
    assert office.live.fleet_map.battery_ids[-4:] == ["LAB-1", "LAB-2", "OTHER-1", "OTHER-2"]
    office.check_places()
    await office.router.stop(1.0)


async def test_what_fails_after_its_caller_has_gone_is_logged_and_may_be_repeated(office: Office) -> None:
    office.fleet.hold.clear()
    office.fleet.failures = [AWAY]
    caller = asyncio.create_task(office.register("LAB"))
    await office.fleet.reached.wait()
    caller.cancel()
    office.fleet.hold.set()
    await office.registration.settled()
    assert (await office.register("LAB")).created
    office.check_places()
    await office.router.stop(1.0)


async def test_a_server_that_stops_ends_a_start_under_way_and_begins_none(office: Office) -> None:
    office.fleet.hold.clear()
    under_way = asyncio.create_task(office.register("LAB"))
    await office.fleet.reached.wait()
    waiting = asyncio.create_task(office.register("OTHER"))
    office.drain.begin()
    await asyncio.wait_for(office.registration.settled(), 5.0)
    for call in (under_way, waiting):
        with pytest.raises(UnavailableError, match="shutting down"):
            await call
    assert len(office.fleet.shard_specs) == 1
    office.check_places()


async def test_a_grid_whose_twins_could_not_start_may_be_repeated_on_another_day(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.fleet.failures = [AWAY]
    with pytest.raises(StoreUnavailableError):
        await office.register("LAB")
    (registered,) = office.stored["LAB"].locations
    monkeypatch.setattr(grid_registration, "datetime", AnotherDay)
    assert (await office.register("LAB")).created
    (specs,) = office.fleet.shard_specs[1:]
    assert [spec.installed_on for spec in specs] == [battery.installed_on for battery in registered.batteries()]
    await office.router.stop(1.0)


async def test_no_grid_is_added_to_a_fleet_of_other_shards_than_are_known(office: Office) -> None:
    office.fleet.shard_specs = [*office.fleet.shard_specs, []]
    with pytest.raises(TwinError, match="2 shards where 1 are expected"):
        await office.register("LAB")
    assert office.stored == {}
    assert office.live.fleet_map.find_location("LAB") is None


async def test_a_grid_that_was_left_without_a_token_gets_it_when_the_call_is_repeated(office: Office) -> None:
    office.failures_of_tokens = [AWAY, AWAY]
    for _ in range(2):
        with pytest.raises(StoreUnavailableError):
            await office.register("LAB")
    again = [await office.register("LAB") for _ in range(2)]
    assert again == [RegisteredGrid(False, "token-1"), RegisteredGrid(False, "")]
    assert len(office.fleet.shard_specs) == 2
    await office.router.stop(1.0)


async def test_a_location_of_a_fleet_file_gets_no_token_from_who_describes_it(office: Office) -> None:
    assert await office.register("FILED") == RegisteredGrid(False, "")
    assert office.tokens == []
