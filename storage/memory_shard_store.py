"""A shard store in memory, with the same laws as the one in PostgreSQL, for tests and trials without a database."""

import hashlib
import itertools
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batterytwin.alerts import AlertChange, AlertTransition, Severity
from batterytwin.errors import LeaseLostError, StoreUnavailableError
from batterytwin.telemetry import TELEMETRY_DTYPE, Rows
from storage.shard_store import LoggedInput, ShardCommit, TwinSnapshot

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoredSnapshot:
    """A snapshot with the checksum that it was stored with."""

    snapshot: TwinSnapshot
    sha256: bytes


@dataclass(slots=True)
class MemoryDatabase:
    """What several stores share, as they would share a database; lost with the process.

    Attributes:
        available: set it to False to see what happens while the database is away.
        rows: rows of each commit, `TELEMETRY_DTYPE`.
        late: late rows by battery and sample time.
        snapshots: the newest two of each battery, newest first.
        alert_changes: changes of alerts that had an effect, in order of commit.
        inputs: inputs of twins, in order of commit.
        owners: lease of each battery that was ever taken over.
    """

    available: bool = True
    rows: list[Rows] = field(default_factory=list)
    late: dict[tuple[int, int], Rows] = field(default_factory=dict)
    snapshots: dict[int, list[StoredSnapshot]] = field(default_factory=dict)
    alert_changes: list[AlertTransition] = field(default_factory=list)
    inputs: list[LoggedInput] = field(default_factory=list)
    owners: dict[int, int] = field(default_factory=dict)
    _severities: dict[str, Severity] = field(default_factory=dict)
    _cleared: set[str] = field(default_factory=set)
    _revoked: set[int] = field(default_factory=set)
    _leases: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def session(self) -> Iterator[None]:
        """One caller at a time.

        Raises:
            StoreUnavailableError: the database is away.
        """
        with self._lock:
            if not self.available:
                raise StoreUnavailableError("The database is away; try again.", retry_after_s=1.0)
            yield

    def take(self, battery_keys: Sequence[int], held: int | None) -> int:
        """Makes a lease the owner of batteries and revokes those that owned one of them before; returns the lease."""
        lease = next(self._leases) if held is None or held in self._revoked else held
        self._revoked |= {self.owners[key] for key in battery_keys if key in self.owners} - {lease}
        self.owners |= dict.fromkeys(battery_keys, lease)
        return lease

    def check(self, lease: int | None) -> None:
        """Raises `LeaseLostError` unless the lease is one that nobody has revoked."""
        if lease is None or lease in self._revoked:
            raise LeaseLostError(f"Lease {lease} was revoked: another owner has taken twins of this one over.")

    def all_rows(self) -> Rows:
        """All rows, `TELEMETRY_DTYPE`, sorted by battery and sample time."""
        rows = np.concatenate([np.empty(0, TELEMETRY_DTYPE), *self.rows])
        return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]

    def write(self, commit: ShardCommit) -> None:
        """Stores a commit."""
        self.rows.append(commit.rows.copy())
        for row in commit.late.copy():
            pair = (int(row["battery_key"]), int(row["sample_time_us"]))
            self.late.setdefault(pair, row)
        for transition in commit.alerts:
            self._change_alert(transition)
        self.inputs += commit.inputs
        for snapshot in commit.snapshots:
            self._keep(snapshot)

    def _change_alert(self, transition: AlertTransition) -> None:
        alert_id, severity = transition.alert_id, self._severities.get(transition.alert_id)
        if transition.change == AlertChange.RAISED:
            effective = severity is None
        elif transition.change == AlertChange.ESCALATED:
            effective = severity is not None and severity < transition.severity
        else:
            effective = severity is not None and alert_id not in self._cleared
        if not effective:
            return
        if transition.change == AlertChange.CLEARED:
            self._cleared.add(alert_id)
        else:
            self._severities[alert_id] = transition.severity
        self.alert_changes.append(transition)

    def _keep(self, snapshot: TwinSnapshot) -> None:
        others = [
            s
            for s in self.snapshots.get(snapshot.battery_key, [])
            if (s.snapshot.watermark_us, s.snapshot.layout) != (snapshot.watermark_us, snapshot.layout)
        ]
        kept = [StoredSnapshot(snapshot, hashlib.sha256(snapshot.state).digest()), *others]
        kept.sort(key=lambda s: -s.snapshot.watermark_us)
        self.snapshots[snapshot.battery_key] = kept[:2]


class MemoryShardStore:
    """Implements `ShardStore` on a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._lease: int | None = None

    def take_over(self, battery_keys: Sequence[int]) -> None:
        """Makes this store the only one that may commit for these batteries."""
        with self._database.session():
            self._lease = self._database.take(battery_keys, self._lease)

    def load_snapshots(self, battery_keys: Sequence[int], layout: str) -> dict[int, TwinSnapshot]:
        """Newest sound snapshot of this layout for each battery that has one."""
        found: dict[int, TwinSnapshot] = {}
        with self._database.session():
            for key in battery_keys:
                for stored in self._database.snapshots.get(key, []):
                    if stored.snapshot.layout != layout or key in found:
                        continue
                    if hashlib.sha256(stored.snapshot.state).digest() != stored.sha256:
                        _log.error("snapshot of battery %d is damaged and passed over", key)
                        continue
                    found[key] = stored.snapshot
        return found

    def read_tail(self, watermarks_us: Mapping[int, int]) -> Rows:
        """Rows newer than each battery's watermark, sorted by battery and sample time."""
        with self._database.session():
            rows = self._database.all_rows()
        marks = [watermarks_us.get(int(key), np.iinfo(np.int64).max) for key in rows["battery_key"]]
        return rows[rows["sample_time_us"] > np.array(marks, np.int64)]

    def stored_mask(self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these (battery, sample time) pairs are stored already, shape `(n_pairs,)`."""
        with self._database.session():
            rows = self._database.all_rows()
            stored = set(zip(rows["battery_key"].tolist(), rows["sample_time_us"].tolist(), strict=True))
            stored |= self._database.late.keys()
        pairs = zip(battery_keys.tolist(), sample_times_us.tolist(), strict=True)
        return np.fromiter((pair in stored for pair in pairs), np.bool_, len(battery_keys))

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:
        """Inputs after those that each battery has taken, sorted by battery and number."""
        with self._database.session():
            found = [i for i in self._database.inputs if i.seq > taken.get(i.content.battery_key, i.seq)]
        return sorted(found, key=lambda i: (i.content.battery_key, i.seq))

    def stored_inputs(self, pairs: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those (battery, source) pairs that are stored already."""
        with self._database.session():
            return {(i.content.battery_key, i.content.source_id) for i in self._database.inputs} & set(pairs)

    def commit(self, commit: ShardCommit) -> None:
        """Stores a commit, all or nothing."""
        with self._database.session():
            self._database.check(self._lease)
            self._database.write(commit)

    def close(self) -> None:
        """Gives the connection back. The lease stays until someone takes over."""
