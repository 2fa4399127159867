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
from storage.shard_store import LoggedInput, Revision, ShardCommit, TwinSnapshot

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class StoredSnapshot:
    """A snapshot with the checksum that it was stored with.

    Attributes:
        snapshot: as it was stored.
        sha256: of its state and life.
        superseded: something that came late belongs before its watermark.
    """

    snapshot: TwinSnapshot
    sha256: bytes
    superseded: bool = False


@dataclass(slots=True)
class MemoryDatabase:
    """What several stores share, as they would share a database; lost with the process.

    Attributes:
        available: set it to False to see what happens while the database is away.
        rows: rows of each commit, `TELEMETRY_DTYPE`.
        late: late rows by battery and sample time.
        too_late: rows that were stored and not applied, likewise.
        revised: rows as the newest revision has them, likewise.
        revisions: revisions in order of commit.
        snapshots: of each battery, newest first.
        alert_changes: changes of alerts that had an effect, in order of commit.
        inputs: inputs of twins, in order of commit.
        owners: lease of each battery that was ever taken over.
    """

    available: bool = True
    rows: list[Rows] = field(default_factory=list)
    late: dict[tuple[int, int], Rows] = field(default_factory=dict)
    too_late: dict[tuple[int, int], Rows] = field(default_factory=dict)
    revised: dict[tuple[int, int], Rows] = field(default_factory=dict)
    revisions: list[Revision] = field(default_factory=list)
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
        for kept, rows in ((self.late, commit.late), (self.too_late, commit.too_late)):
            for row in rows.copy():
                kept.setdefault(_pair(row), row)
        self.revised |= {_pair(row): row for row in commit.revised.copy()}
        for revision in commit.revisions:
            self._supersede(revision)
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
        elif transition.change == AlertChange.REOPENED:
            effective = alert_id in self._cleared
        else:
            effective = severity is not None and alert_id not in self._cleared
        if not effective:
            return
        if transition.change == AlertChange.CLEARED:
            self._cleared.add(alert_id)
        else:
            self._severities[alert_id] = transition.severity
        if transition.change == AlertChange.REOPENED:
            self._cleared.discard(alert_id)
        self.alert_changes.append(transition)

    def _supersede(self, revision: Revision) -> None:
        self.revisions.append(revision)
        for stored in self.snapshots.get(revision.battery_key, []):
            stored.superseded |= stored.snapshot.watermark_us >= revision.from_us

    def _keep(self, snapshot: TwinSnapshot) -> None:
        kept = [
            StoredSnapshot(snapshot, hashlib.sha256(snapshot.state + snapshot.life).digest()),
            *self.snapshots.get(snapshot.battery_key, []),
        ]
        kept.sort(key=lambda s: -s.snapshot.watermark_us)  # of equal ones, the one stored last comes first
        self.snapshots[snapshot.battery_key] = kept

    def log_rows(self) -> Rows:
        """All rows that are in the states of their twins, as the newest revision judges them, `TELEMETRY_DTYPE`."""
        rows = np.concatenate([self.all_rows(), *(row[np.newaxis] for row in self.late.values())])
        for place, row in enumerate(rows):
            revised = self.revised.get(_pair(row))
            if revised is not None:
                rows["status"][place] = revised["status"]
        return rows[np.lexsort((rows["sample_time_us"], rows["battery_key"]))]


class MemoryShardStore:
    """Implements `ShardStore` on a `MemoryDatabase`."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._lease: int | None = None

    def take_over(self, battery_keys: Sequence[int]) -> None:
        """Makes this store the only one that may commit for these batteries."""
        with self._database.session():
            self._lease = self._database.take(battery_keys, self._lease)

    def load_snapshots(
        self, battery_keys: Sequence[int], layout: str, before_us: Mapping[int, int] | None = None
    ) -> dict[int, TwinSnapshot]:
        """Newest sound snapshot of this layout that holds, for each battery that has one."""
        found: dict[int, TwinSnapshot] = {}
        with self._database.session():
            for key in battery_keys:
                before = np.iinfo(np.int64).max if before_us is None else before_us[key]
                for stored in self._database.snapshots.get(key, []):
                    if key in found or stored.superseded or stored.snapshot.layout != layout:
                        continue
                    if stored.snapshot.watermark_us >= before:
                        continue
                    if hashlib.sha256(stored.snapshot.state + stored.snapshot.life).digest() != stored.sha256:
                        _log.error("snapshot of battery %d is damaged and passed over", key)
                        continue
                    found[key] = stored.snapshot
        return found

    def read_tail(self, watermarks_us: Mapping[int, int], *, told: bool = True) -> Rows:  # noqa: ARG002 # costs nothing
        """Log of rows newer than each battery's watermark, sorted by battery and sample time."""
        with self._database.session():
            rows = self._database.log_rows()
        marks = [watermarks_us.get(int(key), np.iinfo(np.int64).max) for key in rows["battery_key"]]
        return rows[rows["sample_time_us"] > np.array(marks, np.int64)]

    def find_rows(
        self, battery_keys: NDArray[np.int32], sample_times_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], Rows]:
        """Which of these pairs are stored already, and what was measured then, both of shape `(n_pairs,)`."""
        with self._database.session():
            stored = {_pair(row): row for row in self._database.all_rows()}
            stored |= self._database.late | self._database.too_late
        found, rows = np.zeros(len(battery_keys), np.bool_), np.zeros(len(battery_keys), TELEMETRY_DTYPE)
        for place, pair in enumerate(zip(battery_keys.tolist(), sample_times_us.tolist(), strict=True)):
            if pair in stored:
                found[place], rows[place] = True, stored[pair]
        return found, rows

    def read_inputs(self, taken: Mapping[int, int]) -> list[LoggedInput]:
        """Inputs after those that each battery has taken, sorted by battery and place in its log."""
        with self._database.session():
            found = [i for i in self._database.inputs if i.seq > taken.get(i.content.battery_key, i.seq)]
        return sorted(found, key=lambda i: (i.content.battery_key, i.watermark_us, i.seq))

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


def _pair(row: Rows) -> tuple[int, int]:
    return int(row["battery_key"]), int(row["sample_time_us"])
