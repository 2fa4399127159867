"""A branch: copies of twins that live on with a plant of their own, through the same code as the live ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from actors.branch_strings import BranchFinding, BranchStrings
from actors.fleet import TwinSpec
from actors.shard import TwinShard
from actors.twin_memory import MEMORY_LAYOUT, TwinMemory
from batterytwin.alerts import AlertTransition
from batterytwin.branch import BranchPlant
from batterytwin.diagnosis import Diagnosis
from batterytwin.telemetry import Rows
from storage.branch_store import BranchStore
from storage.shard_store import ShardCommit, TwinSnapshot

WINDOW_US: Final = 60_000_000
"""What is read from the plant at once. Always the same, so that a run does not depend on how it is paced."""

_NO_SNAPSHOTS_S: Final = 1e9


@dataclass(frozen=True, slots=True)
class BranchNews:
    """What happened in a branch over a stretch of its time.

    Attributes:
        reading_count: readings applied.
        alerts: changes of alerts of batteries, oldest first.
        findings: faults of strings that came and went, oldest first.
    """

    reading_count: int
    alerts: tuple[AlertTransition, ...]
    findings: tuple[BranchFinding, ...]


class Branch:
    """Twins and strings of a branch; plain Python.

    Args:
        specs: its batteries, string by string, in the plant's order.
        memory: their states, which are copied.
        plant: makes the readings; its present is `begin_us`.
        site_of: number of each string's site.
        begin_us: where the branch begins, microseconds since 1970 UTC; not before any of the states.
        string_states: what is remembered of the strings, by name.
        take: is handed what each commit stores: rows with estimates, and changes of alerts.

    Attributes:
        now_us: time that the branch has reached.
    """

    def __init__(
        self,
        specs: Sequence[TwinSpec],
        memory: TwinMemory,
        plant: BranchPlant,
        site_of: Sequence[int],
        begin_us: int,
        *,
        string_states: Mapping[str, bytes] | None = None,
        take: Callable[[ShardCommit], None] = lambda _commit: None,
    ) -> None:
        snapshots = {
            spec.battery_key: TwinSnapshot(
                spec.battery_key,
                int(memory.records["watermark_us"][twin]),
                MEMORY_LAYOUT,
                memory.to_bytes(twin),
                memory.life_bytes(twin),
            )
            for twin, spec in enumerate(specs)
        }
        self._shard = TwinShard(specs, BranchStore(snapshots, take), _NO_SNAPSHOTS_S)
        self._shard.restore()
        self._plant = plant
        self.strings = BranchStrings(specs, site_of, string_states)
        self.now_us = begin_us

    def advance(self, until_us: int) -> BranchNews:
        """Lives on, in windows of `WINDOW_US`; a last one that is not whole is left for the next call."""
        count = 0
        alerts: list[AlertTransition] = []
        findings: list[BranchFinding] = []
        while self.now_us + WINDOW_US <= until_us:
            end_us = self.now_us + WINDOW_US
            visits = self._plant.visits(self.now_us, end_us)
            if len(visits):
                alerts += self._shard.apply(visits.rows, end_us).alerts
                found, ranks = self.strings.take(visits, self._shard.live())
                findings += found
                if ranks:
                    alerts += self._shard.apply_inputs(ranks).alerts
                count += len(visits.rows)
            self.now_us = end_us
        return BranchNews(count, tuple(alerts), tuple(findings))

    def live(self) -> Rows:
        """Present of its twins, `LIVE_DTYPE`, shape `(n_twins,)`."""
        return self._shard.live()

    def diagnoses(self) -> dict[str, tuple[Diagnosis, ...]]:
        """Faults that stand, by string; strings without any are left out."""
        found = {name: self.strings.diagnoses(number) for number, name in enumerate(self.strings.names)}
        return {name: faults for name, faults in found.items() if faults}

    def copy(self) -> TwinMemory:
        """Copies of its twins, to branch from once more."""
        return self._shard.copy()

    def state_hashes(self) -> dict[int, str]:
        """SHA-256 of the state of each twin, by battery key."""
        return self._shard.state_hashes()
