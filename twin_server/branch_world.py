"""Puts branches together: copies of twins from a database or of nothing, and a plant fitted to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.branch import Branch
from actors.branch_copy import copy_of_nothing, copy_past, copy_present, describe
from actors.fleet import TwinSpec
from actors.replayer import TwinReplayer
from actors.twin_memory import TwinMemory
from batterytwin.errors import InvalidArgumentError
from batterytwin.inventory import Inventory
from batterytwin.telemetry import Rows
from simulator.branch_plant import ScenarioPlant
from simulator.scenario_course import ScenarioPart, course_of
from storage.past_store import Moment
from storage.postgres_past_store import PostgresPastStore
from storage.postgres_shard_store import PostgresShardStore
from storage.shard_store import ShardCommit


@dataclass(frozen=True, slots=True)
class BranchOrigin:
    """Twins to branch from.

    Attributes:
        inventory: their locations, strings and blocks.
        specs: the twins, in the inventory's order.
        memory: copies of their states.
        strings: what is remembered of their strings, by name.
        time_us: the branch begins here, microseconds since 1970 UTC.
    """

    inventory: Inventory
    specs: Sequence[TwinSpec]
    memory: TwinMemory
    strings: Mapping[str, bytes]
    time_us: int

    @property
    def copies(self) -> Rows:
        """What a plant is fitted to, `TWIN_COPY_DTYPE`."""
        return describe(self.specs, self.memory)

    def branch(
        self, parts: Sequence[ScenarioPart], seed: int, take: Callable[[ShardCommit], None] = lambda _commit: None
    ) -> tuple[Branch, ScenarioPlant]:
        """A branch with scenarios, and its plant.

        Raises:
            InvalidArgumentError: a scenario does not fit what is here.
        """
        begin_s = self.time_us * 1e-6
        plant = ScenarioPlant(self.inventory, self.copies, seed, begin_s, course_of(self.inventory, parts, begin_s))
        site_of = [site for site, place in enumerate(self.inventory.locations) for _ in place.strings()]
        branch = Branch(self.specs, self.memory, plant, site_of, self.time_us, string_states=self.strings, take=take)
        return branch, plant


def origin_of_nothing(inventory: Inventory, specs: Sequence[TwinSpec], time_us: int) -> BranchOrigin:
    """Twins of which only data sheet and day of installation are known."""
    return BranchOrigin(inventory, specs, copy_of_nothing(specs, time_us), {}, time_us)


def origin_of_database(  # what to copy, and from where
    inventory: Inventory,
    specs: Sequence[TwinSpec],
    url: str,
    archive: Path,
    *,
    strings: Mapping[str, bytes],
    at_us: int | None = None,
) -> BranchOrigin:
    """Copies of twins that a database holds; nothing there is changed, and whoever owns the twins notices nothing.

    Args:
        inventory: what is to be copied.
        specs: its twins, in its order.
        url: the database.
        archive: folder of sealed days.
        strings: what is remembered of strings at present, by name.
        at_us: an instant of the past; None = the present, which is where the newest of these twins is.

    Raises:
        InvalidArgumentError: none of the twins has a reading then.
        StoreUnavailableError: the database is away.
    """
    if at_us is None:
        store = PostgresShardStore(url, archive)
        try:
            memory = copy_present(specs, store)
        finally:
            store.close()
    else:
        past = PostgresPastStore(url, archive)
        try:
            memory = copy_past(specs, TwinReplayer(past), Moment(at_us))
        finally:
            past.close()
        strings = {}  # baselines are known as they are now alone
    newest_us = int(memory.records["watermark_us"].max())
    if newest_us == 0:
        raise InvalidArgumentError("None of these batteries has a reading then; choose a later instant.", field="at")
    return BranchOrigin(inventory, specs, memory, strings, newest_us)
