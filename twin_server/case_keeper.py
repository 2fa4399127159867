"""Real cases: made when blocks have been replaced, and found again where a life resembles them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from actors.life_inputs import N_LIFE_INPUTS
from batterytwin.errors import StoreUnavailableError
from batterytwin.life import Floats, LifeCase
from batterytwin.life_ends import Block, BlockEnd
from ml.block_ends import end_of
from ml.real_cases import MOST_BLOCKS, MOST_EACH, RealCases
from ml.stored_inputs import read_inputs, stored_layouts
from storage.life_case_table import ByteCounts, StoredCase
from twin_server.life_table import LifeTable
from twin_server.model_files import ModelFiles
from twin_server.model_registry import ModelRegistry
from twin_server.principal import Principal
from twin_server.routing import FleetMap

KEEP_EVERY_S: Final = 21_600.0
"""What was missed (a server that ended, another one on the same database) is taken up so often."""

Similar = list[tuple[LifeCase, float]]
"""Cases with their distances, nearest first."""


class CaseStore(Protocol):
    """What the keeper needs of the store; see `storage.life_case_table`."""

    async def unnoted_blocks(self) -> list[Block]:
        """Blocks that have gone and of which nothing is noted yet."""

    async def note_end(self, block: Block, end: BlockEnd, layouts: ByteCounts) -> bool:
        """Notes what became of a block, with the moments of its life."""

    async def life_cases(self, most_blocks: int, most_each: int) -> list[StoredCase]:
        """Moments of blocks that have gone."""

    async def prediction_inputs(
        self, battery_keys: NDArray[np.int32], predicted_us: NDArray[np.int64]
    ) -> list[bytes | None]:
        """What predictions rested on."""


class CaseKeeper:
    """Makes cases beside everything else, and answers from those in memory.

    Args:
        store: where blocks, predictions and cases are.
        files: where models' libraries are.
        registry: which model is told.
        table: what was predicted last, and from what.
        fleet_map: which battery is where.
    """

    def __init__(
        self, store: CaseStore, files: ModelFiles, registry: ModelRegistry, table: LifeTable, fleet_map: FleetMap
    ) -> None:
        self._store = store
        self._files = files
        self._registry = registry
        self._table = table
        self._map = fleet_map
        self._cases = RealCases(())
        self._is_due = True  # at the start: to load, and for what was recorded before the last end

    def __len__(self) -> int:
        return len(self._cases)

    def wake(self) -> None:
        """Says that a block has been replaced."""
        self._is_due = True

    async def look(self) -> None:
        """Makes cases if a block has been replaced; see `keep`."""
        if not self._is_due:
            return
        self._is_due = False
        try:
            await self.keep()
        except BaseException:
            self._is_due = True
            raise

    async def keep(self) -> None:
        """Notes what became of blocks that have gone, each once, and loads the cases of the newest ones.

        Raises:
            StoreUnavailableError: the database is away; the next look does the rest.
        """
        for block in await self._store.unnoted_blocks():
            await self._store.note_end(block, end_of(block), stored_layouts())
        stored = await self._store.life_cases(MOST_BLOCKS, MOST_EACH)
        self._cases = await asyncio.to_thread(RealCases, stored)

    async def similar(self, ordinals: NDArray[np.int32], principal: Principal) -> list[Similar]:
        """Real cases like batteries as they were when they were last predicted, of locations that a caller may see.

        Where it is not known any more what a prediction rested on, or the database that has it is away, none is told.
        """
        cases = self._cases
        found: list[Similar] = [[] for _ in ordinals]
        if not len(cases):
            return found
        inputs = await self._inputs(ordinals)
        visible = self._visible(cases, principal)
        told = self._registry.told.version if self._registry.told is not None else ""
        keys = self._table.rows["model_key"][ordinals].tolist()
        versions = [self._registry.versions.get(key) or told for key in keys]
        for version in set(versions):
            space = await self._files.case_space(version)
            if space is None or not space.is_present:
                continue
            places = [place for place, one in enumerate(versions) if one == version]
            near = await asyncio.to_thread(cases.similar, space, inputs[places], visible)
            for place, one in zip(places, near, strict=True):
                found[place] = one
        return found

    async def _inputs(self, ordinals: NDArray[np.int32]) -> Floats:
        inputs, rows = np.full((len(ordinals), N_LIFE_INPUTS), np.nan), self._table.rows[ordinals]
        with suppress(StoreUnavailableError):
            stored = await self._store.prediction_inputs(rows["battery_key"], rows["predicted_at"])
            for place, one in enumerate(stored):
                known = None if one is None else read_inputs(one)
                if known is not None:
                    inputs[place] = known
        return inputs

    def _visible(self, cases: RealCases, principal: Principal) -> NDArray[np.bool_] | None:
        if principal.location_ids is None:
            return None
        return np.array([self._may_see(principal, key) for key in cases.battery_keys.tolist()], np.bool_)

    def _may_see(self, principal: Principal, battery_key: int) -> bool:
        ordinal = self._map.find_key(battery_key)
        return ordinal is not None and principal.may_see(self._map.identities[ordinal].location.location_id)


def nearest_first(*cases: Sequence[tuple[LifeCase, float]]) -> Similar:
    """Cases of several kinds as one list."""
    return sorted((one for some in cases for one in some), key=lambda pair: pair[1])
