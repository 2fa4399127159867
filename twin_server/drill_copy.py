"""Copies twins, their strings and the alerts that stand from the live database into that of a drill."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from actors.fleet import TwinSpec
from actors.string_state import LAYOUT
from actors.twin_memory import MEMORY_LAYOUT
from batterytwin.inventory import Battery, BatteryUnit, Inventory, Location, LocationClock
from storage.alert_copies import AlertCopy
from storage.postgres_shard_store import PostgresShardStore
from storage.server_store import ServerStore
from storage.shard_store import ShardCommit, TwinSnapshot
from storage.string_state_table import StringStateRecord
from twin_server.branch_world import BranchOrigin, origin_of_database
from twin_server.drill_host import DrillPlan
from twin_server.fleet_setup import make_specs
from twin_server.inventory_part import part_of_inventory

_MOST_IN_A_COMMIT = 2_048


@dataclass(frozen=True, slots=True)
class DrillOrigin:
    """What a drill begins with.

    Attributes:
        twins: copies of twins and strings, with their names and keys in the live database.
        inventory: the same batteries as a drill has them: their present blocks, and clocks that follow the feed.
        alerts: that stand.
    """

    twins: BranchOrigin
    inventory: Inventory
    alerts: Sequence[AlertCopy]


async def read_origin(plan: DrillPlan, live: ServerStore) -> DrillOrigin:
    """Reads what a drill begins with; whoever owns the twins notices nothing.

    Args:
        plan: what to copy.
        live: store of the live server.

    Raises:
        NotFoundError: a name is none of the fleet.
        InvalidArgumentError: there is no reading to begin from.
        StoreUnavailableError: the database is away.
    """
    inventory, keys = await live.load_inventory()
    chosen = part_of_inventory(inventory, plan.names)
    specs = make_specs(chosen, keys)
    strings = await live.load_string_states(LAYOUT)
    copy = partial(origin_of_database, chosen, specs, plan.source_url, plan.archive, strings=strings, at_us=plan.at_us)
    twins = await asyncio.to_thread(copy)
    units = await _units(live, specs, plan.at_us)
    string_ids = [string.string_id for location in chosen.locations for string in location.strings()]
    location_ids = [location.location_id for location in chosen.locations]
    alerts = await live.standing_alerts(location_ids, string_ids, twins.time_us, plan.at_us)
    return DrillOrigin(twins, Inventory(tuple(_as_fed(location, units) for location in chosen.locations)), alerts)


async def write_origin(origin: DrillOrigin, url: str, store: ServerStore) -> list[TwinSpec]:
    """Fills the empty database of a drill.

    Args:
        origin: what it begins with.
        url: the database.
        store: open store on it.

    Returns:
        The twins, in the order of the inventory, with their keys in this database.
    """
    specs = make_specs(origin.inventory, await store.register_inventory(origin.inventory))
    await asyncio.to_thread(_write_twins, url, specs, origin.twins)
    here = {spec.string_id for spec in specs}
    await store.save_string_states(
        [
            StringStateRecord(name, origin.twins.time_us, LAYOUT, state)
            for name, state in origin.twins.strings.items()
            if name in here
        ]
    )
    await store.put_alerts(origin.alerts)
    return specs


def _write_twins(url: str, specs: Sequence[TwinSpec], twins: BranchOrigin) -> None:
    watermarks_us = twins.memory.records["watermark_us"].tolist()
    snapshots = [
        TwinSnapshot(
            spec.battery_key,
            watermarks_us[twin],
            MEMORY_LAYOUT,
            twins.memory.to_bytes(twin),
            twins.memory.life_bytes(twin),
        )
        for twin, spec in enumerate(specs)
        if watermarks_us[twin] > 0
    ]
    store = PostgresShardStore(url, durable=False)
    try:
        store.take_over([spec.battery_key for spec in specs])
        for begin in range(0, len(snapshots), _MOST_IN_A_COMMIT):
            part = snapshots[begin : begin + _MOST_IN_A_COMMIT]
            store.commit(ShardCommit(twins.time_us, snapshots=part))
    finally:
        store.close()


async def _units(live: ServerStore, specs: Sequence[TwinSpec], at_us: int | None) -> dict[str, BatteryUnit]:
    """The blocks that have come into slots since these were registered and were there then, by battery."""
    newest = await live.newest_units()
    found = {}
    for spec in specs:
        unit = newest.get(spec.battery_key)
        if unit is not None and at_us is not None and unit.since_us > at_us:
            unit = await live.unit_at(spec.battery_key, at_us)
        if unit is not None:
            found[spec.battery_id] = unit
    return found


def _as_fed(location: Location, units: Mapping[str, BatteryUnit]) -> Location:
    systems = tuple(
        replace(
            system,
            strings=tuple(
                replace(string, batteries=tuple(_present(battery, units) for battery in string.batteries))
                for string in system.strings
            ),
        )
        for system in location.systems
    )
    return replace(location, clock=LocationClock.FEED, systems=systems)


def _present(battery: Battery, units: Mapping[str, BatteryUnit]) -> Battery:
    unit = units.get(battery.battery_id)
    if unit is None:
        return battery
    since = datetime.fromtimestamp(unit.since_us * 1e-6, UTC).date()
    return replace(battery, serial=unit.serial, unit_seq=unit.unit_seq, installed_on=since)
