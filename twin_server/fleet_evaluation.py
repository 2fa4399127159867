"""What a server's database knows of the lives of its fleet, for judging models: `batterytwin evaluate --fleet`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from batterytwin.errors import UnknownModelError
from batterytwin.inventory import Inventory
from batterytwin.life_ends import Block
from batterytwin.life_models import ModelState
from ml.block_ends import end_of
from ml.fleet_lives import FleetLives, FollowedBlock, fleet_lives
from ml.stored_inputs import stored_layouts
from storage.life_case_table import LifeMoment
from storage.server_store import ServerStore
from twin_server.model_files import ModelFiles

_AT_ONCE: Final = 96
"""Slots that are asked for together, so that no question lasts long."""
_ALL: Final = 2**31 - 1


async def read_fleet_lives(store: ServerStore) -> FleetLives:
    """Blocks that have gone, from their cases; blocks that serve, from predictions that are still kept.

    A block that has just gone counts as soon as the server has noted what became of it.

    Raises:
        StoreUnavailableError: the database does not answer.
    """
    place_of = _places(*await store.load_inventory())
    followed = await _gone(store, place_of)
    slots = list(place_of)
    for begin in range(0, len(slots), _AT_ONCE):
        blocks = await store.serving_blocks(slots[begin : begin + _AT_ONCE])
        ends = [end_of(block) for block in blocks]
        moments = _by_block(await store.life_moments(blocks, ends, stored_layouts()))
        followed += [
            FollowedBlock(*place_of[block.battery_key], end, moments[_name(block)])
            for block, end in zip(blocks, ends, strict=True)
        ]
    return fleet_lives(followed)


async def told_model(store: ServerStore, folder: Path) -> Path:
    """Folder of the model that is told now.

    Args:
        store: where it is registered.
        folder: where folders of models are.

    Raises:
        UnknownModelError: no model is told.
    """
    for model in await store.life_models():
        if model.state is ModelState.ACTIVE:
            return await ModelFiles(store, folder).folder_of(model.version)
    raise UnknownModelError(
        "No model is active in this database; name the folder of one, or activate one with `batterytwin models`.",
        field="folder",
    )


def _places(inventory: Inventory, keys: Mapping[str, int]) -> dict[int, tuple[int, int]]:
    """Numbers of the fleet and of the site of every battery, by its database key; sites are parts of a fleet."""
    fleets: dict[tuple[str, str], int] = {}
    sites: dict[tuple[int, str], int] = {}
    places = {}
    for location in inventory.locations:
        for string in location.strings():
            fleet = fleets.setdefault((location.grid_id, string.datasheet.model), len(fleets))
            site = sites.setdefault((fleet, location.location_id), len(sites))
            places.update({keys[battery.battery_id]: (fleet, site) for battery in string.batteries})
    return places


async def _gone(store: ServerStore, place_of: Mapping[int, tuple[int, int]]) -> list[FollowedBlock]:
    stored = await store.life_cases(_ALL, _ALL)
    ends = {_name(case.moment): case.end for case in stored}
    moments = _by_block(case.moment for case in stored)
    return [FollowedBlock(*place_of[name[0]], end, moments[name]) for name, end in ends.items()]


def _by_block(moments: Iterable[LifeMoment]) -> defaultdict[tuple[int, int], list[LifeMoment]]:
    found: defaultdict[tuple[int, int], list[LifeMoment]] = defaultdict(list)
    for moment in moments:
        found[_name(moment)].append(moment)
    return found


def _name(block: Block | LifeMoment) -> tuple[int, int]:
    return block.battery_key, block.unit_seq
