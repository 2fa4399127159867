"""Where commands that ask "what if" take twins from: a data directory, or a fleet that nobody has measured."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from actors.string_state import LAYOUT
from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import load_fleet
from storage.server_store import ServerStore
from twin_server.branch_world import BranchOrigin, origin_of_database, origin_of_nothing
from twin_server.fleet_setup import make_specs
from twin_server.inventory_part import part_of_inventory
from twin_server.store_access import open_database
from twin_server.up_command import make_settings


@dataclass(frozen=True, slots=True)
class OriginChoice:
    """Which twins to copy.

    Attributes:
        names: locations, strings or batteries, whose strings are copied whole; empty = all.
        data_dir: data directory of a server, which may run; None = the usual one.
        unmeasured: take a fleet of which nothing has been measured instead.
        fleet_file: inventory of that fleet; None = the one that comes with the product.
        at: an instant of the past; None = the present.
        whole: copy all of the locations concerned.
    """

    names: Sequence[str] = ()
    data_dir: Path | None = None
    unmeasured: bool = False
    fleet_file: Path | None = None
    at: datetime | None = None
    whole: bool = False


def read_origin(choice: OriginChoice) -> BranchOrigin:
    """Copies twins; whoever owns them notices nothing.

    Raises:
        NotFoundError: a name is none of the fleet.
        InvalidArgumentError: there is no data directory, or no reading at that time.
        StoreUnavailableError: the database is away.
    """
    if choice.unmeasured or choice.fleet_file is not None:
        inventory = part_of_inventory(load_fleet(choice.fleet_file), choice.names, whole=choice.whole)
        batteries = [battery for location in inventory.locations for battery in location.batteries()]
        keys = {battery.battery_id: number for number, battery in enumerate(batteries, start=1)}
        return origin_of_nothing(inventory, make_specs(inventory, keys), time.time_ns() // 1_000)
    settings = make_settings(data_dir=choice.data_dir)
    if settings.database_url is None and not settings.data_dir.is_dir():
        raise InvalidArgumentError(
            f"{settings.data_dir} does not exist. Name the data directory of a server with --data-dir, or take "
            "--unmeasured for a fleet of which nothing has been measured.",
            field="data_dir",
            value=settings.data_dir,
        )
    return asyncio.run(_read(choice, settings.archive_dir or settings.data_dir / "archive"))


async def _read(choice: OriginChoice, archive: Path) -> BranchOrigin:
    at_us = None if choice.at is None else round(choice.at.timestamp() * 1e6)
    async with open_database(choice.data_dir) as url:
        return await read_database(url, archive, choice.names, at_us, whole=choice.whole)


async def read_database(
    url: str, archive: Path, names: Sequence[str], at_us: int | None, *, whole: bool = False
) -> BranchOrigin:
    """Copies twins of a database; whoever owns them notices nothing.

    Args:
        url: the database.
        archive: folder of sealed days.
        names: locations, strings or batteries, whose strings are copied whole; empty = all.
        at_us: an instant of the past, microseconds since 1970 UTC; None = the present.
        whole: copy all of the locations concerned.

    Raises:
        NotFoundError: a name is none of the fleet.
        InvalidArgumentError: there is no reading at that time.
        StoreUnavailableError: the database is away.
    """
    store = await ServerStore.connect(url)
    try:
        inventory, keys = await store.load_inventory()
        strings = await store.load_string_states(LAYOUT)
    finally:
        await store.close()
    chosen = part_of_inventory(inventory, names, whole=whole)
    specs = make_specs(chosen, keys)
    return await asyncio.to_thread(origin_of_database, chosen, specs, url, archive, strings=strings, at_us=at_us)
