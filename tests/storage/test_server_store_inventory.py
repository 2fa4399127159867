from dataclasses import replace

import psycopg
import pytest

from batterytwin.errors import (
    ConflictError,
    InvalidArgumentError,
    StoreUnavailableError,
    UnknownLocationError,
)
from batterytwin.inventory import Inventory, LocationClock, load_fleet
from storage import store_pool
from storage.server_store import ServerStore
from tests.storage.server_stores import small_inventory, small_location


async def test_the_whole_fleet_comes_back_as_it_was_registered(server_store: ServerStore) -> None:
    fleet = load_fleet()
    keys = await server_store.register_inventory(fleet)
    loaded, loaded_keys = await server_store.load_inventory()
    assert loaded == fleet
    assert loaded_keys == keys
    in_order = [keys[b.battery_id] for location in fleet.locations for b in location.batteries()]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == fleet.battery_count()


async def test_registering_again_changes_nothing_and_more_locations_may_follow(server_store: ServerStore) -> None:
    first = await server_store.register_inventory(small_inventory("BRK"))
    assert await server_store.register_inventory(small_inventory("BRK")) == first
    both = await server_store.register_inventory(small_inventory("BRK", "CNX"))
    assert first.items() <= both.items()
    loaded, _ = await server_store.load_inventory()
    assert [location.location_id for location in loaded.locations] == ["BRK", "CNX"]


async def test_other_content_under_a_known_name_is_refused_and_named(server_store: ServerStore) -> None:
    await server_store.register_inventory(small_inventory("BRK"))
    location = small_location("BRK")
    with pytest.raises(ConflictError, match="BRK") as refused:
        await server_store.register_inventory(Inventory((replace(location, region="North"),)))
    assert (refused.value.field, refused.value.value) == ("location_id", "BRK")

    elsewhere = replace(location, location_id="CNX", systems=location.systems[:1])
    with pytest.raises(ConflictError, match="BRK-U1-S01-B01") as refused:
        await server_store.register_inventory(Inventory((elsewhere,)))
    assert (refused.value.field, refused.value.value) == ("battery_id", "BRK-U1-S01-B01")
    loaded, _ = await server_store.load_inventory()
    assert loaded == Inventory((location,))


async def test_another_data_sheet_of_the_same_model_is_refused(server_store: ServerStore) -> None:
    await server_store.register_inventory(small_inventory("BRK"))
    other = small_location("CNX")
    string = other.systems[0].strings[0]
    changed = replace(string, datasheet=string.datasheet.model_copy(update={"rated_capacity_ah": 17.0}))
    system = replace(other.systems[0], strings=(changed,))
    with pytest.raises(ConflictError, match="HX12-120"):
        await server_store.register_inventory(Inventory((replace(other, systems=(system,)),)))


async def test_incomplete_and_ambiguous_locations_are_refused(server_store: ServerStore) -> None:
    location = small_location("BRK")
    empty_string = replace(location.systems[0].strings[0], batteries=())
    empty_system = replace(location.systems[0], strings=())
    for systems in ((), (empty_system,), (replace(empty_system, strings=(empty_string,)),)):
        with pytest.raises(InvalidArgumentError):
            await server_store.register_inventory(Inventory((replace(location, systems=systems),)))
    twice = (location.systems[0], replace(location.systems[0], system_id="BRK-U9"))
    with pytest.raises(InvalidArgumentError, match="twice"):
        await server_store.register_inventory(Inventory((replace(location, systems=twice),)))
    assert (await server_store.load_inventory())[0] == Inventory(())


async def test_a_clock_can_be_changed_and_does_not_count_as_content(server_store: ServerStore) -> None:
    await server_store.register_inventory(small_inventory("BRK"))
    await server_store.set_location_clock("BRK", LocationClock.FEED)
    await server_store.register_inventory(small_inventory("BRK"))
    loaded, _ = await server_store.load_inventory()
    assert loaded.locations[0].clock is LocationClock.FEED
    with pytest.raises(UnknownLocationError):
        await server_store.set_location_clock("XXX", LocationClock.WALL)


async def test_a_closed_store_is_unavailable_and_says_when_to_come_back(database_url: str) -> None:
    store = await ServerStore.connect(database_url)
    await store.ping()
    await store.close()
    with pytest.raises(StoreUnavailableError) as away:
        await store.ping()
    assert away.value.retry_after_s


async def test_a_store_works_again_after_its_connections_were_cut(server_store: ServerStore, database_url: str) -> None:
    await server_store.register_inventory(small_inventory("BRK"))
    with psycopg.connect(database_url, autocommit=True) as connection:
        cut = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'batterytwin-server'"
        ).fetchone()
    assert cut == (4,)
    loaded, _ = await server_store.load_inventory()
    assert loaded == small_inventory("BRK")


async def test_a_database_that_is_not_there_is_told_as_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_pool, "_OPEN_TIMEOUT_S", 0.2)
    with pytest.raises(StoreUnavailableError) as away:
        await ServerStore.connect("postgresql://nobody@/nothing?host=/nonexistent")
    assert away.value.retry_after_s
